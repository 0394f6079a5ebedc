"""The words that describe models and datasets: published vocabularies as slugs, and the names shown for them.

Sources: the published 64 models and 23 datasets (arXiv 2411.05561); `untrained` and `other` where its words do not fit.
"""

from __future__ import annotations

import re
import unicodedata

OBJECTIVES = {
    "image-text": "Image-Text",
    "self-supervised": "Self-Supervised",
    "supervised": "Supervised",
    "untrained": "Untrained",
    "other": "Other",
}
ARCHITECTURES = {"convolutional": "Convolutional", "transformer": "Transformer", "other": "Other"}
TRAINING_DATA = {
    "imagenet-1k": "ImageNet-1k",
    "imagenet-21k": "ImageNet-21k",
    "large": "Large",
    "xlarge": "XLarge",
    "other": "Other",
}
SIZES = {"small": "Small", "medium": "Medium", "large": "Large", "xlarge": "XLarge"}
DOMAINS = {
    "natural-multi": "Natural (multi-domain)",
    "natural-single": "Natural (single-domain)",
    "specialized": "Specialized",
    "structured": "Structured",
}
# Attribute name -> its vocabulary, in the order in which screens list them.
MODEL_ATTRIBUTES = {
    "objective": OBJECTIVES,
    "architecture": ARCHITECTURES,
    "training_data": TRAINING_DATA,
    "size": SIZES,
}
SLUG_PATTERN = r"[a-z0-9][a-z0-9._-]{0,119}"


def size_of(n_parameters: int) -> str:
    """The published size class: small < 100M <= medium < 300M <= large < 400M <= xlarge parameters."""
    for limit, name in ((100_000_000, "small"), (300_000_000, "medium"), (400_000_000, "large")):
        if n_parameters < limit:
            return name
    return "xlarge"


def slug_of(text: str) -> str:
    """A slug made from any text: NFKC, case folded, everything else turned into single hyphens."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[^a-z0-9._-]+", "-", folded).strip("-._")[:120]


def is_slug(text: str) -> bool:
    """Whether the text can be the name of a model, a dataset or a tag."""
    return re.fullmatch(SLUG_PATTERN, text) is not None
