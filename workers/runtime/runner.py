"""Runs one claimed job to one of its ends. Every end is one transaction guarded by the attempt."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from typing import Any

import structlog
from sqlalchemy import Connection, Engine

from backend.db.engine import transaction
from backend.db.repositories import jobs, workers
from backend.db.repositories.jobs import ClaimedJob
from backend.domain.errors import InvalidInput, JobFailed, NotAvailable, StorageFull, StoredFileDamaged
from backend.settings import Settings
from backend.storage import ArrayStore
from workers.runtime.context import JobContext, JobInterrupted, JobRetry, Outcome
from workers.runtime.heartbeat import Heartbeat

log = structlog.get_logger()
DATABASE_PATIENCE_S = 60.0
Pipeline = Callable[[JobContext], Outcome]


def claim_next(engine: Engine, settings: Settings, worker: str) -> ClaimedJob | None:
    """Takes the next job from the database, or None if there is none or the database is away."""
    try:
        with transaction(engine) as connection:
            workers.seen(connection, worker)
            return jobs.claim(
                connection, worker=worker, lease_s=settings.lease_s, patience_s=settings.compare_patience_s
            )
    except NotAvailable:
        # A token is not needed twice: the dispatcher makes new ones as long as jobs are due.
        return None


def run_job(
    job: ClaimedJob, pipeline: Pipeline, *, settings: Settings, engine: Engine, store: ArrayStore, worker: str
) -> str:
    """Runs a pipeline on a job and ends the job; answers how, for the log."""
    context = JobContext(job=job, settings=settings, engine=engine, store=store, worker=worker)
    started = time.monotonic()
    with structlog.contextvars.bound_contextvars(job=job.id, kind=job.kind, attempt=job.attempt):
        with Heartbeat(context):
            end = _attempt(context, pipeline)
        log.info("job ended", end=end, seconds=round(time.monotonic() - started, 2))
    return end


def _attempt(context: JobContext, pipeline: Pipeline) -> str:
    try:
        outcome = pipeline(context)
        return _finish(context, outcome)
    except JobInterrupted as interruption:
        return _stop(context, interruption)
    except JobRetry as retry:
        if not retry.counted or context.job.attempt < context.job.max_attempts:
            note = f"{retry.message} Trying again."
            delay_s, counted = retry.delay_s, retry.counted
            if _write(context, lambda c: jobs.release(c, context.job, note, delay_s, counted)):
                return "will be tried again"
            return _stop(context, JobInterrupted("lost"))
        return _fail(context, "ours", retry.step, retry.message, retry.hint)
    except JobFailed as failure:
        return _fail(context, failure.cause, failure.step, failure.message, failure.hint)
    except InvalidInput as error:
        return _fail(context, "user", context.snapshot()[0].get("step", "run"), error.message, error.hint)
    except (StorageFull, StoredFileDamaged) as error:
        return _fail(context, "ours", context.snapshot()[0].get("step", "store"), error.message, error.hint)
    except NotAvailable:
        # The lease runs out by itself and the job is tried again; nothing can be written now.
        return "left to its lease: the database is away"
    except Exception as error:
        log.error("unexpected error", error=traceback.format_exc())
        return _fail(
            context, "ours", context.snapshot()[0].get("step", "run"),
            f"Unexpected {type(error).__name__}: {str(error)[:500]}",
            "This is a fault of Parallax, not of your input. The worker's log has the details.",
        )


def _finish(context: JobContext, outcome: Outcome) -> str:
    """Results and state in one transaction. After a commit whose answer was lost, looks instead of guessing."""

    def write(connection: Connection) -> bool:
        if jobs.is_succeeded(connection, context.job):
            return True
        if not jobs.hold(connection, context.job):
            return False
        outcome.write(connection)
        if not jobs.finish(connection, context.job, outcome.result_sha256):
            raise JobInterrupted("lost")
        return True

    if _write(context, write):
        return "succeeded"
    return _stop(context, JobInterrupted("lost"))


def _fail(context: JobContext, cause: str, step: str, message: str, hint: str) -> str:
    error = {"cause": cause, "step": step, "message": message, "hint": hint}
    done = _write(context, lambda connection: jobs.fail(connection, context.job, error))
    return f"failed: {message}" if done else _stop(context, JobInterrupted("lost"))


def _stop(context: JobContext, interruption: JobInterrupted) -> str:
    if interruption.reason == "draining":
        note = "given back by a worker that is being stopped"
        if _write(context, lambda c: jobs.release(c, context.job, note)):
            return "given back"
    # `finish` refuses a job whose cancellation was requested in the last moment: so look for that in every case.
    if _write(context, lambda c: jobs.finish_cancelled(c, context.job)):
        return "cancelled"
    return "left: another attempt has it"


def _write(context: JobContext, write: Callable[[Connection], Any]) -> Any:
    """One transaction, repeated while the database is away, for at most a minute."""
    deadline = time.monotonic() + DATABASE_PATIENCE_S
    while True:
        try:
            with transaction(context.engine) as connection:
                return write(connection)
        except NotAvailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
