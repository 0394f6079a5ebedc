"""Mean and spread of each model pair over datasets."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from backend.domain.consistency.correlation import FloatArray, IntArray
from backend.domain.ordering import mean_similarity


class Spread(NamedTuple):
    """(M, M) each: mean over the datasets that have the pair (NaN: none has), standard deviation over them (n - 1; NaN
    with fewer than two), and how many they are."""

    mean: FloatArray
    sd: FloatArray
    n: IntArray


def mean_and_spread(matrices: NDArray[np.floating]) -> Spread:
    """Mean and standard deviation over datasets of every pair: `matrices` (D, M, M), NaN where not computed.

    Raises InvalidInput for another shape. Cost O(D M^2).
    """
    mean = mean_similarity(matrices)
    squares, n = np.zeros(mean.shape), np.zeros(mean.shape, dtype=np.int64)
    for matrix in matrices:
        present = np.isfinite(matrix)
        squares += np.where(present, matrix - mean, 0.0) ** 2
        n += present
    sd = np.where(n > 1, np.sqrt(squares / np.maximum(n - 1, 1)), np.nan)
    return Spread(mean, sd, n)
