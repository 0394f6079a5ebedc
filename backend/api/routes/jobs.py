"""Jobs: submit, list, follow, cancel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Response

from backend.api.cursors import decode_cursor, encode_cursor
from backend.api.deps import Cursor, Limit, TheConnection, TheMeans
from backend.contracts.jobs import Comparison, Job, JobCounts, JobEvent, Submission
from backend.contracts.pages import Page
from backend.db.repositories import job_listing, jobs, workers
from backend.domain.errors import Conflict
from backend.domain.jobs import STATES, JobKind, JobState
from backend.services import submissions, uploads

router = APIRouter(tags=["jobs"])
JobId = Annotated[int, Path(ge=1, le=2**62)]
IdempotencyKey = Annotated[str | None, Header(max_length=200)]


def _wire(row: Mapping[str, Any]) -> Job:
    return Job.model_validate({**row, "children": row["children"] or {}})


@router.post("/jobs", status_code=202, summary="Compute a model on datasets by metrics")
def submit(
    submission: Submission, connection: TheConnection, means: TheMeans, response: Response,
    idempotency_key: IdempotencyKey = None,
) -> Job:
    """Answers the job to follow. Everything that is wrong with a request is said at once."""
    job_id = submissions.submit(
        connection, submission, means.settings, idempotency_key=idempotency_key,
        header=uploads.find_header(means.store, submissions.checkpoint_of(submission)),
    )
    return accepted(connection, job_id, response)


@router.post("/comparisons", status_code=202, summary="Compare models on one dataset by any metric")
def compare(
    comparison: Comparison, connection: TheConnection, means: TheMeans, response: Response,
    idempotency_key: IdempotencyKey = None,
) -> Job:
    """Computes every missing pair, and every missing null and interval. Answers the job to follow, which is a queued
    one for the same work if there is one."""
    job_id = submissions.compare(connection, comparison, means.settings, idempotency_key=idempotency_key)
    return accepted(connection, job_id, response)


def accepted(connection: TheConnection, job_id: int, response: Response) -> Job:
    response.headers["Location"] = f"/api/v1/jobs/{job_id}"
    return _wire(submissions.require_job(connection, job_id))


@router.get("/jobs", summary="Jobs, newest first")
def list_jobs(
    connection: TheConnection, means: TheMeans, state: JobState | None = None, kind: JobKind | None = None,
    parent: Annotated[int | None, Query(ge=1, le=2**62)] = None, limit: Limit = 100, cursor: Cursor = None,
) -> Page[Job]:
    rows, total = job_listing.list_page(
        connection, limit=limit, before=decode_cursor(means.settings, "jobs", cursor), state=state, kind=kind,
        parent=parent,
    )
    following = encode_cursor(means.settings, "jobs", rows[-1]["id"]) if len(rows) == limit else None
    return Page(items=[_wire(row) for row in rows], next_cursor=following, total=total)


@router.get("/job-counts", summary="Number of jobs per state, and of workers at hand")
def job_counts(connection: TheConnection) -> JobCounts:
    counts = job_listing.count_by_state(connection)
    return JobCounts(
        states={state: counts.get(state, 0) for state in STATES}, workers=workers.count_alive(connection)
    )


@router.get("/jobs/{job_id}", summary="One job")
def get_job(job_id: JobId, connection: TheConnection) -> Job:
    return _wire(submissions.require_job(connection, job_id))


@router.get("/jobs/{job_id}/events", summary="A job's history, oldest first")
def job_events(job_id: JobId, connection: TheConnection) -> Page[JobEvent]:
    submissions.require_job(connection, job_id)
    items = [JobEvent.model_validate(dict(row)) for row in job_listing.events(connection, job_id)]
    return Page(items=items, next_cursor=None, total=len(items))


@router.post("/jobs/{job_id}:cancel", summary="Cancel a job and those it opened")
def cancel_job(job_id: JobId, connection: TheConnection) -> Job:
    row = submissions.require_job(connection, job_id)
    if not jobs.cancel(connection, job_id):
        raise Conflict(f"Job {job_id} is {row['state']} already; there is nothing to cancel.")
    return _wire(submissions.require_job(connection, job_id))
