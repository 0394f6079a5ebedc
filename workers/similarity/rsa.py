"""Representational similarity analysis (RSA) with correlation distances.

A model's table is 1 minus the Pearson correlation of two stimuli's feature vectors; the score is the Pearson
or Spearman correlation of two models' tables over the pairs a < b (Kriegeskorte et al. 2008).
"""

from __future__ import annotations

import torch
from torch import Tensor

from backend.domain.metrics import Metric
from workers.similarity.distances import EPSILON, HalfSquaredDistances, packed_bytes
from workers.similarity.errors import Undefined
from workers.similarity.products import Form, Table, TiledMeasure
from workers.similarity.tiles import Tile, plan

_EQUAL = "all pairs of stimuli are equally far apart for this model, up to rounding"


def correlation_distances(X: Tensor) -> HalfSquaredDistances:
    """1 minus the correlation of every two rows of `X` (n, d) float64, scaled to a mean of 1.

    Raises Undefined for a row without variance over the features: its correlation with others does not exist.
    """
    centred = X - X.mean(dim=1, keepdim=True)
    lengths = torch.linalg.vector_norm(centred, dim=1, keepdim=True)
    flat = lengths[:, 0] <= 1e-12 * torch.linalg.vector_norm(X, dim=1)
    if bool(flat.any()):
        row = int(flat.nonzero()[0, 0])
        raise Undefined(
            f"row {row} (counted from 0) has the same value in every feature, so that its correlation with "
            "other rows does not exist"
        )
    return HalfSquaredDistances(centred.div_(lengths))


class DistanceTable(Table):
    """The distances less their mean, for Pearson's correlation."""

    undefined_reason = _EQUAL

    def __init__(self, X: Tensor) -> None:
        """`X` (n, d) float64. Raises Undefined as `correlation_distances` does."""
        self._distances = correlation_distances(X)
        self.n, self.device = self._distances.n, self._distances.device
        # Rounding of one distance is about that of the two lengths it is the difference of.
        lengths = float(self._distances.half_lengths.double().square().mean())
        self.noise = self.n**2 * lengths * (8 * EPSILON) ** 2
        self._total = 0.0

    def begin(self) -> None:
        self._total = 0.0

    def fill(self, tile: Tile, out: Tensor) -> None:
        self._distances.fill(tile, out)
        out.sub_(self._distances.mean)

    def absorb(self, tile: Tile, filled: Tensor) -> None:
        self._total += float(filled.sum(dtype=torch.float64))

    def sums(self) -> tuple[Tensor | None, tuple[float, ...]]:
        return None, (self._total,)


class RankTable(Table):
    """The ranks of the distances less their mean, ties sharing their mean rank, for Spearman's correlation.

    Ranked once, when the model is prepared; kept as float32, 2 n^2 bytes.
    """

    undefined_reason = _EQUAL
    noise = 0.0

    def __init__(self, X: Tensor) -> None:
        """`X` (n, d) float64. Raises Undefined as `correlation_distances` does."""
        distances = correlation_distances(X)
        self.n, self.device = distances.n, distances.device
        packed = distances.packed()
        span = float(torch.where(packed.isfinite(), packed, 0.0).max() - packed.min())
        if span <= 32 * EPSILON * float(distances.half_lengths.max()):
            raise Undefined(_EQUAL)
        self._ranks = centred_ranks(packed, self.n * (self.n - 1) // 2)
        self._offsets = dict[Tile, int]()
        used = 0
        for tile in plan(self.n):
            self._offsets[tile] = used
            used += tile.size

    def fill(self, tile: Tile, out: Tensor) -> None:
        start = self._offsets[tile]
        out.copy_(self._ranks[start : start + tile.size].view(tile.shape))


def centred_ranks(values: Tensor, count: int) -> Tensor:
    """Mean ranks, less their mean, of the `count` smallest of `values` (float32, none below 0); 0 for the
    others.

    Overwrites and returns `values`. Exact, halves included, up to 2^23 of them; beyond that rounded to
    float32.
    Cost: one sort of 4-byte keys.
    """
    # Floats that are not negative are in the order of their bits, and whole numbers sort five times as fast.
    keys, order = torch.sort(values.view(torch.int32))
    keys, order = keys[:count], order[:count]
    ranks = torch.arange(count, dtype=torch.float64, device=values.device)
    tied = (keys[1:] == keys[:-1]).nonzero()[:, 0]
    if len(tied):
        # Positions tied with the next one come in runs; a run of k of them is a group of k + 1 equal values.
        starts_run = torch.ones(len(tied), dtype=torch.bool, device=values.device)
        starts_run[1:] = tied[1:] != tied[:-1] + 1
        first_of_run = starts_run.nonzero()[:, 0]
        sizes = torch.diff(first_of_run, append=first_of_run.new_tensor([len(tied)]))
        starts = tied[first_of_run]
        means = starts.double() + sizes.double() / 2
        ranks[tied] = torch.repeat_interleave(means, sizes)
        ranks[starts + sizes] = means
    values.zero_()
    values[order] = (ranks - (count - 1) / 2).float()
    return values


def correlation(metric: Metric) -> TiledMeasure:
    """`rsa.correlation.pearson` and `rsa.correlation.spearman`."""
    by_rank = metric.spec.family.endswith(".spearman")
    return TiledMeasure(
        table=RankTable if by_rank else DistanceTable,
        form=(lambda n: Form(1.0)) if by_rank else (lambda n: Form(1.0, 0.0, (-2.0 / (n * (n - 1)),))),
        bounds=(metric.spec.lower, metric.spec.upper),
        held_bytes=lambda n, d: packed_bytes(n) if by_rank else 4 * n * d + 32 * n,
        scratch_bytes=lambda n, d: 24 * n * d + (10 * packed_bytes(n) if by_rank else 0),
    )
