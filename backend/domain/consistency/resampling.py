"""Intervals of consistency that resample models.

Pairs that share a model are not independent, so resampling pairs would be wrong by far: models are resampled, and a
pair counts as often as both of its models do (docs/decisions/0015-intervals-that-resample-models.md).

- Models are resampled within the cells of membership (in both sets, in one, in the other), so that sets keep their
  sizes. A cell of one model, such as an anchor, stays as it is.
- Two ways. The jackknife leaves out each model once; its variance tends to be too large rather than too small (Efron
  and Stein 1981). With r as Fisher's z, its ends are z -+ t SE, Student's t having Welch's degrees of freedom over
  cells. The bootstrap draws m - 1 of the m models of a cell with replacement (as many as make the variance of a mean
  unbiased: Rao and Wu 1988); its ends are percentiles, which follow a skewed distribution.
- An interval holds both, in its lower and its upper end.
- Above MANY models the jackknife stands alone: by then both agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from backend.domain.consistency.cells import bootstrap_weights, cells_of, parts_of, weights_without
from backend.domain.consistency.correlation import FloatArray, IntArray, Method, check_method, pair_values
from backend.domain.consistency.jackknife import without_each_model
from backend.domain.consistency.set_pairs import ModelSet, check_members, pair_mask, square
from backend.domain.consistency.weighted import Floats, weighted_correlations

LEVEL = 0.95
MANY = 200
# Where leaving out every model of many is too much (ranks, weights), blocks of a cell's models are left out instead.
BLOCKS = 20
# r = 1 exactly has no finite z: beyond this, r counts as this.
LARGEST_R = 1 - 1e-6

SetPair = tuple[ModelSet, ModelSet]


class Interval(NamedTuple):
    """An estimate with the ends of its 95 % interval; NaN where it or they are not defined."""

    value: float
    low: float
    high: float


class Replicates(NamedTuple):
    """A statistic of shape S of the sample (S), in each bootstrap draw (B, S; none: B = 0) and without each part of
    some cell (G, S). `cell_of` (G,) says which cell."""

    sample: Floats
    draws: Floats
    without: Floats
    cell_of: IntArray


@dataclass(frozen=True)
class Sample:
    """What is resampled: `values` (D, P) of all model pairs, K set pairs, weights of models for each or None."""

    values: FloatArray
    pairs: Sequence[SetPair]
    weights: Sequence[FloatArray | None]
    method: Method
    resamples: int
    seed: int


@dataclass(frozen=True)
class Resampled:
    """Intervals for K model-set pairs over D datasets; `k` counts the pairs as they were given.

    `low` and `high` (K, D, D): ends for r, 1 on the diagonal, NaN where r or its interval is not defined; `medians`:
    the median over pairs of different datasets with its ends; `method_words`: how, for a reader.
    """

    low: FloatArray
    high: FloatArray
    medians: list[Interval]
    method_words: str
    sample: Sample = field(repr=False)

    def interval(self, k: int) -> tuple[FloatArray, FloatArray]:
        """Ends of the interval of r for every pair of datasets: (D, D) each."""
        return self.low[k], self.high[k]

    def median_interval(self, k: int) -> tuple[float, float]:
        """Ends of the interval of the median r over pairs of datasets."""
        return self.medians[k].low, self.medians[k].high

    def difference(self, first: int, second: int, among: int = 2) -> Interval:
        """Median r of one set pair minus that of another.

        Both are resampled together, within the cells of all their sets, so that a model of both moves both. `among`: of
        how many set pairs these two were chosen after looking, as the highest and the lowest are. The intervals of
        every two of them then hold together (Bonferroni).
        """
        one, other = (medians(replicates) for replicates in replicates_of(self.sample, (first, second)))
        difference = Replicates(
            one.sample - other.sample, one.draws - other.draws, one.without - other.without, one.cell_of
        )
        low, high = ends(difference, 1 - (1 - LEVEL) / comb(among, 2))
        value = float(difference.sample)
        return Interval(value, max(-2.0, float(low)), min(2.0, float(high)))


def resample(
    matrices: NDArray[np.floating],
    pairs: Sequence[SetPair],
    method: Method = "pearson",
    *,
    resamples: int = 1000,
    seed: int = 0,
    weights: Sequence[FloatArray | None] | None = None,
) -> Resampled:
    """95 % intervals for r of every model-set pair and pair of datasets, and for the medians over the latter.

    `matrices` (D, M, M), NaN where nothing was computed; `weights` as in `set_pair_consistency`. The same input and
    seed give the same ends; those of a set pair do not depend on which others are asked for. Cost O(B P D^2) for each
    set pair of P model pairs: 64 models, 23 datasets and 1,000 draws take about a tenth of a second. Above MANY models
    O(M^2 D^2), without draws.
    """
    check_method(method)
    values = pair_values(matrices)
    n_datasets, n_models = np.shape(matrices)[:2]
    check_members(n_models, pairs)
    sample = Sample(values, pairs, [None] * len(pairs) if weights is None else weights, method, resamples, seed)
    low, high = (np.full((len(pairs), n_datasets, n_datasets), np.nan) for _ in range(2))
    intervals = []
    for k in range(len(pairs)):
        (replicates,) = replicates_of(sample, (k,))
        low[k], high[k] = (square(end, n_datasets) for end in ends_of_r(replicates))
        median = medians(replicates)
        intervals.append(Interval(float(median.sample), *(float(end) for end in ends_of_r(median))))
    return Resampled(low, high, intervals, words(n_models, resamples, seed), sample)


def words(n_models: int, resamples: int, seed: int) -> str:
    """How intervals were found, in one sentence."""
    among = f" (among {MANY} models or fewer)" if n_models > MANY else ""
    return (
        "95 % intervals resample models, not pairs: they hold Student's t of Fisher's z with the jackknife over models "
        f"and{among} the percentiles of {resamples:,} bootstrap draws (seed {seed})."
    )


def replicates_of(sample: Sample, which: Sequence[int]) -> list[Replicates]:
    """r of some set pairs over dataset pairs, (Q,), all under the same resampling of models."""
    n_models = len(sample.pairs[0][0].members)
    rows, columns = np.triu_indices(n_models, 1)
    chosen = []
    occurs = np.zeros(n_models, dtype=bool)
    for k in which:
        weights = sample.weights[k]
        used = pair_mask(*sample.pairs[k])
        if weights is not None:
            used &= (weights[rows] > 0) & (weights[columns] > 0)
        models, values = (rows[used], columns[used]), sample.values[:, used]
        for side in models:
            occurs[side[np.isfinite(values).any(axis=0)]] = True
        chosen.append((values, models, weights))
    cells = cells_of([one for k in which for one in sample.pairs[k]], occurs)
    many, method = occurs.sum() > MANY, sample.method
    if many and method == "pearson" and all(weights is None for _, _, weights in chosen):
        return [_without_each(values, models, cells) for values, models, _ in chosen]
    parts = parts_of(cells, BLOCKS if many else MANY, sample.seed)
    drawn = bootstrap_weights(cells, 0 if many else sample.resamples, sample.seed)
    exact = np.concatenate([np.ones((1, n_models)), weights_without(parts, cells)])
    cell_of = np.array([part.cell for part in parts], dtype=np.int64)
    found = []
    for values, models, weights in chosen:
        # Draws in single precision: rounding is far below what another seed changes.
        times = 1.0 if weights is None else weights
        r, draws = (
            weighted_correlations(values, models, (some * times).astype(kind), method)
            for some, kind in ((exact, np.float64), (drawn, np.float32))
        )
        found.append(Replicates(r[0], draws, r[1:], cell_of))
    return found


def _without_each(values: FloatArray, models: tuple[NDArray[np.intp], NDArray[np.intp]], cells: IntArray) -> Replicates:
    """The jackknife of many models, without draws."""
    r = without_each_model(values, models, len(cells))
    sizes = np.bincount(cells[cells >= 0])
    left_out = np.flatnonzero((cells >= 0) & (sizes[cells] > 1))
    return Replicates(r[0], r[:0], r[1:][left_out], cells[left_out])


def medians(replicates: Replicates) -> Replicates:
    """The median over dataset pairs of each replicate: shapes (Q) become ()."""
    sample, draws, without = (_quantiles(part, [0.5], axis=-1)[0] for part in replicates[:3])
    return Replicates(sample, draws, without, replicates.cell_of)


def ends_of_r(replicates: Replicates) -> tuple[FloatArray, FloatArray]:
    """Ends for a correlation, or a median of some: `ends` on the scale of Fisher's z, always around r.

    NaN where r is 1 or -1: every resample then repeats it, which says nothing of how sure it is.
    """
    in_z = [np.arctanh(np.clip(part, -LARGEST_R, LARGEST_R)) for part in replicates[:3]]
    low, high = (np.tanh(end) for end in ends(Replicates(in_z[0], in_z[1], in_z[2], replicates.cell_of)))
    r = np.where(np.abs(replicates.sample) < LARGEST_R, replicates.sample, np.nan)
    return np.minimum(low, r), np.maximum(high, r)


def ends(replicates: Replicates, level: float = LEVEL) -> tuple[FloatArray, FloatArray]:
    """Ends that hold sample -+ t SE of the jackknife and the percentiles of the draws; NaN where one of them is not
    defined, which for percentiles means in more than half of the draws."""
    by_cell, freedom = [], []
    for cell in np.unique(replicates.cell_of):
        without = replicates.without[replicates.cell_of == cell]
        n_parts = len(without)
        by_cell.append((n_parts - 1) / n_parts * ((without - without.mean(axis=0)) ** 2).sum(axis=0))
        freedom.append(n_parts - 1)
    if not by_cell:
        nothing = np.full(np.shape(replicates.sample), np.nan)
        return nothing, nothing
    variance = np.sum(by_cell, axis=0)
    terms = np.sum([part**2 / n for part, n in zip(by_cell, freedom, strict=True)], axis=0)
    n_free = np.where(terms > 0, variance**2 / np.where(terms > 0, terms, 1.0), min(freedom))
    half = stdtrit(n_free, (1 + level) / 2) * np.sqrt(variance)
    low, high = replicates.sample - half, replicates.sample + half
    if len(replicates.draws):
        enough = 2 * np.isfinite(replicates.draws).sum(axis=0) >= len(replicates.draws)
        percentiles = _quantiles(replicates.draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
        lowest, highest = np.where(enough, percentiles, np.nan)
        low, high = np.minimum(low, lowest), np.maximum(high, highest)
    return low, high


def _quantiles(values: Floats, shares: Sequence[float], axis: int) -> FloatArray:
    """numpy's quantiles over an axis of what is there (not NaN), shares first; NaN where nothing is."""
    n = np.isfinite(values).sum(axis=axis, keepdims=True)
    found = np.full((len(shares), *n.squeeze(axis).shape), np.nan)
    if values.shape[axis]:
        ordered = np.sort(values, axis=axis)  # NaN goes last
        for number, share in enumerate(shares):
            place = np.maximum(n - 1, 0) * share
            below = np.floor(place).astype(np.intp)
            low = np.take_along_axis(ordered, below, axis=axis)
            high = np.take_along_axis(ordered, np.minimum(below + 1, np.maximum(n - 1, 0)), axis=axis)
            found[number] = (low + (high - low) * (place - below)).squeeze(axis)
    return found
