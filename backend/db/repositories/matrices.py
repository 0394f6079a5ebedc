"""SQL about matrices: rows are appended, never changed. The layout is described in `backend.db.tables.similarities`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, RowMapping, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from backend.db.tables import matrices, matrix_embeddings, similarity_gaps, similarity_rows


@dataclass(frozen=True)
class Member:
    """An embedding in a matrix: its row is `ord`."""

    ord: int
    embedding_id: int
    file_sha256: str
    n: int
    d: int
    name: str


@dataclass(frozen=True)
class NewRow:
    """A row to append: similarities to all members before it and to itself, float64 of shape (ord + 1,)."""

    embedding_id: int
    model_id: int
    values: NDArray[np.float64]


@dataclass(frozen=True)
class StoredMatrix:
    """A matrix as stored: members in row order, the packed lower triangle with diagonal, gaps, revision."""

    id: int
    dataset: str
    dataset_version: int
    metric: str
    metric_version: int
    preprocess: str
    n: int
    names: list[str]
    packed: bytes
    gaps: list[tuple[str, str]]
    updated_at: datetime

    def square(self) -> tuple[list[str], NDArray[np.float32]]:
        """Names and the full square (float32), one row per model: where a model was embedded again, the newest row."""
        m = len(self.names)
        square = np.empty((m, m), dtype=np.float32)
        lower = np.tril_indices(m)
        values = np.frombuffer(self.packed, dtype="<f4")
        square[lower] = values
        square.T[lower] = values
        newest = {name: row for row, name in enumerate(self.names)}
        if len(newest) == m:
            return self.names, square
        kept = sorted(newest.values())
        return [self.names[row] for row in kept], square[np.ix_(kept, kept)]


def ensure(
    connection: Connection, *, dataset_id: int, dataset_hash: str, metric: str, metric_version: int, preprocess: str
) -> int:
    """The id of a matrix, which is made empty if it was not there."""
    identity = {
        "dataset_id": dataset_id, "metric": metric, "metric_version": metric_version, "preprocess": preprocess,
    }
    connection.execute(
        upsert(matrices).values({**identity, "dataset_hash": dataset_hash}).on_conflict_do_nothing()
    )
    return int(connection.execute(
        select(matrices.c.id).where(*[matrices.c[name] == value for name, value in identity.items()])
    ).scalar_one())


def wanted_on(connection: Connection, dataset_id: int) -> list[tuple[str, str]]:
    """(metric, preprocess) of every matrix of a dataset: a matrix that exists is kept filled as embeddings arrive."""
    rows = connection.execute(
        select(matrices.c.metric, matrices.c.preprocess).where(matrices.c.dataset_id == dataset_id).distinct()
        .order_by(matrices.c.metric, matrices.c.preprocess)
    )
    return [(row.metric, row.preprocess) for row in rows]


def members(connection: Connection, matrix_id: int) -> list[Member]:
    """Embeddings of a matrix in row order."""
    rows = connection.execute(
        text("""
            SELECT x.ord, x.embedding_id, e.file_sha256, e.n, e.d, m.name FROM matrix_embeddings x
            JOIN embeddings e ON e.id = x.embedding_id JOIN models m ON m.id = e.model_id
            WHERE x.matrix_id = :matrix ORDER BY x.ord
        """),
        {"matrix": matrix_id},
    ).mappings()
    return [Member(**row) for row in rows]


def gap_embeddings(connection: Connection, matrix_id: int) -> set[int]:
    """Embeddings for which the metric is undefined, so that nobody tries again."""
    return set(connection.execute(
        select(similarity_gaps.c.embedding_id).where(similarity_gaps.c.matrix_id == matrix_id)
    ).scalars())


def append(
    connection: Connection, *, matrix_id: int, dataset_hash: str, first_ord: int, rows: Sequence[NewRow],
    gaps: Sequence[tuple[int, str]], job_id: int,
) -> bool:
    """Appends rows computed against the first `first_ord` members. False if the matrix has grown since (nothing
    written).

    Locks the matrix, so two writers cannot interleave and no pair is lost.
    """
    connection.execute(select(matrices.c.id).where(matrices.c.id == matrix_id).with_for_update())
    length = connection.execute(
        text("SELECT count(*) FROM matrix_embeddings WHERE matrix_id = :matrix"), {"matrix": matrix_id}
    ).scalar_one()
    if length != first_ord:
        return False
    if rows:
        connection.execute(insert(matrix_embeddings), [
            {"matrix_id": matrix_id, "ord": first_ord + i, "embedding_id": row.embedding_id,
             "model_id": row.model_id, "dataset_hash": dataset_hash, "job_id": job_id}
            for i, row in enumerate(rows)
        ])
        connection.execute(insert(similarity_rows), [
            {"matrix_id": matrix_id, "quantity": "value", "ord": first_ord + i, "vals": _encode(row.values)}
            for i, row in enumerate(rows)
        ])
    if gaps:
        connection.execute(upsert(similarity_gaps).on_conflict_do_nothing(), [
            {"matrix_id": matrix_id, "embedding_id": embedding, "dataset_hash": dataset_hash, "reason": reason,
             "job_id": job_id}
            for embedding, reason in gaps
        ])
    return True


def _encode(values: NDArray[np.float64]) -> bytes:
    if not np.isfinite(values).all():
        raise ValueError("A similarity that is not finite must be a gap with its reason, never a stored value.")
    return values.astype("<f4").tobytes()


FIND = """
    SELECT x.id, x.metric, x.metric_version, x.preprocess, x.created_at, d.name AS dataset,
        d.version AS dataset_version, d.n_stimuli AS n,
        (SELECT count(*) FROM matrix_embeddings e WHERE e.matrix_id = x.id) AS n_rows,
        (SELECT count(*) FROM similarity_gaps g WHERE g.matrix_id = x.id) AS n_gaps,
        (SELECT count(DISTINCT e.model_id) FROM matrix_embeddings e WHERE e.matrix_id = x.id) AS n_models,
        coalesce((SELECT max(e.created_at) FROM matrix_embeddings e WHERE e.matrix_id = x.id), x.created_at)
            AS updated_at
    FROM matrices x JOIN datasets d ON d.id = x.dataset_id
"""


# A name without a version means the version whose matrix has most models, the newest among equals: while the matrix of
# a new version fills, the one before it is still answered, everywhere alike.
BEST = "n_models DESC, dataset_version DESC, metric_version DESC"


def find(
    connection: Connection, *, dataset: str, version: int | None, metric: str, preprocess: str
) -> RowMapping | None:
    """What is known of a matrix with rows, without its values; its (id, n_rows, n_gaps) changes with its content."""
    return connection.execute(
        text(f"""
            SELECT * FROM ({FIND} WHERE d.name = :dataset AND x.metric = :metric AND x.preprocess = :preprocess
                AND (CAST(:version AS integer) IS NULL OR d.version = :version)) f
            WHERE n_rows > 0 ORDER BY {BEST} LIMIT 1
        """),
        {"dataset": dataset, "version": version, "metric": metric, "preprocess": preprocess},
    ).mappings().one_or_none()


def list_found(
    connection: Connection, *, metric: str | None = None, preprocess: str | None = None
) -> Sequence[RowMapping]:
    """All matrices with at least one row, one version of each, without their values."""
    return connection.execute(
        text(f"""
            SELECT * FROM (
                SELECT DISTINCT ON (dataset, metric, preprocess) * FROM ({FIND}) f
                WHERE n_rows > 0 AND (CAST(:metric AS text) IS NULL OR metric = :metric)
                  AND (CAST(:preprocess AS text) IS NULL OR preprocess = :preprocess)
                ORDER BY dataset, metric, preprocess, {BEST}
            ) best ORDER BY dataset, metric, preprocess
        """),
        {"metric": metric, "preprocess": preprocess},
    ).mappings().all()


def load(connection: Connection, found: RowMapping) -> StoredMatrix:
    """The values of a matrix as it was when `find` or `list_found` answered: rows that came since are left out."""
    rows = connection.execute(
        text("""
            SELECT m.name, r.vals, x.created_at FROM matrix_embeddings x
            JOIN similarity_rows r ON r.matrix_id = x.matrix_id AND r.ord = x.ord AND r.quantity = 'value'
            JOIN models m ON m.id = x.model_id
            WHERE x.matrix_id = :matrix AND x.ord < :n_rows ORDER BY x.ord
        """),
        {"matrix": found["id"], "n_rows": found["n_rows"]},
    ).all()
    names = [row.name for row in rows]
    gaps = connection.execute(
        text("""
            SELECT m.name, g.reason FROM similarity_gaps g JOIN embeddings e ON e.id = g.embedding_id
            JOIN models m ON m.id = e.model_id WHERE g.matrix_id = :matrix ORDER BY m.name
        """),
        {"matrix": found["id"]},
    ).all()
    return StoredMatrix(
        id=found["id"], dataset=found["dataset"], dataset_version=found["dataset_version"], metric=found["metric"],
        metric_version=found["metric_version"], preprocess=found["preprocess"], n=found["n"], names=names,
        packed=b"".join(bytes(row.vals) for row in rows),
        gaps=[(gap.name, gap.reason) for gap in gaps if gap.name not in names],
        updated_at=max((row.created_at for row in rows), default=found["updated_at"]),
    )
