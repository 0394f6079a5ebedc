"""Slow, obvious versions of the measures that align two feature spaces, from the formulas alone. Nothing here is
shared with the engine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import orthogonal_procrustes

from backend.domain.metrics import Metric

Array = NDArray[np.float64]


def similarity(metric: Metric, X: NDArray, Y: NDArray) -> float:
    """The value of one of these metrics for two embeddings (n, d) and (n, d')."""
    X, Y = (Z.astype(np.float64) - Z.astype(np.float64).mean(axis=0) for Z in (X, Y))
    family = metric.spec.family
    if family == "svcca":
        return mean_correlation(*(leading_scores(Z, int(metric.parameters["q"])) for Z in (X, Y)))
    if family == "cca.mean":
        return mean_correlation(X, Y)
    if family == "pwcca":
        return projection_weighted(X, Y)
    cosine = procrustes(X, Y)
    return float(np.arccos(min(cosine, 1.0))) if family == "procrustes.angular" else cosine


def canonical_weights(X: Array, Y: Array) -> tuple[Array, Array]:
    """Hotelling's eigenproblem Sxx^-1 Sxy Syy^-1 Syx w = rho^2 w: rho in descending order, as many as the smaller rank,
    and the w as columns."""
    count = min(np.linalg.matrix_rank(X), np.linalg.matrix_rank(Y))
    Sxx, Syy, Sxy = X.T @ X, Y.T @ Y, X.T @ Y
    squares, w = np.linalg.eig(np.linalg.pinv(Sxx, 1e-12) @ Sxy @ np.linalg.pinv(Syy, 1e-12) @ Sxy.T)
    order = np.argsort(-squares.real)[:count]
    return np.sqrt(np.clip(squares.real[order], 0, 1)), w.real[:, order]


def mean_correlation(X: Array, Y: Array) -> float:
    return float(np.mean(canonical_weights(X, Y)[0]))


def projection_weighted(X: Array, Y: Array) -> float:
    """Morcos et al. 2018, equation 3, with weights from the first model."""
    rho, w = canonical_weights(X, Y)
    variates = X @ w
    variates = variates / np.sqrt(np.sum(variates**2, axis=0))
    alpha = np.array([sum(abs(h @ x) for x in X.T) for h in variates.T])
    return float(np.sum(alpha * rho) / np.sum(alpha))


def leading_scores(X: Array, q: int) -> Array:
    """The q leading principal component scores of the standardised features that vary."""
    sd = X.std(axis=0)
    Z = X[:, sd > 1e-12] / sd[sd > 1e-12]
    variances, directions = np.linalg.eigh(Z.T @ Z)
    q = min(q, np.linalg.matrix_rank(Z))
    return Z @ directions[:, np.argsort(-variances)[:q]]


def procrustes(X: Array, Y: Array) -> float:
    """The trace of Y^T X R for the best rotation R, both matrices of norm 1; the narrower one filled up with zeros."""
    d = max(X.shape[1], Y.shape[1])
    X, Y = (np.pad(Z, ((0, 0), (0, d - Z.shape[1]))) / np.linalg.norm(Z) for Z in (X, Y))
    rotation, _ = orthogonal_procrustes(X, Y)
    return float(np.trace((X @ rotation).T @ Y))
