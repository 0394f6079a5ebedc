"""Slow, obvious float64 versions of every measure, written from the formulas alone. Nothing here is shared
with the engine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import pearsonr, rankdata, spearmanr

from backend.domain.metrics import Metric

Array = NDArray[np.float64]


def similarity(metric: Metric, X: NDArray, Y: NDArray, preprocess: str = "none") -> float:
    """The value of a metric whose models give a table each, for two embeddings (n, d) and (n, d')."""
    X, Y = prepared(X, preprocess), prepared(Y, preprocess)
    if metric.spec.family == "distance-correlation.unbiased":
        return cka(*(np.sqrt(squared_distances(Z)) for Z in (X, Y)), hsic_unbiased)
    kind, variant, estimator = metric.spec.family.split(".")
    if kind == "rsa":
        return rsa(dissimilarities(X, variant), dissimilarities(Y, variant), estimator, **metric.parameters)
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
        elif step.startswith("clamp="):
            threshold = np.mean([np.quantile(np.abs(row), float(step[6:])) for row in X])
            X = np.clip(X, -threshold, threshold)
        elif step.startswith("clamp-exact="):
            threshold = np.sort(np.abs(X), axis=None)[int(np.floor(float(step[12:]) * X.size)) - 1]
            X = np.clip(X, -threshold, threshold)
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


def dissimilarities(X: Array, distance: str) -> Array:
    """The dissimilarity of every two rows, over the pairs a < b."""
    if distance == "correlation":
        table = 1 - np.corrcoef(X)
    elif distance == "cosine":
        table = np.array([[1 - x @ y / np.sqrt((x @ x) * (y @ y)) for y in X] for x in X])
    else:
        assert distance == "euclidean"
        table = np.sqrt(squared_distances(X))
    return table[np.triu_indices(len(X), 1)]


def geotopological(x: Array, low: float, high: float) -> Array:
    """Ranks from 0 to 1, then 0 up to `low`, 1 from `high` on and a straight line between (Lin, Kriegeskorte 2024)."""
    ranks = rankdata(x)
    ranks = (ranks - ranks.min()) / (ranks.max() - ranks.min())
    return np.clip((ranks - low) / (high - low), 0, 1)


def rsa(x: Array, y: Array, comparator: str, low: float = 0.0, high: float = 1.0) -> float:
    if (low, high) != (0.0, 1.0):
        x, y = geotopological(x, low, high), geotopological(y, low, high)
    return float((pearsonr if comparator == "pearson" else spearmanr)(x, y).statistic)
