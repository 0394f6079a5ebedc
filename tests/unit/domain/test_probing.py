"""Splits for probes, and nested parts of a dataset."""

from __future__ import annotations

import numpy as np
import pytest

from backend.domain.errors import InvalidInput
from backend.domain.probing import SEEDS, TEST_SHARE, parts, split, usable_labels
from backend.domain.subsets import nested_subsets


def shares(codes: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    return np.bincount(codes[chosen]) / np.bincount(codes)


def test_labels_of_one_stimulus_are_left_out_and_the_rest_are_numbered_by_name() -> None:
    found = usable_labels(["b", None, "a", "b", "once", "a", "a"])
    assert found.names == ["a", "b"] and found.left_out == ["once"]
    assert found.rows.tolist() == [0, 2, 3, 5, 6]
    assert found.codes.tolist() == [1, 0, 1, 0, 0]


@pytest.mark.parametrize("labels", [[None, None], ["a", "a", "a"], ["a", "a", "b"], []])
def test_fewer_than_two_labels_cannot_be_told_apart(labels: list[str | None]) -> None:
    with pytest.raises(InvalidInput, match="two or more stimuli share"):
        usable_labels(labels)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_label_gives_its_share_to_the_test(seed: int) -> None:
    codes = np.repeat([0, 1, 2, 3], [400, 80, 12, 2])
    found = split(codes, None, TEST_SHARE, seed)
    assert found.whole_groups is None
    assert np.bincount(codes[found.test]).tolist() == [100, 20, 3, 1]


def test_the_seed_decides_and_repeats() -> None:
    codes = np.repeat(np.arange(5), 40)
    first, again, other = (split(codes, None, TEST_SHARE, seed).test for seed in (0, 0, 1))
    assert (first == again).all() and (first != other).any()


def test_groups_are_never_on_both_sides_where_labels_allow_it() -> None:
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 40, 600)
    codes = (groups % 4).astype(np.int64)
    found = split(codes, groups, TEST_SHARE, 0)
    assert found.whole_groups is True
    assert not set(groups[found.test]) & set(groups[~found.test])
    assert np.abs(shares(codes, found.test) - TEST_SHARE).max() < 0.1


def test_groups_across_labels_stay_whole_too() -> None:
    groups = np.repeat(np.arange(30), 10)
    codes = np.tile(np.arange(5), 60)
    found = split(codes, groups, TEST_SHARE, 2)
    assert found.whole_groups is True
    assert not set(groups[found.test]) & set(groups[~found.test])
    assert set(codes[found.test]) == set(range(5))


def test_where_a_label_is_a_group_stimuli_are_split_and_it_is_said() -> None:
    codes = np.repeat(np.arange(5), 40)
    found = split(codes, codes.copy(), TEST_SHARE, 0)
    assert found.whole_groups is False
    assert np.allclose(shares(codes, found.test), TEST_SHARE)


@pytest.mark.parametrize("sizes", [[2, 2], [2, 9, 30], [3, 3, 3], [100, 4]])
def test_parts_are_disjoint_and_cover_everything(sizes: list[int]) -> None:
    codes = np.repeat(np.arange(len(sizes)), sizes)
    found = parts(codes, None, 0)
    assert sorted([*found.train, *found.test]) == list(range(len(codes)))
    assert set(found.learn) | set(found.held) == set(found.train)
    assert set(codes[found.learn]) == set(codes[found.test]) == set(codes)
    if max(sizes) > 4:
        assert not set(found.learn) & set(found.held)


def test_settings_are_chosen_on_other_groups_too() -> None:
    groups = np.repeat(np.arange(40), 10)
    found = parts(groups % 4, groups, 1)
    sides = [set(groups[rows]) for rows in (found.learn, found.held, found.test)]
    assert all(sides) and sum(map(len, sides)) == 40


def test_parts_of_a_dataset_are_nested_and_keep_the_labels_shares() -> None:
    labels = ["common"] * 800 + ["rare"] * 200
    found = nested_subsets(labels, None, seed=0)
    assert {divisor: len(rows) for divisor, rows in found.items()} == {10: 100, 4: 250, 2: 500}
    assert set(found[10]) < set(found[4]) < set(found[2])
    for rows in found.values():
        assert (np.diff(rows) > 0).all()
        assert abs(sum(labels[row] == "rare" for row in rows) / len(rows) - 0.2) < 0.02


def test_another_seed_draws_other_stimuli() -> None:
    first, other = (nested_subsets([None] * 100, None, seed)[2] for seed in (0, 1))
    assert set(first) != set(other)
    assert set(nested_subsets([None] * 100, None, 0)[2]) == set(first)


def test_groups_are_whole_in_every_part() -> None:
    groups = np.repeat(np.arange(24), 22)
    found = nested_subsets([f"coin-{group}" for group in groups], groups, seed=0)
    assert set(found) == {10, 4, 2}
    for rows in found.values():
        counts = np.bincount(groups[rows], minlength=24)
        assert set(counts) == {0, 22}
    assert {divisor: len(rows) for divisor, rows in found.items()} == {10: 44, 4: 132, 2: 264}


def test_parts_that_would_be_one_group_or_too_small_are_left_out() -> None:
    groups = np.repeat(np.arange(5), 120)
    assert set(nested_subsets([None] * 600, groups, 0)) == {2}
    assert set(nested_subsets([None] * 40, None, 0, least=10)) == {4, 2}
    assert nested_subsets([None] * 6, np.repeat([0, 1], 3), 0) == {}
