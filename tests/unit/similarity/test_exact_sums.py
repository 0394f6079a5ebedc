"""Sums of products of rounded blocks are exact, and rounding costs next to nothing."""

import numpy as np
import pytest
import torch

from workers.similarity.exact_sums import round_block_


def rounded(X):
    block = torch.from_numpy(X.copy())
    round_block_(block, torch.linalg.vector_norm(block.float()))
    return block.numpy()


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1.0, 1e9])
@pytest.mark.parametrize("heavy", [False, True])
def test_any_order_gives_the_same_bits(scale, heavy):
    rng = np.random.default_rng(0)
    X, Y = (rng.normal(size=60_000) ** (9 if heavy else 1) * scale for _ in range(2))
    x, y = rounded(X), rounded(Y)
    expected = np.sum(x * y)
    for _ in range(5):
        order = rng.permutation(len(x))
        assert np.sum(x[order] * y[order]) == expected == np.dot(x[order], y[order])
    assert expected == sum(np.dot(x[i : i + 999], y[i : i + 999]) for i in range(0, len(x), 999))


def test_the_error_of_rounding_is_far_below_that_of_float32():
    rng = np.random.default_rng(1)
    X = rng.normal(size=60_000)
    Y = X + rng.normal(size=60_000)
    error = np.dot(rounded(X), rounded(Y)) - np.dot(X, Y)
    assert abs(error) / np.linalg.norm(X) / np.linalg.norm(Y) < 3e-8
    assert np.abs(rounded(X) - X).max() <= np.linalg.norm(X) * 2.0**-26


def test_zeros_stay_zeros():
    assert not rounded(np.zeros(10)).any()
