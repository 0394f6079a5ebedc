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
from workers.similarity.bands import Band, dense, later, row_sums, turned
from workers.similarity.table import Centring
from workers.similarity.table_walk import Inner

_EXACT_TRACE = 512  # stimuli up to which the trace of a table's cube is computed in full
_LEADING, _PROBES = 32, 16
_TINY = 1e-30  # instead of the norm of a table that is zero, whose measure is undefined
_DIAGONALS = 32  # transformed together
_TOGETHER = 4  # permutations whose products are computed together, so that the matrices are less narrow
_LOOKED_UP = 1 << 12  # entries of permuted tables at a time: they are multiplied while they are near
_ROUNDING = 2e-6  # of a normalised product that went through float32 transforms


def null_sums(table: Tensor, diagonal: Tensor | None, centring: Centring) -> NDArray[np.float64]:
    """The sums of a table (n // 2, n) from which its null's moments follow (backend.domain.null_moments): two for the
    variance, five for the skewness, and the trace, of the table centred and scaled to norm 1: (8,).

    `diagonal` (n,) belongs to the biased estimator. Cost O(n^2), and O(n^3) for the trace of the cube up to 512
    stimuli; memory about 12 n^2 bytes.
    """
    half, n = table.shape
    everything = Band(n, 1, half + 1)
    rows = row_sums(table, everything)
    d = torch.zeros(n, dtype=torch.float64, device=table.device) if diagonal is None else diagonal.double()
    if centring == "unbiased":
        margins = (rows - rows.sum() / (2 * (n - 1))) / (n - 2)
    elif centring == "biased":
        means = (rows + d) / n
        margins = means - means.mean() / 2
    else:
        margins = (rows.sum() / (2 * n * (n - 1))).expand(n)
    A = table - _on_diagonals(margins, everything)
    d = d - 2 * margins if diagonal is not None else d
    norm = torch.sqrt(2 * _dot(A, A) + d @ d).clamp(min=_TINY)
    A.div_(norm)
    d = d / norm
    trace = float(d.sum())
    if diagonal is not None:
        # Without its trace a centred table is K0 = K - trace / (n - 1) H, H the centring matrix.
        share = trace / (n - 1)
        A.add_(_on_diagonals(torch.full_like(d, share / (2 * n)), everything))
        d = d - share + share / n
    squares = A * A
    cube = 2 * _dot(squares, A)
    if everything.has_half:  # E / sqrt(2) stands for E, which is cubed here
        cube += (2 * sqrt(2) - 2) * _dot(squares[-1], A[-1])
    matrix = dense(A, n, d.float())
    traced = cube_trace(matrix)
    if centring == "unbiased":
        return np.array([1.0, 0.0, float(cube), 0.0, 0.0, traced, 0.0, 0.0])
    q = (squares.sum(dim=0) + turned(squares, everything).sum(dim=0)).double() + d * d
    # Hollow tables are spread over their row sums r, centred ones over their diagonal.
    v = row_sums(A, everything) if diagonal is None else d
    product = float(v @ (matrix @ v.float()).double())
    second, thrice = float(v @ v), float((v**3).sum())
    if diagonal is None:
        return np.array([1.0, second, float(cube), float(q @ v), thrice, traced, product, 0.0])
    return np.array([float(q.sum()), second, thrice, float(q @ v), product, float(cube) + thrice, traced, trace])


def _on_diagonals(vector: Tensor, band: Band) -> Tensor:
    """v_a + v_b for every entry of a table, as tables keep them: (width, n) float32."""
    v = vector.float()
    found = later(v, band) + v
    if band.has_half:
        found[-1] *= sqrt(0.5)
    return found


def _dot(left: Tensor, right: Tensor) -> Tensor:
    """The sum of products of two float32 tensors, added up in float64 over rows."""
    if left.ndim == 1:
        return torch.dot(left, right).double()
    rows: Tensor = torch.linalg.vecdot(left, right)
    return rows.double().sum()


def cube_trace(D: Tensor) -> float:
    """tr D^3 of a symmetric matrix of norm 1. Up to 512 rows in full; beyond by Hutch++ (Meyer, Musco, Musco, Woodruff
    2021) with seeded probes: exact on 32 leading directions, which carry the cubes of the largest eigenvalues, and
    estimated on what is left of them, with a standard error below 0.011 whatever the matrix and mostly below 1e-4. A
    skewness of the null is about sqrt(8) times the product of two of these, so that the error moves tau by less than
    0.01 null standard deviations, where 200 permutations leave it uncertain by 0.15."""
    n = len(D)
    if n <= _EXACT_TRACE:
        return float((D * (D @ D)).sum(dtype=torch.float64))
    generator = torch.Generator().manual_seed(n)
    signs = torch.randint(0, 2, (n, _LEADING + _PROBES), generator=generator).mul_(2).sub_(1).to(D)
    leading, _ = torch.linalg.qr(D @ signs[:, :_LEADING])
    rest = signs[:, _LEADING:]
    rest = rest - leading @ (leading.T @ rest)
    # tr D^3 = tr Q'D^3 Q + tr (I - QQ') D^3 (I - QQ'), and v'D^3 v = <Dv, D Dv>.
    images = D @ torch.cat([leading, rest], dim=1)
    found = torch.linalg.vecdot(images, D @ images, dim=0).double()
    return float(found[:_LEADING].sum() + found[_LEADING:].mean())


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
        # Entry by entry with all models side by side: one look-up moves all of them.
        self._dense = torch.stack([dense(table, self._n).view(-1) for table in moved], dim=1)
        self._products = torch.zeros((len(distinct), len(moved), count), dtype=torch.float64, device=device)

    def add(self, band: Band, slabs: Sequence[Tensor]) -> None:
        everyone = torch.stack([slab.reshape(-1) for slab in slabs])
        if band.has_half:  # what is looked up is whole, what it is multiplied by was divided by sqrt(2) once
            everyone[:, -self._n :] *= sqrt(0.5)
        new = self._dense.shape[1]
        for orders, products in zip(
            torch.split(self._backwards, _TOGETHER), torch.split(self._products, _TOGETHER), strict=True
        ):
            at = torch.stack([(order * self._n + later(order, band)).reshape(-1) for order in orders], dim=1)
            sums = everyone.new_zeros((len(everyone), len(orders) * new))
            for some, entries in zip(
                torch.split(at, _LOOKED_UP), torch.split(everyone, _LOOKED_UP, dim=1), strict=True
            ):
                moved = self._dense.index_select(0, some.reshape(-1)).view(len(some), -1)
                sums.addmm_(entries, moved)
            products += sums.view(len(everyone), len(orders), new).permute(1, 2, 0)

    def draws(self, inner: Inner) -> Tensor:
        """g for each permutation: (new, M, K) float64; where a permutation moves nothing it is the observed one."""
        products = 2 * self._products + inner.constant
        for vectors, weight in inner.vectors:
            new = vectors[len(vectors) - self._dense.shape[1] :]
            for order, found in zip(self._backwards, products, strict=True):
                found += weight * (new[:, order] @ vectors.T)
        products[torch.from_numpy(self._identity)] = inner.cross
        return products[torch.from_numpy(self._which).to(products.device)].permute(1, 2, 0)
