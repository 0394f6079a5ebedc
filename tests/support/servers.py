"""A real Postgres with one migrated template, and a real Valkey, for the whole test session."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
import redis

from parallax.local import postgres, valkey
from parallax.local.home import Home
from parallax.local.postgres import EmbeddedPostgres
from parallax.local.valkey import EmbeddedValkey
from tests.support.homes import temporary_home

TEMPLATE = "migrated"
# Nothing of a test outlives it, so nothing needs to reach the disk.
UNSAFE_BUT_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "150",
}
_numbers = count(1)


@pytest.fixture(scope="session")
def server_home() -> Iterator[Home]:
    """Data folder of the session's servers."""
    with temporary_home() as folder:
        yield Home(folder)


@pytest.fixture(scope="session")
def postgres_server(server_home: Home) -> Iterator[EmbeddedPostgres]:
    """The session's Postgres: the one that `parallax up` would start here."""
    server = postgres.prepare(server_home, preferred_port=0, settings=UNSAFE_BUT_FAST)
    with postgres.running(server, server_home.fresh_log("postgres")):
        yield server


@pytest.fixture(scope="session")
def migrated_template(postgres_server: EmbeddedPostgres) -> str:
    """Name of a database with the current schema, to copy."""
    from backend.db.migrate import upgrade

    postgres_server.create_database(TEMPLATE)
    upgrade(postgres_server.url_of(TEMPLATE))
    return TEMPLATE


def _database(server: EmbeddedPostgres, template: str | None) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    server.create_database(name, template)
    yield server.url_of(name)
    server.drop_database(name)


@pytest.fixture
def database_url(postgres_server: EmbeddedPostgres, migrated_template: str) -> Iterator[str]:
    """A migrated, empty database of this test's own (about 50 ms)."""
    yield from _database(postgres_server, migrated_template)


@pytest.fixture(scope="module")
def module_database_url(postgres_server: EmbeddedPostgres, migrated_template: str) -> Iterator[str]:
    """A migrated database that the tests of one module share."""
    yield from _database(postgres_server, migrated_template)


@pytest.fixture
def empty_database_url(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """A database without any table, for tests of the migrations."""
    yield from _database(postgres_server, None)


@pytest.fixture(scope="session")
def valkey_server(server_home: Home) -> Iterator[EmbeddedValkey]:
    """The session's Valkey."""
    server = valkey.prepare(server_home, preferred_port=0)
    with valkey.running(server, server_home.fresh_log("valkey")):
        yield server


@pytest.fixture
def broker_url(valkey_server: EmbeddedValkey) -> str:
    """The session's Valkey, emptied."""
    with redis.Redis.from_url(valkey_server.url) as connection:
        connection.flushall()
    return valkey_server.url


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A data folder for code that writes files but starts no Postgres."""
    return Home(tmp_path / "data folder")
