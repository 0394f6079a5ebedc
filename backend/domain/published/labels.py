"""Whose words describe a model: the published ones, or those of an audit.

Eight of the 37 models that the study calls ImageNet-1k have weights that were trained on ImageNet-21k or 22k (for six
of them the untagged name decides, read with timm 1.0.31). The published labels stay as they are, so that published
numbers can be reproduced; the audited ones say what the weights saw.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

from backend.domain.attributes import MODEL_ATTRIBUTES
from backend.domain.errors import InvalidInput
from backend.domain.published.entries import PublishedModel, published_models

Labelled = Literal["published", "audited"]
LABELS: dict[str, str] = {"published": "as published", "audited": "as audited"}


def check_labels(labels: str) -> None:
    """Raises InvalidInput unless it is one of LABELS."""
    if labels not in LABELS:
        raise InvalidInput(f"There are no labels {labels!r}.", f"Choose one of {', '.join(LABELS)}.")


def catalogue_entry(model: Mapping[Any, Any]) -> PublishedModel | None:
    """The published model that a model is, if any.

    A model of timm is recognised by its name there (with the pretrained tag, or without one as published), any other by
    its name here. One with random weights never is a published model.
    """
    if model["objective"] == "untrained":
        return None
    if model["source"] == "timm":
        return _of_timm().get(model["timm_name"])
    found = published_models().get(model["name"])
    return found if found is not None and found.loader != "timm" else None


def attributes_of(model: Mapping[Any, Any], labels: str = "published") -> dict[str, str]:
    """Attribute -> slug of its value, by published or audited labels.

    `model` is a row or the fields of a model: `name`, `source`, `timm_name` and the attributes. A model that is not in
    the catalogue has one set of labels, its own. Raises InvalidInput for unknown labels.
    """
    check_labels(labels)
    found = catalogue_entry(model)
    if found is None:
        return {attribute: str(model[attribute]) for attribute in MODEL_ATTRIBUTES}
    return labels_of(found, labels)


def tags_of(model: Mapping[Any, Any]) -> list[str]:
    """The tags of a model and those of the published model that it is, each once. `model` as for `attributes_of`, with
    its `tags`."""
    found = catalogue_entry(model)
    return list(dict.fromkeys([*model["tags"], *(found.tags if found is not None else ())]))


def labels_of(model: PublishedModel, labels: str) -> dict[str, str]:
    """Attribute -> slug of its value, of a model of the catalogue."""
    own = {attribute: str(getattr(model, attribute)) for attribute in MODEL_ATTRIBUTES}
    return own | {"training_data": model.training_data_audited} if labels == "audited" else own


@lru_cache(maxsize=1)
def _of_timm() -> dict[str, PublishedModel]:
    """Name in timm, as published and with the pretrained tag that it stands for -> model."""
    ours = [model for model in published_models().values() if model.loader == "timm"]
    return {model.weights: model for model in ours} | {model.published_name: model for model in ours}
