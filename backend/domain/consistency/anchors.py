"""Anchors: does one model rank the others alike on every dataset? (arXiv 2411.05561, appendix F)"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from backend.domain.consistency.correlation import FloatArray, IntArray, Method
from backend.domain.consistency.resampling import Interval, resample
from backend.domain.consistency.set_pairs import ModelSet, set_pair_consistency
from backend.domain.errors import InvalidInput


class AnchorTable(NamedTuple):
    """`r` (D, D) over the pairs of the anchor with the others, `low` and `high` the ends of its intervals, NaN where
    not defined; `n_models` (D, D) others that both datasets have; `median` over pairs of different datasets."""

    r: FloatArray
    low: FloatArray
    high: FloatArray
    median: Interval
    n_models: IntArray
    small: bool


def anchor_consistency(
    matrices: NDArray[np.floating],
    anchor: int,
    members: NDArray[np.bool_],
    method: Method = "pearson",
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> AnchorTable:
    """r over the pairs of one model with each of a set, for every pair of datasets; intervals resample the set.

    `anchor` is a position in range(M), `members` (M,) the others; the anchor itself never counts among them. Raises
    InvalidInput for a position that does not exist.
    """
    n_models = np.shape(matrices)[1]
    if not 0 <= anchor < n_models:
        raise InvalidInput(f"There is no model {anchor} among {n_models}.")
    alone = np.zeros(n_models, dtype=bool)
    alone[anchor] = True
    pair = (ModelSet("anchor", "Anchor", alone), ModelSet("others", "Others", members & ~alone))
    (table,) = set_pair_consistency(matrices, [pair], method)
    drawn = resample(matrices, [pair], method, resamples=resamples, seed=seed)
    return AnchorTable(table.r, *drawn.interval(0), drawn.medians[0], table.n_pairs, table.small)
