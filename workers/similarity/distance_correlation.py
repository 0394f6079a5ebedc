"""Bias-corrected distance correlation R* (Szekely and Rizzo 2013).

The table of Euclidean distances is U-centred (Szekely and Rizzo 2014), which is the centring of the unbiased CKA; R* is
the cosine of two such tables. It is not the root of anything and can be slightly negative.
"""

from __future__ import annotations

from math import sqrt

from torch import Tensor

from backend.domain.metrics import Metric
from workers.similarity.bands import Band
from workers.similarity.distances import EPSILON, HalfSquaredDistances
from workers.similarity.table import Entries
from workers.similarity.tables import TableMeasure


class EuclideanDistances(Entries):
    """|x_a - x_b| of rows scaled to a mean squared distance of 2, less a constant near the mean."""

    undefined_reason = "all pairs of stimuli are equally far apart for this model, up to rounding"

    def __init__(self, X: Tensor) -> None:
        """`X` (n, d) float64, overwritten. Raises Undefined if all rows are the same."""
        self._distances = HalfSquaredDistances(X)
        self.n, self.device = self._distances.n, self._distances.device
        lengths = float(self._distances.half_lengths.double().square().mean())
        self.noise = self.n**2 * lengths * (8 * EPSILON) ** 2

    def fill(self, band: Band, out: Tensor) -> None:
        self._distances.fill(band, out)
        out.mul_(2).sqrt_().sub_(sqrt(2 * self._distances.mean))


def unbiased(metric: Metric) -> TableMeasure:
    """`distance-correlation.unbiased`."""
    return TableMeasure(
        metric,
        lambda X, held: EuclideanDistances(X),
        "unbiased",
        feature_bytes=lambda n, d: 6 * n * d + 32 * n,
        making_bytes=lambda n, d: 28 * n * d,
    )
