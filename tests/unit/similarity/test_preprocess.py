"""Preprocessing steps, left to right."""

import numpy as np
import pytest
import torch

from backend.domain.metrics import parse_preprocess
from workers.similarity.errors import Undefined
from workers.similarity.preprocess import apply


def test_order_of_steps():
    X = np.random.default_rng(0).normal(size=(6, 4)) + 3
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    for text, expected in {"none": X, "l2": unit, "l2+center": unit - unit.mean(0)}.items():
        result = apply(parse_preprocess(text), torch.from_numpy(X.copy())).numpy()
        np.testing.assert_allclose(result, expected, atol=1e-15)


def test_zero_row_is_named():
    X = torch.ones(5, 3, dtype=torch.float64)
    X[2] = 0
    with pytest.raises(Undefined, match="row 2"):
        apply(parse_preprocess("l2"), X)
