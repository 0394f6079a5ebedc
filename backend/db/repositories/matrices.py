"""SQL about matrices as wholes: which there are, who is in them, what they hold. Rows are written by `matrix_rows`; the
layout is described in `backend.db.tables.similarities`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, RowMapping, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from backend.db.tables import matrices, similarity_gaps
from backend.domain.quantities import REVERSE, VALUE, P

NAN = np.array(np.nan, dtype="<f4").tobytes()


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
class StoredMatrix:
    """One quantity of a matrix as stored: `values` (models, models) float32 in the order of `names`, one row per model
    (the newest, where a model was embedded again), NaN where nothing is stored or an interval is open. `values[i, j]`
    is from model i to model j."""

    dataset: str
    dataset_version: int
    metric: str
    metric_version: int
    preprocess: str
    n: int
    names: list[str]
    values: NDArray[np.float32]
    gaps: list[tuple[str, str]]
    updated_at: datetime


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


def list_on(connection: Connection, dataset_id: int) -> list[tuple[str, str]]:
    """(metric, preprocess) of every matrix of a dataset."""
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


FIND = """
    SELECT x.id, x.dataset_id, x.metric, x.metric_version, x.preprocess, x.recipe, x.created_at, d.name AS dataset,
        d.version AS dataset_version, d.title, d.domain, d.n_stimuli AS n,
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


FILLED = """(
    SELECT count(*) FROM similarity_rows r WHERE r.matrix_id = found.id AND r.quantity IN ('p', 'ci_high')
) AS n_filled"""


def find(
    connection: Connection, *, dataset: str, version: int | None, metric: str, preprocess: str
) -> RowMapping | None:
    """What is known of a matrix with rows, without its values. Its (id, n_rows, n_gaps) changes with its values, and
    together with n_filled with anything that is stored of it: nulls come with p, intervals with ci_high."""
    return connection.execute(
        text(f"""
            SELECT found.*, {FILLED} FROM (
                SELECT * FROM ({FIND} WHERE d.name = :dataset AND x.metric = :metric AND x.preprocess = :preprocess
                    AND (CAST(:version AS integer) IS NULL OR d.version = :version)) f
                WHERE n_rows > 0 ORDER BY {BEST} LIMIT 1
            ) found
        """),
        {"dataset": dataset, "version": version, "metric": metric, "preprocess": preprocess},
    ).mappings().one_or_none()


# One version of every matrix that has at least one row.
SHOWN = f"""
    SELECT DISTINCT ON (dataset, metric, preprocess) * FROM ({FIND}) f
    WHERE n_rows > 0 AND (CAST(:metric AS text) IS NULL OR metric = :metric)
      AND (CAST(:preprocess AS text) IS NULL OR preprocess = :preprocess)
    ORDER BY dataset, metric, preprocess, {BEST}
"""


def list_found(
    connection: Connection, *, metric: str, preprocess: str, filled: bool = False
) -> Sequence[RowMapping]:
    """A metric's matrices on all datasets, without their values; `filled`: with `n_filled`, as `find` answers it."""
    columns = f"found.*, {FILLED}" if filled else "*"
    return connection.execute(
        text(f"SELECT {columns} FROM ({SHOWN}) found ORDER BY dataset"), {"metric": metric, "preprocess": preprocess}
    ).mappings().all()


def coverage(connection: Connection) -> Sequence[RowMapping]:
    """Every matrix without its values; `n_calibrated` of its `n_models` have their null in all their rows."""
    return connection.execute(
        text(f"""
            SELECT shown.*, n_models - (
                SELECT count(DISTINCT e.model_id) FROM matrix_embeddings e
                WHERE e.matrix_id = shown.id AND NOT EXISTS (
                    SELECT 1 FROM similarity_rows r
                    WHERE r.matrix_id = e.matrix_id AND r.ord = e.ord AND r.quantity = :null)) AS n_calibrated
            FROM ({SHOWN}) shown ORDER BY dataset, metric, preprocess
        """),
        {"metric": None, "preprocess": None, "null": P},
    ).mappings().all()


def load(connection: Connection, found: RowMapping, quantity: str = VALUE) -> StoredMatrix:
    """A quantity of a matrix as it was when `find` or `list_found` answered: models that came since are left out."""
    rows = connection.execute(
        text("""
            SELECT m.name, x.created_at, r.vals, back.vals AS reverse FROM matrix_embeddings x
            JOIN models m ON m.id = x.model_id
            LEFT JOIN similarity_rows r ON r.matrix_id = x.matrix_id AND r.ord = x.ord AND r.quantity = :quantity
            LEFT JOIN similarity_rows back
                ON back.matrix_id = x.matrix_id AND back.ord = x.ord AND back.quantity = :reverse
            WHERE x.matrix_id = :matrix AND x.ord < :n_rows ORDER BY x.ord
        """),
        {"matrix": found["id"], "n_rows": found["n_rows"], "quantity": quantity, "reverse": quantity + REVERSE},
    ).all()
    names = [row.name for row in rows]
    gaps = connection.execute(
        text("""
            SELECT m.name, g.reason FROM similarity_gaps g JOIN embeddings e ON e.id = g.embedding_id
            JOIN models m ON m.id = e.model_id WHERE g.matrix_id = :matrix ORDER BY m.name
        """),
        {"matrix": found["id"]},
    ).all()
    square = _square([row.vals for row in rows], [row.reverse for row in rows])
    kept = sorted({name: row for row, name in enumerate(names)}.values())
    if len(kept) < len(names):
        names, square = [names[row] for row in kept], square[np.ix_(kept, kept)]
    return StoredMatrix(
        dataset=found["dataset"], dataset_version=found["dataset_version"], metric=found["metric"],
        metric_version=found["metric_version"], preprocess=found["preprocess"], n=found["n"], names=names,
        values=square, gaps=[(gap.name, gap.reason) for gap in gaps if gap.name not in names],
        updated_at=max((row.created_at for row in rows), default=found["updated_at"]),
    )


def _square(rows: Sequence[bytes | None], reverse: Sequence[bytes | None]) -> NDArray[np.float32]:
    """The full square from packed rows, from the row's model to the column's and the other way round. A measure that
    has no reverse is symmetric."""
    square = np.empty((len(rows), len(rows)), dtype=np.float32)
    lower = np.tril_indices(len(rows))
    values = _unpacked(rows)
    square.T[lower] = values if all(row is None for row in reverse) else _unpacked(reverse)
    square[lower] = values
    square[np.isinf(square)] = np.nan
    return square


def _unpacked(rows: Sequence[bytes | None]) -> NDArray[np.float32]:
    packed = b"".join(NAN * (i + 1) if row is None else bytes(row) for i, row in enumerate(rows))
    return np.frombuffer(packed, dtype="<f4")
