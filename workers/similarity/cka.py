"""Centred kernel alignment (CKA), linear and Gaussian kernels, unbiased and biased.

CKA(K, L) = HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)).
Unbiased (Song et al. 2012), with the diagonals of K and L set to zero, r and r' their row sums, s and s'
their totals:
    n (n - 3) HSIC = <K, L> + s s' / ((n - 1)(n - 2)) - 2 <r, r'> / (n - 2)
Biased (Kornblith et al. 2019), diagonals kept:
    HSIC ~ <HKH, HLH> = <K, L> + s s' / n^2 - 2 <r, r'> / n
Neither changes when a constant is added to a kernel (off the diagonal, for the unbiased one), nor the linear
one when the features are centred; both are used to keep float32 entries small before they are multiplied.
"""

from __future__ import annotations

from math import exp, expm1, sqrt

import torch
from torch import Tensor

from backend.domain.metrics import Metric
from workers.similarity.distances import EPSILON, HalfSquaredDistances, center_, packed_bytes
from workers.similarity.products import Form, Table, TiledMeasure
from workers.similarity.tiles import Tile

_ALIKE = "all stimuli are equally similar to this model, up to rounding, so that its centred kernel is zero"


def unbiased_form(n: int) -> Form:
    """The unbiased estimator from strict upper triangles, row sums and totals of hollow kernels."""
    return Form(pairs=2.0, stimuli=-2.0 / (n - 2), numbers=(1.0 / ((n - 1) * (n - 2)),))


class LinearKernel(Table):
    """K = X X^T of column-centred rows, scaled so that the mean of its diagonal is 1 (CKA does not see the
    scale).

    Its rows sum to zero, so that those of the hollow kernel sum to minus its diagonal: the unbiased
    estimator's centring is known before any entry is, and is applied to each tile (K_ab - m_a - m_b, Szekely
    and Rizzo 2014, whose inner product is Song's estimator). Nothing is left to cancel afterwards, even
    beside a stimulus far from all others.
    """

    undefined_reason = _ALIKE

    def __init__(self, X: Tensor, *, unbiased: bool) -> None:
        """`X` (n, d) float64, overwritten. Raises Undefined if it has no variance."""
        self.n, self.device = len(X), X.device
        total = center_(X)
        self._X = X.mul_(sqrt(self.n / total)).float()
        self.noise = (16 * EPSILON * self.n) ** 2
        self._diagonal = torch.linalg.vector_norm(X, dim=1).square()
        self._margin: Tensor | None = None
        if unbiased:
            sums = -self._diagonal
            self._margin = ((sums - sums.sum() / (2 * (self.n - 1))) / (self.n - 2)).float()

    def fill(self, tile: Tile, out: Tensor) -> None:
        upper, lower = self._X[tile.top : tile.bottom], self._X[tile.left : tile.right].T
        if self._margin is None:
            torch.mm(upper, lower, out=out)
        else:
            torch.addmm(self._margin[tile.left : tile.right], upper, lower, beta=-1, out=out)
            out.sub_(self._margin[tile.top : tile.bottom, None])

    def sums(self) -> tuple[Tensor | None, tuple[float, ...]]:
        return self._diagonal, ()


class GaussianKernel(Table):
    """K_ab = exp(-|x_a - x_b|^2 / (2 sigma^2)), less a constant near its mean.

    The constant is exp(-m) with m the mean exponent. Where m is small, K is nearly 1 everywhere; expm1 then
    keeps the digits that exp would lose.
    """

    undefined_reason = (
        "its kernel is constant, up to rounding: the kernel width is far below or far above all its distances"
    )

    def __init__(self, distances: HalfSquaredDistances, *, keeps_diagonal: bool) -> None:
        """`distances` in units of sigma; `keeps_diagonal` for the biased estimator."""
        self.n, self.device = distances.n, distances.device
        self._distances, self._keeps_diagonal = distances, keeps_diagonal
        mean = distances.mean
        self._wide = mean < 0.5
        self._constant = expm1(-mean) if self._wide else exp(-mean)
        self._diagonal = -expm1(-mean)
        spread = mean if self._wide else (1 + mean) * exp(-mean)
        self.noise = (16 * EPSILON * spread * self.n) ** 2
        self._row_sums = torch.zeros(self.n, dtype=torch.float64, device=self.device)

    def begin(self) -> None:
        self._row_sums.fill_(self._diagonal if self._keeps_diagonal else 0.0)

    def fill(self, tile: Tile, out: Tensor) -> None:
        self._distances.fill(tile, out)
        out.neg_()
        if self._wide:
            out.expm1_()
        else:
            out.exp_()
        out.sub_(self._constant)

    def absorb(self, tile: Tile, filled: Tensor) -> None:
        self._row_sums[tile.top : tile.bottom] += filled.sum(dim=1)
        self._row_sums[tile.left : tile.right] += filled.sum(dim=0)

    def sums(self) -> tuple[Tensor | None, tuple[float, ...]]:
        return self._row_sums, (float(self._row_sums.sum()), self._diagonal)


def linear(metric: Metric) -> TiledMeasure:
    """`cka.linear.unbiased` and `cka.linear.biased`."""
    unbiased = _is_unbiased(metric)
    return TiledMeasure(
        table=lambda X: LinearKernel(X, unbiased=unbiased),
        # Biased: the diagonals are part of the product.
        form=lambda n: Form(pairs=2.0, stimuli=0.0 if unbiased else 1.0),
        bounds=(metric.spec.lower or 0.0, 1.0),
        held_bytes=_features_bytes,
        scratch_bytes=lambda n, d: 28 * n * d,
    )


def gaussian(metric: Metric) -> TiledMeasure:
    """`cka.rbf.unbiased` and `cka.rbf.biased`, their width given by `sigma` or by `median`."""
    unbiased, given = _is_unbiased(metric), metric.parameters

    def table(X: Tensor) -> GaussianKernel:
        sigma = given["sigma"] if "sigma" in given else given["median"] * _median_distance(X)
        distances = HalfSquaredDistances(X, scale=1 / sigma)
        return GaussianKernel(distances, keeps_diagonal=not unbiased)

    return TiledMeasure(
        table=table,
        # Biased: the diagonal adds n times the product of the diagonals' common values.
        form=unbiased_form if unbiased else lambda n: Form(2.0, -2.0 / n, (1.0 / n**2, float(n))),
        bounds=(metric.spec.lower or 0.0, 1.0),
        held_bytes=_features_bytes,
        scratch_bytes=lambda n, d: 28 * n * d + (6 * packed_bytes(n) if "median" in given else 0),
    )


def _median_distance(X: Tensor) -> float:
    """The square root of the lower median of the squared distances that are not zero."""
    distances = HalfSquaredDistances(X.clone())
    packed = distances.packed()
    zeros = int((packed == 0).sum())
    others = (
        distances.n * (distances.n - 1) // 2 - zeros
    )  # what is infinite in the packed table sorts behind them
    median = packed.kthvalue(zeros + (others + 1) // 2).values
    return sqrt(2 * float(median)) / distances.scale


def _is_unbiased(metric: Metric) -> bool:
    return metric.spec.family.endswith(".unbiased")


def _features_bytes(n: int, d: int) -> int:
    """Rows in float32 and a few numbers per stimulus in float64."""
    return 4 * n * d + 32 * n
