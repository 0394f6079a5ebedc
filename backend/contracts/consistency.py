"""Consistency of similarities across datasets, and the finding, on the wire.

Everywhere: a number that is not defined is null with the reason in `notes`; `n_pairs` counts pairs of models;
`ci_low` and `ci_high` are ends of a 95 % interval that resamples models, never pairs.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from backend.domain.attributes import SLUG_PATTERN

Column = list[float | None]
Square = list[list[float | None]]


class Scope(BaseModel):
    """What numbers were computed from: enough to compute them again."""

    metric: str
    preprocess: str
    layer: str = Field(default="value", description="`value` or `calibrated` similarities were correlated.")
    method: str = Field(default="pearson", description="`pearson` or `spearman`.")
    labels: str = Field(default="published", description="Whose attributes of models: `published` or `audited`.")
    models: str = Field(default="", description="Predicate that chose the models; empty: all.")
    n_models: int = 0
    n_models_of: int = Field(default=0, description="Models there are before the predicate: n_models of n_models_of.")
    datasets: list[str] = []
    interval: str = Field(default="", description="How intervals were found, in words; empty where there are none.")
    resamples: int | None = None
    seed: int | None = None
    notes: list[str] = Field(default=[], description="What a reader must know: small sets, gaps, undefined numbers.")


class Consistency(BaseModel):
    """Dataset x dataset correlations over model pairs (published definition), of all pairs or of one model-set pair."""

    metric: str
    preprocess: str
    method: str = Field(description="`pearson` or `spearman`.")
    datasets: list[str]
    domains: list[str]
    r: Square = Field(description="1 on the diagonal; null with fewer than three model pairs.")
    n_pairs: list[list[int]] = Field(description="Model pairs that both datasets have.")
    n_models: list[list[int]]
    ci_low: Square | None = Field(default=None, description="Where intervals were asked for.")
    ci_high: Square | None = None
    set_a: str = Field(default="all", description="Predicate of the first model set, or `all`.")
    set_b: str = "all"
    median: float | None = Field(default=None, description="Of r over pairs of datasets.")
    median_ci_low: float | None = None
    median_ci_high: float | None = None
    small: bool = Field(default=False, description="The interval is not to be relied on: too few models.")
    scope: Scope | None = None
    sentence: str = ""


class SetPair(BaseModel):
    """Consistency of the pairs between two model sets (or within one): r for every pair of datasets."""

    set_a: str = Field(description="Value, name or predicate; `all` for the baseline.")
    set_b: str
    title: str
    n_models_a: int
    n_models_b: int
    n_pairs: int = Field(description="Most model pairs that any two datasets share.")
    small: bool
    r: Column = Field(description="In the order of `dataset_pairs`.")
    median: float | None
    q1: float | None
    q3: float | None
    ci_low: float | None = Field(description="Of the median over dataset pairs.")
    ci_high: float | None
    n_dataset_pairs: int = Field(description="Dataset pairs with a defined r.")
    n: list[int] = Field(default=[], description="Model pairs behind every r.")
    note: str = ""


class SetPairs(BaseModel):
    """All model-set pairs of one attribute (or of custom sets) beside the baseline of all models."""

    scope: Scope
    by: str
    dataset_pairs: list[tuple[str, str]]
    baseline: SetPair
    pairs: list[SetPair] = Field(description="By median, the highest first; undefined ones last.")
    sentence: str


class Stratum(BaseModel):
    """Models with equal values of the matched attributes, in two sets."""

    values: dict[str, str]
    n_a: int
    n_b: int
    used: bool = Field(description="Both sets have models here.")


class Difference(BaseModel):
    """Whether the pairs within one model set are steadier across datasets than those within another."""

    scope: Scope
    a: SetPair
    b: SetPair
    difference: float | None = Field(description="Median r of a minus median r of b.")
    ci_low: float | None
    ci_high: float | None
    verdict: Literal["a", "b", "tie", "undefined"] = Field(description="`tie`: the interval holds 0.")
    matched_by: list[str] = []
    strata: list[Stratum] = Field(default=[], description="The cross table of both sets by the matched attributes.")
    sentence: str


class LeftOut(BaseModel):
    """What r becomes without one model or dataset."""

    name: str
    r: float | None
    change: float | None = Field(description="r without it minus r with it.")


class GroupOfPairs(BaseModel):
    """The pairs of one set pair in a scatter, with a line of their own."""

    title: str
    set_a: str = Field(default="", description="Value of `by` that one of the two models has.")
    set_b: str = ""
    n_pairs: int
    n_models: int
    r: float | None
    ci_low: float | None
    ci_high: float | None
    slope: float | None
    intercept: float | None
    small: bool


class PairsOfModels(BaseModel):
    """Pairs of models of a scatter, as columns: those that both datasets have."""

    models: list[str]
    i: list[int] = Field(description="Position of the first model in `models`.")
    j: list[int]
    x: list[float]
    y: list[float]
    contribution: Column = Field(description="What the pair adds to r; their sum is r. null where r is not defined.")
    group: list[int] = Field(default=[], description="Position in `groups` of the pair's set pair.")


class DatasetPair(BaseModel):
    """Two datasets: r over model pairs, what each pair contributes, what it becomes without one model."""

    scope: Scope
    dataset_a: str
    dataset_b: str
    r: float | None
    ci_low: float | None
    ci_high: float | None
    n_pairs: int
    n_models: int
    small: bool
    slope: float | None = Field(description="Least squares line of y (second dataset) on x (first).")
    intercept: float | None
    by: str = Field(default="", description="Attribute that `groups` are made by; empty: there are none.")
    groups: list[GroupOfPairs] = []
    pairs: PairsOfModels
    n_listed: int = Field(default=0, description="Pairs listed of n_pairs; fewer where `limit` was reached.")
    without_model: list[LeftOut]
    sentence: str


class Influence(BaseModel):
    """The median r over dataset pairs with and without each dataset."""

    scope: Scope
    median: float | None
    ci_low: float | None = Field(description="Ends of the 95 % interval of the median, resampling models.")
    ci_high: float | None
    without_dataset: list[LeftOut]
    sentence: str


class Anchor(BaseModel):
    """One model against the models of a set: does its ranking of them survive a change of dataset?"""

    model: str
    others: str = Field(description="Value of the attribute, or `all`.")
    n_models: int
    r: Column
    median: float | None
    q1: float | None
    q3: float | None
    ci_low: float | None
    ci_high: float | None
    small: bool


class Anchors(BaseModel):
    scope: Scope
    by: str
    dataset_pairs: list[tuple[str, str]]
    anchors: list[Anchor]
    sentence: str


class MetricAgreement(BaseModel):
    """How far two metrics tell the same story, per dataset and about consistency itself."""

    scope: Scope
    other: str = Field(description="Id of the second metric.")
    datasets: list[str]
    r: Column = Field(description="Over model pairs of one dataset: values by one metric with those by the other.")
    ci_low: Column
    ci_high: Column
    n_pairs: list[int]
    dataset_pairs: list[tuple[str, str]]
    consistency: Column = Field(description="r of each dataset pair by the first metric.")
    consistency_other: Column
    consistency_r: float | None = Field(description="Correlation of those two over dataset pairs.")
    sentence: str


class Spread(BaseModel):
    """Mean and standard deviation (n - 1) of every model pair over datasets."""

    scope: Scope
    models: list[str]
    order_hash: str = ""
    mean: Square
    sd: Square = Field(description="null with fewer than two datasets.")
    n_datasets: list[list[int]]
    sentence: str


class ModelSet(BaseModel):
    """A named set of models."""

    name: str
    title: str
    predicate: str
    models: list[str] = Field(default=[], description="Whom it holds now.")
    published: bool = Field(default=False, description="One of the published analysis; it cannot be deleted.")


class NewModelSet(BaseModel):
    """A set of models to be named."""

    name: str = Field(pattern=f"^{SLUG_PATTERN}$", description="Lower case, digits, `.`, `_` and `-`.")
    title: str = Field(default="", max_length=200, description="As it is shown; empty: the name.")
    predicate: str = Field(min_length=1, max_length=4000, description="Which models: `objective:ssl & !tag:mae`.")


class Finding(BaseModel):
    """The sentence of the first page with the numbers it was made from."""

    sentence: str = Field(description="Empty as long as there is too little to say.")
    numbers: dict[str, Any]
