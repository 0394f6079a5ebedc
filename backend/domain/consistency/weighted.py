"""Correlations in which every model pair counts with a weight: what resampling and matching are made of.

An integer weight w is the same as w copies of the pair. Pearson of all weightings together is one matrix product;
Spearman ranks anew under each weighting, by cumulated weights along an order that is sorted once.
"""

from __future__ import annotations

import numpy as np

from backend.domain.consistency.correlation import MIN_PAIRS, FloatArray, Method, same_gaps

# A weighted variance below this share of the unweighted one is rounding, not variation.
LEAST_VARIANCE = 1e-12
# Entries of ranks that are held at a time.
RANKS_HELD = 4_000_000


def weighted_correlations(values: FloatArray, weights: FloatArray, method: Method = "pearson") -> FloatArray:
    """Correlation of every two rows of `values` (D, P) under each of B weightings: (B, D, D), symmetric.

    `weights` (B, P), none negative. NaN marks a missing value, which counts in no correlation with its row; NaN in the
    result, fewer than three shared columns of positive weight or a row that is constant over them. Cost O(B P D^2),
    for Pearson as one matrix product for every combination of patterns of gaps.
    """
    n_rows = len(values)
    r = np.full((len(weights), n_rows, n_rows), np.nan)
    for in_a, in_b, shared in same_gaps(np.isfinite(values)):
        if shared.sum() < MIN_PAIRS:
            continue
        # Usually all are shared, and then the weights are not copied.
        here = weights if shared.all() else weights[:, shared]
        block = (_pearson if method == "pearson" else _spearman)(
            values[np.ix_(in_a, shared)], values[np.ix_(in_b, shared)], here
        )
        block[(here > 0).sum(axis=1) < MIN_PAIRS] = np.nan
        r[:, in_a[:, None], in_b] = block
        r[:, in_b[:, None], in_a] = block.transpose(0, 2, 1)
    diagonal = np.arange(n_rows)
    r[:, diagonal, diagonal] = np.where(np.isnan(r[:, diagonal, diagonal]), np.nan, 1.0)
    return r


def _pearson(first: FloatArray, second: FloatArray, weights: FloatArray) -> FloatArray:
    """(B, A, C) from rows without gaps: weighted sums of rows, their squares and products, all in one product."""
    first, second = _scaled(first), _scaled(second)
    n_first, n_second = len(first), len(second)
    products = (first[:, None, :] * second[None, :, :]).reshape(n_first * n_second, -1)
    sums = weights @ np.concatenate([np.ones((1, first.shape[1])), first, second, first**2, second**2, products]).T
    total = sums[:, :1]
    means = sums[:, 1:] / np.where(total > 0, total, np.nan)
    mean_a, mean_c, square_a, square_c, cross = np.split(
        means, np.cumsum([n_first, n_second, n_first, n_second]), axis=1
    )
    covariance = cross.reshape(-1, n_first, n_second) - mean_a[:, :, None] * mean_c[:, None, :]
    variance_a, variance_c = square_a - mean_a**2, square_c - mean_c**2
    variance_a[~(variance_a > LEAST_VARIANCE)] = np.nan
    variance_c[~(variance_c > LEAST_VARIANCE)] = np.nan
    r: FloatArray = np.clip(covariance / np.sqrt(variance_a[:, :, None] * variance_c[:, None, :]), -1.0, 1.0)
    return r


def _scaled(rows: FloatArray) -> FloatArray:
    """Rows of mean 0 and variance 1, so that sums of squares lose no digits; NaN where a row is constant."""
    constant = rows.max(axis=1) == rows.min(axis=1)
    centred = rows - rows.mean(axis=1, keepdims=True)
    spread = np.sqrt((centred**2).mean(axis=1))
    spread[constant | (spread == 0)] = np.nan
    scaled: FloatArray = centred / spread[:, None]
    return scaled


def _spearman(first: FloatArray, second: FloatArray, weights: FloatArray) -> FloatArray:
    """(B, A, C): Pearson of the mean ranks that the columns have under each weighting."""
    r = np.empty((len(weights), len(first), len(second)))
    step = max(1, RANKS_HELD // max(1, first.size + second.size))
    for start in range(0, len(weights), step):
        some = weights[start : start + step]
        units = [_unit_ranks(rows, some) for rows in (first, second)]
        r[start : start + step] = np.clip(units[0] @ units[1].transpose(0, 2, 1), -1.0, 1.0)
    return r


def _unit_ranks(rows: FloatArray, weights: FloatArray) -> FloatArray:
    """Weighted mean ranks, centred, times the root of the weight, of length 1: (B, A, P); NaN where all are tied."""
    ranks = np.empty((len(weights), *rows.shape))
    for number, row in enumerate(rows):
        order = np.argsort(row, kind="stable")
        ends = np.flatnonzero(np.append(np.diff(row[order]) > 0, True))  # the last of each group of ties
        cumulated = np.cumsum(weights[:, order], axis=1)[:, ends]
        before = np.concatenate([np.zeros((len(weights), 1)), cumulated[:, :-1]], axis=1)
        sizes = np.diff(ends, prepend=-1)
        ranks[:, number, order] = np.repeat((before + cumulated) / 2, sizes, axis=1)
    total = weights.sum(axis=1)[:, None, None]
    mean = np.einsum("bap,bp->ba", ranks, weights)[:, :, None]
    with np.errstate(invalid="ignore"):
        ranks -= mean / total
    ranks *= np.sqrt(weights)[:, None, :]
    length = np.sqrt(np.einsum("bap,bap->ba", ranks, ranks))
    length[~(length > LEAST_VARIANCE * total[:, :, 0])] = np.nan
    ranks /= length[:, :, None]
    return ranks
