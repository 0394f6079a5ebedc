"""Places among all pairs, against counting."""

from __future__ import annotations

import numpy as np
import pytest

from backend.domain.consistency import pair_values
from backend.domain.standing import moves, percentile, percentiles
from tests.support.rows import similarities


def counted(values: list[float], distance: bool) -> list[float]:
    places = []
    for i, value in enumerate(values):
        others = [other for j, other in enumerate(values) if j != i and np.isfinite(other)]
        less = sum((other > value) if distance else (other < value) for other in others)
        ties = sum(other == value for other in others)
        places.append(100 * (less + ties / 2) / len(others) if np.isfinite(value) and others else np.nan)
    return places


@pytest.mark.parametrize("direction", ["similarity", "distance"])
def test_percentiles_count_the_pairs_that_are_less_alike(direction: str) -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(0, 6, 40).astype(float)
    values[[3, 17]] = np.nan
    found = percentiles(values, direction)  # type: ignore[arg-type]
    np.testing.assert_allclose(found, counted(values.tolist(), direction == "distance"), atol=1e-12)
    alone = [percentile(values, at, direction) for at in range(len(values))]  # type: ignore[arg-type]
    np.testing.assert_allclose(alone, found, atol=1e-12)


def test_ends_and_lonely_pairs() -> None:
    assert percentiles(np.array([0.1, 0.9, 0.5]), "similarity").tolist() == [0.0, 100.0, 50.0]
    assert np.isnan(percentiles(np.array([0.1, np.nan]), "similarity")).all()
    assert percentiles(np.full(4, 0.3), "similarity").tolist() == [50.0] * 4


def test_directions_enter_as_their_mean() -> None:
    square = np.array([[1, 0.2, 0.4], [0.6, 1, np.nan], [0.0, 0.1, 1]])
    np.testing.assert_allclose(pair_values(square[None])[0], [0.4, 0.2, np.nan])


def test_moves_against_loops() -> None:
    stack = np.stack([similarities(7, seed) for seed in range(4)])
    stack[2, 3] = stack[2, :, 3] = np.nan
    stack[1:, 5] = stack[1:, :, 5] = np.nan  # on one dataset alone: cannot move
    found = moves(stack, "similarity")
    places = np.array([counted(values.tolist(), False) for values in pair_values(stack)])
    expected = [p for p in range(places.shape[1]) if np.isfinite(places[:, p]).sum() > 1]
    assert found.which.tolist() == expected and len(expected) == 15
    for at, p in enumerate(expected):
        assert found.distance[at] == pytest.approx(np.nanmax(places[:, p]) - np.nanmin(places[:, p]))
        assert (found.low[at], found.high[at]) == (np.nanargmin(places[:, p]), np.nanargmax(places[:, p]))
        assert found.low_percentile[at] == pytest.approx(np.nanmin(places[:, p]))


@pytest.mark.parametrize("datasets", [0, 1])
def test_nothing_moves_on_fewer_than_two_datasets(datasets: int) -> None:
    assert not len(moves(np.stack([similarities(5, 0)] * 2)[:datasets], "similarity").which)
