"""Disagreement about stimuli, against its definition spelled out list by list."""

from __future__ import annotations

import numpy as np
import pytest

from backend.domain.disagreement import COUNTED, STORED, disagreement
from backend.domain.errors import InvalidInput


def lists(n: int, k: int, seed: int) -> np.ndarray:
    """Lists of k different stimuli other than the row's own: (n, k) int32."""
    rng = np.random.default_rng(seed)
    return np.array([rng.permutation(np.delete(np.arange(n), i))[:k] for i in range(n)], dtype=np.int32)


def mixed(n: int, k: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Lists of two models that agree on some stimuli, partly on others, and on others not at all."""
    first, second = lists(n, k, seed), lists(n, k, seed + 1)
    second[::3] = first[::3]
    second[1::6] = first[1::6, ::-1]
    return first, second


def oracle(first: np.ndarray, second: np.ndarray) -> tuple[list[int], list[float], list[int]]:
    depth = min(first.shape[1], second.shape[1])
    k = min(COUNTED, depth)
    shared = [len(set(a[:k]) & set(b[:k])) for a, b in zip(first, second, strict=True)]
    agreement = [
        sum(len(set(a[:d]) & set(b[:d])) / d for d in range(1, depth + 1)) / depth
        for a, b in zip(first, second, strict=True)
    ]
    order = sorted(range(len(first)), key=lambda i: (shared[i], round(agreement[i], 12), i))
    return shared, agreement, order


@pytest.mark.parametrize(("n", "k"), [(60, STORED), (12, COUNTED), (4, 3), (3, 1), (200, 15)])
def test_as_defined(n: int, k: int) -> None:
    first, second = mixed(n, k, seed=n)
    found = disagreement(first, second)
    shared, agreement, order = oracle(first, second)
    assert found.k == min(COUNTED, k)
    assert found.shared.tolist() == shared
    np.testing.assert_allclose(found.agreement, agreement, atol=1e-12)
    ranked = [(shared[i], round(agreement[i], 12)) for i in found.order]
    assert ranked == [(shared[i], round(agreement[i], 12)) for i in order]
    assert sorted(found.order.tolist()) == list(range(n))


def test_symmetric_and_bounded() -> None:
    first, second = mixed(70, STORED, seed=3)
    one, other = disagreement(first, second), disagreement(second, first)
    np.testing.assert_array_equal(one.shared, other.shared)
    np.testing.assert_allclose(one.agreement, other.agreement, atol=1e-12)
    same = disagreement(first, first)
    assert (same.shared == COUNTED).all() and np.allclose(same.agreement, 1.0)
    assert same.order.tolist() == list(range(70)), "ties go to the lower row"


def test_lists_that_meet_later_disagree_more() -> None:
    first = np.tile(np.arange(1, 21, dtype=np.int32), (3, 1))
    second = np.tile(np.arange(101, 121, dtype=np.int32), (3, 1))
    second[0, 19], second[1, 11] = 1, 1  # beyond the ten that are counted, at different depths
    found = disagreement(first, second)
    assert found.shared.tolist() == [0, 0, 0]
    assert found.order.tolist() == [2, 0, 1]


def test_a_planted_disagreement_is_first() -> None:
    first = lists(300, STORED, seed=5)
    second = first.copy()
    second[217] = np.setdiff1d(np.arange(300), [217, *first[217]])[:STORED]
    found = disagreement(first, second)
    assert found.order[0] == 217 and found.shared[217] == 0


def test_what_chance_shares() -> None:
    n = 400
    found = disagreement(lists(n, STORED, 1), lists(n, STORED, 2))
    assert found.chance == pytest.approx(100 / 399)
    assert abs(found.shared.mean() - found.chance) < 0.1


@pytest.mark.parametrize(("first", "second"), [
    (np.zeros((5, 3), np.int32), np.zeros((4, 3), np.int32)), (np.zeros((5, 0), np.int32), np.zeros((5, 3), np.int32)),
    (np.zeros(5, np.int32), np.zeros((5, 3), np.int32)),
])  # fmt: skip
def test_lists_of_other_stimuli_are_refused(first: np.ndarray, second: np.ndarray) -> None:
    with pytest.raises(InvalidInput, match=str(first.shape[0])):
        disagreement(first, second)
