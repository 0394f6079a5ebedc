"""What a metric is: a measure described as data, and a measure with its parameters' values.

Flags of a spec (symmetry, bounds, invariances) speak of the measure on the rows it is given, after
preprocessing; they are the parameters of the tests in tests/science.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from backend.domain.errors import InvalidInput

Direction = Literal["similarity", "distance"]
Null = Literal["closed-form", "permutation"]
Invariance = Literal[
    "orthogonal", "isotropic-scaling", "translation", "feature-permutation", "row-affine", "linear"
]
# What each invariance means: the value does not change when, for one of the two models, ...
INVARIANCES: dict[Invariance, str] = {
    "orthogonal": "the feature space is rotated or reflected",
    "isotropic-scaling": "all features are multiplied by one positive number",
    "translation": "one vector is added to every row",
    "feature-permutation": "the features are reordered",
    "row-affine": "each row is multiplied by a positive number and shifted by a number of its own",
    "linear": "the features are mixed by any invertible matrix",
}


class BadMetricParameter(InvalidInput):
    """A metric's parameter is missing, unknown, not a number or outside its range."""


@dataclass(frozen=True)
class Parameter:
    """A number that belongs to a metric's id. `minimum` and `maximum` are allowed values themselves."""

    name: str
    minimum: float
    maximum: float
    default: float
    description: str
    integer: bool = False


@dataclass(frozen=True)
class MetricSpec:
    """A measure described as data.

    `family` is the id without parameters; specs of one family differ in their parameters. `version` is raised
    when numbers change. `lower` and `upper` bound the values, None where nothing does; `direction` says whether
    more is more alike. `self_is_best` says whether a model's similarity to itself is the best value there is.
    `triangle` is the function of the value, written with s, that satisfies the triangle inequality, or empty.
    `null` is how chance is known: moments in closed form with an exact p from cyclic shifts, or permutations.
    `on_request` metrics cost so much that they are computed for chosen models only. `minimum_n` is the least
    number of stimuli. `cost` is for M models, n stimuli and d features; `precision` says in what arithmetic.
    """

    family: str
    version: int
    title: str
    direction: Direction
    lower: float | None
    upper: float | None
    symmetric: bool
    invariances: frozenset[Invariance]
    minimum_n: int
    null: Null
    cost: str
    precision: str
    citation: str
    explanation: str
    parameters: tuple[Parameter, ...] = ()
    self_is_best: bool = True
    triangle: str = ""
    on_request: bool = False

    @property
    def key(self) -> str:
        """What tells specs apart: the family and the names of the parameters, `cka.rbf.unbiased:sigma`."""
        names = ",".join(p.name for p in self.parameters)
        return f"{self.family}:{names}" if names else self.family

    @property
    def default(self) -> Metric:
        """The metric with every parameter at its default."""
        return Metric(self, tuple(p.default for p in self.parameters))

    @property
    def best(self) -> float:
        """The value of perfect agreement: 1 for similarities, 0 for distances."""
        return 1.0 if self.direction == "similarity" else 0.0


@dataclass(frozen=True)
class Metric:
    """A spec with a value for each of its parameters, in the spec's order."""

    spec: MetricSpec
    values: tuple[float, ...] = ()

    @property
    def parameters(self) -> dict[str, float]:
        return {p.name: v for p, v in zip(self.spec.parameters, self.values, strict=True)}

    @property
    def id(self) -> str:
        """Canonical id, parameters always written: `cka.rbf.unbiased:sigma=0.4`."""
        written = ",".join(f"{name}={plain(value)}" for name, value in self.parameters.items())
        return f"{self.spec.family}:{written}" if written else self.spec.family

    @property
    def version(self) -> int:
        return self.spec.version

    @property
    def title(self) -> str:
        """For people: the spec's title with the values, `CKA, RBF kernel, unbiased (sigma 0.4)`."""
        written = ", ".join(f"{name} {plain(value)}" for name, value in self.parameters.items())
        return f"{self.spec.title} ({written})" if written else self.spec.title

    @property
    def minimum_n(self) -> int:
        """The least number of stimuli, with these parameters: k neighbours need k others and one more."""
        needed = [int(value) + 2 for p, value in zip(self.spec.parameters, self.values, strict=True) if p.integer]
        return max([self.spec.minimum_n, *needed])

    def __str__(self) -> str:
        return self.id


def plain(value: float) -> str:
    """The shortest decimal that reads back as the same float64, without a trailing `.0`: 0.4, 1, 10000."""
    return repr(float(value)).removesuffix(".0")
