"""Matrices of similarities on the wire."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

ORDER_HASH_HEADER = "X-Order-Hash"
SHAPE_HEADER = "X-Shape"
ORDER_LOCATION_HEADER = "X-Order-Location"


class Gap(BaseModel):
    """A model that has no similarities in a matrix, and why."""

    model: str
    reason: str


class Matrix(BaseModel):
    """All similarities of one dataset by one metric: a full square in the order of `models`."""

    dataset: str
    dataset_version: int
    metric: str
    metric_version: int
    preprocess: str
    n: int = Field(description="Number of stimuli.")
    models: list[str]
    order_hash: str
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
    updated_at: datetime


class SharedOrder(BaseModel):
    """One order of models for all datasets: optimal leaf order of the mean similarity."""

    metric: str
    preprocess: str
    models: list[str]
    order_hash: str
    n_datasets: int
