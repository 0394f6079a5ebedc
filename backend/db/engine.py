"""Connections to Postgres: one synchronous engine per process, one short transaction per request or job step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from backend.domain.errors import NotAvailable


def make_engine(database_url: str, pool_size: int = 5) -> Engine:
    """An engine whose connections are checked before use, so that a restarted database is not noticed as an error."""
    return create_engine(
        database_url,
        pool_size=pool_size,
        max_overflow=10,
        pool_pre_ping=True,
        pool_recycle=1800,
        connect_args={
            "connect_timeout": 5,
            "options": "-c statement_timeout=30000 -c idle_in_transaction_session_timeout=30000 -c timezone=UTC",
            "tcp_user_timeout": 5000,
        },
    )


def is_connection_error(error: BaseException) -> bool:
    """Whether the database could not be reached or went away, rather than refused what was asked."""
    if isinstance(error, (OperationalError, InterfaceError)):
        return True
    return isinstance(error, DBAPIError) and error.connection_invalidated


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """One transaction: committed at the end, rolled back on any error. NotAvailable if the database is away."""
    try:
        with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        if is_connection_error(error):
            raise NotAvailable(
                "The database cannot be reached at the moment.", "Try again in a few seconds; nothing was lost."
            ) from error
        raise
