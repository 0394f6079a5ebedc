"""Maps of models: known places are found again, quality is what its formula says, and refusals say why."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.spatial.distance import pdist, squareform
from sklearn.manifold import TSNE

from backend.domain.errors import InvalidInput
from backend.domain.model_map import MAP_METHODS, complete_part, model_map, turned_like


def places(n_models: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.3, 0.3, size=(n_models, 2)) * [1.0, 0.5]


def alike(points: np.ndarray) -> np.ndarray:
    """Similarities whose dissimilarities 1 - s are the distances of points."""
    return 1 - squareform(pdist(points))


def test_mds_finds_places_in_a_plane_again() -> None:
    points = places(20)
    found = model_map(alike(points).astype(np.float32))
    np.testing.assert_allclose(pdist(found.positions), pdist(points), atol=2e-3)
    assert found.stress < 0.01 and found.trustworthiness > 0.99 and found.neighbours == 5
    np.testing.assert_allclose(found.positions.mean(axis=0), 0, atol=1e-9)
    spread = found.positions.std(axis=0)
    assert spread[0] > spread[1]  # the widest direction lies across


def test_distances_are_taken_as_they_are_and_directions_averaged() -> None:
    points = places(12)
    distances = squareform(pdist(points))
    tilt = np.random.default_rng(1).normal(size=distances.shape) * 0.05
    found = model_map(distances + tilt - tilt.T, direction="distance")
    np.testing.assert_allclose(found.positions, model_map(1 - distances).positions, atol=1e-6)


def test_tsne_is_the_published_one() -> None:
    rng = np.random.default_rng(3)
    similarity = alike(rng.uniform(size=(24, 6)) * 0.3)
    found = model_map(similarity, "tsne")
    delta = 1 - similarity
    np.fill_diagonal(delta, 0)
    published = TSNE(2, metric="precomputed", perplexity=5, init="random", random_state=42).fit_transform(delta)
    np.testing.assert_allclose(found.positions, published, rtol=1e-4, atol=1e-3)
    np.testing.assert_array_equal(model_map(similarity, "tsne").positions, found.positions)
    assert not np.allclose(model_map(similarity, "tsne", seed=7).positions, found.positions)
    assert not np.allclose(model_map(similarity, "tsne", perplexity=9).positions, found.positions)


def slow_stress(delta: np.ndarray, points: np.ndarray) -> float:
    """The least of all scales, by looking."""
    n = len(delta)
    ratios = np.linspace(0, 4 * delta.max() / pdist(points).max(), 20_001)
    best = np.inf
    for scale in ratios:
        best = min(best, sum(
            (scale * np.linalg.norm(points[i] - points[j]) - delta[i, j]) ** 2 for i in range(n) for j in range(i)
        ))  # fmt: skip
    return float(np.sqrt(best / sum(delta[i, j] ** 2 for i in range(n) for j in range(i))))


def slow_trustworthiness(delta: np.ndarray, points: np.ndarray, k: int) -> float:
    n, penalty = len(delta), 0
    for i in range(n):
        others = [j for j in range(n) if j != i]
        by_data = sorted(others, key=lambda j: delta[i, j])
        by_map = sorted(others, key=lambda j: float(np.linalg.norm(points[i] - points[j])))
        penalty += sum(by_data.index(j) + 1 - k for j in by_map[:k] if j not in by_data[:k])
    return 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * penalty


@pytest.mark.parametrize("method", MAP_METHODS)
def test_quality_follows_its_formula(method: str) -> None:
    rng = np.random.default_rng(5)
    delta = squareform(pdist(rng.normal(size=(7, 5))))
    found = model_map(delta, method, direction="distance", perplexity=2)  # type: ignore[arg-type]
    assert found.stress == pytest.approx(slow_stress(delta, found.positions), abs=1e-3)
    assert found.neighbours == 3
    assert found.trustworthiness == pytest.approx(slow_trustworthiness(delta, found.positions, 3), abs=1e-12)


def test_models_that_lack_pairs_are_left_out_and_the_rest_is_placed() -> None:
    similarity = alike(places(10))
    similarity[3] = similarity[:, 3] = np.nan  # compared with nobody
    similarity[5, 7] = np.nan  # one pair is missing: the later model goes
    found = model_map(similarity)
    assert np.flatnonzero(np.isnan(found.positions).any(axis=1)).tolist() == [3, 7]
    kept = [0, 1, 2, 4, 5, 6, 8, 9]
    np.testing.assert_allclose(found.positions[kept], model_map(similarity[np.ix_(kept, kept)]).positions)


def test_what_is_complete_stays_whole() -> None:
    whole = np.zeros((5, 5))
    np.fill_diagonal(whole, np.nan)  # a diagonal that nobody computed says nothing about pairs
    assert complete_part(whole).tolist() == [0, 1, 2, 3, 4]
    assert complete_part(np.full((3, 3), np.nan)).tolist() == [0]


def test_a_turned_map_keeps_its_distances_and_lies_like_the_other() -> None:
    first = places(15)
    angle = 2.1
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ np.diag([1, -1])
    second = 3 * first @ turn + [5.0, -2.0]
    second[4] = np.nan
    again = turned_like(second, first)
    assert np.isnan(again[4]).all()
    kept = np.arange(15) != 4
    np.testing.assert_allclose(pdist(again[kept]), pdist(second[kept]))
    centred = first[kept] - first[kept].mean(axis=0)
    np.testing.assert_allclose(again[kept] - again[kept].mean(axis=0), 3 * centred, atol=1e-9)


@pytest.mark.parametrize(
    ("similarity", "keywords", "said"),
    [
        (np.ones((2, 2)), {}, "needs 3 models"),
        (np.full((6, 6), np.nan), {}, "there are 1"),
        (np.full((6, 6), 0.4), {}, "equally alike"),
        (np.ones((3, 4)), {}, r"\(3, 4\)"),
        (np.full((4, 4), np.inf), {}, "infinite"),
        (alike(places(6)), {"method": "tsne", "perplexity": 6}, "perplexity of 6 does not go with 6"),
        (alike(places(6)), {"method": "tsne", "perplexity": 0.5}, "perplexity of 0.5"),
        (alike(places(6)), {"method": "umap"}, "no method 'umap'"),
    ],
)
def test_refusals(similarity: np.ndarray, keywords: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        model_map(similarity, **keywords)  # type: ignore[arg-type]


def test_dissimilarities_that_no_space_holds_are_drawn_as_well_as_can_be() -> None:
    """Two models that are alike, and a third that is alike to one of them alone: the triangle cannot be closed."""
    delta = np.array([[0.0, 0.1, 0.9], [0.1, 0.0, 0.2], [0.9, 0.2, 0.0]])
    found = model_map(delta, direction="distance")
    # The best of many random starts is no better.
    rng = np.random.default_rng(0)
    best = min(
        minimize(lambda flat: ((pdist(flat.reshape(3, 2)) - delta[np.triu_indices(3, 1)]) ** 2).sum(), start).fun
        for start in rng.normal(size=(20, 6))
    )
    drawn = ((pdist(found.positions) - delta[np.triu_indices(3, 1)]) ** 2).sum()
    assert drawn == pytest.approx(best, abs=1e-4)


@pytest.mark.parametrize("method", MAP_METHODS)
def test_three_models_and_values_beyond_one_are_enough(method: str) -> None:
    similarity = np.array([[1, 1.2, 0.5], [1.2, 1, -0.3], [0.5, -0.3, 1]])
    found = model_map(similarity, method, perplexity=1)  # type: ignore[arg-type]
    assert np.isfinite(found.positions).all() and 0 <= found.stress <= 1 and found.neighbours == 1
