"""What a pipeline gets: its job, its means, and the way to report progress and to learn that it must stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic
from typing import Any, Literal

from sqlalchemy import Connection, Engine

from backend.db.engine import transaction
from backend.db.repositories import jobs
from backend.db.repositories.jobs import ClaimedJob
from backend.settings import Settings
from backend.storage import ArrayStore

Interruption = Literal["lost", "cancelled", "draining"]


class JobInterrupted(Exception):
    """The work must stop here and write nothing more: lease lost, cancelled, or the worker is being stopped."""

    def __init__(self, reason: Interruption) -> None:
        super().__init__(reason)
        self.reason = reason


class JobRetry(Exception):
    """The work could not be done now, but may succeed later (a hub that does not answer).

    `counted`: it uses up one of the job's attempts.
    """

    def __init__(
        self, step: str, message: str, hint: str = "", delay_s: float = 15.0, counted: bool = True
    ) -> None:
        super().__init__(message)
        self.counted = counted
        self.step = step
        self.message = message
        self.hint = hint
        self.delay_s = delay_s


@dataclass(frozen=True)
class Outcome:
    """What a pipeline hands over for the one finishing transaction: results to write, and a hash of them."""

    result_sha256: str
    write: Callable[[Connection], None] = field(default=lambda connection: None)


@dataclass
class JobContext:
    """One attempt at one job."""

    job: ClaimedJob
    settings: Settings
    engine: Engine
    store: ArrayStore
    worker: str
    _progress: dict[str, Any] = field(default_factory=dict)
    _interruption: Interruption | None = None
    _moved_at: float = field(default_factory=monotonic)
    _lock: Lock = field(default_factory=Lock)

    def progress(self, step: str, done: int = 0, total: int = 0) -> None:
        """Reports how far the work is and raises JobInterrupted if it must stop. Cheap: call it between batches."""
        with self._lock:
            now = {"step": step, "done": done, "total": total}
            if now != self._progress:
                self._progress = now
                self._moved_at = monotonic()
            interruption = self._interruption
        if interruption is not None:
            raise JobInterrupted(interruption)

    def interrupt(self, reason: Interruption) -> None:
        """Called by the heartbeat; the pipeline notices at its next `progress`."""
        with self._lock:
            self._interruption = self._interruption or reason

    def snapshot(self) -> tuple[dict[str, Any], float]:
        """Progress as last reported, and the seconds since it last changed."""
        with self._lock:
            return dict(self._progress), monotonic() - self._moved_at

    def read(self) -> Any:
        """A short transaction for reading."""
        return transaction(self.engine)

    def commit_part(self, write: Callable[[Connection], None]) -> None:
        """Commits a part of the results (a chunk) if the job is still ours; JobInterrupted otherwise."""
        with transaction(self.engine) as connection:
            if not jobs.hold(connection, self.job):
                raise JobInterrupted("lost")
            write(connection)
