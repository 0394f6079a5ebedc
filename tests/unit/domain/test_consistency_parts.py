"""Contributions, leaving out, agreement, sensitivity and spread against slow versions from their definitions."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import linregress, pearsonr, spearmanr

from backend.domain.consistency import (
    METHODS,
    Method,
    consistency,
    contributions,
    dataset_influence,
    gap_correlation,
    leave_one_model_out,
    mean_and_spread,
    metric_agreement,
    regression_line,
    sensitivity,
)
from backend.domain.errors import InvalidInput

from .test_consistency_sets import CORRELATE, matrices


@pytest.mark.parametrize("method", METHODS)
def test_contributions_sum_to_r_and_say_which_pair_makes_it(method: Method) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 40))
    x[7], y[9] = np.nan, np.nan
    parts = contributions(x, y, method)
    both = np.isfinite(x) & np.isfinite(y)
    assert np.nansum(parts) == pytest.approx(CORRELATE[method](x[both], y[both]).statistic)
    assert np.isnan(parts[[7, 9]]).all() and np.isfinite(parts[both]).all()
    x[3] = y[3] = 50.0
    assert np.nanargmax(contributions(x, y, method)) == 3
    assert np.isnan(contributions(np.ones(5), np.arange(5.0), method)).all()
    with pytest.raises(InvalidInput, match="one value for each pair"):
        contributions(x, y[:5], method)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_leaving_out_a_model_is_a_matrix_without_it(method: Method, missing: float) -> None:
    stack = matrices(2, 9, missing)
    found = leave_one_model_out(stack[0], stack[1], method)
    for model in range(9):
        rest = np.delete(np.delete(stack, model, axis=1), model, axis=2)
        assert found[model] == pytest.approx(consistency(rest, method).r[0, 1], abs=1e-12)


def test_leaving_out_a_model_within_a_set_counts_the_pairs_of_the_set_alone() -> None:
    stack = matrices(2, 9)
    rows, columns = np.triu_indices(9, 1)
    found = leave_one_model_out(stack[0], stack[1], mask=(rows < 5) & (columns < 5))
    inside = stack[:, :5, :5]
    assert found[8] == pytest.approx(consistency(inside).r[0, 1])
    assert found[0] == pytest.approx(consistency(inside[:, 1:, 1:]).r[0, 1])


def test_the_influence_of_a_dataset_is_the_median_without_it() -> None:
    r = consistency(matrices(5, 8)).r
    r[0, 3] = r[3, 0] = np.nan
    found = dataset_influence(r)
    for left_out in range(5):
        rest = [r[d, e] for d, e in combinations(range(5), 2) if left_out not in (d, e) and np.isfinite(r[d, e])]
        assert found[left_out] == pytest.approx(np.median(rest))
    assert np.isnan(dataset_influence(r[:2, :2])).all()


def test_the_line_is_that_of_least_squares() -> None:
    x, y = np.random.default_rng(1).normal(size=(2, 20))
    x[4] = np.nan
    line = regression_line(x, y)
    expected = linregress(np.delete(x, 4), np.delete(y, 4))
    assert line is not None
    assert line.slope == pytest.approx(expected.slope) and line.intercept == pytest.approx(expected.intercept)
    assert regression_line(np.ones(4), np.arange(4.0)) is None
    assert regression_line(np.array([1.0, 2.0]), np.array([1.0, 2.0])) is None


def test_agreement_of_two_metrics() -> None:
    x, y = matrices(4, 8, 0.1, seed=1), matrices(4, 8, 0.1, seed=2)
    found = metric_agreement(x, y)
    rows, columns = np.triu_indices(8, 1)
    for dataset in range(4):
        a, b = x[dataset, rows, columns], y[dataset, rows, columns]
        both = np.isfinite(a) & np.isfinite(b)
        assert found.n_pairs[dataset] == both.sum()
        assert found.r[dataset] == pytest.approx(pearsonr(a[both], b[both]).statistic)
    upper = np.triu_indices(4, 1)
    r_x, r_y = consistency(x).r[upper], consistency(y).r[upper]
    assert found.consistency_r == pytest.approx(pearsonr(r_x, r_y).statistic)
    with pytest.raises(InvalidInput, match="same models and datasets"):
        metric_agreement(x, y[:2])


def test_gaps_of_accuracy_against_similarity() -> None:
    similarity = matrices(1, 8)[0]
    similarity[2, 5] = similarity[5, 2] = np.nan
    accuracy = np.random.default_rng(0).random(8)
    accuracy[7] = np.nan
    kept = [(i, j) for i, j in combinations(range(7), 2) if (i, j) != (2, 5)]
    expected = spearmanr([similarity[p] for p in kept], [abs(accuracy[i] - accuracy[j]) for i, j in kept]).statistic
    found = gap_correlation(similarity, accuracy, "spearman")
    assert found.r == pytest.approx(expected) and found.n_pairs == 20 and found.n_models == 7
    with pytest.raises(InvalidInput, match="do not fit"):
        gap_correlation(similarity, accuracy[:3])


def test_sensitivity_tells_r_and_how_far_values_move() -> None:
    full, part = matrices(2, 10, 0.1)
    rows, columns = np.triu_indices(10, 1)
    both = np.isfinite(full[rows, columns]) & np.isfinite(part[rows, columns])
    moved = np.abs(full - part)[rows, columns][both]
    found = sensitivity(full, part)
    np.testing.assert_allclose(found.quantiles, np.quantile(moved, [0.05, 0.25, 0.5, 0.75, 0.95]))
    assert found.n_pairs == both.sum()
    assert found.r == pytest.approx(pearsonr(full[rows, columns][both], part[rows, columns][both]).statistic)
    nothing = sensitivity(full, np.full_like(full, np.nan))
    assert np.isnan(nothing.r) and np.isnan(nothing.quantiles).all() and nothing.n_pairs == 0


def test_mean_and_spread_are_those_of_numpy_over_what_is_there() -> None:
    stack = matrices(5, 6, 0.3, seed=4)
    stack[:4, 0, 1] = np.nan
    stack[:, 2, 3] = np.nan
    found = mean_and_spread(stack)
    for i, j in np.ndindex(6, 6):
        there = stack[:, i, j][np.isfinite(stack[:, i, j])]
        assert found.n[i, j] == len(there)
        assert np.isnan(found.mean[i, j]) == (len(there) == 0)
        assert np.isnan(found.sd[i, j]) == (len(there) < 2)
        if len(there) > 1:
            assert found.mean[i, j] == pytest.approx(there.mean())
            assert found.sd[i, j] == pytest.approx(there.std(ddof=1))


def test_models_without_an_accuracy_do_not_narrow_the_interval_of_the_others() -> None:
    rng = np.random.default_rng(5)
    similarity, accuracy = rng.random((30, 30)), rng.random(30)
    similarity = (similarity + similarity.T) / 2
    accuracy[9:] = np.nan
    whole = gap_correlation(similarity, accuracy, resamples=200)
    alone = gap_correlation(similarity[:9, :9], accuracy[:9], resamples=200)
    assert (whole.n_models, whole.n_pairs) == (9, 36)
    np.testing.assert_allclose(whole[:3], alone[:3], atol=1e-12)
