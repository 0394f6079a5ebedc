"""All SQL that moves jobs. Postgres decides everything; only its clock counts.

Every write of a running job carries its attempt (`id AND attempt AND state = 'running'`), so a worker that lost its
lease changes nothing, whatever it still believes. The state machine is drawn in `backend.domain.jobs`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, RowMapping, text
from sqlalchemy.dialects.postgresql import insert

from backend.db.tables import jobs
from backend.domain.identity import canonical_json, key_of
from backend.domain.jobs import FILLING, PRIORITIES, QUEUE, JobKind


@dataclass(frozen=True)
class NewJob:
    """A job to be queued. `spec` holds everything its work depends on; equal specs are the same work."""

    kind: JobKind
    spec: Mapping[str, Any]
    title: str
    max_attempts: int
    owner: str = "local"
    parent_id: int | None = None
    model_id: int | None = None
    dataset_id: int | None = None
    metric: str | None = None
    idempotency_key: str | None = None
    request_hash: str | None = None

    @property
    def spec_hash(self) -> str:
        # A request with a key of its own has a job of its own: joining another's would lose the key. Work that fills in
        # what is missing is joined all the same: repeated it finds nothing left to do.
        key = None if self.kind in FILLING else self.idempotency_key
        return key_of({"kind": self.kind, "spec": dict(self.spec), "key": key})


@dataclass(frozen=True)
class ClaimedJob:
    """A job in the hands of one worker, for one attempt."""

    id: int
    attempt: int
    kind: JobKind
    spec: dict[str, Any]
    owner: str
    parent_id: int | None
    model_id: int | None
    dataset_id: int | None
    metric: str | None
    max_attempts: int


@dataclass(frozen=True)
class Beat:
    """What a heartbeat answers. `lost`: another attempt may be running, stop and write nothing."""

    lost: bool
    cancel_requested: bool = False
    draining: bool = False


@dataclass(frozen=True)
class Reaped:
    """What a round of the reaper did."""

    requeued: list[int] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)


def enqueue(connection: Connection, new: Sequence[NewJob]) -> list[int]:
    """Queues jobs; answers an id for each: of the new job, or of the queued one for the same work, which it joins.

    A joined job is held until the commit: else it could begin before it can see what this transaction wrote for it.
    """
    ids = [_enqueue_one(connection, job) for job in new]
    for number, job in zip(ids, new, strict=True):
        if job.parent_id is not None:
            request(connection, number, job.parent_id)
    return ids


def request(connection: Connection, job_id: int, requested_by: int) -> None:
    """Notes that a submission wants a job, whoever opened it."""
    connection.execute(
        text("INSERT INTO job_requests (job_id, requested_by) VALUES (:job, :by) ON CONFLICT DO NOTHING"),
        {"job": job_id, "by": requested_by},
    )


def request_like(connection: Connection, job_id: int, other: int) -> None:
    """Notes that everybody who wants the other job wants this one, too."""
    connection.execute(
        text("""
            INSERT INTO job_requests (job_id, requested_by)
            SELECT :job, requested_by FROM job_requests WHERE job_id = :other ON CONFLICT DO NOTHING
        """),
        {"job": job_id, "other": other},
    )


def _enqueue_one(connection: Connection, job: NewJob) -> int:
    values = {
        "kind": job.kind, "queue": QUEUE, "owner": job.owner, "spec": dict(job.spec), "spec_hash": job.spec_hash,
        "title": job.title, "max_attempts": job.max_attempts, "parent_id": job.parent_id, "model_id": job.model_id,
        "dataset_id": job.dataset_id, "metric": job.metric, "priority": PRIORITIES[job.kind],
        "idempotency_key": job.idempotency_key, "request_hash": job.request_hash,
    }
    statement = (
        insert(jobs)
        .values(values)
        .on_conflict_do_nothing(index_elements=["spec_hash"], index_where=text("state = 'queued' AND attempt = 0"))
        .returning(jobs.c.id)
    )
    while True:
        # Looked for first: an insert that gives way to another job would use up a number all the same.
        joined = connection.execute(
            text("SELECT id FROM jobs WHERE spec_hash = :hash AND state = 'queued' AND attempt = 0 FOR UPDATE"),
            {"hash": job.spec_hash},
        ).scalar()
        if joined is not None:
            return int(joined)
        created = connection.execute(statement).scalar()
        # Neither found nor inserted: another transaction queued it in between, so look again.
        if created is not None:
            return int(created)


def unfinished_like(connection: Connection, job: NewJob) -> int | None:
    """The queued or running job for the same work, if there is one; it cannot end before this transaction does."""
    found = connection.execute(
        text("""SELECT id FROM jobs WHERE spec_hash = :hash AND state IN ('queued', 'running') AND NOT cancel_requested
                ORDER BY id LIMIT 1 FOR UPDATE"""),
        {"hash": job.spec_hash},
    ).scalar()
    return None if found is None else int(found)


_FILLING = ", ".join(f"'{kind}'" for kind in sorted(FILLING))
# A compare job waits while extractions on its dataset are unfinished, so that one pass fills many rows; but not longer
# than its patience, so that partial results appear and a stream of submissions cannot starve it. Filling a matrix while
# embeddings still come costs a pass over all its models each time: patience is therefore at least twenty times what the
# last pass took, up to ten minutes. Two jobs never fill in the same of one dataset (and metric) at once.
# Extractions go dataset by dataset: decoded images stay at hand, and the first matrix is complete long before the last.
CLAIM = text(f"""
WITH candidate AS (
    SELECT j.id FROM jobs j
    WHERE j.queue = :queue AND j.state = 'queued' AND j.not_before <= now()
      AND (j.kind <> 'compare'
           OR NOT EXISTS (
                SELECT 1 FROM jobs e WHERE e.kind = 'extract' AND e.state IN ('queued', 'running')
                  AND e.dataset_id = j.dataset_id)
           OR j.created_at < now() - greatest(make_interval(secs => :patience_s), (
                SELECT least(interval '10 min', 20 * (p.finished_at - p.started_at)) FROM jobs p
                WHERE p.kind = 'compare' AND p.state = 'succeeded' AND p.dataset_id = j.dataset_id
                  AND p.metric = j.metric ORDER BY p.id DESC LIMIT 1)))
      AND (j.kind NOT IN ({_FILLING}) OR NOT EXISTS (
                SELECT 1 FROM jobs c WHERE c.kind = j.kind AND c.state = 'running'
                  AND c.dataset_id = j.dataset_id AND c.metric IS NOT DISTINCT FROM j.metric))
    ORDER BY (SELECT count(*) FROM jobs r WHERE r.state = 'running' AND r.owner = j.owner), j.priority,
        j.dataset_id NULLS FIRST, j.id
    LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE jobs j SET state = 'running', attempt = j.attempt + 1, worker = :worker, progress = '{{}}',
    lease_until = now() + make_interval(secs => :lease_s), started_at = coalesce(j.started_at, now())
FROM candidate WHERE j.id = candidate.id
RETURNING j.id, j.attempt, j.kind, j.spec, j.owner, j.parent_id, j.model_id, j.dataset_id, j.metric, j.max_attempts
""")


def claim(
    connection: Connection, *, worker: str, lease_s: float, patience_s: float, queue: str = QUEUE
) -> ClaimedJob | None:
    """Takes the next job, or None. Fewest running jobs per owner first, then priority, dataset, age."""
    row = connection.execute(
        CLAIM, {"queue": queue, "worker": worker, "lease_s": lease_s, "patience_s": patience_s}
    ).mappings().one_or_none()
    return None if row is None else ClaimedJob(**row)


def beat(
    connection: Connection, job: ClaimedJob, *, lease_s: float, progress: Mapping[str, Any], worker: str
) -> Beat:
    """Extends the lease and reports progress; learns whether to go on."""
    row = connection.execute(
        text("""
            UPDATE jobs SET lease_until = now() + make_interval(secs => :lease_s), progress = CAST(:progress AS jsonb)
            WHERE id = :id AND attempt = :attempt AND state = 'running'
            RETURNING cancel_requested,
                coalesce((SELECT draining FROM workers WHERE name = :worker), false) AS draining
        """),
        {"id": job.id, "attempt": job.attempt, "lease_s": lease_s, "worker": worker,
         "progress": canonical_json(dict(progress)).decode()},
    ).mappings().one_or_none()
    if row is None:
        return Beat(lost=True)
    return Beat(lost=False, cancel_requested=row["cancel_requested"], draining=row["draining"])


def hold(connection: Connection, job: ClaimedJob) -> bool:
    """Locks a running job's row for the rest of the transaction; false if it is no longer this attempt's.

    A transaction that writes results calls it first: then nobody can take the job away before the commit.
    """
    return connection.execute(
        text("""
            SELECT 1 FROM jobs WHERE id = :id AND attempt = :attempt AND state = 'running' AND NOT cancel_requested
            FOR UPDATE
        """),
        {"id": job.id, "attempt": job.attempt},
    ).scalar() is not None


def set_subject(
    connection: Connection, job: ClaimedJob, *, model_id: int | None = None, dataset_id: int | None = None,
    title: str | None = None,
) -> None:
    """Notes which model or dataset a job turned out to be about, and, if that changes it, what the job is called."""
    connection.execute(
        text("""
            UPDATE jobs SET model_id = coalesce(:model, model_id), dataset_id = coalesce(:dataset, dataset_id),
                title = coalesce(:title, title)
            WHERE id = :id
        """),
        {"id": job.id, "model": model_id, "dataset": dataset_id, "title": title},
    )


def finish(connection: Connection, job: ClaimedJob, result_sha256: str) -> bool:
    """Ends a job as succeeded, in the transaction that wrote its results; false (roll back!) if it is not ours."""
    return _end(connection, job, "succeeded", result_sha256=result_sha256)


def fail(connection: Connection, job: ClaimedJob, error: Mapping[str, Any]) -> bool:
    """Ends a job as failed with its cause (user | ours), step, message and hint."""
    return _end(connection, job, "failed", error=error)


def _end(
    connection: Connection, job: ClaimedJob, state: str, result_sha256: str | None = None,
    error: Mapping[str, Any] | None = None,
) -> bool:
    changed = connection.execute(
        text("""
            UPDATE jobs SET state = :state, lease_until = NULL, finished_at = now(), result_sha256 = :result,
                error = CAST(:error AS jsonb)
            WHERE id = :id AND attempt = :attempt AND state = 'running' AND NOT cancel_requested
        """),
        {"id": job.id, "attempt": job.attempt, "state": state, "result": result_sha256,
         "error": None if error is None else canonical_json(dict(error)).decode()},
    )
    return changed.rowcount == 1


def finish_cancelled(connection: Connection, job: ClaimedJob) -> bool:
    """Ends a running job whose cancellation was requested."""
    changed = connection.execute(
        text("""
            UPDATE jobs SET state = 'cancelled', lease_until = NULL, finished_at = now()
            WHERE id = :id AND attempt = :attempt AND state = 'running' AND cancel_requested
        """),
        {"id": job.id, "attempt": job.attempt},
    )
    return changed.rowcount == 1


def release(connection: Connection, job: ClaimedJob, note: str, delay_s: float = 0.0, counted: bool = False) -> bool:
    """Gives a running job back to the queue. Unless `counted`, the attempt does not count against its limit."""
    return _requeue(
        connection,
        "j.id = :id AND j.attempt = :attempt AND j.state = 'running' AND NOT j.cancel_requested",
        {"id": job.id, "attempt": job.attempt, "note": note, "delay_s": delay_s, "extra": 0 if counted else 1},
        "make_interval(secs => :delay_s)",
    ).requeued != []


def reap(connection: Connection, backoff_s: float) -> Reaped:
    """Takes back the jobs whose lease ran out: cancelled if asked for, failed after the last attempt, else queued."""
    return _requeue(
        connection,
        "j.state = 'running' AND j.lease_until < now()",
        {"note": "its worker stopped answering", "extra": 0, "backoff_s": backoff_s},
        "make_interval(secs => least(:backoff_s * 2 ^ j.attempt, 300))",
    )


WORKER_LOST = {
    "cause": "ours", "step": "run", "message": "The worker was lost every time this was tried.",
    "hint": "The machine may be short of memory; look at the worker's log, then submit again.",
}


def _requeue(connection: Connection, condition: str, values: dict[str, Any], wait: str) -> Reaped:
    """Moves running jobs out of `running`."""
    rows = connection.execute(
        text(f"""
            WITH mine AS (
                SELECT j.id, CASE
                    WHEN j.cancel_requested THEN 'cancelled'
                    WHEN j.attempt >= j.max_attempts + :extra THEN 'failed'
                    ELSE 'queued' END AS next
                FROM jobs j WHERE {condition} FOR UPDATE SKIP LOCKED
            )
            UPDATE jobs j SET state = mine.next, lease_until = NULL, max_attempts = j.max_attempts + :extra,
                progress = CASE WHEN mine.next = 'queued' THEN jsonb_build_object('note', CAST(:note AS text))
                    ELSE j.progress END,
                not_before = now() + {wait},
                finished_at = CASE WHEN mine.next = 'queued' THEN NULL ELSE now() END,
                error = CASE WHEN mine.next = 'failed' THEN CAST(:lost AS jsonb) END
            FROM mine WHERE j.id = mine.id
            RETURNING j.id, j.state
        """),
        {**values, "lost": canonical_json(WORKER_LOST).decode()},
    ).mappings().all()
    return Reaped(
        requeued=[row["id"] for row in rows if row["state"] == "queued"],
        ended=[row["id"] for row in rows if row["state"] != "queued"],
    )


def cancel(connection: Connection, job_id: int) -> bool:
    """Cancels a job and those it asked for: queued at once, running ones at their next heartbeat. False: all final.

    What another submission wants as well goes on, and so does what fills in something for everybody.
    """
    connection.execute(text("UPDATE job_requests SET withdrawn = true WHERE requested_by = :id"), {"id": job_id})
    changed = connection.execute(
        text(f"""
            UPDATE jobs SET cancel_requested = true,
                state = CASE state WHEN 'queued' THEN 'cancelled' ELSE state END,
                finished_at = CASE state WHEN 'queued' THEN now() END
            WHERE state IN ('queued', 'running') AND (id = :id OR (
                kind NOT IN ({_FILLING})
                AND id IN (SELECT job_id FROM job_requests WHERE requested_by = :id)
                AND NOT EXISTS (SELECT 1 FROM job_requests q WHERE q.job_id = jobs.id AND NOT q.withdrawn)))
        """),
        {"id": job_id},
    )
    return changed.rowcount > 0


def due(connection: Connection, queue: str = QUEUE) -> int:
    """How many jobs could be claimed now."""
    return int(connection.execute(
        text("SELECT count(*) FROM jobs WHERE queue = :queue AND state = 'queued' AND not_before <= now()"),
        {"queue": queue},
    ).scalar_one())


def is_succeeded(connection: Connection, job: ClaimedJob) -> bool:
    """Whether this attempt succeeded: asked after a commit whose answer was lost on the way."""
    return connection.execute(
        text("SELECT 1 FROM jobs WHERE id = :id AND attempt = :attempt AND state = 'succeeded'"),
        {"id": job.id, "attempt": job.attempt},
    ).scalar() is not None


def get_by_idempotency_key(connection: Connection, owner: str, key: str) -> RowMapping | None:
    """The job that a request with this key made, and its request's hash. Requests with one key wait for each other."""
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": f"{owner} {key}"})
    return connection.execute(
        text("SELECT id, request_hash FROM jobs WHERE owner = :owner AND idempotency_key = :key"),
        {"owner": owner, "key": key},
    ).mappings().one_or_none()


def count_unfinished(connection: Connection, owner: str) -> int:
    return int(connection.execute(
        text("SELECT count(*) FROM jobs WHERE owner = :owner AND state IN ('queued', 'running')"), {"owner": owner}
    ).scalar_one())


def registering(connection: Connection, name: str) -> int | None:
    """The unfinished job that is about to register a model of this name."""
    found = connection.execute(
        text("""
            SELECT id FROM jobs WHERE kind = 'register' AND state IN ('queued', 'running')
              AND spec -> 'model' ->> 'name' = :name LIMIT 1
        """),
        {"name": name},
    ).scalar()
    return None if found is None else int(found)


def waiting_models(connection: Connection, dataset_id: int) -> list[int]:
    """Models whose extraction on a dataset is queued or running: what one decoding of its images can serve."""
    return list(connection.execute(
        text("""
            SELECT DISTINCT model_id FROM jobs
            WHERE kind = 'extract' AND state IN ('queued', 'running') AND dataset_id = :dataset ORDER BY model_id
        """),
        {"dataset": dataset_id},
    ).scalars())
