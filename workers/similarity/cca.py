"""Canonical correlations: SVCCA, their mean, and projection-weighted CCA.

With orthonormal bases U_x (n, r) and U_y (n, r') of the spaces that two models' centred features span, the canonical
correlations rho_1 >= rho_2 >= ... are the singular values of U_x^T U_y (Bjoerck and Golub 1973), min(r, r') of them.

    cca.mean    mean of rho
    svcca:q     mean of rho, for the q leading left singular vectors of the standardised features
    pwcca       sum alpha_i rho_i / sum alpha_i,  alpha_i = sum_j |<h_i, x_j>|

where h_i is the i-th canonical variate of the first model and x_j the j-th column of its centred features (Morcos et
al. 2018). Where canonical correlations coincide, the variates that belong to them are not unique, nor is then `pwcca`
to all digits, unless all coincide; so it is when two models have more directions together than there are stimuli.

The rank of a model is the number of singular values above 1e-7 of the largest: below that lies what storing features
as float32 leaves of directions that are not there.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workers.similarity.aligned import Aligned, AlignedMeasure, centred, narrow
from workers.similarity.resampling import Resampling

_NEGLIGIBLE = 1e-7  # of the largest singular value
_CONSTANT = 1e-12  # of a column's length before it was centred
_PERFECT = 1 - 1e-12


class CanonicalCorrelation(AlignedMeasure):
    """`cca.mean`. The basis of a model is that of all its directions."""

    def prepare(self, X: Tensor, resampling: Resampling) -> Aligned:
        """Cost O(n d min(n, d))."""
        return self._prepared(X, keep=resampling.uncertainty)

    def without(self, model: Aligned, kept: NDArray[np.int64]) -> Aligned:
        """Made anew from the rows that are left: the space that they span is another."""
        assert model.rows is not None, "kept by prepare where intervals are wanted"
        return self._prepared(model.rows[torch.from_numpy(kept).to(model.rows.device)], keep=False)

    def _prepared(self, X: Tensor, keep: bool) -> Aligned:
        rows = X.clone() if keep else None
        return Aligned.of(self.directions(centred(X)), rows=rows)

    def directions(self, X: Tensor) -> Tensor:
        """Orthonormal basis (n, rank) of what the columns of the centred `X` (n, d) span."""
        return _leading(X, None)

    def from_products(self, products: Tensor, left: Aligned) -> Tensor:
        return _bounded(torch.linalg.svdvals(products).sum(dim=-1) / min(products.shape[-2:]))

    def resident_bytes(self, n: int, d: int) -> int:
        return super().resident_bytes(n, d) + 8 * n * d  # the rows, where intervals are wanted


class Svcca(CanonicalCorrelation):
    """`svcca:q`. A model of a rank below q has as many directions as its rank; features that do not vary are left
    out."""

    def directions(self, X: Tensor) -> Tensor:
        return _leading(X, int(self.metric.parameters["q"]))

    def _prepared(self, X: Tensor, keep: bool) -> Aligned:
        rows = X.clone() if keep else None
        before = torch.linalg.vector_norm(X, dim=0)
        lengths = torch.linalg.vector_norm(centred(X), dim=0)
        varying = lengths > _CONSTANT * before
        return Aligned.of(self.directions(X[:, varying] / lengths[varying]), rows=rows)


class ProjectionWeighted(CanonicalCorrelation):
    """`pwcca`. Besides its basis U a model has U^T X, from which the weights of any variates follow."""

    def _prepared(self, X: Tensor, keep: bool) -> Aligned:
        rows = X.clone() if keep else None
        basis = self.directions(centred(X))
        return Aligned.of(basis, basis.T @ X, rows)

    def from_products(self, products: Tensor, left: Aligned) -> Tensor:
        assert left.weights is not None, "set by prepare"
        variates, rho, _ = torch.linalg.svd(products, full_matrices=False)
        alpha = (variates.mT @ left.weights).abs().sum(dim=-1)
        return _bounded((alpha * rho).sum(dim=-1) / alpha.sum(dim=-1))

    def resident_bytes(self, n: int, d: int) -> int:
        return super().resident_bytes(n, d) + 2 * 8 * min(n, d) * d

    def scratch_bytes(self, n: int, d: int) -> int:
        return super().scratch_bytes(n, d) + 8 * min(n, d) * d


def _leading(X: Tensor, most: int | None) -> Tensor:
    """The left singular vectors of `X` (n, d) above the rank rule, `most` at most: (n, r)."""
    vectors, values, _ = torch.linalg.svd(narrow(X), full_matrices=False)
    rank = int((values > _NEGLIGIBLE * values[0]).sum())
    leading: Tensor = vectors[:, : rank if most is None else min(rank, most)]
    return leading


def _bounded(means: Tensor) -> Tensor:
    """From 0 to 1, and 1 exactly where rounding alone is missing: where all relabellings agree perfectly, as they do
    of models with as many directions as there are stimuli, the null must not seem to vary."""
    return torch.where(means > _PERFECT, 1.0, means.clamp(min=0))
