"""Telling the database that a worker came, is there or is being stopped; in the parent, by short connections."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from sqlalchemy import Connection

from backend.db.engine import make_engine, transaction
from backend.db.repositories import workers
from backend.domain.errors import NotAvailable
from backend.settings import get_settings

log = structlog.get_logger()
_announced: set[str] = set()


def announce(name: str) -> None:
    """Notes that the worker is there, so that the pages can say so before its first job."""
    if _once(lambda connection: workers.seen(connection, name, started=True), "worker could not announce itself"):
        _announced.add(name)


def still_there(name: str) -> None:
    """Notes that a worker without work lives. Makes up for an `announce` that found no database: until then a worker
    of this name that was stopped before counts as being stopped still, and would give every job back."""
    if name in _announced:
        _once(lambda connection: workers.seen(connection, name), "worker could not say that it is there")
    else:
        announce(name)


def drain(name: str) -> None:
    """Asks the worker's children to give their jobs back at the next chunk, so that stopping does not take long."""
    _once(lambda connection: workers.drain(connection, name), "worker could not be marked as stopping")


def _once(write: Callable[[Connection], None], complaint: str) -> bool:
    """Whether it was written."""
    engine = make_engine(get_settings().database_url.get_secret_value(), pool_size=1)
    try:
        with transaction(engine) as connection:
            write(connection)
        return True
    except NotAvailable as error:
        # Not worth a stop: leases and the next heartbeat put it right.
        log.warning(complaint, reason=error.message)
        return False
    finally:
        engine.dispose()
