"""Intervals of r as they are told: ends that are not defined are None, and the scope says how they were found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.contracts.consistency import Scope
from backend.domain.consistency import MANY, Method, ModelSet, Resampled, pair_mask, resample, verdict_of
from backend.domain.consistency.resampling import words

SEED = 0
DRAWS, FEWEST_DRAWS = 1000, 100
# Numbers that are ranked in all draws together, about ten seconds: Spearman ranks anew in every draw.
MOST_RANKED = 200_000_000

Ends = tuple[float | None, float | None]


@dataclass(frozen=True)
class Intervals:
    """95 % intervals of set pairs that were resampled together, by their number."""

    resampled: Resampled
    n_models: int

    def interval(self, k: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Ends for r of every two datasets, (D, D) each; NaN where not defined."""
        return self.resampled.interval(k)

    def median_interval(self, k: int) -> Ends:
        """Ends for the median r over pairs of datasets."""
        return _ends(*self.resampled.median_interval(k))

    def apart(self, k: int, other: int, among: int) -> bool:
        """Whether the interval of the difference of two medians, chosen among so many, leaves out 0."""
        return verdict_of(self.resampled.difference(k, other, among)) in ("a", "b")


def intervals_of(
    values: NDArray[np.floating], pairs: Sequence[tuple[ModelSet, ModelSet]], method: Method
) -> Intervals | None:
    """Intervals of these set pairs of the matrices `values` (D, M, M); None where there is no r to speak of."""
    if len(values) < 2 or not values.shape[1]:
        return None
    draws = draws_of(values, pairs, method)
    return Intervals(resample(values, pairs, method, resamples=draws, seed=SEED), values.shape[1])


def draws_of(values: NDArray[np.floating], pairs: Sequence[tuple[ModelSet, ModelSet]], method: Method) -> int:
    """How many draws of the models are affordable while somebody waits."""
    if method == "pearson":
        return DRAWS
    ranked = len(values) * sum(int(pair_mask(*pair).sum()) for pair in pairs)
    return min(DRAWS, max(FEWEST_DRAWS, MOST_RANKED // max(1, ranked)))


def with_interval(scope: Scope, drawn: Intervals | None) -> Scope:
    """The scope, saying how intervals were found."""
    return scope if drawn is None else with_words(scope, drawn.n_models, drawn.resampled.sample.resamples)


def with_words(scope: Scope, n_models: int, draws: int) -> Scope:
    """The scope, saying how intervals over so many models were found."""
    few = n_models <= MANY
    return scope.model_copy(update={
        "interval": words(n_models, draws, SEED), "resamples": draws if few else None, "seed": SEED if few else None,
    })


def _ends(low: float, high: float) -> Ends:
    return None if np.isnan(low) else float(low), None if np.isnan(high) else float(high)
