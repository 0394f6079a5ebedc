"""Lists of nearest neighbours are those of float64, whatever float32 made of the products."""

import numpy as np
import pytest
import torch

from tests.science import oracle_neighbours
from tests.science.populations import related, with_massive_activations
from workers.similarity.errors import Undefined
from workers.similarity.neighbours import lists, search
from workers.similarity.neighbours.search import Neighbourhood
from workers.similarity.resampling import Resampling


def rows(X):
    return Neighbourhood(torch.from_numpy(np.array(X, dtype=np.float64)))


def found(X, k):
    return rows(X).nearest(k).numpy()


def unit(X):
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def in_float64(X, k):
    """For rows without ties, quicker than the oracle."""
    products = X.astype(np.float64) @ (X.astype(np.float64) - X.mean(axis=0)).T
    np.fill_diagonal(products, -np.inf)
    return np.argsort(-products, axis=1)[:, :k]


@pytest.mark.parametrize("n", [12, 17, 300, 2100])
@pytest.mark.parametrize("massive", [False, True])
def test_exact_in_order(n, massive):
    """2,100 rows are two bands of products; 12 and 17 are too few for candidates to be worth it."""
    X = related(n, [40], seed=n)[0]
    if massive:
        X = with_massive_activations(X)
    for Z in (X, unit(X)):
        np.testing.assert_array_equal(found(Z, 10), in_float64(Z, 10))


def one_far_row(n=400):
    """Beside a row 10,000 times as long as the others float32 cannot tell these apart."""
    X = related(n, [30], seed=3)[0].astype(np.float64)
    X[7] *= 1e4
    return X


def test_exact_where_float32_says_nothing(monkeypatch):
    X = one_far_row()
    expected = in_float64(X, 10)
    np.testing.assert_array_equal(found(X, 10), expected)
    monkeypatch.setattr(search, "_FLOAT32", 0.0)
    assert (found(X, 10) != expected).any(), "the error bound decides nothing here"


def test_exact_with_massive_activations_only_because_rows_are_centred_first():
    """Float32 products of rows that were not centred put wrong neighbours into the lists."""
    X = with_massive_activations(related(500, [60], seed=5)[0])
    plain = X @ X.T
    np.fill_diagonal(plain, -np.inf)
    assert (np.sort(np.argsort(-plain, axis=1)[:, :10]) != np.sort(in_float64(X, 10))).any()
    np.testing.assert_array_equal(found(X, 10), in_float64(X, 10))


@pytest.mark.parametrize("copies", [2, 3, 40])
def test_rows_that_are_the_same_go_to_the_lower_index(copies):
    """40 of a kind are more than there are candidates beyond the list."""
    kinds = unit(related(240 // copies, [25], seed=copies)[0].astype(np.float64))
    X = kinds[np.random.default_rng(copies).permutation(240) % len(kinds)]
    np.testing.assert_array_equal(found(X, 10), oracle_neighbours.neighbours(X, 10))


def test_products_that_are_equal_up_to_rounding_tie():
    """Rows of signs, scaled to unit length: few values, which rounding alone would put in any order."""
    X = unit(np.random.default_rng(0).choice([-1.0, 1.0], size=(150, 11)))
    np.testing.assert_array_equal(found(X, 10), oracle_neighbours.neighbours(X, 10))
    np.testing.assert_array_equal(found(X + 0.0, 10), found(X * 3.0, 10))


def test_all_neighbours():
    X = related(30, [6])[0]
    np.testing.assert_array_equal(found(X, 29), in_float64(X, 29))


def test_rows_that_are_all_the_same_have_no_neighbours():
    with pytest.raises(Undefined, match="all the same"):
        rows(np.ones((20, 3)))


@pytest.mark.parametrize("groups", [None, 4])
def test_lists_without_a_block_are_those_of_the_rest(groups):
    """Leaving out a quarter of all stimuli, the kept lists run short, and what was looked up in advance steps in."""
    n, k = 203, 10
    X = unit(related(n, [20], seed=8)[0].astype(np.float64))
    given = None if groups is None else np.arange(n) % groups
    resampling = Resampling(n, given, uncertainty=True)
    kept_lists = lists.find(rows(X), k, resampling)
    assert (len(kept_lists.short_stimuli) > 0) == (groups is not None)
    for block in range(len(resampling.blocks)):
        kept = resampling.kept(block)
        np.testing.assert_array_equal(lists.cut(kept_lists, kept).top.T, in_float64_among(X, kept, k))


def in_float64_among(X, kept, k):
    """The mean row is that of all rows: it changes no order."""
    products = X[kept] @ X[kept].T
    np.fill_diagonal(products, -np.inf)
    return np.argsort(-products, axis=1)[:, :k]


def test_stimuli_that_are_no_block_are_refused():
    X = related(100, [5], seed=1)[0]
    kept_lists = lists.find(rows(X), 10, Resampling(100, uncertainty=True))
    with pytest.raises(ValueError, match="not a block"):
        lists.cut(kept_lists, np.arange(20))


def test_relabelling_moves_rows_and_names():
    X = related(50, [8], seed=2)[0]
    order = np.random.default_rng(0).permutation(50)
    top = found(X, 5).T.astype(np.int32)
    np.testing.assert_array_equal(lists.relabelled(top, order[None])[:, 0].T, in_float64(X[order], 5))
