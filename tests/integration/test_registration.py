"""A worker tells the database that it is there, also when the database was not there at first."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from backend.db.engine import transaction
from backend.settings import Settings
from parallax.local.ports import free_port
from workers.runtime import registration


def draining(engine: Engine) -> dict[str, bool]:
    with transaction(engine) as connection:
        return {row.name: row.draining for row in connection.execute(text("SELECT name, draining FROM workers"))}


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> list[Settings]:
    """The settings that the worker sees; replace the entry to change them."""
    seen = [settings]
    monkeypatch.setattr(registration, "get_settings", lambda: seen[0])
    monkeypatch.setattr(registration, "_announced", set())
    return seen


def test_a_stop_is_forgotten_by_the_next_start(engine: Engine, address: list[Settings]) -> None:
    registration.announce("w")
    registration.drain("w")
    registration.still_there("w")
    assert draining(engine) == {"w": True}
    registration.announce("w")
    assert draining(engine) == {"w": False}


def test_a_start_without_a_database_is_made_up_for(engine: Engine, address: list[Settings], settings: Settings) -> None:
    """Else a worker that was stopped once would give back every job for ever."""
    registration.announce("w")
    registration.drain("w")
    registration._announced.clear()  # the worker is started anew ...
    address[0] = Settings(DATABASE_URL=f"postgresql://parallax@127.0.0.1:{free_port(0)}/parallax")
    registration.announce("w")  # ... while the database is away
    registration.still_there("w")
    address[0] = settings
    assert draining(engine) == {"w": True}
    registration.still_there("w")
    assert draining(engine) == {"w": False}
