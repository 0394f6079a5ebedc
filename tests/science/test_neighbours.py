"""The measures over nearest neighbours: against their formulas, their null draws, their directions, their bits."""

import numpy as np
import pytest
import torch

from backend.domain.metrics import parse_metric
from backend.domain.quantities import CALIBRATION, CI_HIGH, CI_LOW, REVERSE, VALUE
from tests.science import oracle_neighbours
from tests.science.populations import related, with_massive_activations
from workers.similarity.errors import Undefined
from workers.similarity.neighbours.lists import Lists
from workers.similarity.registry import measure_of
from workers.similarity.resampling import Resampling

METRICS = [
    "knn.mutual:k=10", "knn.cycle:k=3", "knn.lcs:k=7", "knn.edit:k=7", "knn.jaccard:k=10", "cknna.code:k=10",
    "cknna.paper:k=2", "cknna.paper:k=10",
]
N = 70


@pytest.fixture(params=METRICS)
def metric(request):
    return parse_metric(request.param)


def unit(X):
    X = X.astype(np.float64)
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def prepare(measure, X, resampling=None):
    return measure.prepare(torch.from_numpy(np.array(X, dtype=np.float64)), resampling or Resampling(len(X)))


def value(metric, X, Y):
    measure = measure_of(metric)
    return measure.score(prepare(measure, X), prepare(measure, Y))


def test_against_the_formula(metric):
    for widths in [(3, 20), (N, 400)]:
        X, Y = related(N, widths, seed=1, signal=2.0)
        for a, b in ((X, Y), (unit(Y), unit(X))):
            assert value(metric, a, b) == pytest.approx(oracle_neighbours.similarity(metric, a, b), abs=1e-10)


def test_massive_activations(metric):
    X, Y = (with_massive_activations(Z, seed) for seed, Z in enumerate(related(N, [12, 30], seed=2)))
    assert value(metric, X, Y) == pytest.approx(oracle_neighbours.similarity(metric, X, Y), abs=1e-9)


def test_duplicate_stimuli(metric):
    X, Y = (unit(np.tile(Z, (3, 1))) for Z in related(24, [10, 30], seed=8))
    assert value(metric, X, Y) == pytest.approx(oracle_neighbours.similarity(metric, X, Y), abs=1e-10)


def test_most_neighbours_there_can_be():
    X, Y = related(13, [5, 7], seed=3)
    for family in ("knn.mutual", "knn.cycle", "knn.lcs", "knn.edit", "knn.jaccard", "cknna.code", "cknna.paper"):
        metric = parse_metric(f"{family}:k=11")
        assert value(metric, X, Y) == pytest.approx(oracle_neighbours.similarity(metric, X, Y), abs=1e-10)


def test_many_neighbours_do_not_overflow_their_counts():
    """One byte counts to 255."""
    forward = np.arange(1, 258, dtype=np.int32)[:, None]
    for family, other, expected in (("mutual", forward, 1.0), ("lcs", forward, 1.0), ("edit", forward[::-1], 1 / 257)):
        measure = measure_of(parse_metric(f"knn.{family}:k=257"))
        assert measure.score(Lists.of(forward), Lists.of(other)) == pytest.approx(expected, abs=1e-12)


def test_what_each_makes_of_lists():
    """Four stimuli, three neighbours each; the second model has two neighbours of stimulus 0 the other way round."""
    top = np.array([[1, 2, 3], [2, 3, 0], [3, 0, 1], [0, 1, 2]], dtype=np.int32).T
    other = top.copy()
    other[:, 0] = [2, 1, 3]
    made = {family: measure_of(parse_metric(f"{family}:k=3")).score(Lists.of(top), Lists.of(other))
            for family in ("knn.mutual", "knn.jaccard", "knn.cycle", "knn.lcs", "knn.edit")}
    assert made == {"knn.mutual": 1, "knn.jaccard": 1, "knn.cycle": 1, "knn.lcs": 11 / 12, "knn.edit": 10 / 12}


def test_there_and_back_depends_on_which_model_goes_first():
    """From 2 the right model leads to 1 and 3, of which neither has 2 among its neighbours in the left one."""
    left = Lists.of(np.array([[3, 1], [0, 3], [0, 3], [0, 1]]).T)
    right = Lists.of(np.array([[1, 2], [2, 3], [1, 3], [0, 1]]).T)
    cycle = measure_of(parse_metric("knn.cycle:k=2"))
    assert (cycle.score(left, right), cycle.score(right, left)) == (3 / 4, 1)


def test_self_similarity_is_exactly_one(metric):
    X = unit(related(N, [12])[0])
    assert (value(metric, X, X.copy()) == 1.0) == metric.spec.self_is_best


def test_symmetric_to_the_bit_if_and_only_if_flagged(metric):
    X, Y = related(200, [12, 30], seed=6)
    assert (value(metric, X, Y) == value(metric, Y, X)) == metric.spec.symmetric


def test_both_directions(metric):
    X, Y = related(N, [12, 30], seed=6)
    measure, resampling = measure_of(metric), Resampling(N, calibrate=True, uncertainty=True, permutations=30)
    a, b = prepare(measure, X, resampling), prepare(measure, Y, resampling)
    found = measure.compare([a, b], 2, resampling, lambda: None).quantities
    assert found[VALUE][1, 0] == value(metric, Y, X)
    names = {VALUE, *CALIBRATION, CI_LOW, CI_HIGH}
    assert set(found) == names if metric.spec.symmetric else names | {name + REVERSE for name in names}
    if not metric.spec.symmetric:
        assert found[VALUE + REVERSE][1, 0] == value(metric, X, Y)
        assert found["null_sd" + REVERSE][1, 0] > 0


@pytest.mark.parametrize("n", [40, 700])
def test_draws_are_the_scores_of_relabelled_models(metric, n):
    """More permutations than are taken at a time."""
    X, Y = related(n, [6, 9], seed=7)
    measure, resampling = measure_of(metric), Resampling(n, permutations=1000 if n == 40 else 45)
    a, b = prepare(measure, X), prepare(measure, Y)
    draws = measure.draws(a, b, resampling.orders)
    for k in (0, len(draws) // 2, len(draws) - 1):
        order = resampling.orders[k]
        assert draws[k] == pytest.approx(value(metric, X, Y[order]), abs=1e-10)
        assert measure.score(a, measure.relabelled(b, order)) == pytest.approx(draws[k], abs=1e-10)


@pytest.mark.parametrize("groups", [None, 3])
def test_without_a_block_it_is_the_metric_of_the_rest(metric, groups):
    n = 61
    X, Y = (unit(Z) for Z in related(n, [6, 9], seed=9))
    given = None if groups is None else np.arange(n) % groups
    measure, resampling = measure_of(metric), Resampling(n, given, uncertainty=True)
    a, b = (prepare(measure, Z, resampling) for Z in (X, Y))
    for block in range(0, len(resampling.blocks), 7):
        kept = resampling.kept(block)
        expected = oracle_neighbours.similarity(metric, X[kept], Y[kept])
        assert measure.score(measure.without(a, kept), measure.without(b, kept)) == pytest.approx(expected, abs=1e-9)


def test_packed_and_unpacked_it_is_the_same_to_the_bit(metric):
    X, Y = related(N, [12, 30], seed=6)
    measure, resampling = measure_of(metric), Resampling(N, uncertainty=True, calibrate=True, permutations=20)
    made = [prepare(measure, Z, resampling) for Z in (X, Y)]
    again = [measure.unpack(measure.pack(model), "cpu") for model in made]
    before, after = (measure.compare(models, 1, resampling, lambda: None).quantities for models in (made, again))
    for name, numbers in before.items():
        np.testing.assert_array_equal(numbers, after[name])


def test_lists_are_stored_once_for_all_measures_of_the_same_k():
    def name(text, **asked):
        return measure_of(parse_metric(text)).cache_name(Resampling(N, **asked))

    assert name("knn.mutual:k=10") == name("knn.lcs:k=10") == name("knn.lcs:k=10", calibrate=True)
    assert name("cknna.code:k=10") == name("cknna.paper:k=10")
    different = [
        name("knn.mutual:k=10"), name("knn.mutual:k=9"), name("cknna.code:k=10"),
        name("knn.mutual:k=10", uncertainty=True),
        name("knn.mutual:k=10", uncertainty=True, groups=np.arange(N) // 2),
    ]
    assert len(set(different)) == len(different)


def test_nothing_to_divide_by_is_a_reason_not_a_number():
    """Every stimulus is at a right angle to its neighbours, before centring or after it."""
    crossed = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    with pytest.raises(Undefined, match="not positive"):
        prepare(measure_of(parse_metric("cknna.code:k=2")), crossed)
    with pytest.raises(Undefined, match="zero"):
        prepare(measure_of(parse_metric("cknna.paper:k=2")), np.array([[1.0], [-1.0], [0.0], [0.0], [0.0]]))
