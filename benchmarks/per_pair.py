"""The way published code computes a matrix: pair by pair, everything rebuilt for every pair. The engine is measured
against it. Written anew, step for step the same work on the same float32 rows.

CKA as in thingsvision's torch back-end: CKA(X, Y) needs three HSICs, each of which builds and centres both of its
kernels and checks that they are symmetric: six n x n kernels a pair. RSA as in the published consistency pipeline: the
distances of the first model are kept along a row of the matrix, those of the second are built for every pair, and
scipy ranks both each time. Mutual nearest neighbours as in the Platonic code: all n^2 products are sorted, and lists
are compared as n x n masks.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import Tensor

from backend.domain.metrics import Metric

Array = NDArray[np.float32]


def pair_of(metric: Metric, X: Array, Y: Array) -> Callable[[], float]:
    """What the loop does for one pair, to be timed."""
    family = metric.spec.family
    if family.startswith("rsa."):
        first = distances(X)
        return lambda: rsa_spearman(first, Y)
    if family.startswith("knn."):
        return lambda: mutual_neighbours(X, Y, int(metric.parameters["k"]))
    if ".rbf." in family:
        return lambda: cka_gaussian(X, Y, metric.parameters["sigma"])
    return lambda: cka_linear(X, Y)


def cka_linear(X: Array, Y: Array) -> float:
    return _cka(X, Y, lambda A: A @ A.T)


def cka_gaussian(X: Array, Y: Array, sigma: float) -> float:
    def kernel(A: Tensor) -> Tensor:
        gram = A @ A.T
        half = gram.diag() - gram
        squared = half + half.T
        squared *= -0.5 / sigma**2
        return squared.exp()

    return _cka(X, Y, kernel)


@torch.inference_mode()
def _cka(X: Array, Y: Array, kernel: Callable[[Tensor], Tensor]) -> float:
    def hsic(A: Tensor, B: Tensor) -> Tensor:
        return (_centred(kernel(A)) * _centred(kernel(B))).sum()

    A, B = torch.from_numpy(X), torch.from_numpy(Y)
    return float(hsic(A, B) / torch.sqrt(hsic(A, A) * hsic(B, B)))


def _centred(K: Tensor) -> Tensor:
    """U-centring (unbiased CKA), in place."""
    n = len(K)
    if not torch.allclose(K, K.T, rtol=1e-3, atol=1e-4):
        raise ValueError("not symmetric")
    K.fill_diagonal_(0)
    means = K.sum(dim=0) / (n - 2)
    means -= means.sum() / (2 * (n - 1))
    K -= means[:, None]
    K -= means[None, :]
    return K.fill_diagonal_(0)


def distances(X: Array) -> Array:
    """1 minus the correlation of every two rows, n x n."""
    centred = X - X.mean(axis=1)[:, None]
    lengths = np.linalg.norm(centred, axis=1)
    return 1 - (centred @ centred.T / np.outer(lengths, lengths)).clip(-1, 1)


def rsa_spearman(first: Array, Y: Array) -> float:
    """`first` holds the distances of the first model, as the published loop keeps them."""
    upper = np.triu_indices(len(Y), 1)
    return float(spearmanr(first[upper], distances(Y)[upper]).statistic)


def mutual_neighbours(X: Array, Y: Array, k: int) -> float:
    masks = []
    for rows in (torch.from_numpy(X), torch.from_numpy(Y)):
        nearest = (rows @ rows.T).fill_diagonal_(-1e8).argsort(dim=1, descending=True)[:, :k]
        mask = torch.zeros(len(rows), len(rows))
        mask[torch.arange(len(rows))[:, None], nearest] = 1
        masks.append(mask)
    return float(((masks[0] * masks[1]).sum(dim=1) / k).mean())
