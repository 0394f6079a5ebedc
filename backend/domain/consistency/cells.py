"""Which models are exchanged for which when models are resampled, as weights of models.

A cell holds the models that belong to the same sets; models are resampled within cells, so that sets keep their sizes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from backend.domain.consistency.correlation import FloatArray, IntArray
from backend.domain.consistency.set_pairs import ModelSet


class Part(NamedTuple):
    """Models of one cell that are left out together: one model, or a block of them."""

    cell: int
    models: NDArray[np.intp]


def cells_of(sets: Sequence[ModelSet], occurs: NDArray[np.bool_]) -> IntArray:
    """The cell of each model, (M,): models of the same sets share one; -1 for a model that does not occur.

    `occurs` (M,): whether a model is in any pair that has a value.
    """
    membership = np.stack([one.members for one in sets], axis=1)
    _, cells = np.unique(membership, axis=0, return_inverse=True)
    return np.where(occurs, cells.reshape(-1), -1).astype(np.int64)


def bootstrap_weights(cells: IntArray, draws: int, seed: int) -> FloatArray:
    """How often each model counts in each draw: (draws, M).

    In a cell of m models m - 1 are drawn with replacement and count m / (m - 1) each, so that a cell keeps its share;
    a single model counts once, always.
    """
    rng = np.random.default_rng(seed)
    weights = np.ones((draws, len(cells)))
    for cell in range(cells.max(initial=-1) + 1):
        inside = np.flatnonzero(cells == cell)
        m = len(inside)
        if m > 1:
            weights[:, inside] = rng.multinomial(m - 1, np.full(m, 1 / m), size=draws) * (m / (m - 1))
    return weights


def parts_of(cells: IntArray, most: int, seed: int) -> list[Part]:
    """What the jackknife leaves out one by one: the models of each cell of two or more, in `most` blocks where there
    are more of them, drawn by `seed`."""
    rng = np.random.default_rng(seed)
    parts = []
    for cell in range(cells.max(initial=-1) + 1):
        inside = np.flatnonzero(cells == cell)
        if len(inside) > most:
            inside = rng.permutation(inside)
        if len(inside) > 1:
            parts += [Part(cell, models) for models in np.array_split(inside, min(most, len(inside)))]
    return parts


def weights_without(parts: Sequence[Part], cells: IntArray) -> FloatArray:
    """Weights without each part, (G, M): its models 0, the others of its cell more, so that it keeps its share."""
    weights = np.ones((len(parts), len(cells)))
    for row, part in zip(weights, parts, strict=True):
        inside = cells == part.cell
        size = int(inside.sum())
        row[inside] = size / (size - len(part.models))
        row[part.models] = 0.0
    return weights
