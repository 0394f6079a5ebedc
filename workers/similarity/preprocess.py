"""Preprocessing of one embedding's rows, in float64, before any metric sees them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from backend.domain.metrics import Preprocess
from workers.similarity.errors import Undefined


def apply(preprocess: Preprocess, X: Tensor) -> Tensor:
    """The steps left to right: (n, d) float64 -> (n, d) float64. The input may be overwritten.

    Raises Undefined when a step has no result for these rows. Cost O(n d) a step.
    """
    for step in preprocess.steps:
        X = STEPS[step](X)
    return X


def _unit_rows(X: Tensor) -> Tensor:
    """Every row divided by its Euclidean length."""
    lengths = torch.linalg.vector_norm(X, dim=1, keepdim=True)
    if not bool((lengths > 0).all()):
        row = int((lengths[:, 0] == 0).nonzero()[0, 0])
        raise Undefined(f"row {row} (counted from 0) is zero and cannot be scaled to unit length")
    return X.div_(lengths)


def _centered_columns(X: Tensor) -> Tensor:
    """The mean of every column subtracted."""
    return X.sub_(X.mean(dim=0))


STEPS: dict[str, Callable[[Tensor], Tensor]] = {"l2": _unit_rows, "center": _centered_columns}
