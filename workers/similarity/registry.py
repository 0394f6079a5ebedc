"""Which code computes which metric of the catalogue. A test holds the keys equal to the catalogue's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backend.domain.metrics import Metric
from workers.similarity import cca, cka, distance_correlation, procrustes, rsa, rtd
from workers.similarity.measure import Measure
from workers.similarity.neighbours import cknna, mutual, sequences, sets

MEASURES: dict[str, Callable[[Metric], Measure[Any]]] = {
    "cka.linear.unbiased": cka.linear,
    "cka.linear.biased": cka.linear,
    "cka.rbf.unbiased:sigma": cka.gaussian,
    "cka.rbf.unbiased:median": cka.gaussian,
    "cka.rbf.biased:sigma": cka.gaussian,
    "cka.rbf.biased:median": cka.gaussian,
    "distance-correlation.unbiased": distance_correlation.unbiased,
    "rsa.correlation.pearson": rsa.measure,
    "rsa.correlation.spearman": rsa.measure,
    "rsa.correlation.spearman-binned": rsa.measure,
    "rsa.correlation.spearman:low,high": rsa.measure,
    "rsa.cosine.pearson": rsa.measure,
    "rsa.cosine.spearman": rsa.measure,
    "rsa.cosine.spearman-binned": rsa.measure,
    "rsa.cosine.spearman:low,high": rsa.measure,
    "rsa.euclidean.pearson": rsa.measure,
    "rsa.euclidean.spearman": rsa.measure,
    "rsa.euclidean.spearman-binned": rsa.measure,
    "rsa.euclidean.spearman:low,high": rsa.measure,
    "knn.mutual:k": mutual.Mutual,
    "knn.cycle:k": sets.Cycle,
    "knn.lcs:k": sequences.lcs,
    "knn.edit:k": sequences.edit,
    "knn.jaccard:k": sets.Jaccard,
    "cknna.code:k": cknna.CodeForm,
    "cknna.paper:k": cknna.PaperForm,
    "svcca:q": cca.Svcca,
    "cca.mean": cca.CanonicalCorrelation,
    "pwcca": cca.ProjectionWeighted,
    "procrustes.angular": procrustes.Procrustes,
    "procrustes.similarity": procrustes.Procrustes,
    "rtd.lite": rtd.RtdLite,
    "rtd": rtd.Rtd,
}


def measure_of(metric: Metric) -> Measure[Any]:
    """The measure that computes a metric."""
    return MEASURES[metric.spec.key](metric)
