"""Fixtures of the tests on a real database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, text

from backend.db.engine import make_engine, transaction
from backend.db.tables import metadata

EMPTY = "TRUNCATE " + ", ".join(f'"{table.name}"' for table in metadata.sorted_tables) + " RESTART IDENTITY CASCADE"


@pytest.fixture(scope="module")
def module_engine(module_database_url: str) -> Iterator[Engine]:
    """An engine on a migrated database of this module's own."""
    made = make_engine(module_database_url)
    yield made
    made.dispose()


@pytest.fixture
def engine(module_engine: Engine) -> Engine:
    """The module's engine, its database emptied: numbers start at 1 again."""
    with transaction(module_engine) as connection:
        connection.execute(text(EMPTY))
    return module_engine


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    """One transaction, committed at the end."""
    with transaction(engine) as opened:
        yield opened
