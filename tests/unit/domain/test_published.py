"""The published catalogue, against what the study and its notebooks say of it."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
import pytest

from backend.domain.attributes import DOMAINS, MODEL_ATTRIBUTES, is_slug, size_of
from backend.domain.errors import InvalidInput
from backend.domain.published import (
    PublishedModel,
    attributes_of,
    catalogue_entry,
    published_datasets,
    published_models,
    tags_of,
)
from backend.domain.timm_names import is_known

MODELS = list(published_models().values())
# Attribute -> value -> number of models (the study's four categories), and value pair -> number of unordered pairs of
# models: all 29 model-set pairs.
COUNTS = {
    "objective": {"image-text": 14, "self-supervised": 20, "supervised": 30},
    "architecture": {"convolutional": 24, "transformer": 40},
    "training_data": {"imagenet-1k": 37, "imagenet-21k": 9, "large": 11, "xlarge": 7},
    "size": {"small": 32, "medium": 14, "large": 8, "xlarge": 10},
}
PAIRS = {
    "objective": [91, 280, 420, 190, 600, 435],
    "architecture": [276, 960, 780],
    "training_data": [666, 333, 407, 259, 36, 99, 63, 55, 77, 21],
    "size": [496, 448, 256, 320, 91, 112, 140, 28, 80, 45],
}


def row(**fields: object) -> dict[str, object]:
    plain = {"name": "mine", "source": "timm", "timm_name": "resnet18", "objective": "supervised",
             "architecture": "convolutional", "training_data": "imagenet-1k", "size": "small"}
    return plain | fields


def test_there_are_64_models_and_23_datasets_with_names_of_their_own() -> None:
    assert len(MODELS) == 64 and len(published_datasets()) == 23
    for entries in (published_models(), published_datasets()):
        assert all(is_slug(name) and name == entry.name for name, entry in entries.items())
        for column in ("title", "published_name"):
            assert len({getattr(entry, column) for entry in entries.values()}) == len(entries)


@pytest.mark.parametrize("attribute", list(COUNTS))
def test_every_value_has_as_many_models_as_published(attribute: str) -> None:
    values = [getattr(model, attribute) for model in MODELS]
    assert {value: values.count(value) for value in set(values)} == COUNTS[attribute]
    assert set(values) <= set(MODEL_ATTRIBUTES[attribute])


@pytest.mark.parametrize("attribute", list(PAIRS))
def test_the_29_model_set_pairs_have_as_many_pairs_as_published(attribute: str) -> None:
    values = [getattr(model, attribute) for model in MODELS]
    found = []
    for a, b in combinations_with_replacement(COUNTS[attribute], 2):
        pairs = {frozenset((i, j)) for i, x in enumerate(values) for j, y in enumerate(values)
                 if i != j and x == a and y == b}
        found.append(len(pairs))
    assert found == PAIRS[attribute]
    assert sum(found) == 64 * 63 // 2 and sum(len(pairs) for pairs in PAIRS.values()) == 29


@pytest.mark.parametrize(("first", "second", "counts"), [
    ("objective", "architecture", [[2, 12], [9, 11], [13, 17]]),
    ("objective", "training_data", [[0, 0, 7, 7], [16, 0, 4, 0], [21, 9, 0, 0]]),
])
def test_sets_are_confounded_as_published(first: str, second: str, counts: list[list[int]]) -> None:
    table = [[sum(getattr(m, first) == a and getattr(m, second) == b for m in MODELS) for b in COUNTS[second]]
             for a in COUNTS[first]]
    np.testing.assert_array_equal(table, counts)


def test_size_follows_from_the_number_of_parameters() -> None:
    assert all(model.size == size_of(model.n_parameters) for model in MODELS)
    assert round(np.mean([model.embedding_dim for model in MODELS])) == 1320


def test_loaders_are_those_of_the_study() -> None:
    sources = {"timm": 0, "ssl": 0, "custom": 0, "torchvision": 0}
    kind = {"open_clip": "custom", "transformers": "custom", "torch.hub": "ssl", "vissl": "ssl", "checkpoint": "ssl"}
    for model in MODELS:
        sources[kind.get(model.loader, model.loader)] += 1
    assert sources == {"timm": 22, "ssl": 20, "custom": 13, "torchvision": 9}
    timm = [model for model in MODELS if model.loader == "timm"]
    assert all(is_known(model.weights) and "." in model.weights for model in timm)
    assert all(model.weights.startswith(model.published_name) for model in timm)


def test_tags_name_the_exclusion_set_and_the_anchors() -> None:
    assert sorted(model.name for model in MODELS if "mae" in model.tags) == [
        "mae-vit-base-p16", "mae-vit-huge-p14", "mae-vit-large-p16"]
    assert sum("anchor" in model.tags for model in MODELS) == 8


def test_datasets_have_the_published_domains() -> None:
    domains = [dataset.domain for dataset in published_datasets().values()]
    assert {domain: domains.count(domain) for domain in DOMAINS} == {
        "natural-multi": 10, "natural-single": 6, "specialized": 4, "structured": 3}
    natural = sum(domain.startswith("natural") for domain in domains)
    other = len(domains) - natural
    assert (natural * (natural - 1) // 2, natural * other, other * (other - 1) // 2) == (120, 112, 21)


def test_subsets_are_10000_stimuli_or_the_whole_training_split() -> None:
    for dataset in published_datasets().values():
        if dataset.subset == "whole train split":
            assert dataset.n_stimuli == dataset.n_train <= 10_000
        else:
            assert 10_000 <= dataset.n_stimuli <= 10_128 and dataset.n_train > 10_000


def test_the_audit_changes_the_training_data_of_eight_models_and_says_why() -> None:
    changed = {m.name for m in MODELS if m.training_data_audited != m.training_data}
    assert len(changed) == 8 and changed == {model.name for model in MODELS if model.audit}
    for name in changed:
        model = published_models()[name]
        assert (model.training_data, model.training_data_audited) == ("imagenet-1k", "imagenet-21k")
        assert "in21k" in model.weights or "in22k" in model.weights
    # What the audit leaves at ImageNet-1k has no sign of the larger set in the name of its weights.
    kept = [m for m in MODELS if m.loader == "timm" and m.training_data_audited == "imagenet-1k"]
    assert kept and not [m.name for m in kept if "in21k" in m.weights or "in22k" in m.weights]


@pytest.mark.parametrize("name", ["vit_large_patch16_224", "vit_large_patch16_224.augreg_in21k_ft_in1k"])
def test_a_model_of_the_catalogue_has_two_sets_of_labels(name: str) -> None:
    model = row(timm_name=name, name="whatever-it-is-called", training_data="other", size="large")
    assert attributes_of(model)["training_data"] == "imagenet-1k"
    assert attributes_of(model, "audited") == {
        "objective": "supervised", "architecture": "transformer", "training_data": "imagenet-21k", "size": "large"}


@pytest.mark.parametrize("fields", [
    {},
    {"name": "vit_large_patch16_224"},  # the name alone does not make another network of timm a published one
    {"name": "vit_large_patch16_224", "source": "checkpoint", "timm_name": "vit_large_patch16_224"},
    {"timm_name": "vit_large_patch16_224", "objective": "untrained", "training_data": "other"},
])
def test_any_other_model_has_its_own_labels(fields: dict[str, object]) -> None:
    model = row(**fields)
    assert catalogue_entry(model) is None
    for labels in ("published", "audited"):
        assert attributes_of(model, labels) == {attribute: model[attribute] for attribute in MODEL_ATTRIBUTES}


def test_a_checkpoint_under_a_published_name_is_that_model() -> None:
    found = catalogue_entry(row(name="dino-vit-base-p16", source="checkpoint", timm_name="vit_base_patch16_224"))
    assert isinstance(found, PublishedModel) and found.title == "DINO ViT-B/16"


def test_unknown_labels_are_refused_with_those_that_there_are() -> None:
    with pytest.raises(InvalidInput, match="corrected") as refusal:
        attributes_of(row(), "corrected")
    assert "published" in refusal.value.hint and "audited" in refusal.value.hint


def test_a_model_has_its_own_tags_and_those_of_the_published_model_that_it_is() -> None:
    tagged = next(model for model in MODELS if model.loader == "timm" and model.tags)
    own = row(timm_name=tagged.weights) | {"tags": ["mine", tagged.tags[0]]}
    assert tags_of(own) == ["mine", *tagged.tags]
    assert tags_of(row() | {"tags": ["mine"]}) == ["mine"]
