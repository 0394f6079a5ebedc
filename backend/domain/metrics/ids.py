"""The catalogue of metrics, and how a metric's id is written and read.

A canonical id is `family[:parameter=value[,...]]`, for instance `cka.linear.unbiased` or
`cka.rbf.unbiased:sigma=0.4`. Together with the metric's version and the preprocessing it is part of the
identity of every stored number.
"""

from __future__ import annotations

import math

from backend.domain.errors import InvalidInput, nearest_hint
from backend.domain.metrics.kernels import KERNELS
from backend.domain.metrics.neighbours import NEIGHBOURS
from backend.domain.metrics.preprocess import NUMBER
from backend.domain.metrics.rdms import RDMS
from backend.domain.metrics.spec import BadMetricParameter, Metric, MetricSpec, Parameter, plain
from backend.domain.metrics.subspaces import SUBSPACES
from backend.domain.metrics.topology import TOPOLOGY


class UnknownMetric(InvalidInput):
    """No metric of the catalogue has that id."""


CATALOGUE: dict[str, MetricSpec] = {
    spec.key: spec for spec in (*KERNELS, *RDMS, *NEIGHBOURS, *SUBSPACES, *TOPOLOGY)
}


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
            values = tuple(_in_range(p, given.get(p.name, p.default), text) for p in spec.parameters)
            if "low" in given and given["low"] >= given["high"]:
                raise BadMetricParameter(
                    f"{text!r} has low={plain(given['low'])}, which is not below high={plain(given['high'])}.",
                    hint=f"Write for instance {spec.default.id}.",
                )
            return Metric(spec, values)
    forms = " or ".join(spec.default.id for spec in specs)
    raise BadMetricParameter(
        f"{family} does not take the parameters {', '.join(given)} of {text!r}.", hint=f"Write {forms}."
    )


def _read_parameters(text: str, whole: str) -> dict[str, float]:
    given: dict[str, float] = {}
    for item in filter(None, text.split(",")):
        name, sign, value = (part.strip() for part in item.partition("="))
        if not sign or not NUMBER.fullmatch(value):
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
            f"{parameter.name}={plain(value)} in {whole!r} is out of range.",
            hint=f"{parameter.name} runs from {plain(parameter.minimum)} to {plain(parameter.maximum)}.",
        )
    if parameter.integer and value != int(value):
        raise BadMetricParameter(
            f"{parameter.name}={plain(value)} in {whole!r} is not a whole number.", hint=f"Write {parameter.name}=10."
        )
    return value


DEFAULT_METRICS: tuple[Metric, ...] = tuple(
    parse_metric(text)
    for text in ("cka.linear.unbiased", "cka.rbf.unbiased:sigma=0.4", "rsa.correlation.spearman")
)
