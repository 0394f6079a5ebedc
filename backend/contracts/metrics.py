"""The metric catalogue on the wire."""

from __future__ import annotations

from pydantic import BaseModel, Field


class MetricParameter(BaseModel):
    """A parameter of a metric with its range."""

    name: str
    minimum: float
    maximum: float
    default: float | None = None
    description: str = ""


class MetricInfo(BaseModel):
    """One metric of the catalogue: what it means, what it is invariant to, where it comes from."""

    id: str = Field(description="Canonical id, parameters included: `cka.rbf.unbiased:sigma=0.4`.")
    family: str
    version: int
    title: str
    direction: str = Field(description="`similarity` (more is more alike) or `distance`.")
    lower: float | None
    upper: float | None
    symmetric: bool
    invariances: list[str]
    minimum_n: int
    parameters: list[MetricParameter]
    cost: str
    citation: str
    explanation: str
    computed_on: list[str] = Field(default=[], description="Datasets that have a matrix of this metric.")
