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
from workers.similarity.bands import Band, Products, later
from workers.similarity.distances import EPSILON, HalfSquaredDistances, center_, pairs_of, table_bytes
from workers.similarity.table import Entries
from workers.similarity.tables import TableMeasure

_ALIKE = "all stimuli are equally similar to this model, up to rounding, so that its centred kernel is zero"


class LinearKernel(Entries):
    """K = X X^T of column-centred rows, scaled so that the mean of its diagonal is 1 (CKA does not see the
    scale).

    Its rows sum to zero, so that those of the hollow kernel sum to minus its diagonal: the unbiased
    estimator's centring is known before any entry is, and is applied to each slab (K_ab - m_a - m_b, Szekely
    and Rizzo 2014, whose inner product is Song's estimator). Nothing is left to cancel afterwards, even
    beside a stimulus far from all others.
    """

    undefined_reason = _ALIKE

    def __init__(self, X: Tensor, *, unbiased: bool) -> None:
        """`X` (n, d) float64, overwritten. Raises Undefined if it has no variance."""
        self.n, self.device = len(X), X.device
        total = center_(X)
        self._products = Products(X.mul_(sqrt(self.n / total)).float())
        self.noise = (16 * EPSILON * self.n) ** 2
        diagonal = torch.linalg.vector_norm(X, dim=1).square()
        self._margin: Tensor | None = None
        if unbiased:
            sums = -diagonal
            self._margin = ((sums - sums.sum() / (2 * (self.n - 1))) / (self.n - 2)).float()
        else:
            self.diagonal = diagonal

    def fill(self, band: Band, out: Tensor) -> None:
        self._products.fill(band, out)
        if self._margin is not None:
            out.sub_(self._margin).sub_(later(self._margin, band))


class GaussianKernel(Entries):
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
        self._distances = distances
        mean = distances.mean
        self._wide = mean < 0.5
        self._constant = expm1(-mean) if self._wide else exp(-mean)
        spread = mean if self._wide else (1 + mean) * exp(-mean)
        self.noise = (16 * distances.epsilon * spread * self.n) ** 2
        if keeps_diagonal:
            self.diagonal = torch.full((self.n,), -expm1(-mean), dtype=torch.float64, device=self.device)

    def fill(self, band: Band, out: Tensor) -> None:
        x = self._distances.slab(band, out).neg_()
        if self._wide:
            x.expm1_()
        else:
            x.exp_()
        out.copy_(x.sub_(self._constant))


def linear(metric: Metric) -> TableMeasure:
    """`cka.linear.unbiased` and `cka.linear.biased`."""
    unbiased = _is_unbiased(metric)
    return TableMeasure(
        metric,
        lambda X, held: LinearKernel(X, unbiased=unbiased),
        "unbiased" if unbiased else "biased",
        feature_bytes=_features_bytes,
        making_bytes=lambda n, d: 28 * n * d,
    )


def gaussian(metric: Metric) -> TableMeasure:
    """`cka.rbf.unbiased` and `cka.rbf.biased`, their width given by `sigma` or by `median`."""
    unbiased, given = _is_unbiased(metric), metric.parameters

    def entries(X: Tensor, held: bool) -> GaussianKernel:
        sigma = given["sigma"] if "sigma" in given else given["median"] * _median_distance(X)
        distances = HalfSquaredDistances(X, scale=1 / sigma)
        return GaussianKernel(distances, keeps_diagonal=not unbiased)

    return TableMeasure(
        metric,
        entries,
        "unbiased" if unbiased else "biased",
        feature_bytes=_features_bytes,
        making_bytes=lambda n, d: 28 * n * d + (6 * table_bytes(n) if "median" in given else 0),
    )


def _median_distance(X: Tensor) -> float:
    """The square root of the lower median of the squared distances that are not zero."""
    distances = HalfSquaredDistances(X.clone())
    pairs = pairs_of(distances.table())
    zeros = int((pairs == 0).sum())
    median = pairs.kthvalue(zeros + (len(pairs) - zeros + 1) // 2).values
    return sqrt(2 * float(median)) / distances.scale


def _is_unbiased(metric: Metric) -> bool:
    return metric.spec.family.endswith(".unbiased")


def _features_bytes(n: int, d: int) -> int:
    """Half as many rows again in float32, and a few numbers per stimulus in float64."""
    return 6 * n * d + 32 * n
