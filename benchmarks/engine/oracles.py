"""The same numbers in float64, slowly, from the formulas: what the errors in the tables are measured against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from backend.domain.metrics import Metric

Array = NDArray[np.float64]
Pair = tuple[int, int]


def exact(metric: Metric, models: Sequence[NDArray[np.float32]], *, normalised: bool = True) -> dict[Pair, float]:
    """The score of every pair i < j. Rows are brought to unit length first where `normalised`."""
    rows = [X.astype(np.float64) for X in models]
    if normalised:
        rows = [X / np.linalg.norm(X, axis=1, keepdims=True) for X in rows]
    if metric.spec.family == "knn.mutual":
        k = int(metric.parameters["k"])
        masks = [_neighbours(X, k) for X in rows]
        return {(i, j): float((masks[i] & masks[j]).sum() / masks[i].sum()) for i, j in _pairs(rows)}
    vectors = [_vector(metric, X) for X in rows]
    return {(i, j): float(vectors[i] @ vectors[j]) for i, j in _pairs(rows)}


def largest_error(found: Mapping[Pair, float], expected: Mapping[Pair, float]) -> float:
    return max(abs(found[pair] - expected[pair]) for pair in found)


def _pairs(rows: Sequence[Array]) -> combinations[Pair]:
    return combinations(range(len(rows)), 2)


def _vector(metric: Metric, X: Array) -> Array:
    """What two models have the inner product of: unit length."""
    family = metric.spec.family
    if family.startswith("rsa.correlation."):
        Z = X - X.mean(axis=1, keepdims=True)
        Z /= np.linalg.norm(Z, axis=1, keepdims=True)
        v = rankdata((1 - Z @ Z.T)[np.triu_indices(len(X), 1)])
        v -= v.mean()
        return v / np.linalg.norm(v)
    Y = X - X.mean(axis=0)
    K = Y @ Y.T
    if ".rbf." in family:
        half = K.diagonal() / 2
        squared = 2 * np.maximum(half[:, None] + half - K, 0)
        K = np.exp(-squared / (2 * _width(metric, squared) ** 2))
    n = len(K)
    if family.endswith(".unbiased"):
        np.fill_diagonal(K, 0)
        sums = K.sum(axis=0)
        margins = (sums - sums.sum() / (2 * (n - 1))) / (n - 2)
        K -= margins
        K -= margins[:, None]
        np.fill_diagonal(K, 0)
    else:
        means = K.mean(axis=0)
        K += means.mean() - means - means[:, None]
    v = K.ravel()
    return v / np.linalg.norm(v)


def _width(metric: Metric, squared: Array) -> float:
    if "sigma" in metric.parameters:
        return metric.parameters["sigma"]
    pairs = squared[np.triu_indices(len(squared), 1)]
    middle = (len(pairs) - 1) // 2  # the lower of two middle ones
    return metric.parameters["median"] * float(np.sqrt(np.partition(pairs, middle)[middle]))


def _neighbours(X: Array, k: int) -> NDArray[np.bool_]:
    """Row a marks the k rows of largest inner product with row a, ties to the lower index."""
    products = X @ X.T
    np.fill_diagonal(products, -np.inf)
    found = np.zeros(products.shape, dtype=bool)
    np.put_along_axis(found, np.argsort(-products, axis=1, kind="stable")[:, :k], True, axis=1)
    return found
