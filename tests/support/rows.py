"""Rows for tests that need a catalogue but no real networks or pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, text

from backend.db.repositories import datasets, embeddings, jobs, matrices, matrix_rows, models
from backend.db.repositories.jobs import NewJob
from backend.db.repositories.matrix_rows import NewRow
from backend.domain.identity import EXTRACTOR_VERSION, dataset_hash, key_of
from backend.domain.metrics import parse_metric


def add_dataset(
    connection: Connection, name: str, n: int = 6, version: int = 1, domain: str = "structured", groups: int = 2
) -> int:
    """A dataset of n stimuli, three labels, two groups unless another number is given; answers its id."""
    stimuli = [
        {
            "stimulus_id": f"s{i}", "file": f"stimuli/{i}.png", "label": str(i % 3), "group": f"g{i % groups}",
            "sha256": key_of([name, version, i]),
        }
        for i in range(n)
    ]  # fmt: skip
    values = {
        "name": name, "version": version, "title": name.title(), "archive_sha256": key_of(["archive", name, version]),
        "dataset_hash": dataset_hash((s["stimulus_id"], s["sha256"], s["label"], s["group"]) for s in stimuli),  # type: ignore[misc]
        "n_stimuli": n, "domain": domain, "licence": "CC0", "description": "", "source": "",
    }  # fmt: skip
    return datasets.add(connection, values, stimuli)


def add_model(connection: Connection, name: str, objective: str = "supervised", **changes: Any) -> int:
    """A model that nobody will load; answers its id."""
    values = {
        "name": name, "source": "timm", "timm_name": "test_vit", "revision": "made",
        "config": {"source": "timm", "timm_name": "test_vit", "pretrained": False, "seed": 0},
        "weights_sha256": key_of(["weights", name]), "node": "pre_logits", "pooling": "token",
        "preprocessing": {
            "input_size": [3, 32, 32], "mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "crop_pct": 1.0,
            "crop_mode": "center",
        },
        "objective": objective, "architecture": "transformer", "training_data": "other", "size": "small",
        "n_parameters": 1000, "embedding_dim": 8, "tags": ["made"], "description": "",
    }  # fmt: skip
    return models.add(connection, values | changes)[0]


def new_job(kind: str = "extract", key: Any = 0, **changes: Any) -> NewJob:
    """A job to be queued; equal `key` means the same work."""
    values: dict[str, Any] = {"kind": kind, "spec": {"key": key}, "title": f"{kind} {key}", "max_attempts": 3}
    return NewJob(**values | changes)


def add_embedding(connection: Connection, model_id: int, dataset_id: int, **changes: Any) -> int:
    """An embedding whose file does not exist; answers its id."""
    job = jobs.enqueue(connection, [new_job("extract", ["embedding", model_id, dataset_id, sorted(changes)])])[0]
    dataset = datasets.get_by_id(connection, dataset_id)
    assert dataset is not None
    values = {
        "key": key_of([model_id, dataset_id, sorted(changes)]), "model_id": model_id, "dataset_id": dataset_id,
        "dataset_hash": dataset["dataset_hash"], "file_sha256": key_of(["file", model_id, dataset_id]),
        "n": dataset["n_stimuli"], "d": 8, "dtype": "float32", "batch_size": 64,
        "extractor_version": EXTRACTOR_VERSION, "device_class": "cpu", "library_versions": "none", "job_id": job,
    }  # fmt: skip
    return embeddings.add(connection, values | changes)


def similarities(n: int, seed: int) -> np.ndarray:
    """A symmetric matrix of float64 numbers that float32 holds exactly, 1 on the diagonal."""
    rng = np.random.default_rng(seed)
    drawn = rng.uniform(-0.1, 1, (n, n)).astype(np.float32).astype(np.float64)
    square = np.tril(drawn, -1)
    square += square.T
    np.fill_diagonal(square, 1.0)
    return square


def add_matrix(
    connection: Connection, dataset_id: int, model_ids: Sequence[int], metric: str, values: np.ndarray,
    beside: Mapping[str, np.ndarray] | None = None, recipe: Mapping[str, Any] | None = None,
) -> int:
    """A matrix with these similarities (models x models), and with these quantities beside them; answers its id."""
    parsed, dataset = parse_metric(metric), datasets.get_by_id(connection, dataset_id)
    assert dataset is not None
    matrix_id = matrices.ensure(
        connection, dataset_id=dataset_id, dataset_hash=dataset["dataset_hash"], metric=parsed.id,
        metric_version=parsed.version, preprocess="l2",
    )  # fmt: skip
    job = jobs.enqueue(connection, [new_job("compare", ["matrix", matrix_id])])[0]
    squares = {"value": values, **(beside or {})}
    rows = [
        NewRow(
            _embedding_of(connection, model, dataset_id), model, {name: s[i, : i + 1] for name, s in squares.items()}
        )
        for i, model in enumerate(model_ids)
    ]
    assert matrix_rows.append(
        connection, matrix_id=matrix_id, dataset_hash=dataset["dataset_hash"], first_ord=0, rows=rows, gaps=[],
        job_id=job, recipe=recipe,
    )  # fmt: skip
    return matrix_id


def _embedding_of(connection: Connection, model_id: int, dataset_id: int) -> int:
    found = connection.execute(
        text("SELECT id FROM embeddings WHERE model_id = :model AND dataset_id = :dataset"),
        {"model": model_id, "dataset": dataset_id},
    ).scalar()
    return add_embedding(connection, model_id, dataset_id) if found is None else int(found)
