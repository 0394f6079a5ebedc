"""The way published code computes a matrix: pair by pair, kernels rebuilt for every pair. The engine is
measured against it.

CKA as in thingsvision's torch back-end: CKA(X, Y) needs three HSICs, each of which builds and centres both of
its kernels and checks that they are symmetric: six n x n kernels a pair. RSA as in the published consistency
pipeline: the distances of the first model are kept along a row of the matrix, those of the second are built
for every pair, and scipy ranks both each time.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr

Array = NDArray[np.float32]


def cka_linear(X: Array, Y: Array) -> float:
    return _cka(X, Y, lambda A: A @ A.T)


def cka_gaussian(X: Array, Y: Array, sigma: float = 0.4) -> float:
    def kernel(A: torch.Tensor) -> torch.Tensor:
        gram = A @ A.T
        lengths = gram.diag()
        return torch.exp(-(lengths[:, None] + lengths[None, :] - 2 * gram) / (2 * sigma**2))

    return _cka(X, Y, kernel)


def _cka(X: Array, Y: Array, kernel) -> float:
    def hsic(A: torch.Tensor, B: torch.Tensor) -> torch.Tensor:
        return (_centred(kernel(A)) * _centred(kernel(B))).sum()

    A, B = torch.from_numpy(X), torch.from_numpy(Y)
    return float(hsic(A, B) / torch.sqrt(hsic(A, A) * hsic(B, B)))


def _centred(K: torch.Tensor) -> torch.Tensor:
    """U-centring (unbiased CKA)."""
    n = len(K)
    if not torch.allclose(K, K.T, rtol=1e-3, atol=1e-4):
        raise ValueError("not symmetric")
    K = K.clone().fill_diagonal_(0)
    means = K.sum(dim=0) / (n - 2)
    means -= means.sum() / (2 * (n - 1))
    return (K - means[:, None] - means[None, :]).fill_diagonal_(0)


def distances(X: Array) -> Array:
    """1 minus the correlation of every two rows, n x n."""
    centred = X - X.mean(axis=1, keepdims=True)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    return 1 - np.clip(centred @ centred.T, -1, 1)


def rsa_spearman(first: Array, Y: Array) -> float:
    """`first` holds the distances of the first model, as the published loop keeps them."""
    upper = np.triu_indices(len(Y), 1)
    return float(spearmanr(first[upper], distances(Y)[upper]).statistic)
