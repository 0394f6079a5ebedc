"""Bias-corrected distance correlation R* (Szekely and Rizzo 2013).

The table of Euclidean distances is U-centred (Szekely and Rizzo 2014), which is the centring of the unbiased CKA; R* is
the cosine of two such tables. It is not the root of anything and can be slightly negative.
"""

from __future__ import annotations

from math import sqrt

import torch
from torch import Tensor

from backend.domain.metrics import Metric
from workers.similarity.bands import Band, later, plan, row_sums
from workers.similarity.distances import HalfSquaredDistances
from workers.similarity.table import Entries
from workers.similarity.tables import TableMeasure


class EuclideanDistances(Entries):
    """|x_a - x_b| of rows scaled to a mean squared distance of 2, U-centred.

    One walk finds the sums over rows, and every later one takes them away: nothing is left to cancel in float32
    afterwards, even beside a stimulus far from all others.
    """

    undefined_reason = "all pairs of stimuli are equally far apart for this model, up to rounding"

    def __init__(self, X: Tensor) -> None:
        """`X` (n, d) float64, overwritten. Raises Undefined if all rows are the same."""
        self._distances = HalfSquaredDistances(X)
        self.n, self.device = self._distances.n, self._distances.device
        lengths = float(self._distances.half_lengths.double().square().mean())
        self.noise = self.n**2 * lengths * (8 * self._distances.epsilon) ** 2
        rows = torch.zeros(self.n, dtype=torch.float64, device=self.device)
        for band in plan(self.n):
            out = torch.empty((band.width, self.n), dtype=torch.float32, device=self.device)
            slab = self._distances.slab(band, out, rooted=True)
            if band.has_half:
                slab[-1] *= sqrt(0.5)
            rows += row_sums(slab, band)
        margins = (rows - rows.sum() / (2 * (self.n - 1))) / (self.n - 2)
        self._margins = margins.to(self._distances.half_lengths.dtype)

    def fill(self, band: Band, out: Tensor) -> None:
        x = self._distances.slab(band, out, rooted=True)
        out.copy_(x.sub_(self._margins).sub_(later(self._margins, band)))


def unbiased(metric: Metric) -> TableMeasure:
    """`distance-correlation.unbiased`."""
    return TableMeasure(
        metric,
        lambda X, held: EuclideanDistances(X),
        "unbiased",
        feature_bytes=lambda n, d: 6 * n * d + 32 * n,
        making_bytes=lambda n, d: 28 * n * d,
    )
