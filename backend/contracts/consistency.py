"""Consistency of similarities across datasets, and the finding, on the wire."""

from __future__ import annotations

from pydantic import BaseModel, Field


class Consistency(BaseModel):
    """Dataset x dataset correlations over model pairs (published definition, all models)."""

    metric: str
    preprocess: str
    method: str = Field(description="`pearson` or `spearman`.")
    datasets: list[str]
    domains: list[str]
    r: list[list[float | None]] = Field(description="1 on the diagonal; null with fewer than three model pairs.")
    n_pairs: list[list[int]] = Field(description="Model pairs that both datasets have.")
    n_models: list[list[int]]


class Finding(BaseModel):
    """The sentence of the first page with the numbers it was made from."""

    sentence: str = Field(description="Empty as long as there is too little to say.")
    numbers: dict[str, float | int | str | list[str] | None]
