"""Identity keys: hashes over everything that changes a result's numbers.

All are SHA-256 in lower-case hexadecimal over canonical JSON (sorted keys, no blanks, UTF-8).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

EXTRACTOR_VERSION = 1  # raised whenever embeddings of the same inputs change


def canonical_json(value: Any) -> bytes:
    """One byte string for one value: sorted keys, no blanks, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def sha256_hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def key_of(value: Any) -> str:
    """The identity key of a JSON-like value."""
    return sha256_hex(canonical_json(value))


def dataset_hash(stimuli: Iterable[tuple[str, str, str | None, str | None]]) -> str:
    """Hash of an ordered manifest of (stimulus id, sha256 of its file, label, group): any change is another dataset."""
    return key_of([list(stimulus) for stimulus in stimuli])


def embedding_key(
    *, dataset: str, model: Mapping[str, Any], preprocessing: Mapping[str, Any], batch_size: int, dtype: str,
    extractor_version: int, device_class: str, threads: int, libraries: str,
) -> str:
    """Key of an embedding: everything that changes its bits. Dataset hash; model identity (timm name, revision, weights
    hash, node, pooling); preprocessing; batch plan; dtype; version of the extractor; class of the device; arithmetic
    threads; versions of the libraries."""
    return key_of(
        {
            "dataset": dataset,
            "model": dict(model),
            "preprocessing": dict(preprocessing),
            "batch_size": batch_size,
            "dtype": dtype,
            "extractor_version": extractor_version,
            "device_class": device_class,
            "threads": threads,
            "libraries": libraries,
        }
    )


def order_hash(names: Iterable[str]) -> str:
    """Hash of an order of models, short enough for a header (16 hexadecimal digits)."""
    return key_of(list(names))[:16]
