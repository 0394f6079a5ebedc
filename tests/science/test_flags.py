"""What a metric's spec says of it holds, and what it does not say does not: the flags are the parameters of
these tests."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from backend.domain.metrics import INVARIANCES
from backend.domain.quantities import REVERSE, VALUE
from tests.science.conftest import METRICS
from tests.science.populations import compared, pair, related, table

N, D = 40, 12


def with_few(metric):
    """The metric with parameters for a handful of stimuli: two neighbours, two directions."""
    values = [2.0 if p.integer else v for p, v in zip(metric.spec.parameters, metric.values, strict=True)]
    return type(metric)(metric.spec, tuple(values))


EVERY_METRIC = st.sampled_from([with_few(metric) for metric in METRICS])
quick = settings(
    max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


def two_models(metric, seed=0):
    """Rows on the scale of the kernels' widths, related but not the same."""
    X, Y = related(N, [D, 2 * D], seed=seed)
    return (X / np.sqrt(2 * D)).astype(np.float32) / 2, (Y / np.sqrt(4 * D)).astype(np.float32) / 2


def transformed(X, invariance, rng):
    X = X.astype(np.float64)
    if invariance == "orthogonal":
        X = X @ np.linalg.qr(rng.normal(size=(X.shape[1], X.shape[1])))[0]
    elif invariance == "isotropic-scaling":
        X = X * 3.7
    elif invariance == "translation":
        X = X + rng.normal(size=X.shape[1])
    elif invariance == "feature-permutation":
        X = X[:, rng.permutation(X.shape[1])]
    elif invariance == "linear":
        X = X @ rng.normal(size=(X.shape[1], X.shape[1]))
    else:
        assert invariance == "row-affine"
        X = X * rng.uniform(0.5, 2, size=(len(X), 1)) + rng.normal(size=(len(X), 1))
    return X.astype(np.float32)


@pytest.mark.parametrize("invariance", INVARIANCES)
def test_invariant_if_and_only_if_flagged(metric, invariance):
    X, Y = two_models(metric)
    # The later model of a pair is the first of the measure, whose invariance the flags of a directed one speak of.
    change = abs(pair(metric, Y, X) - pair(metric, Y, transformed(X, invariance, np.random.default_rng(1))))
    if invariance in metric.spec.invariances:
        assert change < 1e-5
    else:
        assert change > 1e-4


def test_self_similarity_is_exactly_the_best_value(metric):
    X, Y = two_models(metric)
    found = compared([X, Y, X.copy()], with_few(metric))
    values = table(found)
    if metric.spec.self_is_best:
        assert [values[i, i] for i in range(3)] == [metric.spec.best] * 3
        assert values[2, 0] == metric.spec.best, "an equal embedding under another name"
    else:
        assert min(values[i, i] for i in range(3)) < metric.spec.best
        assert values[2, 0] == values[0, 0]


def test_symmetric_if_and_only_if_flagged(metric):
    X, Y = two_models(metric)
    forward, backward = pair(metric, X, Y), pair(metric, Y, X)
    if metric.spec.symmetric:
        assert forward == pytest.approx(backward, abs=1e-12)
        return
    assert abs(forward - backward) > 1e-5
    row = compared([X, Y], metric).rows[1]
    assert (row.values[0], row.quantities[VALUE + REVERSE][0]) == (forward, backward)


def test_order_of_stimuli_does_not_matter_if_it_is_the_same(metric):
    X, Y = two_models(metric)
    order = np.random.default_rng(2).permutation(N)
    assert pair(metric, X[order], Y[order]) == pytest.approx(pair(metric, X, Y), abs=1e-5)
    assert abs(pair(metric, X[order], Y) - pair(metric, X, Y)) > 1e-3


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_inputs_are_not_changed(metric, dtype):
    X, Y = (Z.astype(dtype) for Z in two_models(metric))
    before = X.copy(), Y.copy()
    for Z in (X, Y):
        Z.setflags(write=False)
    compared([X, Y], metric, "l2")
    np.testing.assert_array_equal((X, Y)[0], before[0])
    np.testing.assert_array_equal((X, Y)[1], before[1])


@quick
@given(
    metric=EVERY_METRIC,
    X=arrays.arrays(
        np.float32, st.tuples(st.integers(4, 12), st.integers(1, 9)), elements=st.floats(-8, 8, width=32)
    ),
    seed=st.integers(0, 1000),
)
def test_any_values_stay_in_bounds_or_are_excluded_with_a_reason(metric, X, seed):
    Y = np.random.default_rng(seed).normal(size=(len(X), 5)).astype(np.float32)
    if (X[0] == X).all():
        X = X + np.arange(len(X), dtype=np.float32)[:, None]
    found = compared([X, Y, 2 * X], metric)
    for row in found.rows:
        assert np.isfinite(row.values).all()
        assert metric.spec.lower is None or (row.values >= metric.spec.lower).all()
        assert metric.spec.upper is None or (row.values <= metric.spec.upper).all()
        assert not set(row.against.tolist()) & set(found.excluded)
        assert row.index in found.excluded or not metric.spec.self_is_best or row.values[-1] == metric.spec.best
    assert all(found.excluded.values())


@pytest.mark.parametrize("width", [5, 200, 2000])
def test_unrelated_models(table_metric, width):
    """Unbiased estimates and RSA are near 0 for independent models however wide; biased CKA is not, the more
    so the wider.

    Guards against an estimator that keeps the diagonal: with d >> n it says 1 for noise.
    """
    metric, rng = table_metric, np.random.default_rng(9)
    values = []
    for _ in range(8):
        X, Y = (rng.normal(size=(100, width)).astype(np.float32) for _ in range(2))
        values.append(pair(metric, X, Y, "l2"))
    if metric.spec.family.endswith(".biased"):
        assert np.mean(values) > 0.04
        assert width < 2000 or np.mean(values) > 0.9
    else:
        assert abs(np.mean(values)) < 0.02
