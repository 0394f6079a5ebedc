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

from math import sqrt

import torch
from torch import Tensor

from backend.domain.metrics import Metric
from workers.similarity.errors import Undefined
from workers.similarity.products import Form, Table, TiledMeasure
from workers.similarity.tiles import Tile

_EPSILON = 2.0**-24  # rounding of one float32 operation
_ALIKE = "all stimuli are equally similar to this model, up to rounding, so that its centred kernel is zero"


def unbiased_form(n: int) -> Form:
    """The unbiased estimator from strict upper triangles, row sums and totals of hollow kernels."""
    return Form(pairs=2.0, stimuli=-2.0 / (n - 2), numbers=(1.0 / ((n - 1) * (n - 2)),))


class LinearKernel(Table):
    """K = X X^T of column-centred rows, scaled so that the mean of its diagonal is 1 (CKA does not see the
    scale).

    Rows of K then sum to zero: the row sums of the hollow kernel are minus its diagonal, and since only
    products of row sums are used, the diagonal serves both estimators without a pass over K.
    """

    undefined_reason = _ALIKE

    def __init__(self, X: Tensor) -> None:
        """`X` (n, d) float64. Raises Undefined if it has no variance."""
        self.n, self.device = len(X), X.device
        centred = X - X.mean(dim=0)
        total = float(centred.square().sum())
        if total <= 1e-24 * float(X.square().sum()):
            raise Undefined("its preprocessed rows are all the same")
        centred *= sqrt(self.n / total)
        self._diagonal = centred.square().sum(dim=1)
        self._X = centred.float()
        self.noise = (16 * _EPSILON * self.n) ** 2

    def fill(self, tile: Tile, out: Tensor) -> None:
        torch.mm(self._X[tile.top : tile.bottom], self._X[tile.left : tile.right].T, out=out)

    def sums(self) -> tuple[Tensor | None, tuple[float, ...]]:
        return self._diagonal, (float(self._diagonal.sum()),)


def linear(metric: Metric) -> TiledMeasure:
    """`cka.linear.unbiased` and `cka.linear.biased`."""
    unbiased = _is_unbiased(metric)
    return TiledMeasure(
        table=LinearKernel,
        form=unbiased_form if unbiased else lambda n: Form(pairs=2.0, stimuli=1.0),
        bounds=(metric.spec.lower, metric.spec.upper),
        held_bytes=_features_bytes,
        scratch_bytes=lambda n, d: 24 * n * d,
    )


def _is_unbiased(metric: Metric) -> bool:
    return metric.spec.family.endswith(".unbiased")


def _features_bytes(n: int, d: int) -> int:
    """Rows in float32 and a few numbers per stimulus in float64."""
    return 4 * n * d + 32 * n
