"""SQL about matrices on fewer stimuli. The latest job's numbers count; those of before stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql import insert

from backend.db.repositories.jobs import NewJob
from backend.db.tables import subsampled_matrices
from backend.domain.metrics import DEFAULT_PREPROCESS


@dataclass(frozen=True)
class Subsample:
    """One part: `values` (models, models) float32 in the order of `embedding_ids`, symmetric, NaN where undefined."""

    divisor: int
    seed: int
    n: int
    embedding_ids: list[int]
    values: NDArray[np.float32]


def subsampling(
    dataset_id: int, dataset: str, metric: str, preprocess: str, *, max_attempts: int, owner: str,
    idempotency_key: str | None = None, request_hash: str | None = None,
) -> NewJob:
    """A job that computes a matrix on parts of its stimuli."""
    after = "" if preprocess == DEFAULT_PREPROCESS.id else f" after {preprocess}"
    return NewJob(
        kind="subsample", spec={"dataset_id": dataset_id, "metric": metric, "preprocess": preprocess},
        title=f"Compare all models on fewer stimuli of {dataset} by {metric}{after}", max_attempts=max_attempts,
        owner=owner, dataset_id=dataset_id, metric=metric, idempotency_key=idempotency_key, request_hash=request_hash,
    )


def add(connection: Connection, matrix_id: int, parts: Sequence[Subsample], job_id: int) -> None:
    """Adds parts as a job found them; a repeated one of the same job stays as it is."""
    rows = [
        {
            "matrix_id": matrix_id, "divisor": part.divisor, "seed": part.seed, "n": part.n, "job_id": job_id,
            "embedding_ids": part.embedding_ids,
            "vals": part.values[np.tril_indices(len(part.embedding_ids))].astype("<f4").tobytes(),
        }
        for part in parts
    ]
    if rows:
        connection.execute(insert(subsampled_matrices).on_conflict_do_nothing(), rows)


def latest(connection: Connection, matrix_id: int) -> list[Subsample]:
    """The newest of every part, by number of stimuli, then seed."""
    rows = connection.execute(
        text("""
            SELECT * FROM (
                SELECT DISTINCT ON (divisor, seed) divisor, seed, n, embedding_ids, vals FROM subsampled_matrices
                WHERE matrix_id = :matrix ORDER BY divisor, seed, job_id DESC) newest
            ORDER BY divisor DESC, seed
        """),
        {"matrix": matrix_id},
    )
    return [
        Subsample(row.divisor, row.seed, row.n, list(row.embedding_ids), _square(row.vals, len(row.embedding_ids)))
        for row in rows
    ]


def models_of(connection: Connection, embedding_ids: Sequence[int]) -> dict[int, str]:
    """Embedding -> name of its model."""
    rows = connection.execute(
        text("SELECT e.id, m.name FROM embeddings e JOIN models m ON m.id = e.model_id WHERE e.id = ANY(:ids)"),
        {"ids": list(embedding_ids)},
    )
    return {row.id: row.name for row in rows}


def unfinished(connection: Connection, dataset_id: int, metric: str, preprocess: str) -> list[int]:
    """Jobs that are about to compute parts of a matrix."""
    return list(connection.execute(
        text("""
            SELECT id FROM jobs WHERE kind = 'subsample' AND state IN ('queued', 'running')
              AND dataset_id = :dataset AND metric = :metric AND spec ->> 'preprocess' = :preprocess ORDER BY id
        """),
        {"dataset": dataset_id, "metric": metric, "preprocess": preprocess},
    ).scalars())


def _square(vals: bytes, count: int) -> NDArray[np.float32]:
    square = np.zeros((count, count), dtype=np.float32)
    square[np.tril_indices(count)] = np.frombuffer(vals, dtype="<f4")
    return np.asarray(np.tril(square) + np.tril(square, -1).T, dtype=np.float32)
