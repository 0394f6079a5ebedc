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
    integer: bool = False


class MetricInfo(BaseModel):
    """One metric of the catalogue: what it means, what it is invariant to, where it comes from."""

    id: str = Field(description="Canonical id, parameters included: `cka.rbf.unbiased:sigma=0.4`.")
    family: str
    version: int
    title: str
    direction: str = Field(description="`similarity` (more is more alike) or `distance`.")
    lower: float | None
    upper: float | None
    symmetric: bool = Field(description="false: the value from a to b differs from that from b to a; both are stored.")
    best: float = Field(1.0, description="The value of perfect agreement.")
    self_is_best: bool = Field(True, description="Whether a model's value with itself is the best there is.")
    triangle: str = Field("", description="Function of the value s that is a metric distance; empty: none.")
    null: str = Field("permutation", description=(
        "How chance is known: `closed-form` (moments in closed form, exact p from cyclic shifts) or `permutation`."
    ))
    on_request: bool = Field(False, description="Computed for chosen models only (POST /comparisons), without a null.")
    default_preprocess: str = "l2"
    invariances: list[str]
    minimum_n: int
    parameters: list[MetricParameter]
    cost: str
    precision: str = Field("", description="In what arithmetic it is computed.")
    citation: str
    explanation: str
    computed_on: list[str] = Field(default=[], description="Datasets that have a matrix of this metric.")
