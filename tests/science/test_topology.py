"""RTD-Lite and RTD: against their definitions on few stimuli, their invariances, their chance."""

import sys

import numpy as np
import pytest
import torch

from backend.domain.calibration import permutation_null
from backend.domain.metrics import INVARIANCES, parse_metric
from backend.domain.quantities import CI_HIGH, CI_LOW, VALUE
from tests.science import oracle_topology
from tests.science.populations import related
from workers.similarity import rtd
from workers.similarity.errors import Undefined
from workers.similarity.registry import measure_of
from workers.similarity.resampling import Resampling
from workers.similarity.spanning_trees import minimum_spanning_tree

LITE, FULL = parse_metric("rtd.lite"), parse_metric("rtd")
ORACLES = {LITE: oracle_topology.rtd_lite, FULL: oracle_topology.rtd}


@pytest.fixture(params=ORACLES, ids=lambda metric: metric.id)
def metric(request):
    return request.param


def prepare(metric, X, resampling=None):
    rows = torch.from_numpy(np.array(X, dtype=np.float64))
    return measure_of(metric).prepare(rows, resampling or Resampling(len(X)))


def value(metric, X, Y):
    return measure_of(metric).score(prepare(metric, X), prepare(metric, Y))


def with_duplicates(n, *widths, seed=0):
    """Rows on a coarse grid, some of them the same: distances with many ties and zeros."""
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 3, size=(n, d)).astype(np.float32) for d in widths]


@pytest.mark.parametrize("widths", [(1, 1), (2, 5), (9, 9), (40, 3)])
@pytest.mark.parametrize("population", [related, with_duplicates])
def test_against_the_definition(metric, population, widths):
    for seed in range(3):
        X, Y = population(9, widths, seed=seed) if population is related else population(9, *widths, seed=seed)
        X[0] += 1  # never all rows the same
        assert value(metric, X, Y) == pytest.approx(ORACLES[metric](X, Y), abs=1e-6)


def test_by_hand():
    """On a line at 0, 1, 3 and at 0, 3, 1: largest distance 3 in both. Each tree weighs 3 / 3; the shorter of the two
    distances are 1 / 3, 1 / 3 and 2 / 3, so that theirs weighs 2 / 3."""
    X, Y = np.array([[0.0], [1.0], [3.0]]), np.array([[0.0], [3.0], [1.0]])
    assert value(LITE, X, Y) == pytest.approx(1 / 3, abs=1e-12)
    assert value(FULL, X, Y) == pytest.approx(1 / 3, abs=1e-7)


def test_loops_count_in_the_full_form_alone():
    """A ring of which the second model makes an arc, bent open between two neighbours: clusters merge alike, but the
    ring closes in the first model only."""
    angle = np.arange(12) / 12
    ring = np.column_stack([np.cos(2 * np.pi * angle), np.sin(2 * np.pi * angle)])
    arc = np.column_stack([np.cos(1.6 * np.pi * angle), np.sin(1.6 * np.pi * angle)])
    rest = value(FULL, ring, arc) - value(LITE, ring, arc)
    assert rest > 0.05
    assert value(FULL, ring, arc) == pytest.approx(oracle_topology.rtd(ring, arc), abs=1e-6)


def test_trees_of_ordinary_size_against_kruskal():
    X, Y = related(150, [20, 40], seed=1)
    assert value(LITE, X, Y) == pytest.approx(oracle_topology.rtd_lite(X, Y), abs=1e-9)


def test_a_spanning_tree_spans():
    weights = oracle_topology.scaled(with_duplicates(40, 3)[0])
    edges, lengths = minimum_spanning_tree(weights)
    assert lengths.sum() == pytest.approx(oracle_topology.tree_weight(weights), abs=1e-12)
    assert (np.diff(lengths) >= 0).all() and (lengths[:2] == 0).all()
    np.testing.assert_array_equal(weights[edges[:, 0], edges[:, 1]], lengths)
    reached = {0}
    for _ in range(40):
        reached |= {int(v) for edge in edges for v in edge if reached & set(edge.tolist())}
    assert reached == set(range(40))


@pytest.mark.parametrize("invariance", INVARIANCES)
def test_invariant_if_and_only_if_flagged(metric, invariance):
    n = 24
    X, Y = (Z.astype(np.float64) for Z in related(n, [5, 9], seed=3))
    rng = np.random.default_rng(4)
    changed = {
        "orthogonal": lambda: X @ np.linalg.qr(rng.normal(size=(5, 5)))[0],
        "isotropic-scaling": lambda: 3.7 * X,
        "translation": lambda: X + rng.normal(size=5),
        "feature-permutation": lambda: X[:, rng.permutation(5)],
        "row-affine": lambda: X * rng.uniform(0.5, 2, size=(n, 1)) + rng.normal(size=(n, 1)),
        "linear": lambda: X @ (np.eye(5) + rng.normal(size=(5, 5))),
    }[invariance]()
    change = abs(value(metric, changed, Y) - value(metric, X, Y))
    assert change < 3e-6 if invariance in metric.spec.invariances else change > 1e-3


@pytest.mark.parametrize("n", [12, 110])
def test_a_model_is_at_no_distance_from_itself_and_as_far_one_way_as_the_other(metric, n):
    X, Y = related(n, [40, 30], seed=5)
    assert value(metric, X, X.copy()) == 0.0
    assert value(metric, X, Y) == value(metric, Y, X) > 0


def test_the_same_distances_by_other_features_are_no_distance_apart(metric):
    """Trees and loops are compared, not rows: what was rotated is not the same bit by bit."""
    X = related(20, [6], seed=6)[0].astype(np.float64)
    assert value(metric, X, X[:, ::-1] * 2) == pytest.approx(0, abs=1e-6)


def test_permuted_values_are_those_of_permuted_rows(metric):
    X, Y = related(12, [4, 9], seed=7)
    measure, orders = measure_of(metric), Resampling(12, permutations=4).orders
    found = measure.draws(prepare(metric, X), prepare(metric, Y), orders)
    expected = [ORACLES[metric](X, Y[order]) for order in orders[:2]]
    np.testing.assert_allclose(found[:2], expected, atol=1e-6)
    for draw, order in zip(found, orders, strict=True):
        assert measure.score(prepare(metric, X), prepare(metric, Y[order])) == pytest.approx(draw, abs=1e-6)
        moved = measure.relabelled(prepare(metric, Y), order)
        assert measure.score(prepare(metric, X), moved) == pytest.approx(draw, abs=1e-6)


def test_batches_of_permutations_change_nothing(monkeypatch):
    X, Y = related(30, [4, 9], seed=7)
    orders, measure = Resampling(30, permutations=7).orders, measure_of(LITE)
    left, right = prepare(LITE, X), prepare(LITE, Y)
    at_once = measure.draws(left, right, orders)
    monkeypatch.setattr("workers.similarity.rtd._BATCH_EDGES", 120)
    np.testing.assert_array_equal(measure.draws(left, right, orders), at_once)


def test_interval_is_that_of_values_without_each_block(metric):
    X, Y = related(24, [4, 9], seed=8)
    resampling = Resampling(24, uncertainty=True)
    models = [prepare(metric, X, resampling), prepare(metric, Y, resampling)]
    found = measure_of(metric).compare(models, 2, resampling, lambda: None).quantities
    replicates = [value(metric, Y[kept], X[kept]) for kept in map(resampling.kept, range(20))]
    low, high = resampling.interval(found[VALUE][1, 0], np.array(replicates), 0.0, None)
    assert found[CI_LOW][1, 0] == pytest.approx(low, abs=1e-6) and found[CI_HIGH][1, 0] == pytest.approx(high, abs=1e-6)
    assert low < found[VALUE][1, 0] < high


@pytest.mark.parametrize(("n", "widths", "pairs"), [(30, (3, 6), 150), (16, (40, 20), 150)])
def test_unrelated_models_pass_as_often_as_stated(n, widths, pairs):
    resampling = Resampling(n, permutations=39)
    passed = 0
    for seed in range(pairs):
        rng = np.random.default_rng(seed)
        left, right = (prepare(LITE, rng.normal(size=(n, d))) for d in widths)
        draws = measure_of(LITE).draws(left, right, resampling.orders)
        observed = np.array(measure_of(LITE).score(left, right))
        passed += float(permutation_null(observed, draws, "distance").p) <= 0.05
    assert 1 <= passed <= 17, "binomial(150, 0.05), 0.1 % on either side"


def test_many_stimuli_are_compared_in_subsets():
    """The mean over ten subsets of a hundred, the same for every pair, of which each is scaled by itself."""
    n = 110
    X, Y = related(n, [40, 30], seed=9)
    left, right = prepare(FULL, X), prepare(FULL, Y)
    subsets = [np.sort(order[:100]) for order in left.orders]
    np.testing.assert_array_equal(left.orders, right.orders)
    assert len({tuple(subset) for subset in subsets}) == 10 and all(len(set(subset)) == 100 for subset in subsets)
    each = [value(FULL, X[subset], Y[subset]) for subset in subsets]
    assert measure_of(FULL).score(left, right) == pytest.approx(np.mean(each), abs=1e-6)
    kept = np.flatnonzero(np.arange(n) % 11)
    part = measure_of(FULL).without(left, kept)
    np.testing.assert_allclose(part.rows.numpy(), X[kept] - X[kept].mean(axis=0), atol=1e-6)
    for order, whole in zip(part.orders, left.orders, strict=True):
        np.testing.assert_array_equal(kept[order], whole[np.isin(whole, kept)])


def test_both_copies_of_an_edge_give_the_same_bars():
    """What is left out of the filtration to halve its cost: with ties, and with the whole table beside it."""
    from ripser import ripser

    for seed in range(5):
        X, Y = with_duplicates(20, 2, 4, seed=seed) if seed % 2 else related(20, [2, 4], seed=seed)
        a, b = oracle_topology.scaled(X), oracle_topology.scaled(Y)
        whole = ripser(oracle_topology.cross(a, b), distance_matrix=True, maxdim=1)["dgms"][1]
        assert rtd.loops(a, b) == pytest.approx(float(np.diff(whole, axis=1).sum()), abs=1e-6)


def test_where_nearly_all_stimuli_coincide_the_largest_distance_is_the_scale(metric):
    """The 0.9 quantile is 0 here. A subset of many stimuli may even miss the only one that differs."""
    X = np.zeros((30, 2), dtype=np.float32)
    X[7] = 3
    Y = related(30, [40], seed=10)[0]
    assert (rtd.scaled_distances(torch.ones(5, 2, dtype=torch.float64)) == 0).all()
    if metric is LITE:
        weights = [oracle_topology.scaled(Y), (X[:, None] != X).any(axis=2).astype(float)]
        a, b, both = (oracle_topology.tree_weight(w) for w in (*weights, np.minimum(*weights)))
        assert value(metric, X, Y) == pytest.approx((a + b) / 2 - both, abs=1e-9)
    assert value(metric, X, X) == 0 and np.isfinite(value(metric, X, Y))
    with pytest.raises(Undefined, match="all the same"):
        prepare(metric, np.full((30, 2), 0.1))


def test_without_ripser_the_error_says_what_to_install(monkeypatch):
    X, Y = related(8, [3, 4])
    monkeypatch.setitem(sys.modules, "ripser", None)
    assert value(LITE, X, Y) > 0
    with pytest.raises(rtd.RipserMissing, match="ripser") as missing:
        value(FULL, X, Y)
    assert "pip install ripser" in missing.value.hint
