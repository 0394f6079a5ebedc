"""Which code computes which metric of the catalogue. A test holds the keys equal to the catalogue's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backend.domain.metrics import Metric
from workers.similarity import cka, rsa
from workers.similarity.measure import Measure

MEASURES: dict[str, Callable[[Metric], Measure[Any]]] = {
    "cka.linear.unbiased": cka.linear,
    "cka.linear.biased": cka.linear,
    "cka.rbf.unbiased:sigma": cka.gaussian,
    "cka.rbf.unbiased:median": cka.gaussian,
    "cka.rbf.biased:sigma": cka.gaussian,
    "cka.rbf.biased:median": cka.gaussian,
    "rsa.correlation.pearson": rsa.correlation,
    "rsa.correlation.spearman": rsa.correlation,
}


def measure_of(metric: Metric) -> Measure[Any]:
    """The measure that computes a metric."""
    return MEASURES[metric.spec.key](metric)
