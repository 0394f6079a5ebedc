"""Representational similarity analysis (RSA).

A model's table holds the dissimilarity of every two stimuli: 1 minus the Pearson correlation or the cosine of their
feature vectors, or their Euclidean distance. The score is the Pearson or Spearman correlation of two models' tables
over the pairs a < b (Kriegeskorte et al. 2008). The geo-topological form (Lin and Kriegeskorte 2024) makes all
dissimilarities below one quantile equal, and all above another, before they are ranked.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

import torch
from torch import Tensor

from backend.domain.metrics import Metric
from workers.similarity.bands import Band, plan
from workers.similarity.distances import FEW, HalfSquaredDistances, pairs_of, table_bytes
from workers.similarity.errors import Undefined, UndefinedRow
from workers.similarity.table import Entries
from workers.similarity.tables import TableMeasure

_BINS = 1 << 16
_EQUAL = "all pairs of stimuli are equally far apart for this model, up to rounding"
Distances = Callable[[Tensor, torch.dtype | None], HalfSquaredDistances]


def correlation_distances(X: Tensor, dtype: torch.dtype | None = None) -> HalfSquaredDistances:
    """1 minus the correlation of every two rows of `X` (n, d) float64, scaled to a mean of 1. Overwrites `X`.

    Raises Undefined for a row without variance over the features: its correlation with others does not exist.
    """
    return _of_unit_rows(
        X, X - X.mean(dim=1, keepdim=True), dtype,
        "has the same value in every feature, so that its correlation with other rows does not exist",
    )


def cosine_distances(X: Tensor, dtype: torch.dtype | None = None) -> HalfSquaredDistances:
    """1 minus the cosine of every two rows of `X` (n, d) float64, scaled to a mean of 1. Raises Undefined for a zero
    row."""
    return _of_unit_rows(X, X, dtype, "is zero, so that its angle to other rows does not exist")


def _of_unit_rows(X: Tensor, rows: Tensor, dtype: torch.dtype | None, missing: str) -> HalfSquaredDistances:
    lengths = torch.linalg.vector_norm(rows, dim=1)
    flat = lengths <= 1e-12 * torch.linalg.vector_norm(X, dim=1)
    if bool(flat.any()):
        raise UndefinedRow(int(flat.nonzero()[0, 0]), missing)
    return HalfSquaredDistances(rows / lengths[:, None], dtype=dtype)


def euclidean_distances(X: Tensor, dtype: torch.dtype | None = None) -> HalfSquaredDistances:
    """Half the squared distances of the rows of `X` (n, d) float64, scaled to a mean of 1. Overwrites `X`."""
    return HalfSquaredDistances(X, dtype=dtype)


DISTANCES: dict[str, Distances] = {
    "correlation": correlation_distances,
    "cosine": cosine_distances,
    "euclidean": euclidean_distances,
}


class DistanceTable(Entries):
    """The distances less a constant near their mean, for Pearson's correlation."""

    undefined_reason = _EQUAL

    def __init__(self, distances: HalfSquaredDistances, *, rooted: bool) -> None:
        """`rooted` takes the root, where half squared distances stand for distances."""
        self._distances, self._rooted = distances, rooted
        self.n, self.device = distances.n, distances.device
        # Rounding of one distance is about that of the two lengths it is the difference of.
        lengths = float(distances.half_lengths.double().square().mean())
        self.noise = self.n**2 * lengths * (8 * distances.epsilon) ** 2

    def fill(self, band: Band, out: Tensor) -> None:
        x = self._distances.slab(band, out, rooted=self._rooted)
        out.copy_(x.sub_(sqrt(2 * self._distances.mean) if self._rooted else self._distances.mean))


class RankTable(Entries):
    """The ranks of the distances less their mean, ties sharing their mean rank, for Spearman's correlation.

    Ranked once, when the model is prepared; kept as float32, 2 n^2 bytes. With few stimuli a single exchange
    of two neighbours shows (by up to 12 / P^2 for P pairs), and a rank that crosses a quantile jumps with any number:
    up to `FEW` stimuli, and where there are quantiles, the distances are float64 and count as equal within 2^-40; else
    they are float32, which costs less than 1e-7.
    """

    undefined_reason = _EQUAL
    noise = 0.0

    def __init__(self, X: Tensor, distances_of: Distances, quantiles: tuple[float, float] = (0.0, 1.0)) -> None:
        """`X` (n, d) float64, overwritten; `quantiles` beyond which distances count as equal."""
        fine = len(X) <= FEW or quantiles != (0.0, 1.0)
        distances = distances_of(X, torch.float64 if fine else torch.float32)
        self.n, self.device = distances.n, distances.device
        table = distances.table()
        pairs = pairs_of(table)
        # Floats that are not negative are in the order of their bits, and whole numbers sort several times as
        # fast.
        keys = (pairs.view(torch.int64) + 2**11) >> 12 if fine else pairs.view(torch.int32)
        ordered, order = torch.sort(keys)
        span = float(pairs[order[-1]] - pairs[order[0]])
        if span <= 32 * distances.epsilon * float(distances.half_lengths.max()):
            raise Undefined(_EQUAL)
        ranks = centred_ranks(ordered)
        if quantiles != (0.0, 1.0):
            ranks = levelled(ranks, *quantiles)
        self._table = torch.empty_like(table, dtype=torch.float32)
        pairs_of(self._table).scatter_(0, order, ranks)
        _mirror_half(self._table)

    def fill(self, band: Band, out: Tensor) -> None:
        out.copy_(self._table[band.rows])


class BinnedRankTable(Entries):
    """Ranks of distances that were put into 65,536 bins of equal width between the least and the largest: what falls
    into one bin shares its mean rank. No sorting, and nothing of size n^2 needs to be kept: two passes over the
    distances find the bins' ranks. The correlation differs from that of exact ranks by about 1e-5 or less where
    distances spread over many bins; by more, 2e-4 say, where they crowd into few, as in two tight clusters far apart or
    beside a few huge distances. Then the exact form is the one to use."""

    undefined_reason = _EQUAL
    noise = 0.0

    def __init__(self, X: Tensor, distances_of: Distances, *, held: bool) -> None:
        """`X` (n, d) float64, overwritten; `held` keeps the distances of the first pass for the next two."""
        distances = distances_of(X, torch.float32)
        self.n, self.device, self._distances = distances.n, distances.device, distances
        slab = torch.empty((max(band.width for band in plan(self.n)), self.n), device=self.device)
        self._kept = torch.empty((self.n // 2, self.n), device=self.device) if held else None
        low, high = float("inf"), 0.0
        for band in plan(self.n):
            x = slab[: band.width] if self._kept is None else self._kept[band.rows]
            distances.fill(band, x)
            least, most = torch.aminmax(x)
            low, high = min(low, float(least)), max(high, float(most))
        if high - low <= 32 * distances.epsilon * float(distances.half_lengths.max()):
            raise Undefined(_EQUAL)
        self._low, self._scale = low, _BINS / (high - low)
        counts = torch.zeros(_BINS, dtype=torch.int64, device=self.device)
        for band in plan(self.n):
            bins = self._bins(band, slab[: band.width]).view(-1)
            once = len(bins) - self.n // 2 if band.has_half else len(bins)  # the last diagonal has every pair twice
            counts += torch.bincount(bins[:once], minlength=_BINS)
        pairs = self.n * (self.n - 1) / 2
        self._ranks = (counts.cumsum(0) - counts / 2 - pairs / 2).float()

    def _bins(self, band: Band, out: Tensor) -> Tensor:
        """The bins of a band's distances, int32; `out` is overwritten."""
        if self._kept is None:
            self._distances.fill(band, out)
        else:
            out.copy_(self._kept[band.rows])
        return out.sub_(self._low).mul_(self._scale).to(torch.int32).clamp_(max=_BINS - 1)

    def fill(self, band: Band, out: Tensor) -> None:
        torch.index_select(self._ranks, 0, self._bins(band, out).view(-1), out=out.view(-1))


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


def levelled(ranks: Tensor, low: float, high: float) -> Tensor:
    """Ranks, ascending, with those in the lowest share `low` of their range equal to the mean of them, and so those
    above the share `high`: the ranks of dissimilarities that were cut off there."""
    share = (ranks - ranks[0]) / (ranks[-1] - ranks[0])
    below, above = int((share <= low).sum()), int((share < high).sum())
    found = ranks.clone()
    if below:
        found[:below] = ranks[:below].double().mean().float()
    if above < len(ranks):
        found[above:] = ranks[above:].double().mean().float()
    return found


def _mirror_half(table: Tensor) -> None:
    """With an even number of stimuli the last diagonal has every pair twice; the second half repeats the first."""
    n = table.shape[1]
    if n % 2 == 0:
        table[-1, n // 2 :] = table[-1, : n // 2]


def measure(metric: Metric) -> TableMeasure:
    """`rsa.<distance>.<comparator>`."""
    _, distance, comparator = metric.spec.family.split(".")
    distances_of, given = DISTANCES[distance], metric.parameters

    def entries(X: Tensor, held: bool) -> Entries:
        if comparator == "pearson":
            return DistanceTable(distances_of(X, None), rooted=distance == "euclidean")
        if comparator == "spearman-binned":
            return BinnedRankTable(X, distances_of, held=held)
        return RankTable(X, distances_of, (given["low"], given["high"]) if given else (0.0, 1.0))

    by_rank = comparator == "spearman"
    return TableMeasure(
        metric,
        entries,
        "none",
        feature_bytes=lambda n, d: 6 * n * d + 32 * n,
        making_bytes=lambda n, d: 36 * n * d + (14 if by_rank else 1) * table_bytes(n),
        streams=not by_rank,
    )
