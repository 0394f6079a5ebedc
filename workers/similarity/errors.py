"""What the engine refuses, and how a measure says that it is not defined for a model.

InvalidInput
├── BadData
│   └── BadEmbedding            an embedding cannot be compared, whatever the metric
│       ├── NotFloatRows        not a two-dimensional array of floating-point numbers, or not of the announced shape
│       ├── NonFiniteEmbedding  NaN or infinity, with the row
│       ├── ConstantEmbedding   all rows are the same
│       ├── MismatchedStimuli   two embeddings with different numbers of rows
│       └── TooFewStimuli       fewer rows than the metric needs
└── MemoryBudgetTooSmall    the least budget that works is in the hint
"""

from __future__ import annotations

from backend.domain.errors import BadData, InvalidInput


class BadEmbedding(BadData):
    """An embedding that no metric can use."""


class NotFloatRows(BadEmbedding):
    """The array is not (n, d) floating point, or not the shape that its source announced."""


class NonFiniteEmbedding(BadEmbedding):
    """A row holds NaN or infinity."""


class ConstantEmbedding(BadEmbedding):
    """Every stimulus has the same row, so that nothing distinguishes them."""


class MismatchedStimuli(BadEmbedding):
    """Embeddings of different numbers of stimuli cannot be of the same dataset."""


class TooFewStimuli(BadEmbedding):
    """The metric is not defined for so few stimuli."""


class MemoryBudgetTooSmall(InvalidInput):
    """Two models at a time do not fit the budget."""


class Undefined(Exception):
    """A measure has no value for one model. Raised while preparing it; the engine turns it into an exclusion.

    The message is the reason that is stored and shown.
    """


class UndefinedRow(Undefined):
    """A measure has no value for one model because of one row."""

    def __init__(self, row: int, what: str) -> None:
        super().__init__(f"row {row} (counted from 0) {what}")
        self.row, self.what = row, what
