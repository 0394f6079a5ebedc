"""The published catalogue and the coverage of embeddings, on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

CellState = Literal["computed", "running", "queued", "failed", "missing"]
# How a row of states is written: one letter per dataset.
STATE_LETTERS: dict[CellState, str] = {"computed": "c", "running": "r", "queued": "q", "failed": "f", "missing": "m"}


class PublishedModel(BaseModel):
    """One of the 64 published models: what is known of it, whether or not it was computed here."""

    name: str
    title: str
    published_name: str = Field(description="Key in the study's configuration.")
    loader: str = Field(description="What loads its weights: timm, torchvision, open_clip, transformers, ...")
    weights: str = Field(description="In the words of the loader.")
    node: str
    pooling: str
    embedding_dim: int
    network: str
    objective: str
    architecture: str
    training_data: str = Field(description="As published.")
    training_data_audited: str = Field(description="As the weights that the published name means were trained.")
    trained_on: str = Field(description="The data set behind the class, as published.")
    size: str
    n_parameters: int
    counted: str = Field(description="What `n_parameters` counts beside the network that gives the embedding.")
    tags: list[str]
    audit: str = Field(description="Why the audited label differs; empty where it does not.")
    here: str | None = Field(description="The model of this service that it is; null: known, not computed.")


class PublishedDataset(BaseModel):
    """One of the 23 published datasets."""

    name: str
    title: str
    published_name: str
    probe_name: str
    domain: str
    n_labels: int
    n_train: int
    n_train_is: str = Field(description="`exactly` or `about`.")
    n_test: int
    n_stimuli: int = Field(description="Used for similarities.")
    n_stimuli_is: str = Field(description="`exactly` or `at most`.")
    subset: str
    note: str
    here: str | None = Field(description="The dataset of this service that it is; null: known, not added.")


class CoveredModel(BaseModel):
    """One row of the coverage: a model that is here, or a published one that is not."""

    name: str
    title: str
    here: bool
    published: str = Field(description="Its name in the published catalogue; empty: not in it.")
    objective: str
    architecture: str
    training_data: str = Field(description="As published, for a published model.")
    training_data_audited: str
    size: str
    n_parameters: int
    tags: list[str]
    obstacle: str = Field(description="Why it cannot be embedded here as it is; empty: it can.")


class CoveredDataset(BaseModel):
    """One column of the coverage: the newest version of a dataset that is here, or a published one that is not."""

    name: str
    title: str
    here: bool
    published: str
    version: int | None
    domain: str
    n_stimuli: int
    obstacle: str


class CellJob(BaseModel):
    """The job behind a cell that is queued, running or failed."""

    model: str
    dataset: str
    state: CellState
    job: int
    message: str = ""
    hint: str = ""


class EmbeddingsCoverage(BaseModel):
    """Which model is embedded on which dataset."""

    models: list[CoveredModel]
    datasets: list[CoveredDataset]
    states: list[str] = Field(description=(
        "A row per model, a letter per dataset: c computed, r running, q queued, f failed, m missing."
    ))
    jobs: list[CellJob] = Field(description="Of every cell that is queued, running or failed.")
    counts: dict[CellState, int]


class WantedEmbeddings(BaseModel):
    """A request to embed one model on datasets. The model is here, or a published one of timm."""

    model_config = ConfigDict(extra="forbid")
    model: str = Field(max_length=200)
    datasets: list[str] = Field(max_length=1000)


class ModelEmbedding(BaseModel):
    """The current embedding of a model on one dataset, with what made it."""

    dataset: str
    dataset_version: int
    n: int = Field(description="Stimuli (rows).")
    d: int = Field(description="Features (columns).")
    dtype: str
    device_class: str
    extractor_version: int
    library_versions: str
    file_sha256: str
    job: int
    created_at: datetime
