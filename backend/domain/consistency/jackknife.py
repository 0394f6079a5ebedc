"""r without each model, for every pair of datasets at once.

Every moment of the definition is a sum over pairs, so what a model adds is a sum over its own pairs: one product of a
(D, M) slice with itself for each model. Taking it off the total leaves the moments without that model.
"""

from __future__ import annotations

import numpy as np

from backend.domain.consistency.correlation import MIN_PAIRS, FloatArray
from backend.domain.consistency.weighted import HELD, ROUNDING, Positions, scaled


def without_each_model(values: FloatArray, models: tuple[Positions, Positions], n_models: int) -> FloatArray:
    """Pearson's r of every two different rows of `values` (D, P) with all models and without each: (1 + M, Q).

    Q = D (D - 1) / 2 in the order of `numpy.triu_indices(D, 1)`; `models`: of each of the P pairs, the first and the
    second model. NaN marks a missing value; NaN in the result, fewer than three shared pairs or a row constant over
    them. Cost O(M^2 D^2), four times that with gaps; memory O(M D^2).
    """
    n_rows, n_pairs = values.shape
    above = np.triu_indices(n_rows, 1)
    place = np.full((n_models, n_models), n_pairs, dtype=np.intp)  # the last column says that there is no such pair
    place[models] = place.T[models] = np.arange(n_pairs)
    present = np.isfinite(values)
    gaps = not present.all()
    z = np.zeros((n_rows, n_pairs + 1))
    z[:, :-1] = np.where(present, _scaled_with_gaps(values, present) if gaps else scaled(values), 0.0)
    there = np.zeros((n_rows if gaps else 1, n_pairs + 1))
    there[:, :-1] = present if gaps else 1.0

    count, sums, squares, cross = (np.empty((n_models, n_rows, n_rows)) for _ in range(4))
    step = max(1, HELD // max(1, n_rows * n_models))
    for start in range(0, n_models, step):
        some = slice(start, start + step)
        of_models = np.ascontiguousarray(z[:, place[some]].transpose(1, 0, 2))
        shared = np.ascontiguousarray(there[:, place[some]].transpose(1, 0, 2))
        cross[some] = of_models @ of_models.transpose(0, 2, 1)
        if gaps:
            count[some] = shared @ shared.transpose(0, 2, 1)
            sums[some] = of_models @ shared.transpose(0, 2, 1)
            squares[some] = of_models**2 @ shared.transpose(0, 2, 1)
        else:
            count[some] = shared.sum(axis=2)[:, :, None]
            sums[some] = of_models.sum(axis=2)[:, :, None]
            squares[some] = np.einsum("mdp,mdp->md", of_models, of_models)[:, :, None]

    r = np.empty((1 + n_models, len(above[0])))
    # Every pair was met from both of its models.
    total = [moment.sum(axis=0) / 2 for moment in (count, sums, squares, cross)]
    r[0] = _correlation(*(moment[None] for moment in total))[0][above]
    for start in range(0, n_models, step):
        some = slice(start, start + step)
        left = [whole - part[some] for whole, part in zip(total, (count, sums, squares, cross), strict=True)]
        r[1:][some] = _correlation(*left)[:, above[0], above[1]]
    return r


def _scaled_with_gaps(values: FloatArray, present: FloatArray) -> FloatArray:
    """`scaled` over what each row has."""
    rows = np.full(values.shape, np.nan)
    for row, value, here in zip(rows, values, present, strict=True):
        if here.any():
            row[here] = scaled(value[None, here])[0]
    return rows


def _correlation(count: FloatArray, sums: FloatArray, squares: FloatArray, cross: FloatArray) -> FloatArray:
    """From moments over shared pairs, (B, D, D) each; `sums[d, e]` is of row d where row e is there, too."""
    n = np.where(count < MIN_PAIRS - 0.5, np.nan, count)
    mean = sums / n
    variance = squares / n - mean**2
    variance[~(variance > ROUNDING * np.finfo(np.float64).eps)] = np.nan
    covariance = cross / n - mean * mean.transpose(0, 2, 1)
    bounded: FloatArray = np.clip(covariance / np.sqrt(variance * variance.transpose(0, 2, 1)), -1.0, 1.0)
    return bounded
