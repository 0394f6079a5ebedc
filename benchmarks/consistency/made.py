"""Similarities of the published sizes, made from positions that datasets move; the published models' attributes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backend.domain.attributes import MODEL_ATTRIBUTES
from backend.domain.published import published_models

Float32 = NDArray[np.float32]


def attributes() -> dict[str, list[str]]:
    """Attribute -> its published value for each of the 64 models: 29 model-set pairs in all."""
    models = published_models().values()
    return {name: [getattr(model, name) for model in models] for name in MODEL_ATTRIBUTES}


def matrices(n_datasets: int, n_models: int, seed: int = 0) -> Float32:
    """(D, M, M) float32, symmetric, 1 on the diagonal: cosines of positions in 16 dimensions."""
    rng = np.random.default_rng(seed)
    positions = rng.normal(size=(n_models, 16)).astype(np.float32)
    stack = np.empty((n_datasets, n_models, n_models), dtype=np.float32)
    for square in stack:
        seen = positions * rng.uniform(0.2, 1.8, 16).astype(np.float32)
        seen += rng.normal(size=seen.shape).astype(np.float32)
        seen /= np.linalg.norm(seen, axis=1, keepdims=True)
        square[:] = (seen @ seen.T + (seen @ seen.T).T) / 2
        np.fill_diagonal(square, 1.0)
    return stack


def packed(stack: Float32) -> Float32:
    """Lower triangles with the diagonal, as they are stored: (D, M (M + 1) / 2)."""
    rows, columns = np.tril_indices(stack.shape[1])
    return np.ascontiguousarray(stack[:, rows, columns])
