"""The drawing order: a permutation, the same for the same models, and as good as exhaustive search."""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.domain.errors import InvalidInput
from backend.domain.ordering import cluster_order, mean_similarity


def similarity(seed: int, n_models: int, decimals: int = 3) -> np.ndarray:
    values = np.random.default_rng(seed).random((n_models, n_models))
    values = np.round((values + values.T) / 2, decimals)
    np.fill_diagonal(values, 1.0)
    return values


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31), n_models=st.integers(0, 12), decimals=st.integers(0, 4),
    missing=st.sampled_from([0.0, 0.2, 1.0]), direction=st.sampled_from(["similarity", "distance"]),
)
def test_same_models_same_order_whatever_order_they_come_in(
    seed: int, n_models: int, decimals: int, missing: float, direction: str
) -> None:
    rng = np.random.default_rng(seed)
    values = similarity(seed, n_models, decimals)
    gaps = rng.random(values.shape) < missing
    values[gaps | gaps.T] = np.nan
    names = [f"model-{i:02d}" for i in range(n_models)]
    order = cluster_order(values, names, direction)  # type: ignore[arg-type]
    assert sorted(order) == list(range(n_models))

    shuffled = rng.permutation(n_models)
    again = cluster_order(values[np.ix_(shuffled, shuffled)], [names[i] for i in shuffled], direction)  # type: ignore[arg-type]
    assert [names[shuffled[i]] for i in again] == [names[i] for i in order]


def test_clusters_stay_together_and_the_first_name_leads() -> None:
    names = ["b1", "a1", "b2", "a2", "b3", "a3"]
    values = np.array([[1.0 if x == y else 0.9 if x[0] == y[0] else 0.1 for y in names] for x in names])
    ordered = [names[i] for i in cluster_order(values, names)]
    assert [name[0] for name in ordered] == ["a", "a", "a", "b", "b", "b"]


def test_neighbours_are_at_least_as_close_as_in_any_other_order_of_a_chain() -> None:
    """Models along a line: the tree allows the true order, and optimal leaf ordering finds it."""
    place = np.array([0.0, 0.07, 0.2, 0.29, 0.5, 0.56])
    values = 1 - np.abs(place[:, None] - place[None, :])
    order = cluster_order(values, list("abcdef"))

    def length(path: tuple[int, ...]) -> float:
        return sum(1 - values[i, j] for i, j in pairwise(path))

    assert length(tuple(order)) == pytest.approx(min(length(path) for path in permutations(range(6))))


def test_distances_are_read_as_distances() -> None:
    values = similarity(4, 8)
    names = list("abcdefgh")
    assert cluster_order(1 - values, names, "distance") == cluster_order(values, names)


def test_small_and_wrong_inputs() -> None:
    assert cluster_order(np.ones((1, 1)), ["a"]) == [0]
    assert cluster_order(np.ones((2, 2)), ["b", "a"]) == [1, 0]
    with pytest.raises(InvalidInput, match="names need a matrix"):
        cluster_order(np.ones((2, 3)), ["a", "b"])
    with pytest.raises(InvalidInput, match="same name"):
        cluster_order(np.ones((2, 2)), ["a", "a"])


def test_mean_is_over_the_datasets_that_have_the_pair() -> None:
    stack = np.array([[[1, s], [s, 1]] for s in (0.2, np.nan, 0.6)], dtype=np.float32)
    np.testing.assert_allclose(mean_similarity(stack), [[1, 0.4], [0.4, 1]], rtol=1e-6)
    assert np.isnan(mean_similarity(stack[1:2])[0, 1])
    with pytest.raises(InvalidInput):
        mean_similarity(stack[0])
