"""Preprocessing of one embedding's rows, in float64, before any metric sees them."""

from __future__ import annotations

from collections.abc import Callable
from math import floor

import torch
from torch import Tensor

from backend.domain.metrics import Preprocess
from workers.similarity.errors import UndefinedRow


def apply(preprocess: Preprocess, X: Tensor) -> Tensor:
    """The steps left to right: (n, d) float64 -> (n, d) float64. The input may be overwritten.

    Raises UndefinedRow when a step has no result for these rows. Cost O(n d) a step.
    """
    for step in preprocess.steps:
        X = STEPS[step.name](X, step.quantile)
    return X


def _unit_rows(X: Tensor, _: float | None) -> Tensor:
    """Every row divided by its Euclidean length."""
    lengths = torch.linalg.vector_norm(X, dim=1, keepdim=True)
    if not bool((lengths > 0).all()):
        row = int((lengths[:, 0] == 0).nonzero()[0, 0])
        raise UndefinedRow(row, "is zero and cannot be scaled to unit length")
    return X.div_(lengths)


def _centered_columns(X: Tensor, _: float | None) -> Tensor:
    """The mean of every column subtracted."""
    return X.sub_(X.mean(dim=0))


def _clamped(X: Tensor, quantile: float | None) -> Tensor:
    """Entries cut to the mean over rows of the row's quantile of absolute values (linear between order statistics)."""
    assert quantile is not None, "checked by parse_preprocess"
    ordered = X.abs().sort(dim=1).values
    at = quantile * (X.shape[1] - 1)
    below = floor(at)
    above = min(below + 1, X.shape[1] - 1)
    threshold = torch.lerp(ordered[:, below], ordered[:, above], at - below).mean()
    return X.clamp_(-threshold, threshold)


def _clamped_exactly(X: Tensor, quantile: float | None) -> Tensor:
    """Entries cut to the floor(q n d)-th smallest absolute value of all entries, the smallest where that is none."""
    assert quantile is not None, "checked by parse_preprocess"
    threshold = X.abs().flatten().kthvalue(max(floor(quantile * X.numel()), 1)).values
    return X.clamp_(-threshold, threshold)


STEPS: dict[str, Callable[[Tensor, float | None], Tensor]] = {
    "l2": _unit_rows,
    "center": _centered_columns,
    "clamp": _clamped,
    "clamp-exact": _clamped_exactly,
}
