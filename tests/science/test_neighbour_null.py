"""Chance for nearest neighbours: moments over all relabellings, cyclic shifts, groups."""

import numpy as np
import pytest
import torch

from backend.domain.metrics import parse_metric
from backend.domain.quantities import NULL_MEAN, NULL_SD, TAU, VALUE, P
from tests.science import oracle_neighbours
from tests.science.populations import related
from workers.similarity.neighbours.lists import Lists
from workers.similarity.neighbours.moments import copies, overlap_moments
from workers.similarity.neighbours.shifts import overlaps, strides
from workers.similarity.registry import measure_of
from workers.similarity.resampling import Resampling


def lists_of(X, k):
    measure = measure_of(parse_metric(f"knn.mutual:k={k}"))
    return measure.prepare(torch.from_numpy(X.astype(np.float64)), Resampling(len(X)))


def calibrated(models, k, resampling, new=None):
    measure = measure_of(parse_metric(f"knn.mutual:k={k}"))
    made = [measure.prepare(torch.from_numpy(X.astype(np.float64)), resampling) for X in models]
    return measure.compare(made, new or len(made), resampling, lambda: None).quantities


def random_lists(n, k, rng):
    return Lists.of(np.stack([rng.permutation(np.delete(np.arange(n), i))[:k] for i in range(n)], axis=1))


@pytest.mark.parametrize("n, k", [(4, 2), (5, 2), (6, 1), (6, 2), (6, 4), (7, 2), (7, 3)])
def test_moments_are_those_over_all_relabellings(n, k):
    """Every shape of three edges has a copy somewhere: with 6 nodes and more none is left out."""
    rng = np.random.default_rng(n * k)
    for A, B in [(random_lists(n, k, rng), random_lists(n, k, rng)),
                 (lists_of(rng.normal(size=(n, 2)), k), lists_of(rng.normal(size=(n, 3)), k))]:
        mean, variance, third = oracle_neighbours.overlap_moments(A.top.T.tolist(), B.top.T.tolist())
        found = overlap_moments(copies(A.top), copies(B.top), n)
        assert found.mean == pytest.approx(mean, abs=1e-12)
        assert found.variance == pytest.approx(variance, abs=1e-12)
        assert found.skewness * variance**1.5 == pytest.approx(third, abs=1e-10)


def test_copies_are_counted_in_parts(monkeypatch):
    top = random_lists(40, 6, np.random.default_rng(0)).top
    together = copies(top)
    monkeypatch.setattr("workers.similarity.neighbours.moments._AT_ONCE", 100)
    assert copies(top) == together


def test_moments_where_nothing_varies():
    ring = Lists.of(np.array([[1, 2, 3, 4, 0], [2, 3, 4, 0, 1], [3, 4, 0, 1, 2], [4, 0, 1, 2, 3]]))
    found = overlap_moments(copies(ring.top), copies(ring.top), 5)
    assert (found.mean, found.variance, found.skewness) == (20, 0, 0)


def test_moments_agree_with_many_permutations():
    """20,000 of them. Hubs and mutual neighbours, of which these models have many, widen the null by a tenth and
    more over that of random graphs, which would not pass."""
    n, k, draws = 500, 10, 20_000
    rng = np.random.default_rng(0)
    A, B = (lists_of(related(n, [d], seed=1, signal=3.0)[0], k) for d in (6, 30))
    edges = np.zeros((n, n), dtype=bool)
    edges[np.arange(n), A.top] = True
    source, target = np.tile(np.arange(n), k), B.top.ravel()
    shared = np.empty(draws)
    for draw in range(draws):
        p = rng.permutation(n)
        shared[draw] = edges.ravel()[p[source] * n + p[target]].sum()
    found = overlap_moments(copies(A.top), copies(B.top), n)
    sd = np.sqrt(found.variance)
    z = (shared - found.mean) / sd
    assert abs(z.mean()) < 4 / np.sqrt(draws)
    assert abs(z.std() - 1) < 4 / np.sqrt(2 * draws)
    assert abs((z**3).mean() - found.skewness) < 4 * np.sqrt(15 / draws)
    unlinked = overlap_moments(*(copies(random_lists(n, k, rng).top) for _ in range(2)), n)
    assert sd / np.sqrt(unlinked.variance) > 1.02


@pytest.mark.parametrize("n, k", [(12, 3), (31, 10), (200, 4)])
def test_overlaps_of_all_shifts(n, k, monkeypatch):
    rng = np.random.default_rng(n)
    A, B = random_lists(n, k, rng), random_lists(n, k, rng)
    order = rng.permutation(n)
    expected = oracle_neighbours.overlaps_by_shift(A.top.T.tolist(), B.top.T.tolist(), order)
    a, b = strides(A.top, order), strides(B.top, order)
    np.testing.assert_array_equal(overlaps(a, b), expected)
    monkeypatch.setattr("workers.similarity.neighbours.shifts._AT_ONCE", 7)
    np.testing.assert_array_equal(overlaps(a, b), expected)


def test_null_of_the_score():
    """Mean k / (n - 1); the p of a model with itself is the least there is."""
    n, k = 150, 7
    X, Y = related(n, [6, 9], seed=2)
    resampling = Resampling(n, calibrate=True)
    found = calibrated([X, Y], k, resampling)
    np.testing.assert_allclose(found[NULL_MEAN][1], k / (n - 1), rtol=1e-12)
    moments = overlap_moments(*(copies(lists_of(Z, k).top) for Z in (X, Y)), n)
    assert found[NULL_SD][1, 0] == pytest.approx(np.sqrt(moments.variance) / (n * k))
    assert found[NULL_MEAN][1, 0] + found[NULL_SD][1, 0] < found[TAU][1, 0] < found[VALUE][1, 0]
    assert found[P][1, 0] == found[P][1, 1] == 1 / n
    shared = overlaps(*(strides(lists_of(Z, k).top, resampling.relabelling) for Z in (Y, X)))
    assert shared[0] == round(found[VALUE][1, 0] * n * k)


def test_tau_is_no_more_than_the_best_value():
    """Two pairs of stimuli: a third of all relabellings gives 1, the rest 0, and the curve with their moments has its
    quantile beyond 1."""
    X = np.array([[1.0, 0.1], [1.0, 0.2], [-1.0, 0.1], [-1.0, 0.2]])
    found = calibrated([X, X], 1, Resampling(4, calibrate=True))
    assert found[NULL_MEAN][1, 0] == pytest.approx(1 / 3) and found[VALUE][1, 0] == 1
    assert found[TAU][1, 0] == 1


@pytest.mark.parametrize("d", [5, 100, 140, 1500])
def test_unrelated_models_are_significant_as_often_as_they_should(d):
    """For d < n, d = n, d > n and d >> n. Guards against a null that forgets hubs, which grow with the width: a few
    stimuli are then neighbours of most."""
    n, count = 100, 36
    rng = np.random.default_rng(d)
    models = [rng.normal(size=(n, d)) for _ in range(count)]
    found = calibrated(models, 10, Resampling(n, calibrate=True))
    below = np.tril_indices(count, -1)
    p = found[P][below]
    assert 0.03 < (p <= 0.05).mean() < 0.065  # 630 pairs; equal overlaps make p a little too large, never too small
    assert 0.48 < p.mean() < 0.58
    assert 0.03 < (found[VALUE][below] > found[TAU][below]).mean() < 0.07


def test_groups_move_as_wholes():
    """Two models that have nothing but the groups in common: no more than chance if whole groups are moved, and much
    more if every stimulus is moved by itself."""
    n, size = 200, 10
    groups = np.arange(n) // size
    rng = np.random.default_rng(3)
    models = [rng.normal(size=(n // size, 30))[groups] + 0.3 * rng.normal(size=(n, 30)) for _ in range(2)]
    alone = calibrated(models, 9, Resampling(n, calibrate=True), new=1)
    moved = calibrated(models, 9, Resampling(n, groups, calibrate=True), new=1)
    assert alone[P][0, 0] == 1 / n and alone[VALUE][0, 0] > 5 * alone[TAU][0, 0]
    assert moved[P][0, 0] > 0.5 and moved[NULL_MEAN][0, 0] > 0.99
