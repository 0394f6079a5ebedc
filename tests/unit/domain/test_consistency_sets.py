"""Model-set pairs, weights, matching and anchors against slow versions that enumerate pairs by hand."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

from backend.domain.attributes import OBJECTIVES
from backend.domain.consistency import (
    METHODS,
    SMALL_MODELS,
    Method,
    ModelSet,
    SetPairTable,
    anchor,
    compare_sets,
    every,
    match,
    pair_mask,
    pairs_of,
    set_pair_consistency,
    sets_of,
)
from backend.domain.errors import InvalidInput

CORRELATE = {"pearson": pearsonr, "spearman": spearmanr}


def matrices(n_datasets: int = 4, n_models: int = 12, missing: float = 0.0, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = rng.random((n_models, n_models)) + 0.7 * rng.random((n_datasets, n_models, n_models))
    values[rng.random(values.shape) < missing] = np.nan
    values = np.round(values + values.transpose(0, 2, 1), 1)
    values[:, np.arange(n_models), np.arange(n_models)] = 1
    return values


def subset(n_models: int, *positions: int) -> ModelSet:
    return ModelSet("set", "Set", np.isin(np.arange(n_models), positions))


def published_pairs(a: set[int], b: set[int]) -> list[tuple[int, int]]:
    """Unordered, distinct, unique, one model in each set: from the words of the definition."""
    return sorted({(min(i, j), max(i, j)) for i in a for j in b if i != j})


def by_hand(stack: np.ndarray, pairs: list[tuple[int, int]], method: str) -> tuple[np.ndarray, np.ndarray]:
    r = np.full((len(stack), len(stack)), np.nan)
    n = np.zeros(r.shape, dtype=int)
    for d, e in np.ndindex(r.shape):
        both = [(stack[d, i, j], stack[e, i, j]) for i, j in pairs if np.isfinite(stack[[d, e], i, j]).all()]
        n[d, e] = len(both)
        if len(both) >= 3 and all(len(set(side)) > 1 for side in zip(*both, strict=True)):
            r[d, e] = CORRELATE[method](*zip(*both, strict=True)).statistic
    return r, n


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("missing", [0.0, 0.15])
@pytest.mark.parametrize(
    ("a", "b", "count"),
    [({0, 1, 2, 3}, {0, 1, 2, 3}, 6), ({0, 1, 2}, {4, 5, 6, 7}, 12), ({0, 1, 2, 3}, {2, 3, 4}, 3 + 2 + 2 * 2 + 1 - 1),
     ({5}, set(range(12)), 11)],
)
def test_set_pairs_equal_the_published_definition(
    a: set[int], b: set[int], count: int, missing: float, method: Method
) -> None:
    stack = matrices(missing=missing)
    pairs = published_pairs(a, b)
    first, second = subset(12, *a), subset(12, *b)
    rows, columns = np.triu_indices(12, 1)
    mask = pair_mask(first, second)
    assert [(i, j) for i, j in zip(rows[mask], columns[mask], strict=True)] == pairs and len(pairs) == count
    (table,) = set_pair_consistency(stack, [(first, second)], method)
    r, n = by_hand(stack, pairs, method)
    np.testing.assert_allclose(table.r, r, atol=1e-12)
    np.testing.assert_array_equal(table.n_pairs, n)


def test_overlapping_sets_of_the_published_size_have_511_pairs() -> None:
    """14 Image-Text models against these and 30 supervised ones: 91 + 420."""
    a, b = subset(64, *range(14)), subset(64, *range(44))
    assert pair_mask(a, b).sum() == 91 + 420 == pair_mask(b, a).sum()


def test_sets_of_an_attribute_come_in_the_order_of_its_vocabulary() -> None:
    slugs = ["supervised", "image-text", "supervised"]
    sets = sets_of(slugs, OBJECTIVES)
    assert [one.name for one in sets] == ["image-text", "supervised"]
    assert [one.title for one in sets] == ["Image-Text", "Supervised"]
    assert [list(one.members) for one in sets] == [[False, True, False], [True, False, True]]
    assert [(a.name, b.name) for a, b in pairs_of(sets)] == [
        ("image-text", "image-text"), ("image-text", "supervised"), ("supervised", "supervised")
    ]
    with pytest.raises(InvalidInput, match="No value is called 'sup'"):
        sets_of(["sup"], OBJECTIVES)


def test_a_set_of_other_models_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"of 5 models .* the matrices have 12"):
        set_pair_consistency(matrices(), [(every(5), every(5))])


def test_models_are_counted_where_they_have_values_and_small_sets_are_said() -> None:
    stack = matrices(n_models=SMALL_MODELS + 2)
    stack[:, 0] = stack[:, :, 0] = np.nan
    (whole,) = set_pair_consistency(stack, [(every(SMALL_MODELS + 2), every(SMALL_MODELS + 2))])
    assert whole.n_models_a == whole.n_models_b == SMALL_MODELS + 1 and not whole.small
    few = subset(SMALL_MODELS + 2, *range(SMALL_MODELS))
    (part,) = set_pair_consistency(stack, [(few, few)])
    assert part.n_models_a == SMALL_MODELS - 1 and part.small


def test_too_few_pairs_give_no_number() -> None:
    (table,) = set_pair_consistency(matrices(), [(subset(12, 0), subset(12, 1, 2))])
    assert np.isnan(table.r).all() and (table.n_pairs == 2).all()


def test_matching_gives_both_sets_the_same_mix() -> None:
    size = ["small"] * 5 + ["large"] * 3 + ["small"] * 2 + ["large"] * 2 + ["xlarge"]
    a, b = subset(13, *range(8)), subset(13, *range(8, 13))
    matching = match({"size": size}, a, b)
    assert [(s.values["size"], s.n_a, s.n_b, s.used) for s in matching.strata] == [
        ("large", 3, 2, True), ("small", 5, 2, True), ("xlarge", 0, 1, False)
    ]
    assert (matching.n_used_a, matching.n_used_b) == (8, 4) and not matching.empty
    for one, weights in ((a, matching.weights_a), (b, matching.weights_b)):
        assert (weights[~one.members] == 0).all()
        share = weights[np.array(size) == "small"].sum() / weights.sum()
        assert share == pytest.approx(0.5), "2 small and 2 large models of b: half and half on both sides"
    assert matching.weights_a.sum() == pytest.approx(8) and matching.weights_b[12] == 0


def test_matching_by_several_attributes_takes_their_combinations_and_may_find_nothing() -> None:
    a, b = subset(4, 0, 1), subset(4, 2, 3)
    by = {"size": ["small", "large", "small", "large"], "architecture": ["cnn", "tx", "tx", "cnn"]}
    assert not match({"size": by["size"]}, a, b).empty
    nothing = match(by, a, b)
    assert nothing.empty and len(nothing.strata) == 4 and nothing.weights_a.sum() == nothing.weights_b.sum() == 0
    with pytest.raises(InvalidInput, match="'size' has 2 values, and there are 4 models"):
        match({"size": ["small", "large"]}, a, b)


def test_a_matched_r_counts_each_pair_by_the_product_of_its_weights() -> None:
    stack = matrices(n_models=9)
    size = ["small"] * 4 + ["large"] + ["small"] * 2 + ["large"] * 2
    a, b = subset(9, *range(5)), subset(9, *range(5, 9))
    matching = match({"size": size}, a, b)
    found = compare_sets(stack, a, b, matching=matching)
    weight = {0: 2 / 4, 1: 2 / 4, 2: 2 / 4, 3: 2 / 4, 4: 1.0}
    rows = [(weight[i] * weight[j], stack[0, i, j], stack[1, i, j]) for i, j in combinations(range(5), 2)]
    w, x, y = map(np.array, zip(*rows, strict=True))
    x, y = x - (w @ x) / w.sum(), y - (w @ y) / w.sum()
    assert found.a.r[0, 1] == pytest.approx((w * x) @ y / np.sqrt((w * x) @ x * ((w * y) @ y)))
    plain = compare_sets(stack, a, b)
    upper = np.triu_indices(4, 1)
    (within,) = set_pair_consistency(stack, [(a, a)])
    assert plain.median_a == np.median(within.r[upper]) and plain.difference == plain.median_a - plain.median_b


@pytest.mark.parametrize("method", METHODS)
def test_an_anchor_is_a_set_of_one_model(method: Method) -> None:
    stack = matrices(missing=0.1)
    names = [f"m{k}" for k in range(12)]
    alone = anchor("m4", names)

    def against(members: np.ndarray) -> SetPairTable:
        return set_pair_consistency(stack, [(alone, ModelSet("others", "Others", members))], method)[0]

    found = against(np.arange(12) < 9)
    r, n = by_hand(stack, [(min(4, j), max(4, j)) for j in range(9) if j != 4], method)
    np.testing.assert_allclose(found.r, r, atol=1e-12)
    np.testing.assert_array_equal(found.n_pairs, n)
    assert not found.small and against(np.arange(12) < 4).small
    assert not anchor("m12", names).members.any()
    lonely = ModelSet("untrained", "Untrained", alone.members)
    (happens,) = set_pair_consistency(stack, [(lonely, every(12))], method)
    assert happens.small, "a set that happens to have one model says little about its kind"
