"""Correlations in which models count with weights: what resampling and matching are made of.

A pair of models counts w_i w_j times, and a model never makes a pair with itself: with whole numbers as weights, a
model of weight w stands for w copies of which no two form a pair. Pearson of all weightings together is one matrix
product; Spearman ranks anew under each weighting, by cumulated weights along an order that is sorted once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.domain.consistency.correlation import MIN_PAIRS, FloatArray, Method, same_gaps

# A weighted variance below this share of the unweighted one is rounding, not variation: epsilons of the arithmetic.
ROUNDING = 100
# Numbers that are held at a time of what grows with weightings or datasets times pairs of models (32 MB).
HELD = 4_000_000

Positions = NDArray[np.intp]
Floats = NDArray[np.floating[Any]]


def weighted_correlations(
    values: FloatArray, models: tuple[Positions, Positions], weights: Floats, method: Method = "pearson"
) -> Floats:
    """Correlation of every two different rows of `values` (D, P) under each of B weightings: (B, D (D - 1) / 2), in the
    order of `numpy.triu_indices(D, 1)`.

    `models`: of each of the P pairs, the first and the second model, (P,) each; `weights` (B, M), none negative, in
    whose precision all is computed. NaN marks a missing value, which counts in no correlation with its row; NaN in the
    result, fewer than three shared pairs of positive weight or a row that is constant over them. Cost O(B P D^2), for
    Pearson as matrix products.
    """
    n_rows = len(values)
    above = np.triu_indices(n_rows, 1)
    place = np.zeros((n_rows, n_rows), dtype=np.intp)
    place[above] = place.T[above] = np.arange(len(above[0]))
    r = np.full((len(weights), len(above[0])), np.nan, dtype=weights.dtype)
    for in_a, in_b, shared in same_gaps(np.isfinite(values)):
        if in_a is in_b:
            rows, (first, second) = in_a, np.triu_indices(len(in_a), 1)
        else:
            rows, (first, second) = np.concatenate([in_a, in_b]), np.indices((len(in_a), len(in_b))).reshape(2, -1)
            second = second + len(in_a)
        if shared.sum() < MIN_PAIRS or len(first) == 0:
            continue
        inside, of = (values[rows], models) if shared.all() else (
            values[np.ix_(rows, shared)], (models[0][shared], models[1][shared])
        )
        correlate = _pearson if method == "pearson" else _spearman
        block = correlate(inside, of, weights, (first, second))
        r[:, place[rows[first], rows[second]]] = block
    return r


def _pearson(
    rows: FloatArray, models: tuple[Positions, Positions], weights: Floats, which: tuple[Positions, Positions]
) -> Floats:
    """(B, Q) from rows without gaps: weighted sums of rows, their squares and products, all in one product."""
    standard, (first, second), n_rows = scaled(rows).astype(weights.dtype, copy=False), which, len(rows)
    sums = np.zeros((len(weights), 1 + 2 * n_rows + len(first)), dtype=weights.dtype)
    counts = np.zeros(len(weights), dtype=np.int64)
    step = max(1, HELD // max(len(weights), sums.shape[1]))
    for start in range(0, standard.shape[1], step):
        some = slice(start, start + step)
        of_pairs = weights.take(models[0][some], axis=1)
        of_pairs *= weights.take(models[1][some], axis=1)
        part = standard[:, some]
        terms = np.concatenate([np.ones_like(part[:1]), part, part**2, part[first] * part[second]])
        sums += of_pairs @ terms.T
        counts += np.count_nonzero(of_pairs, axis=1)
    total = sums[:, :1]
    total[counts < MIN_PAIRS] = np.nan
    sums = sums[:, 1:] / total
    mean, square, cross = sums[:, :n_rows], sums[:, n_rows : 2 * n_rows], sums[:, 2 * n_rows :]
    variance = square - mean**2
    variance[~(variance > ROUNDING * np.finfo(weights.dtype).eps)] = np.nan
    deviation = np.sqrt(variance)
    r = (cross - mean[:, first] * mean[:, second]) / (deviation[:, first] * deviation[:, second])
    bounded: Floats = np.clip(r, -1.0, 1.0)
    return bounded


def scaled(rows: FloatArray) -> FloatArray:
    """Rows of mean 0 and variance 1, so that sums of squares lose no digits; NaN where a row is constant."""
    constant = rows.max(axis=1) == rows.min(axis=1)
    centred = rows - rows.mean(axis=1, keepdims=True)
    spread = np.sqrt((centred**2).mean(axis=1))
    spread[constant | (spread == 0)] = np.nan
    scaled: FloatArray = centred / spread[:, None]
    return scaled


def _spearman(
    rows: FloatArray, models: tuple[Positions, Positions], weights: Floats, which: tuple[Positions, Positions]
) -> Floats:
    """(B, Q): Pearson of the mean ranks that the pairs have under each weighting."""
    r = np.empty((len(weights), len(which[0])), dtype=weights.dtype)
    step = max(1, HELD // rows.size)
    for start in range(0, len(weights), step):
        some = weights[start : start + step]
        of_pairs = some[:, models[0]] * some[:, models[1]]
        ranks = _centred_ranks(rows, of_pairs) * np.sqrt(of_pairs)[:, None, :]
        table = ranks @ ranks.transpose(0, 2, 1)
        length = np.sqrt(np.diagonal(table, axis1=1, axis2=2))
        total = of_pairs.sum(axis=1)[:, None]
        undefined = ~(length > ROUNDING * np.finfo(weights.dtype).eps * total**1.5)
        undefined[np.count_nonzero(of_pairs, axis=1) < MIN_PAIRS] = True
        length[undefined] = np.nan
        first, second = which
        found = table[:, first, second] / (length[:, first] * length[:, second])
        r[start : start + step] = np.clip(found, -1.0, 1.0)
    return r


def _centred_ranks(rows: FloatArray, weights: Floats) -> Floats:
    """Mean ranks of the pairs of every row under each weighting, less their weighted mean: (B, D, P)."""
    ranks = np.empty((len(weights), *rows.shape), dtype=weights.dtype)
    for number, row in enumerate(rows):
        order = np.argsort(row, kind="stable")
        last = np.append(np.diff(row[order]) > 0, True)  # of each group of ties
        group_of = np.empty(len(row), dtype=np.intp)
        group_of[order] = np.cumsum(last) - last
        cumulated = np.cumsum(weights.take(order, axis=1), axis=1)[:, last]
        middle = cumulated.copy()
        middle[:, 1:] += cumulated[:, :-1]
        # Twice a mean rank is what lies below plus what lies up to it; the mean of all mean ranks is half the total.
        middle -= cumulated[:, -1:]
        middle /= 2
        middle.take(group_of, axis=1, out=ranks[:, number], mode="clip")
    return ranks
