"""Whether the pairs within one model set are steadier across datasets than those within another."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backend.domain.consistency.correlation import Method
from backend.domain.consistency.matching import Matching
from backend.domain.consistency.set_pairs import ModelSet, SetPairTable, median_r, set_pair_consistency

Verdict = Literal["a", "b", "tie", "undefined"]


class SetDifference(NamedTuple):
    """Two model sets side by side.

    `a` and `b`: consistency of the pairs within each; `median_a`, `median_b` over dataset pairs; `difference`: median
    of a minus median of b. None where it is not defined.
    """

    a: SetPairTable
    b: SetPairTable
    median_a: float | None
    median_b: float | None
    difference: float | None


def compare_sets(
    matrices: NDArray[np.floating],
    a: ModelSet,
    b: ModelSet,
    method: Method = "pearson",
    matching: Matching | None = None,
) -> SetDifference:
    """The pairs within `a` against those within `b`, over all pairs of datasets; with `matching`, at an equal mix."""
    weights = None if matching is None else [matching.weights_a, matching.weights_b]
    within_a, within_b = set_pair_consistency(matrices, [(a, a), (b, b)], method, weights)
    median_a, median_b = median_r(within_a.r), median_r(within_b.r)
    difference = None if median_a is None or median_b is None else median_a - median_b
    return SetDifference(within_a, within_b, median_a, median_b, difference)
