"""Consistency against a slow, obvious version written from the definition."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr

from backend.domain.consistency import METHODS, consistency, pair_values
from backend.domain.errors import InvalidInput


def random_matrices(seed: int, n_datasets: int, n_models: int, missing: float = 0.0) -> np.ndarray:
    """Symmetric matrices with a shared part, float32 as served, and NaN at a share of the pairs."""
    rng = np.random.default_rng(seed)
    values = rng.random((n_models, n_models)) + 0.7 * rng.random((n_datasets, n_models, n_models))
    values = np.round(values + values.transpose(0, 2, 1), 1 + seed % 6)  # coarse rounding makes ties
    gaps = rng.random(values.shape) < missing
    values[gaps | gaps.transpose(0, 2, 1)] = np.nan
    return values.astype(np.float32)


def slow_consistency(matrices: np.ndarray, method: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n_datasets, n_models, _ = matrices.shape
    r = np.full((n_datasets, n_datasets), np.nan)
    n_pairs = np.zeros((n_datasets, n_datasets), int)
    models = np.zeros((n_datasets, n_datasets), int)
    for a in range(n_datasets):
        for b in range(n_datasets):
            x, y, seen = [], [], set()
            for i in range(n_models):
                for j in range(i + 1, n_models):
                    if np.isfinite(matrices[a, i, j]) and np.isfinite(matrices[b, i, j]):
                        x.append(float(matrices[a, i, j]))
                        y.append(float(matrices[b, i, j]))
                        seen |= {i, j}
            n_pairs[a, b], models[a, b] = len(x), len(seen)
            if len(x) >= 3 and len(set(x)) > 1 and len(set(y)) > 1:
                correlate = pearsonr if method == "pearson" else spearmanr
                r[a, b] = correlate(x, y).statistic
    return r, n_pairs, models


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31), n_datasets=st.integers(1, 6), n_models=st.integers(1, 9),
    missing=st.sampled_from([0.0, 0.05, 0.4, 1.0]), method=st.sampled_from(METHODS),
)
def test_equals_the_definition(
    seed: int, n_datasets: int, n_models: int, missing: float, method: str
) -> None:
    matrices = random_matrices(seed, n_datasets, n_models, missing)
    table = consistency(matrices, method)  # type: ignore[arg-type]
    r, n_pairs, models = slow_consistency(matrices, method)
    np.testing.assert_allclose(table.r, r, atol=1e-9)
    np.testing.assert_array_equal(table.n_pairs, n_pairs)
    np.testing.assert_array_equal(table.n_models, models)


@pytest.mark.parametrize("method", METHODS)
def test_is_symmetric_bounded_and_one_on_the_diagonal(method: str) -> None:
    r = consistency(random_matrices(3, 5, 12, 0.1), method).r  # type: ignore[arg-type]
    np.testing.assert_array_equal(r, r.T)
    np.testing.assert_array_equal(np.diag(r), 1.0)
    assert np.abs(r).max() <= 1.0


def test_does_not_depend_on_the_order_of_the_models() -> None:
    matrices = random_matrices(1, 4, 10, 0.1)
    shuffled = np.random.default_rng(0).permutation(10)
    again = matrices[:, shuffled][:, :, shuffled]
    np.testing.assert_allclose(consistency(again).r, consistency(matrices).r, atol=1e-12)


def test_the_diagonal_of_a_matrix_is_not_read() -> None:
    matrices = random_matrices(2, 3, 6)
    altered = matrices.copy()
    altered[:, np.arange(6), np.arange(6)] = np.nan
    np.testing.assert_array_equal(consistency(altered).r, consistency(matrices).r)


def test_two_pairs_and_constant_values_have_no_correlation() -> None:
    three_models = random_matrices(1, 2, 3)
    three_models[:, 0, 2] = three_models[:, 2, 0] = np.nan
    assert np.isnan(consistency(three_models).r).all()
    assert (consistency(three_models).n_pairs == 2).all()

    constant = random_matrices(2, 2, 5).astype(float)
    constant[1] = 0.1
    r = consistency(constant).r
    assert r[0, 0] == 1.0
    assert np.isnan(r[0, 1]) and np.isnan(r[1, 1])


def test_a_directed_measure_enters_as_the_mean_of_both_directions() -> None:
    directed = np.random.default_rng(0).random((1, 3, 3))
    expected = [(directed[0, i, j] + directed[0, j, i]) / 2 for i, j in ((0, 1), (0, 2), (1, 2))]
    np.testing.assert_allclose(pair_values(directed)[0], expected)


@pytest.mark.parametrize(
    ("bad", "method"),
    [(np.zeros((2, 3)), "pearson"), (np.zeros((2, 3, 4)), "pearson"), (np.full((1, 3, 3), np.inf), "pearson"),
     (np.zeros((1, 3, 3)), "kendall")],
)
def test_refuses_what_it_cannot_use(bad: np.ndarray, method: str) -> None:
    with pytest.raises(InvalidInput):
        consistency(bad, method)  # type: ignore[arg-type]


def test_inputs_are_not_changed() -> None:
    matrices = random_matrices(5, 3, 6, 0.2)
    before = matrices.copy()
    consistency(matrices, "spearman")
    np.testing.assert_array_equal(matrices, before)


def test_the_published_size_is_far_faster_than_the_loop() -> None:
    """Published size: 64 models, 23 datasets. A ratio, so that a busy machine slows both."""
    matrices = random_matrices(0, 23, 64)
    started = time.perf_counter()
    consistency(matrices)
    fast = time.perf_counter() - started
    started = time.perf_counter()
    slow_consistency(matrices[:3], "pearson")
    slow = (time.perf_counter() - started) * (23 / 3) ** 2
    assert fast < slow / 10
