"""Two matrices of the same models against each other: two metrics, similarity and behaviour, all and some stimuli."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from backend.domain.consistency.correlation import (
    FloatArray,
    IntArray,
    Method,
    check_method,
    consistency,
    correlations,
    pair_values,
)
from backend.domain.consistency.resampling import Interval, resample
from backend.domain.consistency.set_pairs import every
from backend.domain.errors import InvalidInput

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


class Agreement(NamedTuple):
    """How far two metrics tell the same story.

    `r` (D,) over model pairs of each dataset with its interval's ends, `n_pairs` (D,); `consistency_x`, `consistency_y`
    (D, D) by each metric; `consistency_r`: their correlation over pairs of different datasets (NaN: not defined), which
    has no interval, since dataset pairs share datasets as well as models.
    """

    r: FloatArray
    low: FloatArray
    high: FloatArray
    n_pairs: IntArray
    consistency_x: FloatArray
    consistency_y: FloatArray
    consistency_r: float


class GapCorrelation(NamedTuple):
    """Correlation over model pairs of similarity with the gap in accuracy and its interval's ends; NaN where not
    defined."""

    r: float
    low: float
    high: float
    n_pairs: int
    n_models: int


class Sensitivity(NamedTuple):
    """A matrix from a part of the stimuli against the matrix from all: `r` over model pairs, `quantiles` (5,) of
    |difference| at QUANTILES, `n_pairs`; NaN where there is no pair."""

    r: float
    quantiles: FloatArray
    n_pairs: int


def metric_agreement(
    stack_x: NDArray[np.floating],
    stack_y: NDArray[np.floating],
    method: Method = "pearson",
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> Agreement:
    """Agreement of two metrics of the same models on the same datasets: (D, M, M) each, NaN where not computed.

    Raises InvalidInput where shapes differ. Cost: D times that of `resample` for two datasets.
    """
    _same_shape(stack_x, stack_y)
    tables = [consistency(stack, method) for stack in (stack_x, stack_y)]
    n_pairs = (np.isfinite(pair_values(stack_x)) & np.isfinite(pair_values(stack_y))).sum(axis=1)
    found = [_of_two(np.stack(two), method, resamples, seed) for two in zip(stack_x, stack_y, strict=True)]
    r, low, high = np.array(found, dtype=np.float64).reshape(-1, 3).T
    above = np.triu_indices(len(r), 1)
    across = correlations(np.stack([table.r[above] for table in tables]), method)[0, 1]
    return Agreement(r, low, high, n_pairs.astype(np.int64), tables[0].r, tables[1].r, float(across))


def gap_correlation(
    similarity: NDArray[np.floating],
    accuracy: NDArray[np.floating],
    method: Method = "pearson",
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> GapCorrelation:
    """r over model pairs of similarity with |accuracy_i - accuracy_j|.

    `similarity` (M, M), `accuracy` (M,); NaN where not computed. Raises InvalidInput where they do not fit.
    """
    two = with_gaps(similarity, accuracy)
    table = consistency(two, method)
    found = _of_two(two, method, resamples, seed)
    return GapCorrelation(*found, int(table.n_pairs[0, 1]), int(table.n_models[0, 1]))


def _of_two(two: FloatArray, method: Method, resamples: int, seed: int) -> Interval:
    """r of two matrices (2, M, M) over all model pairs that both have: a median over the one pair that they form."""
    everyone = every(two.shape[1])
    both = np.where(np.isfinite(two).all(axis=0), two, np.nan)
    return resample(both, [(everyone, everyone)], method, resamples=resamples, seed=seed).medians[0]


def with_gaps(similarity: NDArray[np.floating], accuracy: NDArray[np.floating]) -> FloatArray:
    """Similarity and gaps of accuracy as two matrices of the same models: (2, M, M)."""
    accuracy = np.asarray(accuracy, dtype=np.float64)
    if accuracy.ndim != 1 or np.shape(similarity) != (len(accuracy), len(accuracy)):
        raise InvalidInput(f"{np.shape(accuracy)} accuracies do not fit similarities of shape {np.shape(similarity)}.")
    return np.stack([np.asarray(similarity, dtype=np.float64), np.abs(accuracy[:, None] - accuracy)])


def sensitivity(
    full: NDArray[np.floating], part: NDArray[np.floating], method: Method = "pearson"
) -> Sensitivity:
    """How far a matrix (M, M) from a part of the stimuli departs from the one from all of them."""
    check_method(method)
    _same_shape(full, part)
    values = pair_values(np.stack([full, part]))
    shared = np.isfinite(values).all(axis=0)
    differences = np.abs(values[0, shared] - values[1, shared])
    quantiles = np.quantile(differences, QUANTILES) if shared.any() else np.full(len(QUANTILES), np.nan)
    return Sensitivity(float(correlations(values, method)[0, 1]), quantiles, int(shared.sum()))


def _same_shape(first: NDArray[np.floating], second: NDArray[np.floating]) -> None:
    if np.shape(first) != np.shape(second):
        raise InvalidInput(
            f"Both sides need the same models and datasets, and got {np.shape(first)} and {np.shape(second)}."
        )
