"""Resampling of models against versions that copy and delete models one by one."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import t as student

from backend.domain.consistency import (
    METHODS,
    Interval,
    Method,
    ModelSet,
    anchor,
    compare_sets,
    consistency,
    correlations,
    every,
    gap_correlation,
    match,
    metric_agreement,
    pair_mask,
    resample,
    resampling,
    set_pair_consistency,
    verdict_of,
)
from backend.domain.consistency.cells import Part, bootstrap_weights, cells_of, parts_of, weights_without
from backend.domain.consistency.jackknife import without_each_model
from backend.domain.consistency.weighted import weighted_correlations

from .test_consistency_sets import CORRELATE, matrices, subset

N = 12


def above(table: np.ndarray) -> np.ndarray:
    return table[np.triu_indices(len(table), 1)]


def copied(stack: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Matrices in which model i stands counts[i] times; copies of one model have no similarity."""
    copies = np.repeat(np.arange(stack.shape[1]), counts)
    found = stack[:, copies][:, :, copies].copy()
    found[:, copies[:, None] == copies] = np.nan
    return found


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_a_weight_is_a_number_of_copies_that_form_no_pair(method: Method, missing: float) -> None:
    stack = matrices(missing=missing, seed=3)
    values = stack[:, *np.triu_indices(N, 1)]
    counts = np.random.default_rng(0).integers(0, 4, (5, N))
    r = weighted_correlations(values, np.triu_indices(N, 1), counts.astype(float), method)
    for number, row in enumerate(counts):
        np.testing.assert_allclose(r[number], above(consistency(copied(stack, row), method).r), atol=1e-10)


@pytest.mark.parametrize("method", METHODS)
def test_weights_that_leave_too_little_give_no_number(method: Method) -> None:
    values = np.array([[1.0, 1.0, 1.0, 2.0], [1.0, 2.0, 3.0, 4.0]])
    star = (np.zeros(4, dtype=int), np.arange(1, 5))
    weights = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 0], [0, 1, 1, 1, 1], [1, 1, 1, 1, 1]], dtype=float)
    r = weighted_correlations(values, star, weights, method)[:, 0]
    assert np.isnan(r[:3]).all(), "two pairs; a row that is constant where weights are; no pair"
    assert r[3] == pytest.approx(CORRELATE[method](*values).statistic)


@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_leaving_out_by_sums_is_leaving_out(missing: float) -> None:
    stack = matrices(missing=missing, seed=5)
    rows, columns = np.triu_indices(N, 1)
    for mask in (np.ones(len(rows), dtype=bool), pair_mask(subset(N, *range(5)), subset(N, *range(3, 9)))):
        values, models = stack[:, rows[mask], columns[mask]], (rows[mask], columns[mask])
        found = without_each_model(values, models, N)
        np.testing.assert_allclose(found[0], above(correlations(values)), atol=1e-12)
        for model in range(N):
            kept = (models[0] != model) & (models[1] != model)
            np.testing.assert_allclose(found[1 + model], above(correlations(values[:, kept])), atol=1e-12)


def test_cells_are_memberships_and_keep_their_shares() -> None:
    a, b = subset(N, *range(6)), subset(N, *range(4, 11))
    occurs = np.arange(N) != 3
    cells = cells_of([a, b], occurs)
    groups = [set(np.flatnonzero(cells == cell)) for cell in np.unique(cells[cells >= 0])]
    assert sorted(map(sorted, groups)) == [[0, 1, 2], [4, 5], [6, 7, 8, 9, 10], [11]] and cells[3] == -1
    weights = bootstrap_weights(cells, 500, seed=1)
    for group in groups:
        np.testing.assert_allclose(weights[:, sorted(group)].sum(axis=1), len(group))
    assert (weights[:, 11] == 1).all(), "a single model stays"
    assert weights[:, 6:11].std() > 0.5
    parts = parts_of(cells, most=3, seed=0)
    assert sorted(len(part.models) for part in parts if part.models[0] >= 6) == [1, 2, 2]
    assert sorted(i for part in parts for i in part.models) == [0, 1, 2, 4, 5, 6, 7, 8, 9, 10]
    left = weights_without([Part(cells[7], np.array([7, 9]))], cells)[0]
    assert left[7] == left[9] == 0 and left[6] == pytest.approx(5 / 3) and left[0] == 1


@pytest.mark.parametrize("method", METHODS)
def test_the_interval_holds_the_jackknife_and_the_percentiles(method: Method) -> None:
    """Two sets that overlap: three cells. Everything again by copies, deletions and loops."""
    stack = matrices(3, N, seed=2)
    a, b = subset(N, *range(7)), subset(N, *range(4, N))
    found = resample(stack, [(a, b)], method, resamples=40, seed=9)
    mask = pair_mask(a, b)
    rows, columns = (side[mask] for side in np.triu_indices(N, 1))
    values = stack[:, rows, columns]
    cells = cells_of([a, b], np.ones(N, dtype=bool))

    def z(weights: np.ndarray) -> np.ndarray:
        """Weighted correlation by its formula, the models' weights as numbers of copies."""
        w, ranked = weights[rows] * weights[columns], values
        if method == "spearman":
            ranked = np.array([
                [w[row < x].sum() + w[row == x].sum() / 2 for x in row] for row in values
            ])
        centred = ranked - (ranked @ w / w.sum())[:, None]
        covariance = (centred * w) @ centred.T
        length = np.sqrt(np.diag(covariance))
        return np.arctanh(above(covariance / np.outer(length, length)))

    sample = z(np.ones(N))
    draws = np.array([z(weights) for weights in bootstrap_weights(cells, 40, seed=9)])
    variances, terms = [], []
    for cell in range(3):
        inside = np.flatnonzero(cells == cell)
        without = []
        for model in inside:
            weights = np.ones(N)
            weights[inside] = len(inside) / (len(inside) - 1)
            weights[model] = 0
            without.append(z(weights))
        m = len(inside)
        variances.append((m - 1) / m * ((np.array(without) - np.mean(without, axis=0)) ** 2).sum(axis=0))
        terms.append(variances[-1] ** 2 / (m - 1))
    freedom = np.sum(variances, axis=0) ** 2 / np.sum(terms, axis=0)
    half = student.ppf(0.975, freedom) * np.sqrt(np.sum(variances, axis=0))
    percentiles = np.quantile(draws, [0.025, 0.975], axis=0)
    low, high = found.interval(0)
    np.testing.assert_allclose(above(low), np.tanh(np.minimum(sample - half, percentiles[0])), atol=1e-6)
    np.testing.assert_allclose(above(high), np.tanh(np.maximum(sample + half, percentiles[1])), atol=1e-6)
    (table,) = set_pair_consistency(stack, [(a, b)], method)
    assert found.medians[0].value == pytest.approx(np.median(above(table.r)))
    assert (np.diag(low) == 1).all() and (low == low.T).all()


def test_ends_surround_r_stay_in_bounds_and_repeat() -> None:
    stack = matrices(4, 14, 0.1)
    pairs = [(every(14), every(14)), (subset(14, *range(8)), subset(14, *range(8, 14)))]
    found = resample(stack, pairs, resamples=50)
    for k, table in enumerate(set_pair_consistency(stack, pairs)):
        low, high = found.interval(k)
        assert (low <= table.r).all() and (table.r <= high).all() and (low >= -1).all() and (high <= 1).all()
        assert (above(high - low) > 0.01).all()
        assert found.median_interval(k)[0] < found.medians[k].value < found.median_interval(k)[1]
    again = resample(stack, pairs[1:], resamples=50)
    np.testing.assert_array_equal(again.interval(0), found.interval(1))
    other = resample(stack, pairs[1:], resamples=50, seed=1)
    assert (above(other.low[0]) != above(found.low[1])).any()
    assert "resample models" in found.method_words and "50 bootstrap draws (seed 0)" in found.method_words


def test_more_models_narrow_the_interval_and_copies_of_datasets_do_not_differ() -> None:
    widths = []
    for n_models in (10, 20, 40):
        stack = matrices(2, n_models, seed=1)
        low, high = resample(np.concatenate([stack, stack[:1]]), [(every(n_models), every(n_models))]).interval(0)
        widths.append(high[0, 1] - low[0, 1])
        assert np.isnan([low[0, 2], high[0, 2]]).all(), "the same dataset twice: r = 1, of which nothing varies"
    assert widths[0] > 1.3 * widths[1] > 1.3**2 * widths[2]


def test_what_is_not_defined_has_no_interval() -> None:
    stack = matrices(3, 10)
    stack[2] = np.nan
    three = subset(10, 0, 1, 2)
    found = resample(stack, [(every(10), every(10)), (three, three), (subset(10, 0), subset(10, 1, 2))], resamples=30)
    assert np.isfinite(found.low[0][0, 1]) and np.isnan(found.low[0][2]).all()
    assert np.isfinite(found.median_interval(0)).all(), "of the one dataset pair that there is"
    assert np.isnan(found.low[1][0, 1]), "without any of three models there is one pair left"
    assert np.isfinite(found.medians[1].value) and np.isnan(found.median_interval(1)).all()
    assert np.isnan(found.medians[2]).all()
    one_dataset = resample(stack[:1], [(every(10), every(10))], resamples=10)
    assert np.isnan(one_dataset.medians[0]).all()
    constant = resample(np.ones((2, 6, 6)), [(every(6), every(6))], resamples=10)
    assert np.isnan(constant.low[0]).all() and np.isnan(constant.medians[0]).all()


def test_a_perfect_order_of_few_models_is_not_certain() -> None:
    square = matrices(1, 8, seed=2)[0]
    stack = np.stack([square, square**3, square + 0.2 * matrices(1, 8, seed=3)[0]])
    found = resample(stack, [(every(8), every(8))], "spearman", resamples=100)
    low, high = found.interval(0)
    assert np.isnan([low[0, 1], high[0, 1]]).all(), "each resample repeats r = 1, whatever the truth"
    assert low[0, 2] < high[0, 2] and np.isfinite(found.medians[0]).all()


def test_an_anchor_stays_while_the_others_are_resampled() -> None:
    """With one model always there, r over its pairs is an ordinary r over independent models."""
    stack = matrices(2, 60, seed=8)
    alone = anchor("3", [str(k) for k in range(60)])
    found = resample(stack, [(alone, every(60))])
    low, high = (end[0, 1] for end in found.interval(0))
    assert np.arctanh(high) - np.arctanh(low) == pytest.approx(2 * 2 / np.sqrt(56), rel=0.35)
    assert found.median_interval(0) == pytest.approx((low, high))


def test_one_set_steadier_than_the_other_a_tie_and_nothing_to_compare() -> None:
    rng = np.random.default_rng(0)
    positions = rng.normal(size=(30, 3))
    noise = np.r_[np.full(15, 0.05), np.full(15, 1.5)][:, None]
    seen = positions + noise * rng.normal(size=(4, 30, 3))
    stack = np.exp(-((seen[:, :, None] - seen[:, None]) ** 2).sum(axis=3) / 4)
    steady, unsteady = subset(30, *range(15)), subset(30, *range(15, 30))
    found = compare_sets(stack, steady, unsteady, resamples=200)
    assert found.verdict == "a" and found.difference is not None and found.low is not None and found.low > 0
    assert found.difference == found.median_a - found.median_b  # type: ignore[operator]
    assert compare_sets(stack, unsteady, steady, resamples=200).verdict == "b"
    assert found.resampled.medians[0].value == pytest.approx(found.median_a)
    even, odd = subset(30, *range(0, 15, 2)), subset(30, *range(1, 15, 2))
    assert compare_sets(stack, even, odd, resamples=200).verdict == "tie"
    nothing = match({"size": ["small"] * 15 + ["large"] * 15}, steady, unsteady)
    unmatched = compare_sets(stack, steady, unsteady, matching=nothing, resamples=20)
    assert unmatched.verdict == "undefined" and unmatched.difference is None and unmatched.median_a is None
    assert verdict_of(Interval(0.1, np.nan, np.nan)) == "undefined"


def test_agreement_and_gaps_are_two_matrices_resampled() -> None:
    x, y = matrices(3, 12, 0.05, seed=1), matrices(3, 12, 0.05, seed=2)
    agreement = metric_agreement(x, y, resamples=60)
    accuracy = np.random.default_rng(0).random(12)
    gaps = gap_correlation(x[0], accuracy, resamples=60)
    two = [np.stack([x[2], y[2]]), np.stack([x[0], np.abs(accuracy[:, None] - accuracy)])]
    for stack, low, high in ((two[0], agreement.low[2], agreement.high[2]), (two[1], gaps.low, gaps.high)):
        ends = resample(stack, [(every(12), every(12))], resamples=60).interval(0)
        assert (low, high) == pytest.approx((ends[0][0, 1], ends[1][0, 1]))


def test_differences_are_of_both_under_the_same_resampling() -> None:
    stack = matrices(3, 16, seed=4)
    a, b = subset(16, *range(8)), subset(16, *range(8, 16))
    found = resample(stack, [(a, a), (b, b), (a, b)], resamples=200)
    difference = found.difference(0, 1)
    assert difference.value == pytest.approx(found.medians[0].value - found.medians[1].value)
    assert difference.low < difference.value < difference.high
    back = found.difference(1, 0)
    assert back.value == -difference.value
    chosen = found.difference(0, 1, among=4)
    assert chosen.value == difference.value and chosen.low < difference.low and difference.high < chosen.high
    same = found.difference(0, 0)
    assert same == (0.0, 0.0, 0.0), "a set never differs from itself"
    almost = ModelSet("almost", "Almost", np.arange(16) < 15)
    near = resample(stack, [(every(16), every(16)), (almost, almost)], resamples=200)
    apart = near.difference(0, 1)
    widths = [near.median_interval(k)[1] - near.median_interval(k)[0] for k in range(2)]
    assert apart.high - apart.low < 0.7 * min(widths), "sets that share nearly all their models move together"


@pytest.mark.parametrize("method", METHODS)
def test_many_models_are_left_out_without_draws_and_agree(method: Method, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    positions = rng.normal(size=(60, 3))
    seen = positions + 0.4 * rng.normal(size=(4, 60, 3))
    stack = np.exp(-((seen[:, :, None] - seen[:, None]) ** 2).sum(axis=3))
    half = subset(60, *range(30))
    pairs = [(every(60), every(60)), (half, half)]
    few = resample(stack, pairs, method, resamples=300)
    monkeypatch.setattr(resampling, "MANY", 20)
    many = resample(stack, pairs, method)
    assert "(among 20 models or fewer)" in many.method_words and "among" not in few.method_words
    for k in range(2):
        ratio = above(many.high[k] - many.low[k]) / above(few.high[k] - few.low[k])
        assert 0.75 < np.median(ratio) < 1.2
        assert many.medians[k].value == pytest.approx(few.medians[k].value, abs=1e-12)
    assert many.difference(0, 1).value == pytest.approx(few.difference(0, 1).value, abs=1e-12)


def test_matched_weights_count_in_every_resample() -> None:
    stack = matrices(2, 14)
    size = ["small"] * 6 + ["large"] * 3 + ["small"] * 2 + ["large"] * 3
    a, b = subset(14, *range(9)), subset(14, *range(9, 14))
    matching = match({"size": size}, a, b)
    weights = [matching.weights_a]
    (table,) = set_pair_consistency(stack, [(a, a)], weights=weights)
    found = resample(stack, [(a, a)], weights=weights, resamples=100)
    assert found.medians[0].value == pytest.approx(table.r[0, 1])
    plain = resample(stack, [(a, a)], resamples=100)
    assert found.median_interval(0) != plain.median_interval(0)
    equal = resample(stack, [(a, a)], weights=[np.where(a.members, 0.5, 0.0)], resamples=100)
    assert equal.median_interval(0) == pytest.approx(plain.median_interval(0))


def test_intervals_do_not_depend_on_which_models_have_no_values() -> None:
    stack = matrices(2, 12)
    lacking = np.full((2, 15, 15), np.nan)
    lacking[:, :12, :12] = stack
    low, _ = resample(stack, [(every(12), every(12))], resamples=30).interval(0)
    with_gaps, _ = resample(lacking, [(every(15), every(15))], resamples=30).interval(0)
    np.testing.assert_allclose(with_gaps, low, atol=1e-9)


def test_pairs_taken_as_independent_would_be_too_sure() -> None:
    """Similarities that are sums of two models' own parts: the textbook standard error of z is far too small."""
    rng = np.random.default_rng(0)
    own = rng.normal(size=30) + 0.7 * rng.normal(size=(2, 30))
    stack = own[:, :, None] + own[:, None] + 0.1 * rng.normal(size=(2, 30, 30))
    low, high = resample(stack, [(every(30), every(30))]).interval(0)
    n_pairs = len(list(combinations(range(30), 2)))
    textbook = 2 * 1.96 / np.sqrt(n_pairs - 3)
    assert np.arctanh(high[0, 1]) - np.arctanh(low[0, 1]) > 2.5 * textbook
