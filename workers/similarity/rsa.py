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

_FEW = 512
_EQUAL = "all pairs of stimuli are equally far apart for this model, up to rounding"


def correlation_distances(X: Tensor, dtype: torch.dtype = torch.float32) -> HalfSquaredDistances:
    """1 minus the correlation of every two rows of `X` (n, d) float64, scaled to a mean of 1. Overwrites `X`.

    Raises Undefined for a row without variance over the features: its correlation with others does not exist.
    """
    before = torch.linalg.vector_norm(X, dim=1)
    X -= X.mean(dim=1, keepdim=True)
    lengths = torch.linalg.vector_norm(X, dim=1)
    flat = lengths <= 1e-12 * before
    if bool(flat.any()):
        row = int(flat.nonzero()[0, 0])
        raise Undefined(
            f"row {row} (counted from 0) has the same value in every feature, so that its correlation with "
            "other rows does not exist"
        )
    X /= lengths[:, None]
    return HalfSquaredDistances(X, dtype=dtype)


class DistanceTable(Table):
    """The distances less their mean, for Pearson's correlation."""

    undefined_reason = _EQUAL

    def __init__(self, X: Tensor) -> None:
        """`X` (n, d) float64, overwritten. Raises Undefined as `correlation_distances` does."""
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

    Ranked once, when the model is prepared; kept as float32, 2 n^2 bytes. With few stimuli a single exchange
    of two neighbours shows (by up to 12 / P^2 for P pairs), so that up to `_FEW` the distances are float64
    and count as equal within 2^-40; with more they are float32, which costs less than 1e-7.
    """

    undefined_reason = _EQUAL
    noise = 0.0

    def __init__(self, X: Tensor) -> None:
        """`X` (n, d) float64, overwritten. Raises Undefined as `correlation_distances` does."""
        few = len(X) <= _FEW
        distances = correlation_distances(X, torch.float64 if few else torch.float32)
        self.n, self.device = distances.n, distances.device
        count, packed = self.n * (self.n - 1) // 2, distances.packed()
        # Floats that are not negative are in the order of their bits, and whole numbers sort several times as
        # fast.
        keys = (packed.view(torch.int64) + 2**11) >> 12 if few else packed.view(torch.int32)
        ordered, order = torch.sort(keys)
        span = float(packed[order[count - 1]] - packed[order[0]])
        if span <= 32 * distances.epsilon * float(distances.half_lengths.max()):
            raise Undefined(_EQUAL)
        self._ranks = torch.zeros(len(packed), dtype=torch.float32, device=self.device)
        self._ranks.scatter_(0, order[:count], centred_ranks(ordered[:count]))
        self._offsets = dict[Tile, int]()
        used = 0
        for tile in plan(self.n):
            self._offsets[tile] = used
            used += tile.size

    def fill(self, tile: Tile, out: Tensor) -> None:
        start = self._offsets[tile]
        out.copy_(self._ranks[start : start + tile.size].view(tile.shape))


def centred_ranks(ordered: Tensor) -> Tensor:
    """Mean ranks, less their mean, of values in ascending order: (P,) -> (P,) float32.

    Exact, halves included, up to 2^23 values; rounded to float32 beyond. Cost O(P).
    """
    count = len(ordered)
    exact = torch.float32 if count <= 2**23 else torch.float64
    ranks = torch.arange(count, dtype=exact, device=ordered.device).sub_((count - 1) / 2)
    tied = (ordered[1:] == ordered[:-1]).nonzero()[:, 0]
    if len(tied):
        # Positions tied with the next one come in runs; a run of k of them is a group of k + 1 equal values.
        begins = torch.ones(len(tied), dtype=torch.bool, device=ordered.device)
        begins[1:] = tied[1:] != tied[:-1] + 1
        runs = begins.nonzero()[:, 0]
        sizes = torch.diff(runs, append=runs.new_tensor([len(tied)]))
        first, last = tied[runs], tied[runs] + sizes
        means = (ranks[first] + ranks[last]) / 2
        ranks[tied] = torch.repeat_interleave(means, sizes)
        ranks[last] = means
    return ranks.float()


def correlation(metric: Metric) -> TiledMeasure:
    """`rsa.correlation.pearson` and `rsa.correlation.spearman`."""
    by_rank = metric.spec.family.endswith(".spearman")
    return TiledMeasure(
        table=RankTable if by_rank else DistanceTable,
        form=(lambda n: Form(1.0)) if by_rank else (lambda n: Form(1.0, 0.0, (-2.0 / (n * (n - 1)),))),
        bounds=(-1.0, 1.0),
        held_bytes=lambda n, d: packed_bytes(n) if by_rank else 4 * n * d + 32 * n,
        scratch_bytes=lambda n, d: 28 * n * d + (14 * packed_bytes(n) if by_rank else 0),
    )
