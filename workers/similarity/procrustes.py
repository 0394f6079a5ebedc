"""Procrustes analysis: how well one centred feature matrix can be rotated onto another.

    procrustes.similarity = |X^T Y|_* / (|X|_F |Y|_F)
    procrustes.angular = arccos of it, in radians

with columns centred and |.|_* the nuclear norm (Williams et al. 2021): the largest trace that <X Q, Y> can have for
an orthogonal Q. Sizes that differ need no padding here. Angles below about 1e-7 between models that are not the same
bit by bit are rounding.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.domain.metrics import Metric
from workers.similarity.aligned import Aligned, AlignedMeasure, centred, narrow
from workers.similarity.resampling import Resampling


class Procrustes(AlignedMeasure):
    """Both measures. The basis of a model is its centred rows in as few coordinates as hold them, of norm 1."""

    def __init__(self, metric: Metric) -> None:
        super().__init__(metric)
        self._angular = metric.spec.direction == "distance"

    def prepare(self, X: Tensor, resampling: Resampling) -> Aligned:
        """Cost O(n d), O(n^2 d) for more features than stimuli."""
        return Aligned.of(_normalised(narrow(centred(X))))

    def without(self, model: Aligned, kept: NDArray[np.int64]) -> Aligned:
        """The rows that are left, centred and scaled anew."""
        return Aligned.of(_normalised(centred(model.basis[torch.from_numpy(kept).to(model.basis.device)])))

    def from_products(self, products: Tensor, left: Aligned) -> Tensor:
        cosine: Tensor = torch.linalg.svdvals(products).sum(dim=-1).clamp(0, 1)
        return cosine.arccos() if self._angular else cosine


def _normalised(X: Tensor) -> Tensor:
    scaled: Tensor = X / torch.linalg.matrix_norm(X)
    return scaled
