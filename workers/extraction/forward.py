"""Forward passes by a fixed batch plan, so that the same job gives the same bits whenever and however often it runs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from backend.domain.errors import JobFailed
from workers.extraction.geometry import normalise
from workers.extraction.models import Encoder


class OutOfDeviceMemory(Exception):
    """A batch does not fit the device: the whole job goes one rung down the ladder of batch sizes."""


def embed_rows(
    encoder: Encoder, pixels: NDArray[np.uint8], *, first: int, last: int, batch_size: int, device: str,
    progress: Callable[[int], None],
) -> NDArray[np.float32]:
    """Embeddings of rows first..last-1 of a pool: float32 (last - first, d).

    Batches start at multiples of `batch_size` and a short last batch is filled up with its last row, so that a row's
    bits do not depend on how many rows come after it or on where an interrupted job went on.
    """
    parts = []
    for start in range(first, last, batch_size):
        stop = min(start + batch_size, last)
        batch = torch.from_numpy(np.array(pixels[start:stop]))
        if stop - start < batch_size:
            filling = batch[-1:].expand(batch_size - (stop - start), *batch.shape[1:])
            batch = torch.cat([batch, filling])
        try:
            embedded = encoder.embed(normalise(batch, encoder.preprocessing, device))[: stop - start].cpu().numpy()
        except RuntimeError as error:
            # torch.OutOfMemoryError is one; on the CPU it is a plain RuntimeError of the allocator.
            if isinstance(error, torch.OutOfMemoryError) or "DefaultCPUAllocator" in str(error):
                raise OutOfDeviceMemory from error
            raise
        _refuse_non_finite(embedded, start)
        parts.append(embedded)
        progress(stop)
    return np.concatenate(parts)


def refuse_constant(embeddings: NDArray[np.float32]) -> None:
    """JobFailed if all rows are equal (nothing can be compared) or a row is zero everywhere (it has no direction)."""
    if bool((embeddings == embeddings[0]).all()):
        raise JobFailed(
            "embed", "The model gives the same embedding for every stimulus (rows 0 to "
            f"{len(embeddings) - 1} are equal).", "Its weights may be broken: compare its outputs outside Parallax.",
        )
    zero = np.flatnonzero(~embeddings.any(axis=1))
    if len(zero):
        raise JobFailed(
            "embed", f"The embedding of row {zero[0]} is zero everywhere ({len(zero)} such rows).",
            "A zero vector has no direction and cannot be brought to unit length.",
        )


def _refuse_non_finite(embedded: NDArray[np.float32], first_row: int) -> None:
    bad = np.flatnonzero(~np.isfinite(embedded).all(axis=1))
    if len(bad):
        raise JobFailed(
            "embed", f"The embedding of row {first_row + int(bad[0])} has values that are not finite.",
            "The model overflows on this input in float32; no similarity would mean anything.",
        )
