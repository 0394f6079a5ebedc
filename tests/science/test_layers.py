"""Layer search: the best of a grid of layers, and chance for the best rather than for one pair."""

import numpy as np
import pytest

from backend.domain.calibration import permutation_null
from backend.domain.errors import InvalidInput
from backend.domain.metrics import parse_metric, parse_preprocess
from tests.science import oracle_subspaces, oracle_topology, oracles
from tests.science.populations import pair, related, sources
from workers.similarity.errors import MismatchedStimuli, NonFiniteEmbedding, TooFewStimuli
from workers.similarity.layers import NoLayer, search_layers
from workers.similarity.resampling import Resampling

ORACLES = {
    "cka.linear.biased": oracles.similarity,
    "cka.linear.unbiased": oracles.similarity,
    "rsa.correlation.spearman": oracles.similarity,
    "svcca:q=4": oracle_subspaces.similarity,
    "pwcca": oracle_subspaces.similarity,
    "procrustes.angular": oracle_subspaces.similarity,
    "rtd.lite": lambda metric, X, Y: oracle_topology.rtd_lite(X, Y),
}


def search(layers_a, layers_b, metric, preprocess="none", **options):
    return search_layers(
        sources(layers_a), sources(layers_b), parse_metric(metric), parse_preprocess(preprocess), **options
    )


def unrelated(n, count, width, seed):
    """Layers of two models that share nothing, each layer a little unlike the one before."""
    rng = np.random.default_rng(seed)
    models = []
    for _ in range(2):
        layers = [rng.normal(size=(n, width))]
        for _ in range(count - 1):
            layers.append(0.5 * layers[-1] + rng.normal(size=(n, width)))
        models.append(layers)
    return models


@pytest.mark.parametrize("metric_id", ORACLES)
def test_grid_best_and_null_by_brute_force(metric_id):
    n, metric = 24, parse_metric(metric_id)
    A, B = related(n, [5, 9, 7], seed=1), related(n, [6, 8], seed=2)
    A[1] = (B[1] @ np.random.default_rng(3).normal(size=(8, 9)) + 2 * A[1]).astype(np.float32)
    found = search(A, B, metric_id, permutations=6)

    def grid(order):
        return np.array([[ORACLES[metric_id](metric, X, Y[order]) for Y in B] for X in A])

    best = np.max if metric.spec.direction == "similarity" else np.min
    observed = grid(np.arange(n))
    np.testing.assert_allclose(found.grid, observed, atol=1e-6)
    assert found.best == found.grid[found.layers] == best(found.grid) and found.layers == (1, 1)
    expected = [best(grid(order)) for order in Resampling(n, permutations=6).orders]
    np.testing.assert_allclose(found.null, expected, atol=1e-6)
    summary = permutation_null(np.array(best(observed)), np.array(expected), metric.spec.direction)
    assert (found.p, found.recipe["permutations"]) == (float(summary.p), 6)
    assert (found.tau, found.null_mean, found.null_sd) == pytest.approx(
        (float(summary.tau), float(summary.mean), float(summary.sd)), abs=1e-6
    )


def test_a_layer_that_both_share_is_found_and_significant():
    A, B = related(40, [8, 8, 8], seed=4, signal=0), related(40, [9, 9], seed=5, signal=0)
    B[0] = (A[2] @ np.random.default_rng(6).normal(size=(8, 9))).astype(np.float32)
    for metric in ("cka.linear.unbiased", "procrustes.angular"):
        found = search(A, B, metric, permutations=99)
        assert found.layers == (2, 0) and found.p == 0.01
        assert 0 < found.calibrated < 1
        assert found.recipe == {"route": "permutation", "seed": 0, "permutations": 99}


def test_the_grid_is_what_a_matrix_holds_and_has_a_direction():
    A, B = related(30, [4, 6], seed=7), related(30, [5, 7, 3], seed=8)
    found = search(A, B, "pwcca", "l2", permutations=3)
    metric = parse_metric("pwcca")
    for a, X in enumerate(A):
        for b, Y in enumerate(B):
            # `pair` gives the later model against the earlier one.
            assert found.grid[a, b] == pytest.approx(pair(metric, Y, X, "l2"), abs=1e-12)
    assert found.grid.shape == (2, 3)


def test_a_grid_of_negative_values_has_a_best():
    """Unbiased CKA of unrelated layers scatters around 0; a search that starts from 0 would find nothing."""
    for seed in range(50):
        A, B = unrelated(12, 1, 4, seed)
        found = search(A, B, "cka.linear.unbiased", permutations=9)
        if found.best < 0:
            break
    assert found.best < 0 and found.layers == (0, 0) and found.calibrated == 0 and found.p > 0.1


def test_the_best_of_many_passes_by_chance_as_often_as_stated():
    """And far more often, were it held against the tau of one pair."""
    n, count, trials = 20, 4, 120
    passed = naive = 0
    for seed in range(trials):
        A, B = unrelated(n, count, 3, seed)
        found = search(A, B, "svcca:q=2", permutations=39)
        passed += found.p <= 0.05
        one = search(A[found.layers[0] :][:1], B[found.layers[1] :][:1], "svcca:q=2", permutations=39)
        assert one.best == found.best
        naive += one.p <= 0.05
    assert 1 <= passed <= 15, "binomial(120, 0.05), 0.1 % on either side"
    assert naive > 2.5 * 0.05 * trials


def test_layers_without_a_value_are_left_out_with_a_reason():
    """The class token before the first block is the same for every stimulus."""
    A, B = related(30, [4, 6, 5], seed=9), related(30, [5, 7], seed=10)
    A[0][:] = A[0][0]
    B[1][3] = 0
    found = search(A, B, "cka.linear.unbiased", "l2", permutations=3)
    assert "the same" in found.excluded_a[0] and "row 3" in found.excluded_b[1]
    np.testing.assert_array_equal(np.isnan(found.grid), [[True, True], [False, True], [False, True]])
    assert found.best == np.nanmax(found.grid) and found.layers[0] > 0 and found.layers[1] == 0
    without = search(A[1:], B[:1], "cka.linear.unbiased", "l2", permutations=3)
    assert (without.best, without.tau, without.p) == (found.best, found.tau, found.p)


def test_groups_move_as_wholes():
    A, B = related(24, [4, 6], seed=11), related(24, [5], seed=12)
    groups = np.repeat(np.arange(8), 3)
    found = search(A, B, "procrustes.similarity", groups=groups, permutations=5)
    assert found.recipe["route"] == "block-permutation"
    metric = parse_metric("procrustes.similarity")
    expected = [
        max(oracle_subspaces.similarity(metric, X, B[0][order]) for X in A)
        for order in Resampling(24, groups, permutations=5).orders
    ]
    np.testing.assert_allclose(found.null, expected, atol=1e-9)


def test_what_cannot_be_searched():
    A, B = related(20, [4, 6], seed=13), related(20, [5], seed=14)
    with pytest.raises(NoLayer, match="no layers"):
        search(A, [], "svcca:q=2")
    with pytest.raises(MismatchedStimuli, match=r"\(20, 4\).*\(19, 5\)"):
        search(A, [B[0][1:]], "svcca:q=2")
    with pytest.raises(TooFewStimuli, match="at least 3"):
        search([A[0][:2]], [B[0][:2]], "cca.mean")
    with pytest.raises(InvalidInput, match="group numbers"):
        search(A, B, "cca.mean", groups=np.arange(3))
    with pytest.raises(NonFiniteEmbedding, match="Row 2"):
        search(A, [np.where(np.arange(20)[:, None] == 2, np.nan, B[0])], "cca.mean")
    with pytest.raises(NoLayer, match=r"second model \(layer 0: .*the same"):
        search(A, [np.ones((20, 3))], "cca.mean")
