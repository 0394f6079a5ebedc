"""One pair of models on the wire: its similarity on every dataset, where each number comes from, and the stimuli that
the two models disagree on."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from backend.contracts.datasets import Stimulus
from backend.contracts.matrices import Recipe

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


class EmbeddingOrigin(BaseModel):
    """Which embedding of a model on a dataset a number was computed from."""

    model: str
    revision: str = Field(description="Commit of the hub repository, or SHA-256 of the checkpoint file.")
    weights_sha256: str
    node: str
    pooling: str
    key: str = Field(description="Hash of everything that changes the embedding's numbers.")
    file_sha256: str
    d: int
    batch_size: int
    extractor_version: int
    device_class: str
    library_versions: str
    job_id: int
    created_at: datetime


class PairOnDataset(BaseModel):
    """The similarity of two models on one dataset, its place among all pairs there, and its origin."""

    dataset: str
    dataset_version: int
    dataset_hash: str
    title: str
    domain: str
    n: int = Field(description="Number of stimuli.")
    shows_stimuli: bool = Field(description="Pictures of the dataset may be shown.")
    value: float | None = Field(default=None, description="From a to b. null: see `reason`.")
    reverse: float | None = Field(default=None, description="From b to a, where the measure is not symmetric.")
    ci_low: float | None = Field(default=None, description="95 % interval over stimuli; null: open or not computed.")
    ci_high: float | None = None
    null_mean: float | None = None
    null_sd: float | None = None
    tau: float | None = None
    p: float | None = None
    q: float | None = None
    z: float | None = None
    calibrated: float | None = None
    percentile: float | None = Field(
        default=None, description="Of the other pairs, how many per cent are less alike; ties count half."
    )
    n_pairs: int = Field(default=0, description="Pairs with a value, this one among them.")
    quantiles: list[float] = Field(default=[], description="5, 25, 50, 75 and 95 % of the values of all pairs.")
    reason: str = Field(default="", description="Why there is no value.")
    has_neighbours: bool = Field(default=False, description="Both embeddings have the neighbours of their stimuli.")
    metric_version: int | None = None
    recipe: Recipe = Recipe()
    job_id: int | None = Field(default=None, description="The comparison that computed the value.")
    computed_at: datetime | None = None
    embedding_a: EmbeddingOrigin | None = None
    embedding_b: EmbeddingOrigin | None = None


class Pair(BaseModel):
    """Two models on every dataset by one metric, by domain and title."""

    a: str
    b: str
    metric: str
    preprocess: str
    direction: str = Field(description="Of the value: `similarity` (more is more alike) or `distance`.")
    symmetric: bool
    code_version: str = Field(description="Of the software that answers; what computed is told with each number.")
    datasets: list[PairOnDataset]
    sentence: str


class MovingPair(BaseModel):
    """Two models, and the datasets on which they stand lowest and highest among all pairs."""

    a: str
    b: str
    low_dataset: str
    low_percentile: float
    high_dataset: str
    high_percentile: float
    moves: float = Field(description="high_percentile - low_percentile.")


class MovingPairs(BaseModel):
    """The pairs whose place among all pairs depends most on the dataset."""

    metric: str
    preprocess: str
    n_pairs: int = Field(description="Pairs with a value on two datasets or more.")
    n_datasets: int
    median_moves: float | None
    pairs: list[MovingPair]


class SeenByBoth(BaseModel):
    """A stimulus, and its nearest neighbours to each of two models: rows, the nearest first."""

    ord: int
    shared: int = Field(description="How many of the k neighbours both models have.")
    agreement: float = Field(description="Overlap of the lists averaged over all depths that are stored, 0 to 1.")
    neighbours_a: list[int]
    neighbours_b: list[int]
    same_label_a: int | None = Field(description="Neighbours with the stimulus's own label; null where it has none.")
    same_label_b: int | None


class Disagreement(BaseModel):
    """What two models find alike on one dataset: the stimuli on which they part most (or least)."""

    a: str
    b: str
    dataset: str
    dataset_version: int
    dataset_hash: str
    title: str
    licence: str
    shows_stimuli: bool
    n: int
    k: int = Field(description="Neighbours that are counted and listed.")
    depth: int = Field(description="Neighbours that are stored, which break ties.")
    order: Literal["disagreement", "agreement"]
    counts: list[int] = Field(description="Number of stimuli that share 0, 1, ... k neighbours.")
    mean_shared: float
    chance: float = Field(description="What lists drawn at random share on average.")
    label_share_a: float | None = Field(description="Share of all neighbours that have their stimulus's own label.")
    label_share_b: float | None
    items: list[SeenByBoth]
    stimuli: list[Stimulus] = Field(description="Every stimulus that `items` names, by row.")
    embedding_a: EmbeddingOrigin
    embedding_b: EmbeddingOrigin
    neighbours_job_a: int
    neighbours_job_b: int
    sentence: str
