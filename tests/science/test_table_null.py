"""The null of CKA, RSA and distance correlation: moments in closed form, exact p over cyclic shifts, whole groups."""

from itertools import permutations

import numpy as np
import pytest
import torch
from scipy.stats import pearson3, skew

from backend.domain.metrics import parse_metric, parse_preprocess
from backend.domain.null_moments import TableSums, centred_moments, hollow_moments
from tests.science import oracles
from tests.science.populations import related, sources
from workers.similarity import table_null
from workers.similarity.bands import plan
from workers.similarity.engine import compare
from workers.similarity.resampling import Resampling

L2 = parse_preprocess("l2")
CHOSEN = ["cka.linear.unbiased", "cka.linear.biased", "cka.rbf.biased:sigma=0.4", "rsa.euclidean.pearson",
          "rsa.correlation.spearman", "distance-correlation.unbiased"]


def calibrated(embeddings, metric, **given):
    rows = compare(sources(embeddings), parse_metric(metric), L2, new=len(embeddings), memory_mib=256, calibrate=True,
                   **given).rows
    return rows[-1].quantities


def table_of(matrix):
    """All diagonals of a symmetric matrix, as the engine keeps them."""
    n = len(matrix)
    table = np.array([[matrix[a, (a + c) % n] for a in range(n)] for c in range(1, n // 2 + 1)])
    if n % 2 == 0:
        table[-1] /= np.sqrt(2)
    return torch.from_numpy(table.astype(np.float32))


def hollow(n, seed, margins):
    """A random hollow matrix, all of it or every row summing to 0, of norm 1."""
    X = np.random.default_rng(seed).normal(size=(n, 3))
    D = np.exp(-oracles.squared_distances(X))
    np.fill_diagonal(D, 0)
    if margins:
        r = D.sum(axis=1)
        D = D - (r[:, None] + r) / (n - 2) + r.sum() / ((n - 1) * (n - 2))
    else:
        D = D - D.sum() / (n * (n - 1))
    np.fill_diagonal(D, 0)
    return D / np.linalg.norm(D)


def centred(n, seed):
    X = np.random.default_rng(seed).normal(size=(n, 3))
    X = X - X.mean(axis=0)
    return X @ X.T / np.linalg.norm(X @ X.T)


def enumerated(K, L):
    """Mean, standard deviation and skewness of <K, L permuted> over all n! permutations."""
    draws = np.array([(K * L[np.ix_(pi, pi)]).sum() for pi in permutations(range(len(K)))])
    return draws.mean(), draws.std(), skew(draws)


def stacked(*sums):
    return table_null.stacked(sums)


@pytest.mark.parametrize("n", [6, 7])
@pytest.mark.parametrize("margins", [True, False])
def test_hollow_moments_are_those_of_all_permutations(n, margins):
    K, L = hollow(n, 1, margins), hollow(n, 2, margins)
    centring = "unbiased" if margins else "none"
    a, b = (stacked(table_null.null_sums(table_of(A), None, centring)) for A in (K, L))
    found = hollow_moments(a, b, n)
    expected = enumerated(K, L)
    np.testing.assert_allclose([found.mean[0, 0], found.sd[0, 0], found.skew[0, 0]], expected, rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize("n", [6, 7])
def test_centred_moments_are_those_of_all_permutations(n):
    K, L = centred(n, 1), centred(n, 2)
    a, b = (
        stacked(table_null.null_sums(table_of(A), torch.from_numpy(A.diagonal().copy()), "biased"))
        for A in (K, L)
    )
    found = centred_moments(a, b, n)
    np.testing.assert_allclose(
        [found.mean[0, 0], found.sd[0, 0], found.skew[0, 0]], enumerated(K, L), rtol=2e-5, atol=1e-7
    )


def test_the_variance_of_unbiased_cka_is_the_same_for_all_pairs():
    n = 50
    found = calibrated(related(n, [3, 40, 200]), "cka.linear.unbiased")
    np.testing.assert_allclose(found["null_sd"], np.sqrt(2 / (n * (n - 3))), rtol=1e-6)
    np.testing.assert_array_equal(found["null_mean"], 0)


@pytest.mark.parametrize("n", [pytest.param(100), pytest.param(500, marks=pytest.mark.slow)])
@pytest.mark.parametrize("metric", CHOSEN)
def test_moments_and_threshold_agree_with_permutations(metric, n):
    """20,000 permutations of the oracle's tables: their mean, spread and 95 % quantile are within the noise of the
    permutations."""
    draws = 20_000
    X, Y = related(n, [6, 150], seed=5, signal=0.5)
    found = calibrated([X, Y], metric)
    permuted = permuted_values(parse_metric(metric), X, Y, draws)
    mean, sd = found["null_mean"][0], found["null_sd"][0]
    assert abs(permuted.mean() - mean) < 5 * sd / np.sqrt(draws)
    assert abs(permuted.std() / sd - 1) < 0.05
    assert abs(np.quantile(permuted, 0.95) - found["tau"][0]) < 0.08 * sd


def permuted_values(metric, X, Y, draws):
    """The metric for permuted stimuli, from two centred tables: float32 products of many permutations at once."""
    n = len(X)
    kind = metric.spec.family
    tables = []
    for Z in (oracles.prepared(X, "l2"), oracles.prepared(Y, "l2")):
        if kind.startswith("rsa"):
            _, distance, comparator = kind.split(".")
            x = oracles.dissimilarities(Z, distance)
            x = oracles.rankdata(x) if comparator == "spearman" else x
            D = np.zeros((n, n))
            D[np.triu_indices(n, 1)] = x - x.mean()
            D = D + D.T
        else:
            K = {"cka.linear": oracles.linear_kernel, "cka.rbf": lambda Z: oracles.gaussian_kernel(Z, 0.4)}.get(
                kind.rpartition(".")[0], lambda Z: np.sqrt(oracles.squared_distances(Z))
            )(Z)
            if kind.endswith("unbiased"):
                np.fill_diagonal(K, 0)
                r = K.sum(axis=1)
                D = K - (r[:, None] + r) / (n - 2) + r.sum() / ((n - 1) * (n - 2))
                np.fill_diagonal(D, 0)
            else:
                H = np.eye(n) - 1 / n
                D = H @ K @ H
        tables.append(torch.from_numpy(D / np.linalg.norm(D)).float())
    rng = np.random.default_rng(0)
    orders = torch.from_numpy(np.stack([rng.permutation(n) for _ in range(draws)]))
    flat = tables[0].reshape(-1)
    found = [
        float(flat @ torch.take(tables[1], (pi[:, None] * n + pi).view(-1))) for pi in orders
    ]
    return np.array(found)


@pytest.mark.parametrize("n", [40, 41])
@pytest.mark.parametrize("metric", CHOSEN)
def test_p_counts_the_cyclic_shifts_of_the_relabelling(metric, n):
    X, Y = related(n, [5, 30], seed=7, signal=0.05)
    order = Resampling(n).relabelling
    shifted = [
        oracles.similarity(parse_metric(metric), X[order], np.roll(Y[order], s, axis=0), "l2") for s in range(n)
    ]
    expected = np.mean(np.array(shifted) >= shifted[0] - 1e-9)
    assert 1 / n < expected < 1, "a pair whose p is neither end"
    assert calibrated([X, Y], metric)["p"][0] == pytest.approx(expected)


@pytest.mark.parametrize("width", [5, 60, 240])
@pytest.mark.parametrize("metric", ["cka.linear.unbiased", "cka.linear.biased", "rsa.correlation.spearman"])
def test_false_positives_are_nominal_whatever_the_width(metric, width):
    """Independent models pass tau, and have p <= 0.05, in about one case of twenty, for d < n, d = n and d >> n.

    Guards against a null that is that of the wrong estimator: without calibration biased CKA says 0.9 for noise.
    """
    rng = np.random.default_rng(width)
    n, count = 60, 40
    embeddings = [rng.normal(size=(n, width)).astype(np.float32) for _ in range(count)]
    rows = compare(sources(embeddings), parse_metric(metric), L2, new=count, memory_mib=256, calibrate=True).rows
    value, tau, p = (np.concatenate([row.quantities[q][:-1] for row in rows]) for q in ("value", "tau", "p"))
    # 780 pairs of 40 models, not independent: a generous band around 0.05.
    assert 0.025 < np.mean(value > tau) < 0.085
    assert 0.025 < np.mean(p <= 0.05) < 0.085


def test_the_trace_of_a_cube_is_close_where_it_is_estimated():
    X = np.random.default_rng(0).normal(size=(700, 20))
    for D in (np.exp(-oracles.squared_distances(X) / 20), X @ X.T, np.random.default_rng(1).normal(size=(700, 700))):
        D = D + D.T
        D = D / np.linalg.norm(D)
        exact = np.trace(D @ D @ D)
        assert table_null.cube_trace(torch.from_numpy(D).float()) == pytest.approx(exact, abs=2e-3)


@pytest.mark.parametrize("sizes", [[4] * 15, [3, 9, 4, 4, 10, 6, 12, 5, 3, 4]])
@pytest.mark.parametrize("metric", CHOSEN)
def test_groups_are_permuted_as_wholes(metric, sizes):
    groups = np.repeat(np.arange(len(sizes)), sizes)
    n = len(groups)
    X, Y = related(n, [6, 40], seed=3, signal=0.3)
    found = calibrated([X, Y], metric, groups=groups, permutations=30)
    resampling = Resampling(n, groups, permutations=30)
    draws = np.array([
        oracles.similarity(parse_metric(metric), Y, X[resampling.permutation(k)], "l2") for k in range(30)
    ])
    observed = found["value"][0]
    assert found["null_mean"][0] == pytest.approx(draws.mean(), abs=2e-6)
    assert found["null_sd"][0] == pytest.approx(draws.std(), abs=2e-6)
    assert found["p"][0] == pytest.approx((1 + np.sum(draws >= observed - 1e-7)) / 31)
    # ceil(0.95 * 31) = 30th smallest of the 31
    assert found["tau"][0] == pytest.approx(np.sort([*draws, observed])[29], abs=2e-6)


@pytest.mark.parametrize("sizes", [[4] * 19 + [3], [2] * 12 + [12] * 3, [3, 4, 5] * 7])
@pytest.mark.parametrize("metric", ["cka.linear.unbiased", "knn.mutual:k=5"])
def test_false_positives_are_nominal_for_groups_of_unequal_sizes(metric, sizes):
    """Guards against groups that are laid end to end: of another size, they were torn apart, and unrelated models with
    something in common within their groups had p <= 0.05 in up to nine cases of ten."""
    rng = np.random.default_rng(6)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    found = []
    for _ in range(25):
        embeddings = [
            (1.5 * rng.normal(size=(len(sizes), 10))[groups] + rng.normal(size=(len(groups), 10))).astype(np.float32)
            for _ in range(4)
        ]
        rows = compare(sources(embeddings), parse_metric(metric), L2, new=4, memory_mib=256, calibrate=True,
                       groups=groups, permutations=99).rows
        found += [p for row in rows for p in row.quantities["p"][:-1]]
    assert np.mean(np.array(found) <= 0.05) < 0.12


def test_groups_of_which_no_two_have_one_size_tell_nothing():
    groups = np.repeat(np.arange(6), [2, 3, 4, 5, 6, 7])
    found = calibrated(related(27, [20, 20], signal=5.0), "cka.linear.unbiased", groups=groups)
    assert found["p"][0] == 1.0 and found["tau"][0] == found["value"][0]


def test_the_recipe_says_how_many_arrangements_groups_have():
    for sizes, ways in (([3] * 4, 24), ([2, 2, 3, 3, 3], 12), ([1, 2, 3], 1), ([2] * 20, 10**6)):
        assert Resampling(sum(sizes), np.repeat(np.arange(len(sizes)), sizes)).ways == ways
    groups = np.repeat([0, 1, 2], 20)
    found = compare(sources(related(60, [5, 6])), parse_metric(CHOSEN[0]), L2, new=2, memory_mib=64, calibrate=True,
                    groups=groups)
    assert found.recipe["route"] == "block-permutation" and found.recipe["ways"] == 6


def test_few_groups_have_few_permutations():
    """Three groups of one size have six orders: p cannot fall below about one in six, and nothing is significant."""
    groups = np.repeat([0, 1, 2], 20)
    X, Y = related(60, [20, 20], signal=5.0)
    found = calibrated([X, Y], "cka.linear.unbiased", groups=groups)
    assert 0.1 < found["p"][0] < 0.3
    assert found["tau"][0] >= found["value"][0]


def test_a_grouped_null_is_wider_where_groups_are_alike():
    """Frames of one film are nearly equal: relabelling single frames would call unrelated models similar."""
    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(12), 10)
    alone = blocked = 0
    for _ in range(40):
        X, Y = (np.repeat(rng.normal(size=(12, 8)), 10, axis=0) + 0.1 * rng.normal(size=(120, 8)) for _ in range(2))
        pair = [X.astype(np.float32), Y.astype(np.float32)]
        alone += calibrated(pair, "cka.linear.unbiased")["p"][0] <= 0.05
        blocked += calibrated(pair, "cka.linear.unbiased", groups=groups)["p"][0] <= 0.05
    assert alone >= 25 and blocked <= 6


def test_pearson_iii_is_exact_for_its_moments():
    """The threshold is the quantile of a distribution with these moments, also for a negative skewness."""
    for gamma in (-0.7, 0.0, 1.2):
        mean, variance, third = pearson3.stats(gamma, loc=3, scale=2, moments="mvs")
        assert (mean, variance, third) == pytest.approx((3, 4, gamma))


def test_sums_of_several_models():
    sums = TableSums(np.zeros((3, 2)), np.zeros((3, 5)), np.arange(3.0))
    assert sums[1:].trace.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("metric", CHOSEN)
def test_bits_of_the_null_do_not_depend_on_the_budget(metric):
    """Tables made anew in every walk give what held tables give."""
    n = 400
    embeddings = related(n, [8, 9, 10], seed=4)
    held = calibrated(embeddings, metric)
    rows = compare(sources(embeddings), parse_metric(metric), L2, new=3, memory_mib=64, calibrate=True).rows
    assert len(plan(n)) == 1
    for name, values in rows[-1].quantities.items():
        assert values.tobytes() == held[name].tobytes(), name
