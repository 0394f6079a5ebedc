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
