"""Similarity matrices in files for tests, as `parallax compare` and other people write them."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np


def matrices(n_datasets: int, n_models: int, seed: int = 0) -> np.ndarray:
    """Symmetric similarities (D, M, M) of models that lie somewhere, a little elsewhere on every dataset; 1 on the
    diagonal."""
    rng = np.random.default_rng(seed)
    places = rng.normal(size=(n_models, 5))
    made = np.empty((n_datasets, n_models, n_models))
    for square in made:
        moved = places + 0.8 * rng.normal(size=places.shape)
        square[:] = np.exp(-((moved[:, None] - moved[None]) ** 2).sum(-1) / 8)
    return made


def names(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{i:02d}" for i in range(count)]


def write_stack(path: Path, values: np.ndarray, **more: object) -> Path:
    """One file with all datasets d00, d01, ... and models m00, m01, ...; `more` adds arrays or replaces them."""
    arrays = {
        "values": values, "models": np.array(names("m", values.shape[-1])),
        "datasets": np.array(names("d", len(values))), **more,
    }
    np.savez(path, **{key: array for key, array in arrays.items() if array is not None})  # type: ignore[arg-type]
    return path


def write_compared(path: Path, models: Sequence[str], by_metric: Mapping[str, np.ndarray], **more: object) -> Path:
    """One dataset, in the form of an output of `parallax compare`."""
    arrays: dict[str, object] = {"names": np.array(list(models)), **more}
    for metric, values in by_metric.items():
        arrays[f"{metric}/values"] = values
        arrays.setdefault(f"{metric}/computed", np.isfinite(values))
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def write_attributes(path: Path, columns: Mapping[str, Sequence[str]], models: Sequence[str] | None = None) -> Path:
    """A CSV with a column `model` and others."""
    with path.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["model", *columns])
        count = len(next(iter(columns.values())))
        lines.writerows(zip(models or names("m", count), *columns.values(), strict=True))
    return path


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
