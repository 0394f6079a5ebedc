"""Embeddings for the tests: models that share what they see, alone or with massive activations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backend.domain.metrics import Metric, parse_preprocess
from workers.similarity.embeddings import EmbeddingSource
from workers.similarity.engine import ComparisonRows, compare

Array = NDArray[np.float32]


def related(n: int, widths: Sequence[int], seed: int = 0, signal: float = 1.0) -> list[Array]:
    """One (n, d) float32 embedding per width: a common latent of 8 dimensions, mixed, with noise of its own."""
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=(n, 8))
    return [
        (signal * latent @ rng.normal(size=(8, d)) / np.sqrt(8) + rng.normal(size=(n, d))).astype(np.float32)
        for d in widths
    ]


def with_massive_activations(X: Array, seed: int = 0) -> Array:
    """The same embedding with three features at +-300 plus a little, as in transformers without registers."""
    rng = np.random.default_rng(seed)
    X = X.copy()
    X[:, :3] = np.array([300.0, -300.0, 300.0]) + rng.normal(size=(len(X), 3))
    return X


def sources(embeddings: Sequence[NDArray]) -> list[EmbeddingSource]:
    return [EmbeddingSource.from_array(f"model-{i}", X) for i, X in enumerate(embeddings)]


def compared(
    embeddings: Sequence[NDArray],
    metric: Metric,
    preprocess: str = "none",
    new: int | None = None,
    memory_mib: int = 512,
) -> ComparisonRows:
    """All embeddings against all, or the last `new` against all."""
    return compare(
        sources(embeddings),
        metric,
        parse_preprocess(preprocess),
        new=len(embeddings) if new is None else new,
        memory_mib=memory_mib,
    )


def pair(metric: Metric, X: NDArray, Y: NDArray, preprocess: str = "none") -> float:
    """The engine's value for two embeddings; fails if either is excluded."""
    found = compared([X, Y], metric, preprocess)
    assert not found.excluded, found.excluded
    return float(found.rows[1].values[0])


def table(found: ComparisonRows) -> dict[tuple[int, int], float]:
    """(later model, earlier model) -> value."""
    return {
        (row.index, int(other)): float(value)
        for row in found.rows
        for other, value in zip(row.against, row.values, strict=True)
    }
