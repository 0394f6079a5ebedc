"""Reading the two files of the published catalogue.

Sources: the model configurations, dataset groups and subset rules in the study's published code; parameter counts by
building the models; numbers of stimuli and classes as the datasets' own publications give them.
"""

from __future__ import annotations

import csv
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple


class PublishedModel(NamedTuple):
    """One of the 64 models: where its weights are, where it is read, and what is said of it."""

    name: str
    title: str
    published_name: str  # key in the study's configuration
    loader: str  # timm, torchvision, open_clip, transformers, torch.hub, vissl, checkpoint
    weights: str  # in the words of the loader; for timm always with the pretrained tag
    node: str
    pooling: str
    embedding_dim: int
    network: str
    objective: str
    architecture: str
    training_data: str  # as published
    training_data_audited: str  # as the weights that the published name resolves to were trained
    trained_on: str  # the data set behind the class, as published
    size: str
    n_parameters: int
    counted: str  # what n_parameters counts: all, or with which part that plays no role in the embedding
    tags: tuple[str, ...]  # mae: the published exclusion set; anchor: one of the eight anchor models
    audit: str  # why the audited label differs; empty where it does not


class PublishedDataset(NamedTuple):
    """One of the 23 datasets: its domain, its classes, and how many stimuli the study's similarities used."""

    name: str
    title: str
    published_name: str  # of the stimuli that similarities use
    probe_name: str  # of those that linear probes use
    domain: str
    n_labels: int
    n_train: int
    n_train_is: str  # exactly | about
    n_test: int
    n_stimuli: int
    n_stimuli_is: str  # exactly | at most
    subset: str
    note: str


@lru_cache(maxsize=1)
def published_models() -> dict[str, PublishedModel]:
    """Name -> model, by name."""
    rows = _rows("models.csv", numbers=("embedding_dim", "n_parameters"))
    return {row["name"]: PublishedModel(**row | {"tags": tuple(row["tags"].split())}) for row in rows}


@lru_cache(maxsize=1)
def published_datasets() -> dict[str, PublishedDataset]:
    """Name -> dataset, by name."""
    rows = _rows("datasets.csv", numbers=("n_labels", "n_train", "n_test", "n_stimuli"))
    return {row["name"]: PublishedDataset(**row) for row in rows}


def _rows(name: str, numbers: tuple[str, ...]) -> list[dict[str, Any]]:
    text = files("backend.domain.published").joinpath(name).read_text("utf-8")
    return [row | {column: int(row[column]) for column in numbers} for row in csv.DictReader(text.splitlines())]
