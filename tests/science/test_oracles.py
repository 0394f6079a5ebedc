"""Every metric against its formula in float64, for fewer and for more features than stimuli."""

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import spearmanr

from backend.domain.metrics import parse_metric
from tests.science import oracles
from tests.science.populations import compared, pair, related, table, with_massive_activations

N = 60


def tolerance(metric):
    """Bins of equal width merge neighbours: with few stimuli a little of the order is lost."""
    return 3e-5 if "binned" in metric.id else 1e-6


@pytest.mark.parametrize("preprocess", ["l2", "center", "clamp=0.9+l2", "clamp-exact=0.9+center"])
def test_ordinary_inputs(table_metric, preprocess):
    metric = table_metric
    narrow = 20 if preprocess.startswith("clamp") else 3  # where all features of a row are cut, none differ
    embeddings = related(N, [narrow, 20, N - 1, N, N + 1, 400], seed=1)
    if "sigma" in metric.parameters and preprocess.endswith("center"):
        embeddings = [X / (10 * np.sqrt(X.shape[1])).astype(np.float32) for X in embeddings]
    found = compared(embeddings, metric, preprocess)
    assert not found.excluded
    values = table(found)
    for j, i in combinations(range(len(embeddings) - 1, -1, -1), 2):
        assert values[j, i] == pytest.approx(
            oracles.similarity(metric, embeddings[j], embeddings[i], preprocess), abs=tolerance(metric)
        )


@pytest.mark.parametrize("n", [699, 700])
def test_more_stimuli_than_a_band(table_metric, n):
    X, Y = related(n, [30, 90], seed=2)
    expected = oracles.similarity(table_metric, X, Y, "l2")
    assert pair(table_metric, X, Y, "l2") == pytest.approx(expected, abs=tolerance(table_metric))


@pytest.mark.parametrize("preprocess", ["none", "l2"])
def test_massive_activations(table_metric, preprocess):
    """Three features at +-300 beside hundreds near 1: float32 kernels that were not centred first are off by
    1e-2 and more here."""
    metric = table_metric
    X, Y, Z = related(300, [64, 200, 64], seed=3)
    if "sigma" in metric.parameters and preprocess == "none":
        metric = type(metric)(metric.spec, (10.0,))
    massive = with_massive_activations(X, 4), with_massive_activations(Y, 5), Z
    for a, b in combinations(massive, 2):
        assert pair(metric, a, b, preprocess) == pytest.approx(
            oracles.similarity(metric, a, b, preprocess), abs=2e-5
        )


@pytest.mark.parametrize("n", [100, 560])
@pytest.mark.parametrize("factor", [10, 300])
@pytest.mark.parametrize("metric", ["cka.linear.unbiased", "distance-correlation.unbiased", "rsa.euclidean.pearson"])
def test_a_stimulus_far_from_all_others(metric, factor, n):
    X, Y = related(n, [20, 40], seed=9)
    X[7] *= factor
    found = pair(parse_metric(metric), X, Y, "none")
    assert found == pytest.approx(oracles.similarity(parse_metric(metric), X, Y), abs=1e-6 if n <= 512 else 2e-5)


@pytest.mark.parametrize("n", [60, 600])
def test_duplicate_stimuli_are_at_distance_0(n):
    """The root of what rounding leaves of a distance of 0 is not small."""
    X, Y = related(n, [20, 40], seed=10)
    X[: n // 6], Y[: n // 6] = X[n // 2 : n // 2 + n // 6], Y[n // 2 : n // 2 + n // 6]
    for metric in ("distance-correlation.unbiased", "rsa.euclidean.pearson"):
        expected = oracles.similarity(parse_metric(metric), X, Y, "l2")
        assert pair(parse_metric(metric), X, Y, "l2") == pytest.approx(expected, abs=1e-6)


def test_linear_cka_by_hand():
    """One feature each: K = x x^T, so that CKA is the squared correlation of x and y."""
    X, Y = np.array([[0.0], [1.0], [3.0], [7.0]]), np.array([[0.0], [2.0], [3.0], [1.0]])
    x, y = X[:, 0] - X.mean(), Y[:, 0] - Y.mean()
    expected = (x @ y) ** 2 / (x @ x) / (y @ y)
    assert pair(parse_metric("cka.linear.biased"), X, Y) == pytest.approx(expected, abs=1e-7)


def test_ties_share_their_mean_rank():
    """Rows on a grid of few correlations give whole groups of equal distances."""
    rng = np.random.default_rng(6)
    signs = rng.choice([-1.0, 1.0], size=(40, 4))
    # Rows of mean 0 and equal length: the distances are multiples of 1/4.
    X = np.concatenate([signs, -signs], axis=1).astype(np.float32)
    Y = related(40, [12], seed=7)[0]
    metric = parse_metric("rsa.correlation.spearman")
    exact = np.round(oracles.dissimilarities(X.astype(float), "correlation"), 9)
    expected = spearmanr(exact, oracles.dissimilarities(Y.astype(float), "correlation")).statistic
    assert pair(metric, X, Y) == pytest.approx(expected, abs=1e-6)


def test_duplicate_stimuli_are_not_non_zero_distances():
    """The median rule leaves out pairs of equal stimuli, whose float32 distance is noise rather than 0."""
    X, Y = (np.repeat(Z, 4, axis=0) for Z in related(15, [10, 30], seed=8))
    metric = parse_metric("cka.rbf.unbiased:median=0.5")
    assert pair(metric, X, Y, "l2") == pytest.approx(oracles.similarity(metric, X, Y, "l2"), abs=1e-6)
