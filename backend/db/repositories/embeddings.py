"""SQL about embeddings, their diagnostics, and the chunks of unfinished ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, or_, select, text
from sqlalchemy.dialects.postgresql import insert

from backend.db.tables import embedding_chunks, embedding_diagnostics, embeddings

# One embedding per (model, dataset) is current: newest extractor version, GPU before CPU, then the newest.
CURRENT = """
    SELECT DISTINCT ON (e.model_id) e.id, e.model_id, e.file_sha256, e.n, e.d, m.name
    FROM embeddings e JOIN models m ON m.id = e.model_id
    WHERE e.dataset_id = :dataset
    ORDER BY e.model_id, e.extractor_version DESC, e.device_class DESC, e.id DESC
"""


def add(connection: Connection, values: Mapping[str, Any]) -> int:
    """Adds an embedding; one with the same key is the same embedding and is kept.

    Its chunks are forgotten, and so are those that its job made with larger batches before memory ran out.
    """
    connection.execute(insert(embeddings).values(dict(values)).on_conflict_do_nothing(index_elements=["key"]))
    done = or_(embedding_chunks.c.key == values["key"], embedding_chunks.c.job_id == values["job_id"])
    connection.execute(embedding_chunks.delete().where(done))
    return int(connection.execute(
        select(embeddings.c.id).where(embeddings.c.key == values["key"])
    ).scalar_one())


def get_by_key(connection: Connection, key: str) -> RowMapping | None:
    return connection.execute(select(embeddings).where(embeddings.c.key == key)).mappings().one_or_none()


def list_current(connection: Connection, dataset_id: int) -> Sequence[RowMapping]:
    """The current embedding of every model on a dataset, by id (the order in which they came)."""
    return connection.execute(
        text(f"SELECT * FROM ({CURRENT}) current ORDER BY id"), {"dataset": dataset_id}
    ).mappings().all()


def current_models(connection: Connection, dataset_id: int, extractor_version: int) -> set[int]:
    """Models that have an embedding by this extractor version on a dataset."""
    return set(connection.execute(
        text("SELECT DISTINCT model_id FROM embeddings WHERE dataset_id = :dataset AND extractor_version = :version"),
        {"dataset": dataset_id, "version": extractor_version},
    ).scalars())


def add_diagnostics(connection: Connection, embedding_id: int, numbers: Mapping[str, float]) -> None:
    """Notes what an embedding says of itself; what is noted already stays as it is."""
    connection.execute(
        insert(embedding_diagnostics).on_conflict_do_nothing(),
        [{"embedding_id": embedding_id, "name": name, "value": value} for name, value in numbers.items()],
    )


def diagnostics(connection: Connection, dataset_id: int) -> dict[str, dict[str, float]]:
    """Model -> diagnostic -> number, of every current embedding on a dataset that has diagnostics, by name."""
    rows = connection.execute(
        text(f"""
            SELECT current.name AS model, g.name, g.value FROM ({CURRENT}) current
            JOIN embedding_diagnostics g ON g.embedding_id = current.id ORDER BY current.name
        """),
        {"dataset": dataset_id},
    )
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        found.setdefault(row.model, {})[row.name] = row.value
    return found


def add_chunk(connection: Connection, values: Mapping[str, Any]) -> None:
    """Notes a finished chunk, so that a later attempt starts after it."""
    connection.execute(insert(embedding_chunks).values(dict(values)).on_conflict_do_nothing())


def list_chunks(connection: Connection, key: str) -> dict[int, tuple[int, str]]:
    """First row of every finished chunk -> (number of rows, file)."""
    rows = connection.execute(select(embedding_chunks).where(embedding_chunks.c.key == key)).mappings()
    return {row["first_row"]: (row["n_rows"], row["file_sha256"]) for row in rows}


def forget_chunks_of_ended_jobs(connection: Connection) -> None:
    """Forgets chunks whose job has ended without using them: failed, cancelled, or at another rung of the ladder."""
    connection.execute(text("""
        DELETE FROM embedding_chunks c USING jobs j
        WHERE j.id = c.job_id AND j.state IN ('succeeded', 'failed', 'cancelled')
    """))


def files_in_use(connection: Connection) -> set[str]:
    """Every stored file that a row names: what a sweep of the store must keep."""
    return set(connection.execute(text("""
        SELECT file_sha256 FROM embeddings UNION SELECT file_sha256 FROM embedding_chunks
        UNION SELECT file_sha256 FROM embedding_neighbours UNION SELECT archive_sha256 FROM datasets
        UNION SELECT config ->> 'checkpoint_sha256' FROM models WHERE config ? 'checkpoint_sha256'
        UNION SELECT spec ->> 'archive_sha256' FROM jobs WHERE kind = 'ingest' AND state IN ('queued', 'running')
        UNION SELECT spec -> 'model' ->> 'checkpoint_sha256' FROM jobs
            WHERE kind = 'register' AND state IN ('queued', 'running')
    """)).scalars())
