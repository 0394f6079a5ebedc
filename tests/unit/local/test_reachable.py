"""Waiting for somebody else's servers: patient with one that starts, at once clear about one that refuses."""

from __future__ import annotations

import threading

import pytest

from backend.domain.errors import NotAvailable
from parallax.local import reachable
from parallax.local.supervisor import Stopped

URL = "postgresql+psycopg://someone:geheim@db.example:6432/results"


def test_an_address_shows_no_password() -> None:
    assert reachable.address_of(URL) == "db.example:6432/results"


def test_a_server_that_comes_up_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = ["connection refused", "the database system is starting up", None]
    monkeypatch.setattr(reachable, "database_problem", lambda url: answers.pop(0))
    said: list[str] = []
    reachable.wait_for_database(URL, said.append, threading.Event())
    assert answers == [] and said == ["Waiting for the database at db.example:6432/results ..."]


def test_a_refusal_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reachable, "database_problem", lambda url: 'FATAL: database "results" does not exist')
    with pytest.raises(NotAvailable, match="does not exist") as refusal:
        reachable.wait_for_database(URL, pytest.fail, threading.Event())
    assert "DATABASE_URL" in refusal.value.hint and "geheim" not in str(refusal.value)


def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reachable, "PATIENCE_S", 0.1)
    with pytest.raises(NotAvailable, match=r"The broker at 127\.0\.0\.1:1/0 cannot be used"):
        reachable.wait_for_broker("redis://:geheim@127.0.0.1:1/0", lambda line: None, threading.Event())


def test_a_signal_ends_the_wait() -> None:
    stopping = threading.Event()
    stopping.set()
    with pytest.raises(Stopped):
        reachable.wait_for_broker("redis://127.0.0.1:1/0", lambda line: None, stopping)
