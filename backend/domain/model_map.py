"""A map of models: places in the plane whose distances follow the models' dissimilarities.

Two methods. `mds`: metric multidimensional scaling, which draws all dissimilarities as truly as a plane allows (SMACOF
from the classical solution, so no seed). `tsne`: t-SNE as published (arXiv 2411.05561: dissimilarity 1 - s, perplexity
5, random start, seed 42), which keeps neighbours together and whose other distances mean nothing. How true a map is,
is measured by its stress and its trustworthiness, which both methods are given.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from backend.domain.errors import InvalidInput
from backend.domain.ordering import Direction

MapMethod = Literal["mds", "tsne"]
MAP_METHODS: tuple[MapMethod, ...] = ("mds", "tsne")
SEED = 42
PERPLEXITY = 5.0
LEAST_MODELS = 3
MOST_NEIGHBOURS = 5  # of the neighbourhoods that trustworthiness asks about
# Values are float32: differences below this are of the order of summation.
LEAST_RANGE = 1e-7

FloatArray = NDArray[np.float64]


class ModelMap(NamedTuple):
    """Places `positions` (M, 2), NaN for a model that cannot be placed, and how true they are.

    `stress` is sqrt(sum (a d - delta)^2 / sum delta^2) over pairs, d the distance on the map, delta the dissimilarity
    and a the best scale: 0 where the map is exact, at most 1. `trustworthiness` (Venna and Kaski 2001) in [0, 1], 1
    where the `neighbours` nearest models on the map are among the nearest.
    """

    positions: FloatArray
    stress: float
    trustworthiness: float
    neighbours: int


def model_map(
    similarity: NDArray[np.floating],
    method: MapMethod = "mds",
    *,
    direction: Direction = "similarity",
    seed: int = SEED,
    perplexity: float = PERPLEXITY,
) -> ModelMap:
    """The map of M models from their similarities (M, M), NaN where not computed; the diagonal is not read.

    The dissimilarity is 1 - s, or the value itself when `direction` is `distance`; both directions of a measure that is
    not symmetric are averaged, and nothing is closer than 0. Where pairs are missing, models are left out until none
    is, those that lack most first. `seed` and `perplexity` are for t-SNE alone. MDS is turned onto its principal axes.

    Raises InvalidInput with fewer than three models, with similarities that do not vary, and with a perplexity outside
    [1, M). Cost O(M^2) memory and O(M^2) time a step: 1 s (MDS) and 4 s (t-SNE) at M = 1,000.
    """
    if method not in MAP_METHODS:
        raise InvalidInput(f"There is no method {method!r} of maps.", f"Methods: {', '.join(MAP_METHODS)}.")
    dissimilarity = _dissimilarity(similarity, direction)
    used = complete_part(dissimilarity)
    n_models = len(used)
    if n_models < LEAST_MODELS:
        raise InvalidInput(
            f"A map needs {LEAST_MODELS} models that are all compared with each other, and there are {n_models}.",
            "Choose more models, or a dataset on which they are compared.",
        )
    delta = dissimilarity[np.ix_(used, used)]
    pairs = delta[np.triu_indices(n_models, 1)]
    if np.ptp(pairs) <= LEAST_RANGE:
        raise InvalidInput("All pairs of these models are equally alike: no place is nearer than another.")
    if method == "mds":
        places = _on_principal_axes(_mds(delta))
    else:
        if not 1 <= perplexity < n_models:
            raise InvalidInput(
                f"A perplexity of {perplexity:g} does not go with {n_models} models.",
                "It is about the number of neighbours that count: at least 1, and fewer than there are models.",
            )
        places = _tsne(delta, seed, perplexity)
    positions = np.full((len(dissimilarity), 2), np.nan)
    positions[used] = places
    neighbours = min(MOST_NEIGHBOURS, (n_models - 1) // 2)  # trustworthiness needs fewer than half of the models
    return ModelMap(positions, _stress(delta, places), _trustworthiness(delta, places, neighbours), neighbours)


def turned_like(positions: FloatArray, reference: FloatArray) -> FloatArray:
    """The map turned and mirrored, never stretched, so that models lie as near as they can to where they lie in another
    map (orthogonal Procrustes over the models that both have): (M, 2) each, NaN for a model that is not placed."""
    both = np.isfinite(positions).all(axis=1) & np.isfinite(reference).all(axis=1)
    if both.sum() < 2:
        return positions
    centre = positions[both].mean(axis=0)
    target = reference[both] - reference[both].mean(axis=0)
    left, _, right = np.linalg.svd((positions[both] - centre).T @ target)
    turned: FloatArray = (positions - centre) @ (left @ right) + reference[both].mean(axis=0)
    return turned


def complete_part(dissimilarity: FloatArray) -> NDArray[np.int64]:
    """Positions of models of which every two have a value: those that lack most pairs are left out, one by one, the
    later ones first. O(M^2) for each."""
    missing = np.isnan(dissimilarity)
    np.fill_diagonal(missing, False)
    lacking = missing.sum(axis=1)
    kept = np.ones(len(lacking), dtype=bool)
    while (lacking[kept] > 0).any():
        counts = np.where(kept, lacking, -1)
        worst = int(np.flatnonzero(counts == counts.max())[-1])
        kept[worst] = False
        lacking -= missing[:, worst]
    return np.flatnonzero(kept)


def _dissimilarity(similarity: NDArray[np.floating], direction: Direction) -> FloatArray:
    values = np.asarray(similarity, dtype=np.float64)
    if values.ndim != 2 or values.shape[0] != values.shape[1]:
        raise InvalidInput(f"A map needs a square matrix of models, and got {values.shape}.")
    if np.isinf(values).any():
        raise InvalidInput("A similarity is infinite.", "Leave out what was not computed as NaN.")
    values = (values + values.T) / 2
    distances: FloatArray = np.maximum(1.0 - values if direction == "similarity" else values, 0.0)
    np.fill_diagonal(distances, 0.0)
    return distances


def _mds(delta: FloatArray) -> FloatArray:
    from sklearn.manifold import MDS  # heavy, and of no use to most of the service

    smacof = MDS(2, metric="precomputed", init="random", n_init=1, normalized_stress=False)
    return np.asarray(smacof.fit_transform(delta, init=_classical(delta)), dtype=np.float64)


def _classical(delta: FloatArray) -> FloatArray:
    """The classical solution (Torgerson 1952): the two largest axes of the doubly centred squares. Where no plane holds
    the dissimilarities the second may have a negative eigenvalue; its direction is still a start off the line."""
    squares = delta**2
    centred = squares - squares.mean(axis=0) - squares.mean(axis=1, keepdims=True) + squares.mean()
    size = len(delta)
    values, axes = eigh(-centred / 2, subset_by_index=[size - 2, size - 1])
    places: FloatArray = axes * np.sqrt(np.abs(values))
    return places


def _tsne(delta: FloatArray, seed: int, perplexity: float) -> FloatArray:
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    tsne = TSNE(2, metric="precomputed", init="random", perplexity=perplexity, random_state=seed)
    # Its many short parallel steps wait for each other on a busy machine: a hundred times longer than in one thread.
    with threadpool_limits(1, user_api="openmp"):
        return np.asarray(tsne.fit_transform(delta), dtype=np.float64)


def _on_principal_axes(places: FloatArray) -> FloatArray:
    """Centred, the widest direction across, the place farthest out at the right and at the top."""
    centred = places - places.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    turned: FloatArray = centred @ axes.T
    farthest = np.abs(turned).argmax(axis=0)
    return np.asarray(turned * np.where(turned[farthest, [0, 1]] < 0, -1.0, 1.0), dtype=np.float64)


def _stress(delta: FloatArray, places: FloatArray) -> float:
    pairs = np.triu_indices(len(delta), 1)
    wanted = delta[pairs]
    drawn = np.hypot(*(places[pairs[0]] - places[pairs[1]]).T)
    squared = drawn @ drawn
    scale = (wanted @ drawn) / squared if squared > 0 else 0.0
    return float(np.sqrt(((scale * drawn - wanted) ** 2).sum() / (wanted @ wanted)))


def _trustworthiness(delta: FloatArray, places: FloatArray, neighbours: int) -> float:
    from sklearn.manifold import trustworthiness

    return float(trustworthiness(delta, places, n_neighbors=neighbours, metric="precomputed"))
