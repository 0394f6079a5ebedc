"""Rows of a file that a metric cannot use. The engine would leave the model out; where somebody can correct the file,
such a row is an error that names it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from backend.domain.metrics import Metric, Preprocess
from workers.pipelines.embedding_errors import ConstantRow, ZeroRow
from workers.pipelines.embedding_files import Array, EmbeddingFile
from workers.similarity import preprocess as preprocessing
from workers.similarity.errors import UndefinedRow

_LEAVE_OUT = "Leave the stimulus out of every file, or"


def row_check(file: EmbeddingFile, metric: Metric, preprocess: Preprocess) -> Callable[[Array], None]:
    """What refuses rows (n, d) of `file`: ZeroRow where preprocessing scales rows to unit length or the metric takes
    their angles, ConstantRow where it correlates them. Cost O(n d), with one copy of the rows in float64."""
    angles, correlates = (metric.spec.family.startswith(f"rsa.{of}.") for of in ("cosine", "correlation"))

    def check(rows: Array) -> None:
        if not (angles or correlates or any(step.name == "l2" for step in preprocess.steps)):
            return
        if not np.isfinite(rows).all():
            return  # the engine names such rows, for every metric
        try:
            X = preprocessing.apply(preprocess, torch.from_numpy(np.array(rows, dtype=np.float64)))
        except UndefinedRow as undefined:
            raise ZeroRow(
                f"{words(rows, undefined.row, 'is zero')}, so that it cannot be scaled to unit length.",
                hint=f"{_LEAVE_OUT} give --preprocess without l2.",
            ) from None
        lengths = torch.linalg.vector_norm(X, dim=1)
        if angles and bool((zero := lengths == 0).any()):
            raise ZeroRow(
                f"{words(rows, int(zero.nonzero()[0, 0]), 'is zero')}, so that its angle to other rows does not exist.",
                hint=f"{_LEAVE_OUT} choose another metric.",
            )
        if correlates and bool((same := X.std(dim=1, correction=0) * X.shape[1] ** 0.5 <= 1e-12 * lengths).any()):
            raise ConstantRow(
                f"{words(rows, int(same.nonzero()[0, 0]), 'has the same value in every feature')}, so that its "
                "correlation with other rows does not exist.",
                hint=f"{_LEAVE_OUT} choose another metric.",
            )

    def words(rows: Array, row: int, what: str) -> str:
        """The row and what is wrong with it, which may be so in the file or only after preprocessing."""
        so = not rows[row].any() if what == "is zero" else bool((rows[row] == rows[row][0]).all())
        return f"{file.row(row)} {what}" + ("" if so else f" after preprocessing {preprocess.id}")

    return check
