"""From a null distribution to what is shown: threshold, p, z, calibrated score, adjusted p.

Definitions follow Groeger, Wen, Brbic (2026), "The Aristotelian view". A similarity counts as more extreme the larger
it is, a distance the smaller; where the two differ, `direction` says which is meant.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import false_discovery_control, pearson3

from backend.domain.metrics import Direction, MetricSpec

ALPHA = 0.05
PERMUTATIONS = 200
SEED = 0
Route = Literal["cyclic", "permutation", "block-permutation"]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class NullSummary:
    """Null of an array of similarities: `mean`, `sd`, `tau` and `p`, each of their shape."""

    mean: Array
    sd: Array
    tau: Array
    p: Array


def route(spec: MetricSpec, grouped: bool) -> Route:
    """How a metric's null is found. Groups of stimuli move as wholes, for which only permutations are right."""
    if grouped:
        return "block-permutation"
    return "cyclic" if spec.null == "closed-form" else "permutation"


def pearson3_threshold(mean: Array, sd: Array, skew: Array, direction: Direction, alpha: float = ALPHA) -> Array:
    """tau from three moments: the (1 - alpha) quantile of the Pearson III distribution that has them, the alpha
    quantile for distances."""
    at = 1 - alpha if direction == "similarity" else alpha
    return np.asarray(mean + sd * pearson3.ppf(at, skew), dtype=np.float64)


def permutation_null(observed: Array, draws: Array, direction: Direction, alpha: float = ALPHA) -> NullSummary:
    """The null from K permuted values: `observed` (...), `draws` (..., K).

    tau is the ceil((1 - alpha)(K + 1))-th smallest of the K + 1 values, the observed among them; mirrored for
    distances. p = (1 + #{at least as extreme}) / (K + 1), so never below 1 / (K + 1). Values that differ from the
    observed by rounding alone count as extreme, which errs on the side of caution.
    """
    sign = 1.0 if direction == "similarity" else -1.0
    count = draws.shape[-1]
    together = sign * np.concatenate([observed[..., None], draws], axis=-1)
    rank = ceil(round((1 - alpha) * (count + 1), 9))
    tau = sign * np.partition(together, rank - 1, axis=-1)[..., rank - 1]
    rounding = 1e-9 * np.maximum(1.0, np.abs(observed))
    extreme = (together[..., 1:] >= (together[..., :1] - rounding[..., None])).sum(axis=-1)
    sd = draws.std(axis=-1)
    sd = np.where(np.ptp(draws, axis=-1) <= rounding, 0.0, sd)
    return NullSummary(draws.mean(axis=-1), sd, tau, (1 + extreme) / (count + 1))


def z_score(value: Array, mean: Array, sd: Array) -> Array:
    """(s - mean) / sd; NaN where the null does not vary."""
    found: Array = np.full(np.shape(value), np.nan)
    return np.divide(value - mean, sd, out=found, where=np.asarray(sd) > 0)


def adjusted(value: Array, mean: Array, best: float) -> Array:
    """The form of the adjusted Rand index: (s - mean) / (best - mean); NaN where the null mean is the best value."""
    room = best - np.asarray(mean)
    found: Array = np.full(np.shape(value), np.nan)
    return np.divide(value - mean, room, out=found, where=room != 0)


def calibrated(value: Array, tau: Array, best: float) -> Array:
    """max((s - tau) / (best - tau), 0): 1 for the best value, 0 for what does not pass tau, distances mirrored. A tau
    that is the best value itself, or beyond it, is passed by nothing: 0."""
    sign = 1.0 if best > 0 else -1.0
    room = sign * (best - np.asarray(tau))
    passed = sign * (value - tau)
    share = np.divide(passed, room, out=np.where(np.isnan(passed), np.nan, 0.0), where=room > 0)
    return np.maximum(share, 0.0)


def adjusted_p(p: Array) -> Array:
    """Benjamini-Hochberg over all model pairs of a square p matrix: (M, M) with the diagonal left out, NaN where
    missing. A symmetric matrix counts each pair once; of one that is not, each direction is a test of its own."""
    m = len(p)
    rows, columns = np.tril_indices(m, -1)
    symmetric = bool(np.array_equal(p, p.T, equal_nan=True))
    if not symmetric:
        rows, columns = np.nonzero(~np.eye(m, dtype=bool))
    tests = p[rows, columns]
    here = np.isfinite(tests)
    q = np.full(p.shape, np.nan)
    if here.any():
        rows, columns = rows[here], columns[here]
        q[rows, columns] = false_discovery_control(tests[here])
        if symmetric:
            q[columns, rows] = q[rows, columns]
    return q
