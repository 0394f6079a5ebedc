"""Canonical correlations and Procrustes analysis: against their formulas, their invariances, their chance."""

import numpy as np
import pytest
import torch

from backend.domain.calibration import permutation_null
from backend.domain.metrics import INVARIANCES, parse_metric
from backend.domain.quantities import CI_HIGH, CI_LOW, VALUE
from tests.science import oracle_subspaces
from tests.science.populations import related, with_massive_activations
from workers.similarity.errors import Undefined
from workers.similarity.registry import measure_of
from workers.similarity.resampling import Resampling

METRICS = ["svcca:q=10", "svcca:q=3", "cca.mean", "pwcca", "procrustes.angular", "procrustes.similarity"]
N = 60


@pytest.fixture(params=METRICS)
def metric(request):
    return parse_metric(request.param)


def prepare(measure, X, resampling=None):
    return measure.prepare(torch.from_numpy(np.array(X, dtype=np.float64)), resampling or Resampling(len(X)))


def value(metric, X, Y):
    measure = measure_of(metric)
    return measure.score(prepare(measure, X), prepare(measure, Y))


def unrelated(n, *widths, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(n, d)) for d in widths]


@pytest.mark.parametrize("widths", [(3, 20), (20, 3), (20, 25), (40, 30), (N - 1, 7), (N, 7), (7, 400), (N, 400)])
def test_against_the_formula(metric, widths):
    if metric.spec.family == "pwcca" and widths == (40, 30):
        widths = (25, 30)  # 11 of 30 canonical correlations would be 1, and the weights of equal ones are not unique
    X, Y = related(N, widths, seed=1)
    assert value(metric, X, Y) == pytest.approx(oracle_subspaces.similarity(metric, X, Y), abs=1e-7)


def test_massive_activations(metric):
    X, Y = (with_massive_activations(Z, seed) for seed, Z in enumerate(related(N, [12, 30], seed=2)))
    assert value(metric, X, Y) == pytest.approx(oracle_subspaces.similarity(metric, X, Y), abs=1e-7)


@pytest.mark.parametrize("invariance", INVARIANCES)
def test_invariant_if_and_only_if_flagged(metric, invariance):
    """Of either model, with fewer features than half the stimuli: where canonical correlations saturate everything
    seems invariant."""
    X, Y = (Z.astype(np.float64) for Z in related(N, [9, 14], seed=3))
    rng = np.random.default_rng(4)

    def changed(Z):
        d = Z.shape[1]
        return {
            "orthogonal": lambda: Z @ np.linalg.qr(rng.normal(size=(d, d)))[0],
            "isotropic-scaling": lambda: 3.7 * Z,
            "translation": lambda: Z + rng.normal(size=d),
            "feature-permutation": lambda: Z[:, rng.permutation(d)],
            "row-affine": lambda: Z * rng.uniform(0.5, 2, size=(N, 1)) + rng.normal(size=(N, 1)),
            "linear": lambda: Z @ (np.eye(d) + rng.normal(size=(d, d))),
        }[invariance]()

    before = value(metric, X, Y)
    changes = [abs(value(metric, changed(X), Y) - before), abs(value(metric, X, changed(Y)) - before)]
    assert max(changes) < 1e-9 if invariance in metric.spec.invariances else max(changes) > 1e-4


@pytest.mark.parametrize("widths", [(5, 9), (N, N), (300, 200)])
def test_a_model_agrees_with_itself_perfectly_and_bit_by_bit(metric, widths):
    for X in related(N, widths, seed=5):
        assert value(metric, X, X.copy()) == metric.spec.best


def test_both_ways_round(metric):
    X, Y = related(N, [9, 14], seed=6)
    if metric.spec.symmetric:
        assert value(metric, X, Y) == value(metric, Y, X)
    else:
        assert abs(value(metric, X, Y) - value(metric, Y, X)) > 1e-3


def test_permuted_values_are_those_of_permuted_rows(metric):
    X, Y = related(N, [9, 14], seed=7)
    measure, resampling = measure_of(metric), Resampling(N, permutations=5)
    found = measure.draws(prepare(measure, X), prepare(measure, Y), resampling.orders)
    expected = [oracle_subspaces.similarity(metric, X, Y[order]) for order in resampling.orders]
    np.testing.assert_allclose(found, expected, atol=1e-7)
    moved = measure.relabelled(prepare(measure, Y), resampling.orders[0])
    assert measure.score(prepare(measure, X), moved) == pytest.approx(found[0], abs=1e-12)


def test_batches_of_permutations_change_nothing(metric, monkeypatch):
    X, Y = related(N, [9, 14], seed=7)
    measure, resampling = measure_of(metric), Resampling(N, permutations=7)
    left, right = prepare(measure, X), prepare(measure, Y)
    at_once = measure.draws(left, right, resampling.orders)
    monkeypatch.setattr("workers.similarity.aligned._BATCH_BYTES", 1)
    np.testing.assert_allclose(measure.draws(left, right, resampling.orders), at_once, atol=1e-13)


@pytest.mark.parametrize("d", [8, 60])
def test_interval_is_that_of_values_without_each_block(metric, d):
    X, Y = related(40, [d, 12], seed=8)
    measure, resampling = measure_of(metric), Resampling(40, uncertainty=True)
    models = [prepare(measure, X, resampling), prepare(measure, Y, resampling)]
    found = measure.compare(models, 2, resampling, lambda: None).quantities
    replicates = [value(metric, Y[kept], X[kept]) for kept in map(resampling.kept, range(20))]
    spec = metric.spec
    low, high = resampling.interval(found[VALUE][1, 0], np.array(replicates), spec.lower, spec.upper)
    assert found[CI_LOW][1, 0] == pytest.approx(low, abs=1e-8) and found[CI_HIGH][1, 0] == pytest.approx(high, abs=1e-8)
    assert d == 60 or low < found[VALUE][1, 0] < high


@pytest.mark.parametrize(("n", "widths"), [(30, (4, 9)), (30, (30, 3)), (20, (20, 20)), (16, (80, 50))])
def test_unrelated_models_pass_as_often_as_stated(metric, n, widths):
    """p <= 0.05 for one in twenty unrelated pairs, however wide: less often only where every relabelling gives a
    perfect value."""
    measure, resampling = measure_of(metric), Resampling(n, permutations=39)
    passed = []
    for seed in range(150):
        left, right = (prepare(measure, Z) for Z in unrelated(n, *widths, seed=seed))
        draws = measure.draws(left, right, resampling.orders)
        observed = np.array(measure.score(left, right))
        passed.append(float(permutation_null(observed, draws, metric.spec.direction).p) <= 0.05)
    saturated = metric.spec.family in ("cca.mean", "pwcca") and max(widths) >= n
    assert sum(passed) == 0 if saturated else 1 <= sum(passed) <= 17, "binomial(150, 0.05), 0.1 % on either side"


def test_where_all_relabellings_agree_perfectly_the_null_does_not_vary():
    measure, resampling = measure_of(parse_metric("cca.mean")), Resampling(20, permutations=19)
    left, right = (prepare(measure, Z) for Z in unrelated(20, 30, 50))
    assert measure.score(left, right) == 1.0
    assert (measure.draws(left, right, resampling.orders) == 1.0).all()


def test_nuclear_norm_of_a_spectrum_over_ten_decades():
    """|X^T Y|_* is the sum of s t where X = U diag(s) A^T and Y = U diag(t) B^T. A Gram matrix of the products would
    lose all below 1e-8."""
    rng = np.random.default_rng(9)
    U = np.linalg.qr(np.column_stack([np.ones(N), rng.normal(size=(N, 20))]))[0][:, 1:]
    s, t = np.logspace(0, -10, 20), np.ones(20)
    X, Y = (U * z @ np.linalg.qr(rng.normal(size=(25, 25)))[0][:20] for z in (s, t))
    expected = s.sum() / (np.linalg.norm(s) * np.linalg.norm(t))
    assert value(parse_metric("procrustes.similarity"), X, Y) == pytest.approx(expected, abs=1e-12)


def test_angles_satisfy_the_triangle_inequality():
    angular = parse_metric("procrustes.angular")
    X, Y, Z = related(N, [5, 30, 90], seed=10)
    sides = sorted([value(angular, X, Y), value(angular, Y, Z), value(angular, X, Z)])
    assert sides[2] <= sides[0] + sides[1]
    assert np.cos(sides[0]) in [
        pytest.approx(value(parse_metric("procrustes.similarity"), *two)) for two in ((X, Y), (Y, Z), (X, Z))
    ]


def test_features_that_do_not_vary_are_left_out():
    X, Y = related(N, [12, 14], seed=11)
    svcca = parse_metric("svcca:q=5")
    assert value(svcca, np.column_stack([X, np.full(N, 0.1)]), Y) == pytest.approx(value(svcca, X, Y), abs=1e-12)


def test_fewer_directions_than_asked_for():
    X, Y = related(N, [3, 14], seed=12)
    assert value(parse_metric("svcca:q=10"), X, Y) == pytest.approx(
        oracle_subspaces.mean_correlation(X - X.mean(axis=0), oracle_subspaces.leading_scores(Y - Y.mean(axis=0), 10))
    )


def test_directions_that_storing_as_float32_adds_do_not_count():
    """Six features made of three, rounded: the rank is three, as it was before rounding."""
    X, Y = (Z.astype(np.float64) for Z in related(N, [3, 14], seed=13))
    wide = X @ np.random.default_rng(14).normal(size=(3, 6))
    cca = parse_metric("cca.mean")
    assert value(cca, wide.astype(np.float32), Y) == pytest.approx(value(cca, wide, Y), abs=1e-5)


def test_rows_that_are_all_the_same_have_no_value(metric):
    with pytest.raises(Undefined, match="all the same"):
        prepare(measure_of(metric), np.full((20, 3), 0.1))
