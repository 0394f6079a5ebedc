"""The published catalogue: the 64 models and 23 datasets of the study (arXiv 2411.05561) that Parallax builds on.

`models.csv` and `datasets.csv` hold it in the words of `backend.domain.attributes`. They say what is known of each, not
that it was computed here.
"""

from __future__ import annotations

from backend.domain.published.entries import PublishedDataset, PublishedModel, published_datasets, published_models
from backend.domain.published.labels import LABELS, Labelled, attributes_of, catalogue_entry, check_labels, tags_of

__all__ = [
    "LABELS", "Labelled", "PublishedDataset", "PublishedModel", "attributes_of", "catalogue_entry", "check_labels",
    "published_datasets", "published_models", "tags_of",
]
