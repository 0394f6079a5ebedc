"""Intervals of r: which way of resampling models is used, and how it is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from backend.contracts.consistency import Scope
from backend.domain.consistency import Method, ModelSet

Ends = tuple[float | None, float | None]


class Intervals(Protocol):
    """95 % intervals of set pairs that were resampled together, by their number."""

    method_words: str

    def interval(self, k: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...
    def median_interval(self, k: int) -> Ends: ...
    def difference(self, k: int, other: int) -> Ends: ...


def intervals_of(
    values: NDArray[np.float64], pairs: Sequence[tuple[ModelSet, ModelSet]], method: Method,
    weights: Sequence[NDArray[np.float64]] | None = None,
) -> Intervals | None:
    """Intervals of these set pairs of the matrices `values` (D, M, M); None where there is nothing to resample."""
    return None


def with_interval(scope: Scope, drawn: Intervals | None) -> Scope:
    """The scope, saying how intervals were found."""
    return scope if drawn is None else scope.model_copy(update={"interval": drawn.method_words})
