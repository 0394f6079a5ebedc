"""The array store: content-addressed files (embeddings, dataset archives, checkpoints).

A file's name is the SHA-256 of its bytes, so a file never changes and writing it twice is harmless. Rows in Postgres
name files; a file without a row is garbage that `sweep` removes, and a row is committed only after its file is durable.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class ArrayStore(Protocol):
    """What every store can do. All methods may be called from several processes at once."""

    def put(self, chunks: Iterable[bytes], max_bytes: int | None = None) -> tuple[str, int]:
        """Stores bytes durably; answers (SHA-256, size in bytes). StorageFull, or TooLarge beyond `max_bytes`."""
        ...

    def path(self, sha256: str) -> Path:
        """A readable file with these bytes, verified to hash to its name. StoredFileDamaged otherwise."""
        ...


def put_array(store: ArrayStore, array: NDArray[Any]) -> str:
    """Stores an array as .npy (version 1.0, C order, little-endian): whole numbers as int32, others as float32. Equal
    arrays give equal files."""
    buffer = io.BytesIO()
    kind = "<i4" if np.issubdtype(array.dtype, np.integer) else "<f4"
    np.lib.format.write_array(buffer, np.ascontiguousarray(array, dtype=kind), version=(1, 0), allow_pickle=False)
    return store.put([buffer.getvalue()])[0]


def load_array(store: ArrayStore, sha256: str, mmap: bool = False) -> NDArray[Any]:
    """An array that `put_array` stored. With `mmap` it is mapped read-only instead of read."""
    mode: Any = "r" if mmap else None
    array: NDArray[Any] = np.load(store.path(sha256), mmap_mode=mode, allow_pickle=False)
    return array
