"""The metric catalogue: what every similarity measure is, and how its canonical id is written and read.

A canonical id is `family[:parameter=value[,...]]`, for instance `cka.linear.unbiased` or
`cka.rbf.unbiased:sigma=0.4`. Together with the metric's version and the preprocessing it is part of the
identity of every stored number. Flags of a spec (symmetry, bounds, invariances) speak of the measure on the
rows it is given, after preprocessing; they are the parameters of the tests in tests/science.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from backend.domain.errors import InvalidInput, nearest_hint

Direction = Literal["similarity", "distance"]
Invariance = Literal["orthogonal", "isotropic-scaling", "translation", "feature-permutation", "row-affine"]
# What each invariance means: the value does not change when, for one of the two models, ...
INVARIANCES: dict[Invariance, str] = {
    "orthogonal": "the feature space is rotated or reflected",
    "isotropic-scaling": "all features are multiplied by one positive number",
    "translation": "one vector is added to every row",
    "feature-permutation": "the features are reordered",
    "row-affine": "each row is multiplied by a positive number and shifted by a number of its own",
}
PREPROCESS_STEPS: dict[str, str] = {
    "l2": "every row divided by its Euclidean length",
    "center": "the mean of every column subtracted",
}


class UnknownMetric(InvalidInput):
    """No metric of the catalogue has that id."""


class BadMetricParameter(InvalidInput):
    """A metric's parameter is missing, unknown, not a number or outside its range."""


class BadPreprocess(InvalidInput):
    """The preprocessing names a step that does not exist, or steps that do not go together."""


@dataclass(frozen=True)
class Parameter:
    """A number that belongs to a metric's id. `minimum` and `maximum` are allowed values themselves."""

    name: str
    minimum: float
    maximum: float
    default: float
    description: str


@dataclass(frozen=True)
class MetricSpec:
    """A measure described as data.

    `family` is the id without parameters; specs of one family differ in their parameters. `version` is raised
    when numbers change. `lower` and `upper` bound the values; `direction` says whether more is more alike.
    `minimum_n` is the least number of stimuli. `cost` is for M models, n stimuli and d features.
    """

    family: str
    version: int
    title: str
    parameters: tuple[Parameter, ...]
    direction: Direction
    lower: float
    upper: float
    symmetric: bool
    invariances: frozenset[Invariance]
    minimum_n: int
    cost: str
    citation: str
    explanation: str

    @property
    def key(self) -> str:
        """What tells specs apart: the family and the names of the parameters, `cka.rbf.unbiased:sigma`."""
        names = ",".join(p.name for p in self.parameters)
        return f"{self.family}:{names}" if names else self.family

    @property
    def default(self) -> Metric:
        """The metric with every parameter at its default."""
        return Metric(self, tuple(p.default for p in self.parameters))


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
        written = ",".join(f"{name}={_plain(value)}" for name, value in self.parameters.items())
        return f"{self.spec.family}:{written}" if written else self.spec.family

    @property
    def version(self) -> int:
        return self.spec.version

    @property
    def title(self) -> str:
        """For people: the spec's title with the values, `CKA, RBF kernel, unbiased (sigma 0.4)`."""
        written = ", ".join(f"{name} {_plain(value)}" for name, value in self.parameters.items())
        return f"{self.spec.title} ({written})" if written else self.spec.title

    def __str__(self) -> str:
        return self.id


@dataclass(frozen=True)
class Preprocess:
    """Steps applied to the rows of an embedding, left to right, before any metric sees them."""

    steps: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Canonical form: `none`, or the steps joined by `+`."""
        return "+".join(self.steps) or "none"

    def __str__(self) -> str:
        return self.id


_KORNBLITH = (
    "Kornblith, Norouzi, Lee, Hinton: Similarity of neural network representations revisited, ICML 2019"
)
_SONG = "Song, Smola, Gretton, Bedo, Borgwardt: Feature selection via dependence maximization, JMLR 13, 2012"
_KRIEGESKORTE = (
    "Kriegeskorte, Mur, Bandettini: Representational similarity analysis, "
    "Frontiers in Systems Neuroscience 2, 2008"
)
_TILES_COST = (
    "O(M n^2 d + M^2 n^2) time, one more model O(M n^2 d); memory for tiles of the n x n tables, never M n^2"
)
_RANKS_COST = (
    "O(M n^2 d + M^2 n^2) time, one more model O(M n^2 d); memory 2 n^2 bytes for each model held at a time, "
    "as many as the budget allows"
)
_SIGMA = Parameter(
    "sigma",
    0.01,
    10_000.0,
    0.4,
    "Width of the Gaussian kernel exp(-distance^2 / (2 sigma^2)), in the units of the preprocessed rows; "
    "published: 0.2, 0.4, 0.6, 0.8 on rows of unit length.",
)
_MEDIAN = Parameter(
    "median",
    0.05,
    20.0,
    1.0,
    "Width of the Gaussian kernel as a multiple of the square root of the lower median of the non-zero "
    "squared distances.",
)
_ROTATION: frozenset[Invariance] = frozenset({"orthogonal", "translation", "feature-permutation"})
_UNBIASED_WORDS = (
    "It is the unbiased estimate: unrelated models score about 0 whatever their width, so values may be "
    "slightly negative."
)
_BIASED_WORDS = (
    "It is the classical, biased estimate: it never falls below 0, but unrelated models score well above 0, "
    "the more so the more features they have and the fewer stimuli there are. Prefer the unbiased form unless "
    "you need to match older numbers."
)


def _linear_cka(estimator: str, minimum_n: int, lower: float, words: str) -> MetricSpec:
    return MetricSpec(
        family=f"cka.linear.{estimator}",
        version=1,
        title=f"CKA, linear kernel, {estimator}",
        parameters=(),
        direction="similarity",
        lower=lower,
        upper=1.0,
        symmetric=True,
        invariances=_ROTATION | {"isotropic-scaling"},
        minimum_n=minimum_n,
        cost=_TILES_COST,
        citation=f"{_KORNBLITH}; {_SONG}" if estimator == "unbiased" else _KORNBLITH,
        explanation=(
            "Each model says how alike every two stimuli are, by the inner product of their feature vectors; "
            "the score is how well the two models' tables of inner products agree, 1 being perfect agreement. A "
            "few large directions of the feature space dominate it, so it speaks of global structure. "
            + words
        ),
    )


def _rbf_cka(estimator: str, parameter: Parameter, minimum_n: int, lower: float, words: str) -> MetricSpec:
    scaling: frozenset[Invariance] = frozenset({"isotropic-scaling"} if parameter.name == "median" else ())
    return MetricSpec(
        family=f"cka.rbf.{estimator}",
        version=1,
        title=f"CKA, RBF kernel, {estimator}",
        parameters=(parameter,),
        direction="similarity",
        lower=lower,
        upper=1.0,
        symmetric=True,
        invariances=_ROTATION | scaling,
        minimum_n=minimum_n,
        cost=_TILES_COST,
        citation=f"{_KORNBLITH}; {_SONG}" if estimator == "unbiased" else _KORNBLITH,
        explanation=(
            "Like linear CKA, but two stimuli count as alike only when they lie within about one kernel width of "
            "each other, so the score speaks of local structure: which stimuli are close neighbours. The "
            "narrower the kernel, the more local. " + words
        ),
    )


def _rsa(comparator: str, cost: str, words: str) -> MetricSpec:
    return MetricSpec(
        family=f"rsa.correlation.{comparator}",
        version=1,
        title=f"RSA, correlation distance, {comparator.title()}",
        parameters=(),
        direction="similarity",
        lower=-1.0,
        upper=1.0,
        symmetric=True,
        invariances=frozenset({"isotropic-scaling", "feature-permutation", "row-affine"}),
        minimum_n=3,
        cost=cost,
        citation=_KRIEGESKORTE,
        explanation=(
            "Each model gives a table of dissimilarities, 1 minus the correlation of two stimuli's feature "
            f"vectors; the score is the {comparator.title()} correlation of the two models' tables over all "
            "pairs of stimuli. " + words
        ),
    )


_SPECS = (
    _linear_cka("unbiased", 4, -1.0, _UNBIASED_WORDS),
    _linear_cka("biased", 3, 0.0, _BIASED_WORDS),
    _rbf_cka("unbiased", _SIGMA, 4, -1.0, _UNBIASED_WORDS),
    _rbf_cka("unbiased", _MEDIAN, 4, -1.0, _UNBIASED_WORDS),
    _rbf_cka("biased", _SIGMA, 3, 0.0, _BIASED_WORDS),
    _rbf_cka("biased", _MEDIAN, 3, 0.0, _BIASED_WORDS),
    _rsa("pearson", _TILES_COST, "It compares the dissimilarities themselves, so large ones weigh most."),
    _rsa(
        "spearman",
        _RANKS_COST,
        "It compares only their order, so it does not depend on how each model scales dissimilarity.",
    ),
)
CATALOGUE: dict[str, MetricSpec] = {spec.key: spec for spec in _SPECS}


def parse_metric(text: str) -> Metric:
    """The metric that an id names. A parameter that is left out takes its default; the result's `id` is
    canonical.

    Raises UnknownMetric (with the nearest id) and BadMetricParameter (with the parameter and its range).
    """
    family, _, rest = text.strip().partition(":")
    specs = [spec for spec in CATALOGUE.values() if spec.family == family]
    if not specs:
        known = [spec.default.id for spec in CATALOGUE.values()]
        raise UnknownMetric(f"There is no metric {text!r}.", hint=nearest_hint(text, known, "metrics"))
    given = _read_parameters(rest, text)
    for spec in specs:
        if {p.name for p in spec.parameters} == set(given) or not given:
            return Metric(
                spec, tuple(_in_range(p, given.get(p.name, p.default), text) for p in spec.parameters)
            )
    forms = " or ".join(spec.default.id for spec in specs)
    raise BadMetricParameter(
        f"{family} does not take the parameters {', '.join(given)} of {text!r}.", hint=f"Write {forms}."
    )


def parse_preprocess(text: str) -> Preprocess:
    """Preprocessing from `none` or steps joined by `+` (`l2`, `center`, `center+l2`).

    Raises BadPreprocess for an unknown step, a step twice in a row, and `none` beside other steps.
    """
    steps = tuple(step.strip() for step in text.split("+"))
    if steps == ("none",):
        return Preprocess()
    known = [*PREPROCESS_STEPS, "none"]
    for step, before in zip(steps, (None, *steps), strict=False):
        if step == "none":
            raise BadPreprocess(
                f"Preprocessing {text!r} mixes none with other steps.", hint="Write none alone."
            )
        if step not in PREPROCESS_STEPS:
            raise BadPreprocess(
                f"Unknown preprocessing step {step!r} in {text!r}.",
                hint=nearest_hint(step, known, "steps, joined by +"),
            )
        if step == before:
            raise BadPreprocess(
                f"Preprocessing {text!r} repeats {step}, to no effect.", hint="Write it once."
            )
    return Preprocess(steps)


def _read_parameters(text: str, whole: str) -> dict[str, float]:
    given: dict[str, float] = {}
    for item in filter(None, text.split(",")):
        name, sign, value = (part.strip() for part in item.partition("="))
        if not sign or not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", value, re.IGNORECASE):
            raise BadMetricParameter(
                f"Cannot read {item!r} in {whole!r}.", hint="Write name=number, several joined by commas."
            )
        if name in given:
            raise BadMetricParameter(f"{whole!r} gives {name} twice.", hint="Give it once.")
        given[name] = float(value)
    return given


def _in_range(parameter: Parameter, value: float, whole: str) -> float:
    if not (math.isfinite(value) and parameter.minimum <= value <= parameter.maximum):
        raise BadMetricParameter(
            f"{parameter.name}={_plain(value)} in {whole!r} is out of range.",
            hint=f"{parameter.name} runs from {_plain(parameter.minimum)} to {_plain(parameter.maximum)}.",
        )
    return value


def _plain(value: float) -> str:
    """The shortest decimal that reads back as the same float64, without a trailing `.0`: 0.4, 1, 10000."""
    return repr(float(value)).removesuffix(".0")


DEFAULT_METRICS: tuple[Metric, ...] = tuple(
    parse_metric(text)
    for text in ("cka.linear.unbiased", "cka.rbf.unbiased:sigma=0.4", "rsa.correlation.spearman")
)
DEFAULT_PREPROCESS = parse_preprocess("l2")
