"""Waiting for somebody else's database or broker, and saying clearly what is wrong when it does not answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from backend.domain.errors import NotAvailable
from parallax.local.supervisor import Stopped

PATIENCE_S = 20.0


def address_of(url: str) -> str:
    """Host, port and name of a server's URL, without its password."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.hostname or 'localhost'}{port}{parts.path}"


def database_problem(url: str) -> str | None:
    """Why that Postgres cannot be used now; None when it can."""
    import psycopg

    try:
        with psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://", 1), connect_timeout=3):
            return None
    except psycopg.Error as error:
        return str(error).strip().splitlines()[0]


def broker_problem(url: str) -> str | None:
    """Why that Valkey or Redis cannot be used now; None when it can."""
    import redis

    try:
        with redis.Redis.from_url(url, socket_connect_timeout=3, socket_timeout=3) as connection:
            connection.ping()
        return None
    except (redis.RedisError, ValueError, OSError) as error:
        return str(error)


def wait_for_database(url: str, say: Callable[[str], None], stopping: threading.Event) -> None:
    """Returns when the database answers. NotAvailable at once if it refuses us, else after PATIENCE_S."""
    _wait("database", "DATABASE_URL", url, database_problem, say, stopping)


def wait_for_broker(url: str, say: Callable[[str], None], stopping: threading.Event) -> None:
    """Returns when the broker answers. NotAvailable at once if it refuses us, else after PATIENCE_S."""
    _wait("broker", "BROKER_URL", url, broker_problem, say, stopping)


def _wait(
    what: str, variable: str, url: str, problem_of: Callable[[str], str | None],
    say: Callable[[str], None], stopping: threading.Event,
) -> None:  # fmt: skip
    deadline = time.monotonic() + PATIENCE_S
    told = False
    while problem := problem_of(url):
        if _is_refusal(problem) or time.monotonic() > deadline:
            raise NotAvailable(
                f"The {what} at {address_of(url)} cannot be used: {problem}",
                f"Start it or correct {variable}; without {variable} Parallax starts one of its own.",
            )
        if not told:
            say(f"Waiting for the {what} at {address_of(url)} ...")
            told = True
        if stopping.wait(0.5):
            raise Stopped


def _is_refusal(problem: str) -> bool:
    """Whether waiting is pointless: the server answered and said no."""
    refused = (
        "password authentication failed",
        "does not exist",
        "invalid username-password",
        "NOAUTH",
        "WRONGPASS",
    )
    return any(text in problem for text in refused)
