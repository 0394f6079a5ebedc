"""What makes or breaks an r: the part of each pair, what it becomes without a model or a dataset, the line."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from backend.domain.consistency.correlation import (
    MIN_PAIRS,
    FloatArray,
    Method,
    check_method,
    pair_values,
)
from backend.domain.consistency.jackknife import without_each_model
from backend.domain.consistency.set_pairs import median_r
from backend.domain.consistency.weighted import weighted_correlations
from backend.domain.errors import InvalidInput


class Line(NamedTuple):
    """The least squares line y = intercept + slope x."""

    slope: float
    intercept: float


def contributions(x: FloatArray, y: FloatArray, method: Method = "pearson") -> FloatArray:
    """What each pair adds to r, (P,): (x - mean x) (y - mean y) / (|x - mean x| |y - mean y|), whose sum is r.

    Pairs that one side lacks (NaN) take no part and get NaN; all are NaN where r is not defined. By `spearman`, of the
    ranks.
    """
    check_method(method)
    shared = _shared(x, y)
    parts = np.full(shared.shape, np.nan)
    rows = np.stack([np.asarray(x, dtype=np.float64)[shared], np.asarray(y, dtype=np.float64)[shared]])
    if rows.shape[1] < MIN_PAIRS or (rows.max(axis=1) == rows.min(axis=1)).any():
        return parts
    if method == "spearman":
        rows = np.asarray(rankdata(rows, axis=1), dtype=np.float64)
    centred = rows - rows.mean(axis=1, keepdims=True)
    parts[shared] = centred[0] * centred[1] / np.sqrt((centred[0] @ centred[0]) * (centred[1] @ centred[1]))
    return parts


def regression_line(x: FloatArray, y: FloatArray) -> Line | None:
    """The least squares line of y on x over the pairs that both have; None where x does not vary over three or more."""
    shared = _shared(x, y)
    x, y = np.asarray(x, dtype=np.float64)[shared], np.asarray(y, dtype=np.float64)[shared]
    if len(x) < MIN_PAIRS or x.max() == x.min():
        return None
    centred = x - x.mean()
    slope = float(centred @ (y - y.mean()) / (centred @ centred))
    return Line(slope, float(y.mean() - slope * x.mean()))


def leave_one_model_out(
    matrix_a: NDArray[np.floating],
    matrix_b: NDArray[np.floating],
    method: Method = "pearson",
    mask: NDArray[np.bool_] | None = None,
) -> FloatArray:
    """What r of two datasets becomes without each of the models: (M,), NaN where it is not defined then.

    `matrix_a` and `matrix_b` (M, M); `mask` (M (M - 1) / 2,), the pairs that count (all unless given). A model without
    pairs among them leaves r as it is. Ranks are made anew without each model.
    """
    check_method(method)
    values = pair_values(np.stack([matrix_a, matrix_b]))
    n_models = len(matrix_a)
    rows, columns = np.triu_indices(n_models, 1)
    kept = np.isfinite(values).all(axis=0) & (True if mask is None else mask)
    models, values = (rows[kept], columns[kept]), values[:, kept]
    if method == "pearson":
        return without_each_model(values, models, n_models)[1:, 0]
    r = weighted_correlations(values, models, 1.0 - np.eye(n_models), method)
    return np.asarray(r[:, 0], dtype=np.float64)


def dataset_influence(r: FloatArray) -> FloatArray:
    """The median of r over pairs of different datasets without each dataset: (D, D) -> (D,), NaN where none is left."""
    medians = []
    for left_out in range(len(r)):
        kept = np.delete(np.arange(len(r)), left_out)
        median = median_r(r[np.ix_(kept, kept)])
        medians.append(np.nan if median is None else median)
    return np.array(medians)


def _shared(x: FloatArray, y: FloatArray) -> NDArray[np.bool_]:
    if np.ndim(x) != 1 or np.shape(x) != np.shape(y):
        raise InvalidInput(f"Both sides need one value for each pair, and got {np.shape(x)} and {np.shape(y)}.")
    shared: NDArray[np.bool_] = np.isfinite(x) & np.isfinite(y)
    return shared
