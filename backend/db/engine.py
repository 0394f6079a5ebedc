"""Connections to Postgres: one synchronous engine per process, one short transaction per request or job step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from backend.domain.errors import NotAvailable, StorageFull

DISK_FULL, QUERY_CANCELLED = "53100", "57014"  # SQLSTATE


def make_engine(database_url: str, pool_size: int = 5) -> Engine:
    """An engine whose connections are checked before use, so that a restarted database is not noticed as an error.

    At most `pool_size` + 10 connections; who gets none within seconds gets NotAvailable from `transaction`.
    """
    return create_engine(
        database_url,
        pool_size=pool_size,
        max_overflow=10,
        pool_timeout=5,
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
    if not isinstance(error, DBAPIError) or _sqlstate(error) == QUERY_CANCELLED:
        return False
    return isinstance(error, (OperationalError, InterfaceError)) or error.connection_invalidated


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """One transaction: committed at the end, rolled back on any error.

    NotAvailable if the database is away or has no connection left; StorageFull if its disk is full.
    """
    try:
        with engine.begin() as connection:
            yield connection
    except PoolTimeout as error:
        raise NotAvailable("All connections to the database are in use.", "Try again in a few seconds.") from error
    except DBAPIError as error:
        if _sqlstate(error) == DISK_FULL:
            raise StorageFull(
                "The disk of the Postgres database is full; nothing was written.",
                "Free some space on it and try again.",
            ) from error
        if is_connection_error(error):
            raise NotAvailable(
                "The database cannot be reached at the moment.", "Try again in a few seconds; nothing was lost."
            ) from error
        raise
