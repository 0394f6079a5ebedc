"""Circulant diagonals hold every pair once, and everything read from them equals what the whole matrix says."""

import numpy as np
import pytest
import torch

from workers.similarity import bands as band_module
from workers.similarity.bands import Products, dense, plan, row_sums, table_size, turned

SIZES = [3, 4, 5, 8, 127, 128, 600, 777]


@pytest.fixture(autouse=True)
def _narrow_bands(monkeypatch):
    monkeypatch.setattr(band_module, "width", lambda n: 100)


def table_of(matrix):
    """All diagonals of a symmetric matrix, one entry at a time."""
    n = len(matrix)
    rows = [[matrix[a, (a + c) % n] for a in range(n)] for c in range(1, n // 2 + 1)]
    if n % 2 == 0:
        rows[-1] = [value / np.sqrt(2) for value in rows[-1]]
    return torch.tensor(np.array(rows), dtype=torch.float64)


def symmetric(n, seed=0):
    half = np.random.default_rng(seed).normal(size=(n, n))
    matrix = half + half.T
    np.fill_diagonal(matrix, 0)
    return matrix


@pytest.mark.parametrize("n", SIZES)
def test_bands_hold_every_pair_once(n):
    bands = plan(n)
    assert [band.first for band in bands[1:]] == [band.last for band in bands[:-1]]
    assert bands[0].first == 1 and sum(band.width for band in bands) * n == table_size(n)
    K, L = symmetric(n, 1), symmetric(n, 2)
    assert float((table_of(K) * table_of(L)).sum()) == pytest.approx((K * L).sum() / 2)


@pytest.mark.parametrize("n", SIZES)
def test_products_of_rows(n):
    X = torch.from_numpy(np.random.default_rng(n).normal(size=(n, 5)))
    products, expected = Products(X), X @ X.T
    for band in plan(n):
        slab = torch.empty((band.width, n), dtype=torch.float64)
        products.fill(band, slab)
        for c in {band.first, band.last - 1}:
            at = torch.arange(n)
            torch.testing.assert_close(slab[c - band.first], expected[at, (at + c) % n])


@pytest.mark.parametrize("n", SIZES)
def test_rows_and_whole_matrix(n):
    K = symmetric(n)
    table = table_of(K)
    found = sum(row_sums(table[band.rows], band) for band in plan(n))
    np.testing.assert_allclose(found, K.sum(axis=1), atol=1e-10)
    np.testing.assert_allclose(dense(table, n), K, atol=1e-12)
    np.testing.assert_allclose(dense(table, n, 3.0).diagonal(), 3.0)


@pytest.mark.parametrize("n", SIZES)
def test_turned_is_by_the_second_stimulus(n):
    table = table_of(symmetric(n))
    for band in plan(n):
        slab = table[band.rows]
        for row, c in enumerate(range(band.first, band.last)):
            assert torch.equal(turned(slab, band)[row], torch.roll(slab[row], c))
