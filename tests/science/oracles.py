"""Slow, obvious float64 versions of every measure, written from the formulas alone. Nothing here is shared
with the engine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import pearsonr, spearmanr

from backend.domain.metrics import Metric

Array = NDArray[np.float64]


def similarity(metric: Metric, X: NDArray, Y: NDArray, preprocess: str = "none") -> float:
    """The value of a metric of the catalogue for two embeddings (n, d) and (n, d')."""
    X, Y = prepared(X, preprocess), prepared(Y, preprocess)
    kind, variant, estimator = metric.spec.family.split(".")
    if kind == "rsa":
        assert variant == "correlation"
        return rsa(X, Y, estimator)
    if variant == "linear":
        K, L = linear_kernel(X), linear_kernel(Y)
    else:
        K, L = (gaussian_kernel(Z, **metric.parameters) for Z in (X, Y))
    return cka(K, L, hsic_unbiased if estimator == "unbiased" else hsic_biased)


def prepared(X: NDArray, preprocess: str) -> Array:
    X = np.array(X, dtype=np.float64)
    for step in preprocess.split("+"):
        if step == "l2":
            X = np.array([row / np.sqrt(np.sum(row**2)) for row in X])
        elif step == "center":
            X = X - X.mean(axis=0)
        else:
            assert step == "none"
    return X


def linear_kernel(X: Array) -> Array:
    return X @ X.T


def squared_distances(X: Array) -> Array:
    return np.array([np.sum((X - row) ** 2, axis=1) for row in X])


def gaussian_kernel(X: Array, sigma: float | None = None, median: float | None = None) -> Array:
    D = squared_distances(X)
    if sigma is None:
        assert median is not None
        nonzero = np.sort(D[D > 0])
        sigma = median * np.sqrt(nonzero[(len(nonzero) - 1) // 2])
    return np.exp(-D / (2 * sigma**2))


def hsic_biased(K: Array, L: Array) -> float:
    """Gretton et al. 2005, without the factor (n - 1)^-2: tr(K H L H)."""
    n = len(K)
    H = np.eye(n) - np.ones((n, n)) / n
    return float(np.trace(K @ H @ L @ H))


def hsic_unbiased(K: Array, L: Array) -> float:
    """Song et al. 2012, equation 4."""
    n, one = len(K), np.ones(len(K))
    K, L = K - np.diag(np.diag(K)), L - np.diag(np.diag(L))
    first = np.trace(K @ L)
    second = (one @ K @ one) * (one @ L @ one) / ((n - 1) * (n - 2))
    third = 2 / (n - 2) * (one @ K @ L @ one)
    return float((first + second - third) / (n * (n - 3)))


def cka(K: Array, L: Array, hsic) -> float:
    return hsic(K, L) / np.sqrt(hsic(K, K) * hsic(L, L))


def correlation_distances(X: Array) -> Array:
    """1 minus the correlation of every two rows, over the pairs a < b."""
    table = 1 - np.corrcoef(X)
    return table[np.triu_indices(len(X), 1)]


def rsa(X: Array, Y: Array, comparator: str) -> float:
    compare = {"pearson": pearsonr, "spearman": spearmanr}[comparator]
    return float(compare(correlation_distances(X), correlation_distances(Y)).statistic)
