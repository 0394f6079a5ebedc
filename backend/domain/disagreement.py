"""On which stimuli two models disagree, read from their lists of nearest neighbours.

A stimulus is where two models part when what is near it in one is not near it in the other: the share of its k nearest
neighbours that both have, 0 to 1. That share has k + 1 values, so ties are broken by rank: stimuli whose lists meet
late, or never, come first (the average overlap of Webber, Moffat and Zobel, 2010, over all that is stored).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.domain.errors import InvalidInput

STORED = 50  # neighbours stored of every stimulus
COUNTED = 10  # neighbours whose overlap is counted and shown
Lists = NDArray[np.int32]


@dataclass(frozen=True)
class Disagreement:
    """Of n stimuli: `shared` (n,) int, how many of the first `k` neighbours both models have, in any order; `agreement`
    (n,) float64, 0 to 1, the overlap averaged over all depths that are stored; `order` (n,) int, rows by falling
    disagreement."""

    k: int
    shared: NDArray[np.int64]
    agreement: NDArray[np.float64]
    order: NDArray[np.int64]

    @property
    def chance(self) -> float:
        """Neighbours that lists drawn at random share on average: k^2 / (n - 1)."""
        return self.k**2 / (len(self.shared) - 1)


def disagreement(first: Lists, second: Lists) -> Disagreement:
    """Compares the lists of two models on the same n stimuli, each (n, K): row numbers, the nearest first.

    Equal shares are ordered by `agreement`, and then by row, so the same lists always give the same order. Where the
    lists differ in length the shorter decides. Raises InvalidInput where the numbers of stimuli differ. Cost O(n K^2).
    """
    if first.ndim != 2 or second.ndim != 2 or len(first) != len(second) or not first.size or not second.size:
        raise InvalidInput(
            f"Lists of neighbours of shapes {first.shape} and {second.shape} cannot be compared.",
            "Both must be (stimuli, neighbours) of the same dataset.",
        )
    n, depth = len(first), min(first.shape[1], second.shape[1])
    k = min(COUNTED, depth)
    # Places p and q that hold the same stimulus meet at every depth beyond the deeper of the two.
    weights = np.cumsum((1 / np.arange(1, depth + 1))[::-1])[::-1] / depth
    shared, agreement = np.zeros(n, dtype=np.int64), np.zeros(n)
    for p in range(depth):
        same = second[:, :depth] == first[:, p : p + 1]
        met = np.maximum(same.argmax(axis=1), p)
        here = same.any(axis=1)
        shared += here & (met < k)
        agreement += np.where(here, weights[met], 0.0)
    return Disagreement(k, shared, agreement, np.lexsort((np.arange(n), agreement, shared)))
