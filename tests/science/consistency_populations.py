"""Populations of models for simulations of coverage: whoever draws models from one knows the true r of two datasets.

Every model has a position of its own, which datasets move. Similarities of pairs depend on each other through the
models that they share, which is what intervals have to live with.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
N_DATASETS = 4
DIMENSIONS = 4
_fixed = np.random.default_rng(5)
AXES = _fixed.uniform(0.3, 1.7, (N_DATASETS, DIMENSIONS))
MOVES = _fixed.uniform(0.3, 1.0, N_DATASETS)
SHARES = (0.35, 0.25, 0.2, 0.12, 0.08)
CENTRES = _fixed.normal(size=(len(SHARES), DIMENSIONS)) + 0.7 * _fixed.normal(
    size=(N_DATASETS, len(SHARES), DIMENSIONS)
)
# Models to compute the true r from, and how often: its error is far below the width of any interval.
MANY_MODELS, TIMES = 1000, 8


def _cosines(positions: Array) -> Array:
    unit = positions / np.linalg.norm(positions, axis=-1, keepdims=True)
    return unit @ unit.T


def _kernel(positions: Array, width: float) -> Array:
    squared = ((positions[:, None] - positions) ** 2).sum(axis=-1)
    return np.asarray(np.exp(-squared / (2 * width)))


def latent(rng: np.random.Generator, n: int, unsteady: float = 1.0) -> Array:
    """Cosines of positions of which every dataset sees some axes more than others."""
    positions = rng.normal(size=(n, DIMENSIONS))
    return np.stack([
        _cosines(positions * axes + unsteady * move * rng.normal(size=positions.shape))
        for axes, move in zip(AXES, MOVES, strict=True)
    ])


def steady(rng: np.random.Generator, n: int) -> Array:
    """A local measure of positions that hardly move: r close to 1."""
    positions = rng.normal(size=(n, DIMENSIONS))
    return np.stack([_kernel(positions + 0.15 * move * rng.normal(size=positions.shape), 4.0) for move in MOVES])


def additive(rng: np.random.Generator, n: int) -> Array:
    """s_ij = a_i + a_j and little else: pairs could not depend on each other more."""
    own = rng.normal(size=n)
    stack = []
    for move in MOVES:
        seen = own + move * rng.normal(size=n)
        noise = np.triu(rng.normal(size=(n, n)), 1)
        stack.append(seen[:, None] + seen + 0.3 * (noise + noise.T))
    return np.stack(stack)


def families(rng: np.random.Generator, n: int) -> Array:
    """Five families of models, the rarest 8 % of all, that datasets move as a whole."""
    family = rng.choice(len(SHARES), size=n, p=SHARES)
    return np.stack([
        _cosines(centres[family] + 0.7 * move * rng.normal(size=(n, DIMENSIONS)))
        for centres, move in zip(CENTRES, MOVES, strict=True)
    ])


def outliers(rng: np.random.Generator, n: int) -> Array:
    """One model in ten is unlike all others on every dataset, as an untrained one would be."""
    positions = rng.normal(size=(n, DIMENSIONS))
    odd = rng.random(n) < 0.1
    stack = []
    for move in MOVES:
        seen = positions + move * rng.normal(size=positions.shape)
        seen[:, 0] += 2
        seen[odd] = rng.normal(size=(int(odd.sum()), DIMENSIONS))
        stack.append(_cosines(seen))
    return np.stack(stack)


def two_sets(rng: np.random.Generator, n_a: int, n_b: int) -> Array:
    """The first n_a models are moved half as much by datasets as the n_b others."""
    positions = rng.normal(size=(n_a + n_b, DIMENSIONS))
    unsteady = np.r_[np.full(n_a, 0.6), np.full(n_b, 1.2)][:, None]
    stack = []
    for axes, move in zip(AXES, MOVES, strict=True):
        seen = positions * axes + unsteady * move * rng.normal(size=positions.shape)
        seen[:, 0] += 0.7
        stack.append(_cosines(seen))
    return np.stack(stack)


POPULATIONS: dict[str, Callable[[np.random.Generator, int], Array]] = {
    "latent": latent, "steady": steady, "additive": additive, "families": families, "outliers": outliers,
}


class Truth(NamedTuple):
    """True r of every two datasets, (6,), and their median."""

    r: Array
    median: float


def correlations_by_definition(stack: Array, rows: Array, columns: Array, method: str) -> Array:
    """r of every two datasets over given pairs of models, by numpy alone. Values have no ties."""
    values = stack[:, rows, columns]
    if method == "spearman":
        values = values.argsort(axis=1).argsort(axis=1).astype(float)
    table = np.corrcoef(values)
    return np.array([table[pair] for pair in combinations(range(N_DATASETS), 2)])


@cache
def truth_of(population: str, method: str = "pearson") -> Truth:
    """The r of a population, from many models many times."""
    pairs = np.triu_indices(MANY_MODELS, 1)
    r = np.mean([
        correlations_by_definition(
            POPULATIONS[population](np.random.default_rng(1000 + time), MANY_MODELS), *pairs, method
        )
        for time in range(TIMES)
    ], axis=0)
    return Truth(r, float(np.median(r)))


@cache
def truth_of_sets() -> tuple[float, float, float]:
    """True medians of `two_sets`: within the first set, within the second, between both."""
    half = MANY_MODELS // 2
    rows, columns = np.triu_indices(2 * half, 1)
    masks = [columns < half, rows >= half, (rows < half) & (columns >= half)]
    r = np.mean([
        [correlations_by_definition(stack, rows[mask], columns[mask], "pearson") for mask in masks]
        for stack in (two_sets(np.random.default_rng(2000 + time), half, half) for time in range(TIMES))
    ], axis=0)
    first, second, between = np.median(r, axis=1)
    return float(first), float(second), float(between)
