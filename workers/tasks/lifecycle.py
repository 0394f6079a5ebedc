"""What a worker does when it starts and when it is being stopped (Celery's signals, in the parent process)."""

from __future__ import annotations

from celery.signals import setup_logging, worker_ready, worker_shutting_down

from workers.runtime.housekeeping import sweep_store
from workers.runtime.logs import configure_logs
from workers.runtime.registration import announce, drain


@setup_logging.connect
def _logs(**_: object) -> None:
    configure_logs()


@worker_ready.connect
def _announce(sender: object, **_: object) -> None:
    announce(str(getattr(sender, "hostname", "worker")))
    sweep_store()


@worker_shutting_down.connect
def _drain(sender: object, **_: object) -> None:
    drain(str(sender))
