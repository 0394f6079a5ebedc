"""The models that are measured: synthetic, alike by what they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from backend.domain.metrics import DEFAULT_PREPROCESS, Metric, Preprocess
from workers.similarity.embeddings import EmbeddingSource
from workers.similarity.engine import ComparisonRows, compare
from workers.similarity.measure import PreparedCache

Array = NDArray[np.float32]
WIDTHS = (384, 512, 768, 1024)  # of the features, taken in turn: 672 in the mean
MEMORY_MIB = 6144


def related(count: int, n: int, widths: Sequence[int] = WIDTHS) -> list[Array]:
    """Models that share a latent of 64 dimensions; ReLU features, rows of unit length, float32."""
    rng = np.random.default_rng(0)
    latent = rng.normal(size=(n, 64)).astype(np.float32)
    made = []
    for i in range(count):
        d = widths[i % len(widths)]
        mixing = rng.normal(size=(64, d)).astype(np.float32) / 8
        X = np.maximum(latent @ mixing + rng.normal(size=(n, d)).astype(np.float32), 0)
        made.append(X / np.linalg.norm(X, axis=1, keepdims=True))
    return made


def massive(count: int, n: int) -> list[Array]:
    """The same features, not normalised, with three at +-300 plus noise, as in transformers without registers."""
    rng = np.random.default_rng(1)
    made = []
    for X in related(count, n):
        X = X * np.float32(8)
        X[:, :3] = np.array([300, -300, 300]) + rng.normal(size=(n, 3))
        made.append(X)
    return made


def engine(
    metric: Metric,
    models: Sequence[Array],
    *,
    new: int | None = None,
    preprocess: Preprocess = DEFAULT_PREPROCESS,
    memory_mib: int = MEMORY_MIB,
    calibrate: bool = False,
    uncertainty: bool = False,
    cache: PreparedCache | None = None,
    contents: Sequence[str] | None = None,
) -> ComparisonRows:
    """The engine's answer, from arrays in memory: loading, checking and preprocessing included. `contents` names what
    each holds, for the cache."""
    sources = [EmbeddingSource.from_array(f"model-{i}", X) for i, X in enumerate(models)]
    if contents is not None:
        sources = [replace(source, content=content) for source, content in zip(sources, contents, strict=True)]
    return compare(
        sources, metric, preprocess, new=len(models) if new is None else new, memory_mib=memory_mib,
        calibrate=calibrate, uncertainty=uncertainty, cache=cache,
    )
