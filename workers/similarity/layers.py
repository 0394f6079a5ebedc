"""Layer search: which layer of one model agrees best with which layer of another, and whether that best is more than
the best of as many comparisons would be by chance.

The statistic is T = max over all pairs of layers of s(A_l, B_m), the minimum for a distance. Its null relabels the
stimuli of all layers of B at once, so that the dependence between layers is kept (Westfall and Young 1993; Groeger,
Wen, Brbic 2026): T_k is the best value of the whole grid under the k-th relabelling. Held against the tau of a single
pair, the best of many would pass by chance far more often than stated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from backend.domain.calibration import PERMUTATIONS, SEED, calibrated, permutation_null
from backend.domain.errors import InvalidInput
from backend.domain.metrics import Metric, Preprocess
from backend.domain.quantities import REVERSE, VALUE
from workers.similarity import preprocess as preprocessing
from workers.similarity.embeddings import EmbeddingSource, check_shapes, load_checked
from workers.similarity.errors import ConstantEmbedding, Undefined
from workers.similarity.measure import Measure
from workers.similarity.registry import measure_of
from workers.similarity.resampling import Resampling

Array = NDArray[np.float64]


class NoLayer(InvalidInput):
    """A model has no layer for which the metric is defined."""


@dataclass(frozen=True)
class LayerSearch:
    """The grid of two models' layers, its best value and the null of that best value.

    `grid` (L_A, L_B) holds s(A_l, B_m), NaN where a layer has no value; `excluded_a` and `excluded_b` give the reasons.
    `best` is the largest entry, the smallest of a distance, the first in reading order among equals, and stands at
    `layers` = (layer of A, layer of B), counted from 0. `null` (K,) are the best values of the K relabelled grids, from
    which `null_mean`, `null_sd`, `tau` and `p` follow as in backend.domain.calibration; `calibrated` is the share of
    the way from tau to perfect agreement. `recipe` says how: route, seed, permutations.
    """

    metric: str
    grid: Array
    best: float
    layers: tuple[int, int]
    null: Array
    null_mean: float
    null_sd: float
    tau: float
    p: float
    calibrated: float
    excluded_a: Mapping[int, str]
    excluded_b: Mapping[int, str]
    recipe: Mapping[str, Any]


def search_layers(
    layers_a: Sequence[EmbeddingSource],
    layers_b: Sequence[EmbeddingSource],
    metric: Metric,
    preprocess: Preprocess,
    *,
    device: str = "cpu",
    groups: NDArray[np.int64] | None = None,
    permutations: int = PERMUTATIONS,
    seed: int = SEED,
) -> LayerSearch:
    """All layers of A against all layers of B. A layer without a value, as the class token before the first block,
    which is the same for every stimulus, is left out with its reason.

    Raises NoLayer, and what the engine raises for embeddings that cannot be compared. Cost: L_A L_B values and L_A L_B
    K relabelled ones; memory for all prepared layers at once.
    """
    everything = [*layers_a, *layers_b]
    if not layers_a or not layers_b:
        raise NoLayer("One of the two models has no layers.", hint="Give at least one layer of each.")
    check_shapes(everything, metric.minimum_n, metric.id)
    n = everything[0].n
    if groups is not None and groups.shape != (n,):
        raise InvalidInput(f"{groups.shape} group numbers were given for {n} stimuli.", hint="Give one per stimulus.")
    resampling = Resampling(n, groups, permutations=permutations, seed=seed)
    measure = measure_of(metric)
    a, excluded_a = _prepared(layers_a, measure, preprocess, resampling, device)
    b, excluded_b = _prepared(layers_b, measure, preprocess, resampling, device)
    grid = np.full((len(layers_a), len(layers_b)), np.nan)
    _fill(grid, a, b, measure, metric, resampling, (excluded_a, excluded_b))
    for which, excluded, prepared in (("first", excluded_a, a), ("second", excluded_b, b)):
        if not prepared:
            reasons = "; ".join(f"layer {layer}: {reason}" for layer, reason in excluded.items())
            raise NoLayer(
                f"{metric.id} is not defined for any layer of the {which} model ({reasons}).",
                hint="Choose another metric or preprocessing, or other layers.",
            )
    sign = 1.0 if metric.spec.direction == "similarity" else -1.0
    layers = tuple(int(i) for i in np.unravel_index(np.nanargmax(sign * grid), grid.shape))
    null = np.full(permutations, -np.inf)
    for left in a.values():
        for right in b.values():
            np.maximum(null, sign * measure.draws(left, right, resampling.orders), out=null)
    null = sign * null
    best = grid[layers]
    summary = permutation_null(best, null, metric.spec.direction)
    return LayerSearch(
        metric=metric.id, grid=grid, best=float(best), layers=(layers[0], layers[1]), null=null,
        null_mean=float(summary.mean), null_sd=float(summary.sd), tau=float(summary.tau), p=float(summary.p),
        calibrated=float(calibrated(best, summary.tau, metric.spec.best)),
        excluded_a=excluded_a, excluded_b=excluded_b,
        recipe={
            "route": "block-permutation" if resampling.grouped else "permutation", "seed": seed,
            "permutations": permutations,
        },
    )


def _prepared(
    layers: Sequence[EmbeddingSource], measure: Measure[Any], preprocess: Preprocess, resampling: Resampling,
    device: str,
) -> tuple[dict[int, Any], dict[int, str]]:
    """The layers that the metric is defined for, by their position, and the reasons of the others."""
    found: dict[int, Any] = {}
    excluded: dict[int, str] = {}
    for position, source in enumerate(layers):
        try:
            rows = torch.from_numpy(load_checked(source)).to(device)
            found[position] = measure.prepare(preprocessing.apply(preprocess, rows), resampling)
        except ConstantEmbedding as constant:
            excluded[position] = constant.message
        except Undefined as undefined:
            excluded[position] = str(undefined)
    return found, excluded


def _fill(
    grid: Array, a: dict[int, Any], b: dict[int, Any], measure: Measure[Any], metric: Metric, resampling: Resampling,
    excluded: tuple[dict[int, str], dict[int, str]],
) -> None:
    """The values themselves, the same as a matrix of all layers holds. Layers found undefined are moved from `a` and
    `b` to `excluded`."""
    if not a or not b:
        return
    comparison = measure.compare([*a.values(), *b.values()], len(b), resampling, lambda: None)
    values = comparison.quantities[VALUE if metric.spec.symmetric else VALUE + REVERSE][:, : len(a)].T
    grid[np.ix_([*a], [*b])] = values
    places = [(a, excluded[0], layer) for layer in a] + [(b, excluded[1], layer) for layer in b]
    for position, reason in comparison.undefined.items():
        prepared, reasons, layer = places[position]
        del prepared[layer]
        reasons[layer] = reason
    grid[[*excluded[0]]], grid[:, [*excluded[1]]] = np.nan, np.nan
