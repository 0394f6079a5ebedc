"""Files of embeddings for tests, in every format that is read, and the command line over them."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import save_file

from parallax.cli import main

SUFFIXES = (".safetensors", ".npy", ".npz", ".parquet")


def features(models: int, n: int = 24, d: int = 7, seed: int = 0) -> list[np.ndarray]:
    """Related embeddings of the same stimuli (n, d + i), float32."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n, 4))
    return [
        (shared @ rng.normal(size=(4, d + i)) + 0.5 * (i + 1) * rng.normal(size=(n, d + i))).astype(np.float32)
        for i in range(models)
    ]


def ids(n: int) -> list[str]:
    return [f"picture-{i}.png" for i in range(n)]


def write(path: Path, rows: np.ndarray, sample_ids: Sequence[str] | None = None) -> Path:
    """The rows in the format that the path's suffix names; npy and npz cannot hold ids."""
    if path.suffix == ".safetensors":
        metadata = None if sample_ids is None else {"sample_ids": json.dumps(list(sample_ids))}
        save_file({"features": np.ascontiguousarray(rows)}, path, metadata=metadata)
    elif path.suffix == ".npy":
        np.save(path, rows)
    elif path.suffix == ".npz":
        np.savez(path, rows)
    else:
        flat = pa.array(np.ascontiguousarray(rows).ravel())
        columns = {
            "sample_id": list(sample_ids or ids(len(rows))), "x": pa.FixedSizeListArray.from_arrays(flat, rows.shape[1])
        }
        pq.write_table(pa.table(columns), path)
    return path


def folder_of(path: Path, models: int = 3, n: int = 24, suffix: str = ".npy") -> Path:
    """A folder of related embeddings m0, m1, ..."""
    path.mkdir()
    for i, rows in enumerate(features(models, n)):
        write(path / f"m{i}{suffix}", rows)
    return path


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said."""

    status: int
    out: str
    err: str


class CommandLine:
    """The command in this process, from its arguments to its exit status."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *arguments: object) -> Ended:
        self._monkeypatch.setattr(sys, "argv", ["parallax", *map(str, arguments)])
        try:
            main.run()
            status = 0
        except SystemExit as ended:
            status = int(ended.code or 0)
        said = self._capsys.readouterr()
        return Ended(status, said.out, said.err)
