"""The metric catalogue: what every similarity measure is, its preprocessing, and how both are written."""

from backend.domain.metrics.ids import CATALOGUE, DEFAULT_METRICS, UnknownMetric, parse_metric
from backend.domain.metrics.preprocess import (
    DEFAULT_PREPROCESS,
    PREPROCESS_STEPS,
    BadPreprocess,
    Preprocess,
    Step,
    parse_preprocess,
)
from backend.domain.metrics.spec import (
    INVARIANCES,
    BadMetricParameter,
    Direction,
    Invariance,
    Metric,
    MetricSpec,
    Parameter,
    plain,
)

__all__ = [
    "CATALOGUE",
    "DEFAULT_METRICS",
    "DEFAULT_PREPROCESS",
    "INVARIANCES",
    "PREPROCESS_STEPS",
    "BadMetricParameter",
    "BadPreprocess",
    "Direction",
    "Invariance",
    "Metric",
    "MetricSpec",
    "Parameter",
    "Preprocess",
    "Step",
    "UnknownMetric",
    "parse_metric",
    "parse_preprocess",
    "plain",
]
