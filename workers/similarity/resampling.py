"""What is computed beside the values, and how stimuli are rearranged for it. All of it follows from n, the groups and
the seed, never from the models at hand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import factorial, prod

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from backend.domain.calibration import PERMUTATIONS, SEED

MOST_BLOCKS = 20
_RELABELLING, _PERMUTATION = 1, 2  # streams of random numbers


@dataclass(frozen=True)
class Resampling:
    """`groups` (n,) int64 numbers the group of every stimulus, or is None where each stands alone. Groups are moved and
    left out as wholes. `calibrate` asks for the null, `uncertainty` for intervals."""

    n: int
    groups: NDArray[np.int64] | None = None
    calibrate: bool = False
    uncertainty: bool = False
    permutations: int = PERMUTATIONS
    seed: int = SEED

    @property
    def grouped(self) -> bool:
        return self.groups is not None and len(self._members) < self.n

    @cached_property
    def _members(self) -> list[NDArray[np.int64]]:
        """Stimuli of each group, groups in the order of their first stimulus."""
        if self.groups is None:
            return list(np.arange(self.n)[:, None])
        _, first, of = np.unique(self.groups, return_index=True, return_inverse=True)
        return [np.flatnonzero(of == g) for g in np.argsort(first)]

    @cached_property
    def _shuffled(self) -> list[NDArray[np.int64]]:
        """The groups in one seeded order."""
        order = np.random.default_rng([self.seed, _RELABELLING, self.n]).permutation(len(self._members))
        return [self._members[g] for g in order]

    @cached_property
    def relabelling(self) -> NDArray[np.int64]:
        """One seeded order of the stimuli (n,), whose cyclic shifts are the randomisation group; whole groups, and the
        blocks one after the other."""
        return np.concatenate(self._shuffled)

    def permutation(self, k: int) -> NDArray[np.int64]:
        """The k-th seeded permutation (n,): stimulus i of one model meets stimulus `permutation(k)[i]` of the other.

        A group meets a whole group of its own size, in its inner order: groups of another size cannot take its place
        without being torn apart. These permutations are a group themselves, which makes p exact; where hardly two
        groups have one size there are few of them, and p stays large.
        """
        random = np.random.default_rng([self.seed, _PERMUTATION, k])
        met = np.empty(self.n, dtype=np.int64)
        for alike in self._of_one_size:
            for group, other in zip(alike, random.permutation(len(alike)), strict=True):
                met[group] = alike[other]
        return met

    @cached_property
    def _of_one_size(self) -> list[list[NDArray[np.int64]]]:
        sizes = sorted({len(group) for group in self._members})
        return [[group for group in self._members if len(group) == size] for size in sizes]

    @cached_property
    def ways(self) -> int:
        """How many different permutations there are, counted up to 10^6: p hardly falls below one in so many."""
        return min(prod(factorial(min(len(alike), 10)) for alike in self._of_one_size), 10**6)

    @cached_property
    def orders(self) -> NDArray[np.int64]:
        """All permutations: (K, n)."""
        return np.stack([self.permutation(k) for k in range(self.permutations)])

    @cached_property
    def blocks(self) -> list[NDArray[np.int64]]:
        """The stimuli in at most 20 seeded blocks of whole groups, each to be left out once: ascending indices."""
        ends = self.bounds
        return [np.sort(self.relabelling[first:last]) for first, last in pairwise(ends)]

    @cached_property
    def bounds(self) -> list[int]:
        """Where the blocks begin and end in the seeded order: 0, ..., n."""
        parts = np.array_split([len(group) for group in self._shuffled], min(MOST_BLOCKS, len(self._shuffled)))
        return [0, *np.cumsum([part.sum() for part in parts]).tolist()]

    def kept(self, block: int) -> NDArray[np.int64]:
        """The stimuli outside a block: ascending indices."""
        left = np.ones(self.n, dtype=bool)
        left[self.blocks[block]] = False
        return np.flatnonzero(left)

    @property
    def method(self) -> str:
        """What the interval is called."""
        what = "groups" if self.grouped else "stimuli"
        return f"delete-block jackknife over {len(self.blocks)} blocks of {what}, Student's t"

    def interval(
        self, values: NDArray[np.float64], replicates: NDArray[np.float64], lower: float | None, upper: float | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """95 % interval of `values` (...) from `replicates` (..., B), one per block left out; cut at the bounds. Where
        a replicate is NaN, because too little is left without its block, nothing is known: the whole range."""
        count = replicates.shape[-1]
        spread = replicates - replicates.mean(axis=-1, keepdims=True)
        half = student.ppf(0.975, count - 1) * np.sqrt((count - 1) / count * (spread**2).sum(axis=-1))
        half = np.where(np.isnan(half), np.inf, half)
        return np.clip(values - half, lower, upper), np.clip(values + half, lower, upper)
