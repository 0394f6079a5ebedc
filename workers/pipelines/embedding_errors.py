"""What is wrong with files of embeddings, or with what lies beside them.

BadData
├── BadEmbedding              (workers.similarity.errors, with those of every embedding)
│   ├── UnknownFileType       not a suffix that is read
│   ├── UnreadableFile        damaged, or not what its suffix says
│   ├── MissingFeatures       no tensor or column of features
│   ├── SeveralArrays         which one is meant cannot be known
│   ├── NotTwoDimensional     not one row of features per stimulus
│   ├── NoFeatures            rows of length 0
│   ├── BadSampleIds          ids that are no list of names, one per row
│   ├── DuplicateSamples      one id on two rows
│   ├── OtherSampleOrder      two files with their rows in different orders, or of different samples
│   ├── ZeroRow               a row that has no direction
│   └── ConstantRow           a row that correlates with nothing
├── NoEmbeddings              a folder without a file that is read
├── DuplicateNames            two files whose models would have the same name
├── BadGroups                 groups that do not fit the stimuli
└── BadAttributes             attributes that do not fit the models
InvalidInput
└── MissingPath               no file or folder of that name
"""

from __future__ import annotations

from backend.domain.errors import BadData, InvalidInput
from workers.similarity.errors import BadEmbedding


class MissingPath(InvalidInput):
    """There is no file or folder of that name."""


class UnknownFileType(BadEmbedding):
    """The file's suffix is not one that is read."""


class UnreadableFile(BadEmbedding):
    """The file is damaged, or not what its suffix says."""


class MissingFeatures(BadEmbedding):
    """The file has no tensor or column of features."""


class SeveralArrays(BadEmbedding):
    """The file has several arrays, of which one is meant."""


class NotTwoDimensional(BadEmbedding):
    """The array is not one row of features per stimulus."""


class NoFeatures(BadEmbedding):
    """The rows have no features."""


class BadSampleIds(BadEmbedding):
    """The ids are not a list of names, one for every row."""


class DuplicateSamples(BadEmbedding):
    """Two rows have the same id."""


class OtherSampleOrder(BadEmbedding):
    """The rows of two files do not stand for the same samples in the same order."""


class ZeroRow(BadEmbedding):
    """A row is zero, and rows are to be scaled to unit length or angles taken between them."""


class ConstantRow(BadEmbedding):
    """A row has one value in every feature, and rows are to be correlated."""


class NoEmbeddings(BadData):
    """A folder has no file that could be an embedding."""


class DuplicateNames(BadData):
    """Two files would give models of the same name."""


class BadGroups(BadData):
    """The groups do not fit the stimuli."""


class BadAttributes(BadData):
    """The attributes do not fit the models."""
