"""What a worker does when it starts and when it is being stopped (Celery's signals, in the parent process)."""

from __future__ import annotations

from typing import Any

from celery.signals import setup_logging, worker_ready, worker_shutting_down

from backend.logs import configure_logs
from workers.runtime.housekeeping import sweep_store
from workers.runtime.registration import announce, drain, still_there

IDLE_BEAT_S = 20.0
SWEEP_S = 6 * 3600.0


@setup_logging.connect
def _logs(**_: object) -> None:
    configure_logs()


@worker_ready.connect
def _announce(sender: Any, **_: object) -> None:
    announce(sender.hostname)
    sweep_store()
    # Celery's own timer, not a thread: the parent forks children while it runs.
    sender.timer.call_repeatedly(IDLE_BEAT_S, still_there, (sender.hostname,))
    sender.timer.call_repeatedly(SWEEP_S, sweep_store)


@worker_shutting_down.connect
def _drain(sender: object, **_: object) -> None:
    drain(str(sender))
