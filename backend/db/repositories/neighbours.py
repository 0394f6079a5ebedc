"""SQL about the nearest neighbours of every stimulus, which are stored beside each embedding."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, text
from sqlalchemy.dialects.postgresql import insert

from backend.db.repositories.embeddings import CURRENT
from backend.db.tables import embedding_neighbours


def add(connection: Connection, *, embedding_id: int, k: int, file_sha256: str, job_id: int) -> None:
    """Notes where the neighbours of an embedding are; what is noted already stays as it is."""
    connection.execute(
        insert(embedding_neighbours)
        .values(embedding_id=embedding_id, k=k, file_sha256=file_sha256, job_id=job_id).on_conflict_do_nothing()
    )


def missing(connection: Connection, dataset_id: int) -> Sequence[RowMapping]:
    """Current embeddings on a dataset (id, name, file_sha256) without neighbours, by id."""
    return connection.execute(
        text(f"""
            SELECT current.id, current.name, current.file_sha256 FROM ({CURRENT}) current
            WHERE NOT EXISTS (SELECT 1 FROM embedding_neighbours g WHERE g.embedding_id = current.id)
            ORDER BY current.id
        """),
        {"dataset": dataset_id},
    ).mappings().all()


ORIGIN = """
    m.name AS model, m.revision, m.weights_sha256, m.node, m.pooling, e.key, e.file_sha256, e.d, e.batch_size,
    e.extractor_version, e.device_class, e.library_versions, e.job_id, e.created_at
"""


def of_models(connection: Connection, dataset_id: int, names: Sequence[str]) -> dict[str, RowMapping]:
    """Model -> its current embedding on a dataset with its origin, and `k`, `neighbours_sha256` and `neighbours_job`
    of its neighbours, NULL where there are none. Models without an embedding are left out."""
    rows = connection.execute(
        text(f"""
            SELECT {ORIGIN}, g.k, g.file_sha256 AS neighbours_sha256, g.job_id AS neighbours_job
            FROM ({CURRENT}) current JOIN embeddings e ON e.id = current.id JOIN models m ON m.id = e.model_id
            LEFT JOIN embedding_neighbours g ON g.embedding_id = e.id WHERE m.name = ANY(:names)
        """),
        {"dataset": dataset_id, "names": list(names)},
    ).mappings()
    return {row["model"]: row for row in rows}


def of_matrices(
    connection: Connection, matrix_ids: Sequence[int], names: Sequence[str]
) -> dict[tuple[int, str], RowMapping]:
    """(matrix, model) -> the embedding that its values there were computed from, with its row number `ord`, the
    comparison that added it (`compared_by`, `compared_at`) and whether it has neighbours. A model that was embedded
    again has the newest."""
    rows = connection.execute(
        text(f"""
            SELECT x.matrix_id, x.ord, x.job_id AS compared_by, x.created_at AS compared_at, {ORIGIN},
                EXISTS (SELECT 1 FROM embedding_neighbours g WHERE g.embedding_id = e.id) AS has_neighbours
            FROM matrix_embeddings x JOIN embeddings e ON e.id = x.embedding_id JOIN models m ON m.id = e.model_id
            WHERE x.matrix_id = ANY(:matrices) AND m.name = ANY(:names) ORDER BY x.ord
        """),
        {"matrices": list(matrix_ids), "names": list(names)},
    ).mappings()
    return {(row["matrix_id"], row["model"]): row for row in rows}
