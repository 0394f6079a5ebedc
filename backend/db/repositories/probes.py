"""SQL about linear probes: which are missing, adding them, reading those of the current embeddings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, text
from sqlalchemy.dialects.postgresql import insert

from backend.db.repositories import datasets
from backend.db.repositories.embeddings import CURRENT
from backend.db.repositories.jobs import NewJob
from backend.db.tables import probes
from backend.domain.probing import PROTOCOL, SEEDS


def probing(
    dataset_id: int, dataset: str, *, max_attempts: int, owner: str, parent_id: int | None = None,
    idempotency_key: str | None = None, request_hash: str | None = None,
) -> NewJob:
    """A job that trains every probe that a dataset lacks."""
    return NewJob(
        kind="probe", spec={"dataset_id": dataset_id, "protocol": PROTOCOL},
        title=f"Probe what all models know of the labels of {dataset}", max_attempts=max_attempts, owner=owner,
        parent_id=parent_id, dataset_id=dataset_id, idempotency_key=idempotency_key, request_hash=request_hash,
    )


def wanted_probes(
    connection: Connection, dataset_id: int, *, max_attempts: int, owner: str, parent_id: int | None
) -> list[NewJob]:
    """The job for the probes of a dataset; none where there are no two labels to tell apart."""
    dataset = datasets.get_by_id(connection, dataset_id)
    if dataset is None or not can_be_probed(connection, dataset_id):
        return []
    return [probing(dataset_id, dataset["name"], max_attempts=max_attempts, owner=owner, parent_id=parent_id)]


def can_be_probed(connection: Connection, dataset_id: int) -> bool:
    """Whether two labels or more have two stimuli or more (as backend.domain.probing.usable_labels asks)."""
    return bool(connection.execute(
        text("""
            SELECT count(*) > 1 FROM (
                SELECT 1 FROM stimuli WHERE dataset_id = :dataset AND label IS NOT NULL
                GROUP BY label HAVING count(*) > 1) labels
        """),
        {"dataset": dataset_id},
    ).scalar_one())


def lacking(connection: Connection, dataset_id: int) -> Sequence[RowMapping]:
    """Current embeddings of a dataset without all runs of the present protocol; `done` lists the seeds they have."""
    return connection.execute(
        text(f"""
            SELECT current.*, coalesce(p.seeds, '{{}}') AS done FROM ({CURRENT}) current
            LEFT JOIN LATERAL (
                SELECT array_agg(seed) AS seeds FROM probes
                WHERE embedding_id = current.id AND protocol = :protocol) p ON true
            WHERE NOT coalesce(p.seeds, '{{}}') @> CAST(:seeds AS integer[]) ORDER BY current.id
        """),
        {"dataset": dataset_id, "protocol": PROTOCOL, "seeds": list(SEEDS)},
    ).mappings().all()


def add(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Adds runs; one that is there already stays as it is."""
    if rows:
        connection.execute(insert(probes).on_conflict_do_nothing(), [dict(row) for row in rows])


def list_on(connection: Connection, dataset_id: int) -> Sequence[RowMapping]:
    """Every run of the present protocol on the current embeddings of a dataset, by model and seed."""
    return connection.execute(
        text(f"""
            SELECT current.name AS model, current.file_sha256, p.* FROM ({CURRENT}) current
            JOIN probes p ON p.embedding_id = current.id
            WHERE p.protocol = :protocol ORDER BY current.name, p.seed
        """),
        {"dataset": dataset_id, "protocol": PROTOCOL},
    ).mappings().all()


def revision(connection: Connection, dataset_ids: Sequence[int]) -> list[list[Any]]:
    """Changes whenever a run is added on one of these datasets."""
    rows = connection.execute(
        text("""
            SELECT e.dataset_id, count(*) AS n, max(p.created_at) AS latest FROM probes p
            JOIN embeddings e ON e.id = p.embedding_id
            WHERE e.dataset_id = ANY(:datasets) AND p.protocol = :protocol GROUP BY 1 ORDER BY 1
        """),
        {"datasets": list(dataset_ids), "protocol": PROTOCOL},
    )
    return [[row.dataset_id, row.n, row.latest.isoformat()] for row in rows]
