"""The order in which models are drawn: neighbours in the picture are neighbours in similarity.

Average linkage with optimal leaf ordering (Bar-Joseph et al. 2001), made deterministic: the same models and
values give the same order whatever order they come in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
from scipy.spatial.distance import squareform

from backend.domain.errors import InvalidInput

Direction = Literal["similarity", "distance"]
FloatArray = NDArray[np.float64]
# Values are float32: below this only the order of summation speaks, which must not decide a tie.
DECIMALS = 7


def mean_similarity(matrices: NDArray[np.floating]) -> FloatArray:
    """Mean over datasets of each pair: (D, M, M) -> (M, M), float64. NaN where no dataset has the pair.

    Each pair is averaged over the datasets that have it.
    """
    matrices = np.asarray(matrices)
    if matrices.ndim != 3 or matrices.shape[1] != matrices.shape[2]:
        raise InvalidInput(f"Expected (datasets, models, models), and got {matrices.shape}.")
    total, count = np.zeros(matrices.shape[1:]), np.zeros(matrices.shape[1:], dtype=np.int64)
    for matrix in matrices:  # one at a time: a float64 copy of all would be the larger part of the memory
        present = np.isfinite(matrix)
        total += np.where(present, matrix, 0.0)
        count += present
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def cluster_order(
    similarity: NDArray[np.floating], names: Sequence[str], direction: Direction = "similarity"
) -> list[int]:
    """Positions of the models in drawing order: a permutation of range(M).

    `similarity` is (M, M), in the order of `names`, which are unique; its diagonal is not read, a missing
    pair (NaN) counts as the least alike value there is. Distances between models are 1 - s, or the value
    itself when `direction` is `distance`; both directions of an asymmetric measure are averaged. Of the two
    mirror images the one is taken that begins with the end whose name comes first. Works for M = 0, 1 and 2.

    Raises InvalidInput when shape and names do not fit. Cost: O(M^2) memory, O(M^3) time (0.1 s at M = 300).
    """
    n_models = len(names)
    if np.shape(similarity) != (n_models, n_models):
        raise InvalidInput(
            f"{n_models} names need a matrix of {(n_models, n_models)}, and got {np.shape(similarity)}."
        )
    if len(set(names)) != n_models:
        raise InvalidInput("Two models have the same name, so their order is not defined.")
    by_name = sorted(range(n_models), key=lambda position: names[position])
    if n_models <= 2:
        return by_name
    values = np.asarray(similarity, dtype=np.float64)[np.ix_(by_name, by_name)]
    condensed = _condensed_distances(values, direction)
    leaves = leaves_list(optimal_leaf_ordering(linkage(condensed, method="average"), condensed))
    if leaves[0] > leaves[-1]:
        leaves = leaves[::-1]
    return [by_name[leaf] for leaf in leaves]


def _condensed_distances(values: FloatArray, direction: Direction) -> FloatArray:
    """Distances of the upper triangle, missing ones filled with the largest, none negative."""
    distances = 1.0 - values if direction == "similarity" else values
    distances = (distances + distances.T) / 2
    np.fill_diagonal(distances, 0.0)
    condensed: FloatArray = squareform(distances, checks=False)
    present = np.isfinite(condensed)
    condensed = np.where(present, condensed, condensed[present].max() if present.any() else 1.0)
    return np.asarray(np.round(np.maximum(condensed, 0.0), DECIMALS), dtype=np.float64)
