"""Reading jobs for people: one, a page of them, a job's history, counts. Nothing here moves a job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, text

JOB_COLUMNS = """
    j.id, j.kind, j.state, j.title, j.parent_id AS parent, m.name AS model, d.name AS dataset, j.metric, j.attempt,
    j.max_attempts, j.progress, j.error, j.cancel_requested, j.worker, j.created_at, j.started_at, j.finished_at,
    j.lease_until, (SELECT jsonb_object_agg(state, n) FROM (
        SELECT c.state, count(*) AS n FROM job_requests q JOIN jobs c ON c.id = q.job_id
        WHERE q.requested_by = j.id GROUP BY c.state) s) AS children
"""
JOB_SOURCE = "FROM jobs j LEFT JOIN models m ON m.id = j.model_id LEFT JOIN datasets d ON d.id = j.dataset_id"


def get(connection: Connection, job_id: int) -> RowMapping | None:
    """One job with the names of what it is about."""
    return connection.execute(
        text(f"SELECT {JOB_COLUMNS} {JOB_SOURCE} WHERE j.id = :id"), {"id": job_id}
    ).mappings().one_or_none()


def list_page(
    connection: Connection, *, limit: int, before: int | None, state: str | None, kind: str | None,
    parent: int | None,
) -> tuple[Sequence[RowMapping], int]:
    """Jobs newest first, and how many there are in all."""
    conditions = ["true"]
    values: dict[str, Any] = {"limit": limit}
    for column, value in (("state", state), ("kind", kind)):
        if value is not None:
            conditions.append(f"j.{column} = :{column}")
            values[column] = value
    if parent is not None:
        conditions.append("j.id IN (SELECT job_id FROM job_requests WHERE requested_by = :parent)")
        values["parent"] = parent
    where = " AND ".join(conditions)
    total = connection.execute(text(f"SELECT count(*) FROM jobs j WHERE {where}"), values).scalar_one()
    if before is not None:
        where += " AND j.id < :before"
        values["before"] = before
    rows = connection.execute(
        text(f"SELECT {JOB_COLUMNS} {JOB_SOURCE} WHERE {where} ORDER BY j.id DESC LIMIT :limit"), values
    ).mappings().all()
    return rows, int(total)


def events(connection: Connection, job_id: int) -> Sequence[RowMapping]:
    """A job's history, oldest first."""
    return connection.execute(
        text("SELECT at, state, attempt, detail FROM job_events WHERE job_id = :id ORDER BY id"), {"id": job_id}
    ).mappings().all()


def count_by_state(connection: Connection) -> dict[str, int]:
    rows = connection.execute(text("SELECT state, count(*) AS n FROM jobs GROUP BY state")).mappings()
    return {row["state"]: row["n"] for row in rows}
