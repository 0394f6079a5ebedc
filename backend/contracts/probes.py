"""Similarity and behaviour on the wire: linear probes, the link of similarity to gaps in accuracy, fewer stimuli.

As everywhere in consistency: a number that is not defined is null, and intervals resample models, never pairs.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from backend.contracts.consistency import Scope


class ProbeRequest(BaseModel):
    """A request for the linear probes of every model on one dataset: those that are missing are trained."""

    model_config = ConfigDict(extra="forbid")
    dataset: str = Field(max_length=200, description="Name; `name@2` is a version, a bare name the newest.")


class SubsampleRequest(BaseModel):
    """A request for one matrix on a half, a quarter and a tenth of its stimuli."""

    model_config = ConfigDict(extra="forbid")
    dataset: str = Field(max_length=200, description="Name; `name@2` is a version, a bare name the newest.")
    metric: str = Field(max_length=200, description="Metric id; the matrix must be computed.")
    preprocess: str = Field("l2", max_length=100, description="Steps joined by `+`, or `none`.")


class ProbeRun(BaseModel):
    """One training of a probe, on one split of the stimuli."""

    seed: int = Field(description="Of the split into training and test stimuli, and of the order of batches.")
    top1: float
    top5: float
    mean_class_recall: float
    n_train: int
    n_test: int
    learning_rate: float
    weight_decay: float
    steps: int


class Probe(BaseModel):
    """How well the labels of a dataset can be read from one model's embedding: means over runs."""

    model: str
    dataset: str
    dataset_version: int
    top1: float = Field(description="Share of test stimuli whose label is right, 0 to 1.")
    top1_sd: float | None = Field(description="Standard deviation over runs; null with a single one.")
    top5: float = Field(description="Share whose label is among the five likeliest.")
    mean_class_recall: float
    chance: float = Field(description="Share of the most frequent label among the test stimuli.")
    n_labels: int
    whole_groups: bool | None = Field(
        description="No group of stimuli is on both sides of the split; false: labels are groups; null: no groups."
    )
    protocol: int = Field(description="Version of how probes are trained and scored.")
    runs: list[ProbeRun]
    embedding_sha256: str
    job: int = Field(description="The job of the last run.")
    computed_at: datetime


class GapLink(BaseModel):
    """One dataset: r over model pairs of their similarity with the gap between their accuracies."""

    dataset: str
    title: str
    domain: str
    r: float | None
    ci_low: float | None
    ci_high: float | None
    n_pairs: int
    n_models: int
    small: bool
    best: float | None = Field(description="Accuracy of the best model; null without probes.")
    worst: float | None
    chance: float | None
    whole_groups: bool | None = Field(default=None, description="As of the probes.")
    note: str = ""


class Performance(BaseModel):
    """Whether models that are more similar differ less in what they can do, on every dataset."""

    scope: Scope
    protocol: int
    datasets: list[GapLink] = Field(description="By domain, then name.")
    median: float | None = Field(description="Of r over datasets.")
    sentence: str


class GapPairs(BaseModel):
    """One dataset's pairs of models, as columns: what lies behind its r."""

    scope: Scope
    dataset: str
    link: GapLink
    models: list[str]
    accuracy: list[float | None] = Field(description="Top-1 accuracy of every model; null without a probe.")
    i: list[int] = Field(description="Position of the first model in `models`.")
    j: list[int]
    similarity: list[float]
    gap: list[float] = Field(description="Absolute difference of the two accuracies.")
    sentence: str


class FewerStimuli(BaseModel):
    """One matrix from a part of the stimuli against the one from all of them."""

    divisor: int = Field(description="One stimulus of so many was used.")
    seed: int
    n: int = Field(description="Stimuli that were used.")
    r: float | None = Field(description="Over model pairs, with the matrix of all stimuli.")
    quantiles: list[float | None] = Field(description="Of |difference|: 5, 25, 50, 75 and 95 %.")
    n_pairs: int
    n_models: int


class Sensitivity(BaseModel):
    """How far the similarities on one dataset depend on the number of stimuli."""

    scope: Scope
    dataset: str
    n: int = Field(description="All stimuli.")
    parts: list[FewerStimuli] = Field(description="By number of stimuli, then seed; empty: not computed.")
    possible: dict[int, int] = Field(description="Divisor -> stimuli, of the parts that this dataset can be cut into.")
    jobs: list[int] = Field(default=[], description="Unfinished jobs that compute them.")
    sentence: str
