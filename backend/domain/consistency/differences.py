"""Whether the pairs within one model set are steadier across datasets than those within another."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backend.domain.consistency.correlation import Method
from backend.domain.consistency.matching import Matching
from backend.domain.consistency.resampling import Interval, Resampled, resample
from backend.domain.consistency.set_pairs import ModelSet, SetPairTable, median_r, set_pair_consistency

Verdict = Literal["a", "b", "tie", "undefined"]


class SetDifference(NamedTuple):
    """Two model sets side by side.

    `a` and `b`: consistency of the pairs within each; `median_a`, `median_b` over dataset pairs; `difference`: median
    of a minus median of b. None where it is not defined, `low` and `high` also where no interval is. `verdict` names
    the set that is steadier, `tie` where the interval holds 0. `resampled` has the intervals of a (0) and b (1).
    """

    a: SetPairTable
    b: SetPairTable
    median_a: float | None
    median_b: float | None
    difference: float | None
    low: float | None
    high: float | None
    verdict: Verdict
    resampled: Resampled


def compare_sets(
    matrices: NDArray[np.floating],
    a: ModelSet,
    b: ModelSet,
    method: Method = "pearson",
    matching: Matching | None = None,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> SetDifference:
    """The pairs within `a` against those within `b`, over all pairs of datasets; with `matching`, at an equal mix.

    Both sets are resampled together. Cost: three times that of `resample` for one set pair.
    """
    weights = None if matching is None else [matching.weights_a, matching.weights_b]
    pairs = [(a, a), (b, b)]
    within_a, within_b = set_pair_consistency(matrices, pairs, method, weights)
    resampled = resample(matrices, pairs, method, resamples=resamples, seed=seed, weights=weights)
    found = resampled.difference(0, 1)
    median_a, median_b = median_r(within_a.r), median_r(within_b.r)
    difference = None if median_a is None or median_b is None else median_a - median_b
    low, high = (None if np.isnan(end) else end for end in (found.low, found.high))
    return SetDifference(
        within_a, within_b, median_a, median_b, difference, low, high, verdict_of(found), resampled
    )


def verdict_of(difference: Interval) -> Verdict:
    """Which side of a difference is larger, as far as its interval tells."""
    if np.isnan(difference).any():
        return "undefined"
    return "a" if difference.low > 0 else "b" if difference.high < 0 else "tie"
