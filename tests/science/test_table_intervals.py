"""Intervals of CKA, RSA and distance correlation: the sums over blocks give what leaving the stimuli out gives."""

import numpy as np
import pytest

from backend.domain.metrics import parse_metric, parse_preprocess
from tests.science import oracles
from tests.science.populations import related, sources
from workers.similarity import bands
from workers.similarity.engine import compare
from workers.similarity.resampling import Resampling

L2 = parse_preprocess("l2")
RECOMPUTED = ["cka.linear.unbiased", "cka.linear.biased", "cka.rbf.unbiased:sigma=0.4", "cka.rbf.biased:sigma=0.4",
              "rsa.correlation.pearson", "rsa.euclidean.pearson", "distance-correlation.unbiased"]


def interval(embeddings, metric, groups=None):
    found = compare(sources(embeddings), parse_metric(metric), L2, new=len(embeddings), memory_mib=256,
                    uncertainty=True, groups=groups)
    quantities = found.rows[-1].quantities
    return quantities["value"], quantities["ci_low"], quantities["ci_high"]


@pytest.fixture(autouse=True)
def _narrow_bands(monkeypatch):
    monkeypatch.setattr(bands, "width", lambda n: 100)


@pytest.mark.parametrize("n", [61, 120, 521])
@pytest.mark.parametrize("metric", RECOMPUTED)
def test_replicates_are_the_metric_without_a_block(metric, n):
    X, Y = related(n, [7, 50], seed=n)
    value, low, high = interval([X, Y], metric)
    resampling = Resampling(n)
    replicates = np.array([
        oracles.similarity(parse_metric(metric), X[kept], Y[kept], "l2")
        for kept in map(resampling.kept, range(len(resampling.blocks)))
    ])
    expected = resampling.interval(value[0], replicates, -1.0, 1.0)
    np.testing.assert_allclose((low[0], high[0]), expected, atol=2e-5)
    assert low[1] == high[1] == 1.0


def test_ranks_are_those_of_all_stimuli():
    """A jackknife of Spearman's correlation that ranks anew differs little: ranks are kept, to save the sorting."""
    n = 200
    X, Y = related(n, [7, 50])
    value, low, high = interval([X, Y], "rsa.correlation.spearman")
    resampling = Resampling(n)
    anew = np.array([
        oracles.similarity(parse_metric("rsa.correlation.spearman"), X[kept], Y[kept], "l2")
        for kept in map(resampling.kept, range(len(resampling.blocks)))
    ])
    np.testing.assert_allclose((low[0], high[0]), resampling.interval(value[0], anew, -1.0, 1.0), atol=0.01)


def test_whole_groups_are_left_out():
    groups = np.random.default_rng(0).integers(0, 9, size=100)
    X, Y = related(100, [7, 50])
    resampling = Resampling(100, groups)
    assert len(resampling.blocks) == 9
    for block in resampling.blocks:
        assert not set(groups[block]) & set(np.delete(groups, block))
    value, low, high = interval([X, Y], "cka.linear.unbiased", groups)
    replicates = np.array([
        oracles.similarity(parse_metric("cka.linear.unbiased"), X[kept], Y[kept], "l2")
        for kept in map(resampling.kept, range(9))
    ])
    np.testing.assert_allclose((low[0], high[0]), resampling.interval(value[0], replicates, -1, 1), atol=2e-5)


@pytest.mark.parametrize("metric", ["cka.linear.unbiased", "rsa.euclidean.pearson"])
def test_intervals_cover_the_similarity_of_many_stimuli(metric):
    """Of samples of 120 stimuli, about 95 % of the intervals hold the value that 6,000 stimuli have."""
    rng = np.random.default_rng(4)
    A, B = rng.normal(size=(5, 20)), rng.normal(size=(5, 30))

    def sample(n):
        latent = rng.normal(size=(n, 5))
        return [(latent @ M + 2 * rng.normal(size=(n, M.shape[1]))).astype(np.float32) for M in (A, B)]

    truth = compare(sources(sample(6000)), parse_metric(metric), L2, new=2, memory_mib=2048).rows[1].values[0]
    covered = 0
    for _ in range(100):
        value, low, high = interval(sample(120), metric)
        assert low[0] < value[0] < high[0]
        covered += low[0] <= truth <= high[0]
    assert covered >= 88


def test_too_few_stimuli_for_an_interval_say_so_by_their_width():
    _, low, high = interval(related(4, [5, 6]), "cka.linear.unbiased")
    assert (low[0], high[0]) == (-1.0, 1.0)
