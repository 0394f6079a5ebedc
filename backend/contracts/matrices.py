"""Matrices of similarities on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

ORDER_HASH_HEADER = "X-Order-Hash"
SHAPE_HEADER = "X-Shape"
ORDER_LOCATION_HEADER = "X-Order-Location"
# Those of backend.domain.quantities; a test holds them equal.
Layer = Literal[
    "value", "null_mean", "null_sd", "tau", "p", "ci_low", "ci_high", "z", "ari", "calibrated", "q"
]


class Gap(BaseModel):
    """A model that has no similarities in a matrix, and why."""

    model: str
    reason: str


class Recipe(BaseModel):
    """How null and interval of a matrix were found; every field is null as long as no row has them."""

    route: str | None = Field(default=None, description=(
        "`cyclic`: null moments in closed form, p exact over the cyclic shifts of one relabelling; `permutation`: K "
        "permutations of stimuli, the same for all pairs; `block-permutation`: of whole groups of stimuli."
    ))
    seed: int | None = None
    alpha: float | None = Field(default=None, description="Unrelated models pass tau with this probability.")
    permutations: int | None = Field(default=None, description="K, where the null was found by permuting.")
    ways: int | None = Field(default=None, description=(
        "Where whole groups are permuted, each among those of its size: how many ways there are, counted up to a "
        "million. p hardly falls below one in so many."
    ))
    ci_method: str | None = Field(default=None, description="How the 95 % interval was found.")


class Matrix(BaseModel):
    """One layer of a matrix, all pairs of one dataset by one metric: a full square in the order of `models`."""

    dataset: str
    dataset_version: int
    metric: str
    metric_version: int
    preprocess: str
    n: int = Field(description="Number of stimuli.")
    models: list[str]
    order_hash: str
    layer: Layer = Field("value", description="Which numbers; see `layer` of GET /matrices.")
    direction: str = Field("similarity", description="Of the value: `similarity` (more is more alike) or `distance`.")
    symmetric: bool = Field(True, description="false: values[i][j] is from model i to model j.")
    recipe: Recipe = Recipe()
    values: list[list[float | None]] = Field(description="null where nothing was computed.")
    computed: list[list[bool]]
    gaps: list[Gap]
    updated_at: datetime


class MatrixSummary(BaseModel):
    """What is known of one matrix without its values."""

    dataset: str
    metric: str
    preprocess: str
    n: int
    n_models: int
    n_calibrated: int = Field(0, description="Models whose pairs have their null; others still wait for it.")
    updated_at: datetime


class Diagnostics(BaseModel):
    """What the embedding of one model on one dataset says of itself."""

    model: str
    participation_ratio: float = Field(description="How many directions carry the variance of the features.")
    effective_rank: float = Field(description="How many directions the features use, small ones included more.")
    outlier_dominance: float = Field(description="Share of all squared activation in the strongest features, 0 to 1.")


class SharedOrder(BaseModel):
    """One order of models for all datasets: optimal leaf order of the mean similarity."""

    metric: str
    preprocess: str
    models: list[str]
    order_hash: str
    n_datasets: int
