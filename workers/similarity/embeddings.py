"""Embeddings as the engine takes them: announced by shape, loaded when needed, checked before any computing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.similarity.errors import (
    ConstantEmbedding,
    MismatchedStimuli,
    NonFiniteEmbedding,
    NotFloatRows,
    TooFewStimuli,
)


@dataclass(frozen=True)
class EmbeddingSource:
    """One model's embedding: `n` stimuli (rows) by `d` features, and how to get it.

    `load` returns a floating-point array of shape (n, d), float32 as stored; it may be called more than once
    and is never written to. `name` appears in messages. `content` names the array's bytes, for instance by their
    hash, where prepared forms of it may be kept from call to call.
    """

    name: str
    n: int
    d: int
    load: Callable[[], NDArray[Any]]
    content: str = ""

    @classmethod
    def from_array(cls, name: str, array: NDArray[Any]) -> EmbeddingSource:
        """A source for an array that is already in memory."""
        if array.ndim != 2:
            raise NotFloatRows(
                f"The embedding of {name} has shape {array.shape}.",
                hint="Give one row of features per stimulus.",
            )
        return cls(name, array.shape[0], array.shape[1], lambda: array)


def check_shapes(sources: Sequence[EmbeddingSource], minimum_n: int, metric: str) -> None:
    """Refuse embeddings of different n (MismatchedStimuli) or of fewer rows than `minimum_n` (TooFewStimuli)."""
    for source in sources:
        first = sources[0]
        if source.n != first.n:
            raise MismatchedStimuli(
                f"{first.name} has shape {(first.n, first.d)} and {source.name} has shape "
                f"{(source.n, source.d)}: the numbers of stimuli differ.",
                hint="Compare embeddings of the same stimuli in the same order.",
            )
        if source.n < minimum_n:
            raise TooFewStimuli(
                f"{source.name} has {source.n} stimuli; {metric} needs at least {minimum_n}.",
                hint=f"Use a dataset of at least {minimum_n} stimuli.",
            )


def load_checked(source: EmbeddingSource) -> NDArray[np.float64]:
    """The rows as a new float64 array (n, d), after the refusals that hold for every metric. Cost O(n d)."""
    array = np.asarray(source.load())
    if array.shape != (source.n, source.d) or not np.issubdtype(array.dtype, np.floating) or source.d == 0:
        raise NotFloatRows(
            f"The embedding of {source.name} is {array.dtype} of shape {array.shape}; "
            f"floating point of shape {(source.n, source.d)} was announced.",
            hint="Store features as float32, one row per stimulus.",
        )
    finite = np.isfinite(array).all(axis=1)
    if not finite.all():
        row = int(np.argmin(finite))
        raise NonFiniteEmbedding(
            f"Row {row} (counted from 0) of the embedding of {source.name} holds NaN or infinity; "
            f"{int((~finite).sum())} of {source.n} rows do.",
            hint="Extract it again; half precision often overflows.",
        )
    if all((row == array[0]).all() for row in array):  # ends at the first row that differs
        raise ConstantEmbedding(
            f"All {source.n} rows of the embedding of {source.name} are the same.",
            hint="Check the weights and the node at which the model is read.",
        )
    return np.array(array, dtype=np.float64)
