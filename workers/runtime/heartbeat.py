"""The heartbeat of a running job: extends the lease, reports progress, learns of cancellation and of a lost lease."""

from __future__ import annotations

import os
import signal
from threading import Event, Thread
from time import monotonic
from types import TracebackType
from typing import Self

import structlog

from backend.db.engine import transaction
from backend.db.repositories import jobs, workers
from backend.domain.errors import NotAvailable
from workers.runtime.context import JobContext

log = structlog.get_logger()


class Heartbeat:
    """Runs in a thread of its own while a pipeline works; use as a context manager."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._stop = Event()
        self._thread = Thread(target=self._run, name=f"heartbeat-{context.job.id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        settings = self._context.settings
        last_success = monotonic()
        while not self._stop.wait(settings.beat_s):
            progress, still_s = self._context.snapshot()
            if still_s > settings.stall_s:
                # A hung computation cannot be unwound from here; the lease brings the job back.
                log.error("no progress: this process ends itself", job=self._context.job.id, still_s=round(still_s))
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                with transaction(self._context.engine) as connection:
                    answer = jobs.beat(
                        connection, self._context.job, lease_s=settings.lease_s, progress=progress,
                        worker=self._context.worker,
                    )
                    workers.seen(connection, self._context.worker)
            except NotAvailable:
                # The lease may be running out unseen: after its length nothing may be taken for ours any more.
                if monotonic() - last_success > settings.lease_s:
                    self._context.interrupt("lost")
                continue
            last_success = monotonic()
            if answer.lost:
                self._context.interrupt("lost")
                return
            if answer.cancel_requested:
                self._context.interrupt("cancelled")
            elif answer.draining:
                self._context.interrupt("draining")
