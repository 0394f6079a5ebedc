"""Fixtures of the tests on a real database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, Engine, text

from backend.api.app import create_app
from backend.db.engine import make_engine, transaction
from backend.db.tables import metadata
from backend.settings import Settings
from tests.support.in_process import plain_torch, worker
from tests.support.population import Population, add_population

__all__ = ["plain_torch", "worker"]

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


@pytest.fixture
def settings(module_database_url: str, tmp_path: Path) -> Settings:
    """Settings of an API on the module's database, with small limits for uploads."""
    return Settings(
        DATABASE_URL=module_database_url,
        home=tmp_path,
        max_upload_bytes=300_000,
        max_checkpoint_bytes=200_000,
        max_queued_per_owner=50,
    )


@pytest.fixture
def client(engine: Engine, settings: Settings) -> Iterator[TestClient]:
    """The API; what it does not foresee is answered with 500, as by a real server."""
    app = create_app(settings)
    with TestClient(app, base_url="http://test/api/v1", raise_server_exceptions=False) as made:
        yield made


@pytest.fixture(scope="module")
def population(module_engine: Engine) -> Population:
    """Models of all kinds on four datasets, put into the module's emptied database once: for tests that only read."""
    with transaction(module_engine) as connection:
        connection.execute(text(EMPTY))
        return add_population(connection)


@pytest.fixture(scope="module")
def api(
    population: Population, module_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestClient]:
    """The API over the population."""
    settings = Settings(DATABASE_URL=module_database_url, home=tmp_path_factory.mktemp("home"))
    with TestClient(create_app(settings), base_url="http://test/api/v1", raise_server_exceptions=False) as made:
        yield made
