"""Measures of how well two feature spaces can be aligned: each follows from the singular value decomposition of the
product A^T B of one n x r matrix a model.

Prepared once, a pair costs one product and the singular values of an r x r matrix, and a relabelling is a reordering
of the rows. Everything is float64.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.domain.calibration import NullSummary
from workers.similarity.distances import center_
from workers.similarity.pairs import Array, PairMeasure
from workers.similarity.resampling import Resampling

_BATCH_BYTES = 32 * 2**20  # of permuted rows and products that are held at a time


@dataclass(frozen=True)
class Aligned:
    """A model as its `basis` (n, r) float64, r <= min(n, d), columns of mean 0: what is multiplied with another's.

    `weights` (r, d) is what a measure may know besides of the model, `rows` (n, d) its preprocessed rows where they
    are wanted again. `digest` is the same for the same basis, and for no other.
    """

    basis: Tensor
    weights: Tensor | None
    rows: Tensor | None
    digest: bytes

    @classmethod
    def of(cls, basis: Tensor, weights: Tensor | None = None, rows: Tensor | None = None) -> Aligned:
        basis = basis.contiguous()
        digest = blake2b(repr(tuple(basis.shape)).encode())
        digest.update(basis.cpu().numpy().data)
        return cls(basis, weights, rows, digest.digest())


class AlignedMeasure(PairMeasure[Aligned]):
    """A model's agreement with itself is the best value exactly: equal bases are not left to rounding."""

    @abstractmethod
    def from_products(self, products: Tensor, left: Aligned) -> Tensor:
        """Values (k,) from A^T B (k, r, r') for several B, within the metric's bounds; A is that of `left`."""

    def score(self, left: Aligned, right: Aligned) -> float:
        """Cost O(n r r' + r r' min(r, r'))."""
        if left.digest == right.digest:
            return self.metric.spec.best
        left, right = self._ordered(left, right)
        return float(self.from_products((left.basis.T @ right.basis)[None], left)[0])

    def draws(self, left: Aligned, right: Aligned, orders: NDArray[np.int64]) -> Array:
        """In batches of relabellings, whose memory is bounded."""
        n, width = right.basis.shape
        weighed = 0 if left.weights is None else left.weights.numel()
        size = max(1, _BATCH_BYTES // (8 * ((n + left.basis.shape[1]) * width + weighed)))
        values = np.empty(len(orders))
        for first in range(0, len(orders), size):
            some = torch.from_numpy(orders[first : first + size]).to(right.basis.device)
            products = left.basis.T @ right.basis[some]
            values[first : first + size] = self.from_products(products, left).cpu().numpy()
        return values

    def null(self, left: Aligned, right: Aligned, value: float, resampling: Resampling) -> NullSummary:
        """Of a symmetric measure the same whichever model comes first."""
        return super().null(*self._ordered(left, right), value, resampling)

    def relabelled(self, model: Aligned, order: NDArray[np.int64]) -> Aligned:
        at = torch.from_numpy(order).to(model.basis.device)
        rows = None if model.rows is None else model.rows[at]
        return Aligned.of(model.basis[at], model.weights, rows)

    def _ordered(self, left: Aligned, right: Aligned) -> tuple[Aligned, Aligned]:
        """The two in an order of their own, so that both ways round give the same bits."""
        swapped = self.metric.spec.symmetric and right.digest < left.digest
        return (right, left) if swapped else (left, right)

    def resident_bytes(self, n: int, d: int) -> int:
        return 2 * 8 * n * min(n, d)  # twice: whole, and without a block of stimuli

    def scratch_bytes(self, n: int, d: int) -> int:
        # Rows, their factors and LAPACK's own space; a batch of draws, or one that is larger.
        narrow = min(n, d)
        return 8 * (4 * n * d + 4 * narrow**2) + max(_BATCH_BYTES, 8 * (n + narrow) * narrow)


def centred(X: Tensor) -> Tensor:
    """`X` (n, d) float64, overwritten, less its column means. Raises Undefined if nothing but rounding is left."""
    center_(X)
    return X


def narrow(X: Tensor) -> Tensor:
    """Coordinates of the rows of `X` (n, d) in an orthonormal basis of the space they span: (n, min(n, d)).

    All inner products of rows are kept. Cost O(n^2 d) for more features than stimuli, none otherwise.
    """
    n, d = X.shape
    return X if d <= n else torch.linalg.qr(X.T, mode="r")[1].T
