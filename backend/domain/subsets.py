"""Nested random parts of a dataset's stimuli: what a matrix would be with fewer of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

DIVISORS = (10, 4, 2)
SEEDS = (0, 1, 2)
LEAST_GROUPS = 2  # patches of one picture are not a smaller dataset of pictures

IntArray = NDArray[np.int64]


def nested_subsets(
    labels: Sequence[str | None], groups: IntArray | None, seed: int, least: int = 2
) -> dict[int, IntArray]:
    """Divisor -> row numbers (ascending) of about one stimulus of so many, the smaller parts within the larger ones.

    Every label keeps about its share, and groups (numbers, (n,)) are whole. A part is left out when it would have
    fewer than `least` stimuli or than two groups, or be the same as a smaller one or as all of them. O(n log n).
    """
    n = len(labels)
    units = np.arange(n) if groups is None else groups
    numbers, first, unit_of = np.unique(units, return_index=True, return_inverse=True)
    order = _interleaved([labels[row] for row in first], np.random.default_rng([seed, n]))
    place = np.empty(len(numbers), dtype=np.int64)
    place[order] = np.arange(len(numbers))
    reached = np.cumsum(np.bincount(unit_of)[order])
    found: dict[int, IntArray] = {}
    before = 0
    for divisor in sorted(DIVISORS, reverse=True):
        count = int(np.abs(reached - n / divisor).argmin()) + 1
        enough = reached[count - 1] >= least and (groups is None or count >= LEAST_GROUPS)
        if enough and before < count < len(numbers):
            found[divisor] = np.flatnonzero(place[unit_of] < count)
            before = count
    return found


def _interleaved(labels: Sequence[str | None], rng: np.random.Generator) -> IntArray:
    """Positions in an order of which every beginning holds the labels in about the shares of the whole."""
    at: dict[str | None, list[int]] = {}
    for position, label in enumerate(labels):
        at.setdefault(label, []).append(position)
    key = np.empty(len(labels))
    for positions in at.values():
        key[rng.permutation(positions)] = (np.arange(len(positions)) + rng.random()) / len(positions)
    order: IntArray = np.argsort(key, kind="stable")
    return order
