"""The null of an inner product of two tables when the stimuli of one are relabelled: sums for its moments in closed
form, exact p from cyclic shifts, and permutations of whole groups."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.domain.null_moments import TableSums
from workers.similarity.bands import Band, dense, later
from workers.similarity.table import Centring, Table
from workers.similarity.table_walk import Inner

_EXACT_TRACE = 512  # stimuli up to which the trace of a table's cube is computed in full
_PROBES = 32
_TINY = 1e-30  # instead of the norm of a table that is zero, whose measure is undefined
_DIAGONALS = 64  # transformed together
_ROUNDING = 2e-6  # of a normalised product that went through float32 transforms


def null_sums(table: Table, centring: Centring) -> NDArray[np.float64]:
    """The eight sums of a table from which its null's moments follow: (8,), the last the trace. Cost O(n^2), and O(n^3)
    for the trace of its cube up to 512 stimuli; memory about 16 n^2 bytes."""
    if centring == "biased":
        assert table.diagonal is not None, "the biased estimator has a diagonal"
        return centred_sums(table.whole(), table.n, table.diagonal.float())
    return hollow_sums(table.whole(), table.n, remove_margins=centring == "unbiased")


def hollow_sums(table: Tensor, n: int, *, remove_margins: bool) -> NDArray[np.float64]:
    """The sums of `null_moments` for a hollow table (n // 2, n), centred first, with sum D^2 scaled to 1.

    `remove_margins` centres every row (U-centring), else the mean of all entries is subtracted alone. Cost O(n^2), and
    O(n^3) for the trace up to 512 stimuli; beyond, the trace is estimated (`cube_trace`).
    """
    D = dense(table, n)
    rows = D.sum(dim=1, dtype=torch.float64)
    whole = rows.sum()
    if remove_margins:
        margins = ((rows - whole / (2 * (n - 1))) / (n - 2)).float()
        D.sub_(margins).sub_(margins[:, None])
    else:
        D.sub_(float(whole) / (n * (n - 1)))
    D.fill_diagonal_(0.0)
    D.div_(torch.linalg.vector_norm(D).clamp(min=_TINY))
    squares = D * D
    q = squares.sum(dim=1, dtype=torch.float64)
    cube = squares.mul_(D).sum(dtype=torch.float64)
    if remove_margins:
        r = torch.zeros_like(rows)
        between = 0.0
    else:
        r = D.sum(dim=1, dtype=torch.float64)
        between = float(r @ (D @ r.float()).double())
    return np.array([
        1.0, float(r @ r), float(cube), float(q @ r), float((r**3).sum()), cube_trace(D), between, 0.0,
    ])


def centred_sums(table: Tensor, n: int, diagonal: Tensor) -> NDArray[np.float64]:
    """The sums of `null_moments` for a table with its diagonal (n,), double-centred and scaled to norm 1; its trace is
    the last. Cost as `hollow_sums`."""
    K = dense(table, n, diagonal)
    means = K.mean(dim=1, dtype=torch.float64)
    half = (means - means.mean() / 2).float()
    K.sub_(half).sub_(half[:, None])
    K.div_(torch.linalg.vector_norm(K).clamp(min=_TINY))
    trace = float(K.diagonal().sum(dtype=torch.float64))
    share = trace / (n - 1)
    K.add_(share / n).diagonal().sub_(share)
    d = K.diagonal().double()
    squares = K * K
    q = squares.sum(dim=1, dtype=torch.float64)
    cube = squares.mul_(K).sum(dtype=torch.float64)
    return np.array([
        float(q.sum()), float(d @ d), float((d**3).sum()), float(d @ q), float(d @ (K @ d.float()).double()),
        float(cube), cube_trace(K), trace,
    ])


def cube_trace(D: Tensor) -> float:
    """tr D^3 of a symmetric matrix of norm 1. Up to 512 rows in full; beyond by Hutch++ (Meyer, Musco, Musco, Woodruff
    2021) with seeded probes: exact on the 32 leading directions, which carry the cubes of the largest eigenvalues, and
    estimated on what is left of them, with an error below 0.01 whatever the matrix and mostly below 1e-4. A skewness of
    the null is the product of two of these; the error moves tau by less than 0.005 null standard deviations."""
    n = len(D)
    if n <= _EXACT_TRACE:
        return float((D * (D @ D)).sum(dtype=torch.float64))
    generator = torch.Generator().manual_seed(n)
    signs = torch.randint(0, 2, (n, 2 * _PROBES), generator=generator).mul_(2).sub_(1).to(D)
    leading, _ = torch.linalg.qr(D @ signs[:, :_PROBES])
    image = D @ leading
    rest = signs[:, _PROBES:]
    rest = rest - leading @ (leading.T @ rest)
    # tr D^3 = tr Q'D^3 Q + tr (I - QQ') D^3 (I - QQ'); the first is <DQ, D DQ>.
    first = (image * (D @ image)).sum(dtype=torch.float64)
    outside = D @ rest
    second = (outside * (D @ outside)).sum(dtype=torch.float64) / _PROBES
    return float(first + second)


def stacked(sums: Sequence[NDArray[np.float64]]) -> TableSums:
    """The sums of several models as `null_moments` takes them."""
    together = np.stack(sums)
    return TableSums(together[:, :2], together[:, 2:7], together[:, 7])


class CyclicShifts:
    """g of every pair for all n cyclic shifts of the seeded order: the part of the pairs of stimuli, band by band.

    The correlation of two diagonals over all shifts is a product of their Fourier transforms, so that all pairs of
    models are one matrix product per frequency. Memory 4 n new M bytes beside the transforms of some diagonals.
    """

    def __init__(self, n: int, count: int, new: int, device: torch.device) -> None:
        self._n, self._new = n, new
        self._spectrum = torch.zeros((n // 2 + 1, new, count), dtype=torch.complex64, device=device)

    def add(self, band: Band, slabs: Sequence[Tensor]) -> None:
        for first in range(0, band.width, _DIAGONALS):
            waves = torch.stack([torch.fft.rfft(slab[first : first + _DIAGONALS]) for slab in slabs])
            by_frequency = waves.permute(2, 0, 1).contiguous()
            new = by_frequency[:, len(slabs) - self._new :]
            self._spectrum.baddbmm_(new.conj(), by_frequency.transpose(1, 2))

    def p(self, inner: Inner) -> NDArray[np.float64]:
        """(new, M): the share of shifts, the identity among them, with a product at least as large up to rounding."""
        _, new, count = self._spectrum.shape
        spectrum = self._spectrum.mul_(2)
        for vectors, weight in inner.vectors:
            waves = torch.fft.rfft(vectors)
            moved = waves[count - new :].conj()
            spectrum += weight * torch.einsum("if,jf->fij", moved, waves).to(torch.complex64)
        found = np.empty((new, count))
        for row in range(new):
            products = torch.fft.irfft(spectrum[:, row], n=self._n, dim=0)
            rounding = (_ROUNDING * inner.norm[row]).float()
            found[row] = (products >= products[0] - rounding).sum(dim=0).cpu().numpy() / self._n
        return found


class Permuted:
    """g of the last models with all when the stimuli of the latter are permuted, band by band. Permutations that
    coincide are computed once. Memory 4 n^2 bytes a moved model, and K new M numbers."""

    def __init__(
        self, relabelling: NDArray[np.int64], orders: NDArray[np.int64], moved: Sequence[Tensor], count: int
    ) -> None:
        """`moved` are all diagonals of the last models, (n // 2, n) each, of `count` models; `orders` (K, n)."""
        self._n, device = len(relabelling), moved[0].device
        place = np.argsort(relabelling)
        # In the seeded order, position a of the one model meets position met[a] of the other.
        met = place[orders[:, relabelling]]
        distinct, self._which = np.unique(met, axis=0, return_inverse=True)
        self._identity = np.flatnonzero((distinct == np.arange(self._n)).all(axis=1))
        # The last models are moved instead of all the others, backwards.
        self._backwards = torch.from_numpy(np.argsort(distinct, axis=1)).to(device)
        self._dense = [dense(table, self._n) for table in moved]
        self._products = torch.zeros((len(distinct), len(moved), count), dtype=torch.float64, device=device)

    def add(self, band: Band, slabs: Sequence[Tensor]) -> None:
        everyone = torch.stack([slab.reshape(-1) for slab in slabs])
        moved = torch.empty((len(self._dense), everyone.shape[1]), dtype=everyone.dtype, device=everyone.device)
        for order, products in zip(self._backwards, self._products, strict=True):
            at = (order * self._n + later(order, band)).reshape(-1)
            for row, matrix in zip(moved, self._dense, strict=True):
                torch.take(matrix, at, out=row)
            if band.has_half:
                moved[:, -self._n :] *= sqrt(0.5)
            products += moved @ everyone.T

    def draws(self, inner: Inner) -> Tensor:
        """g for each permutation: (new, M, K) float64; where a permutation moves nothing it is the observed one."""
        products = 2 * self._products + inner.constant
        for vectors, weight in inner.vectors:
            new = vectors[len(vectors) - len(self._dense) :]
            for order, found in zip(self._backwards, products, strict=True):
                found += weight * (new[:, order] @ vectors.T)
        products[torch.from_numpy(self._identity)] = inner.cross
        return products[torch.from_numpy(self._which).to(products.device)].permute(1, 2, 0)
