"""The API while its database is away, and once it is back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from backend.api.app import create_app
from backend.db.engine import transaction
from backend.settings import Settings
from parallax.local.ports import free_port
from tests.support.problems import refused
from tests.support.rows import add_dataset
from tests.support.tiny import archive, timm_submission

PATHS = ("/models", "/datasets", "/metrics", "/coverage", "/orders?metric=cka.linear.unbiased", "/finding", "/jobs",
         "/job-counts", "/jobs/1", "/ready", "/version")  # fmt: skip


class Switch:
    """Turns a database away from everybody, sessions that are open included, and lets it in again."""

    def __init__(self, url: str) -> None:
        self.name = make_url(url).database
        self.engine = create_engine(make_url(url).set(database="postgres"), isolation_level="AUTOCOMMIT")

    def off(self) -> None:
        with self.engine.connect() as connection:
            connection.execute(text(f"ALTER DATABASE {self.name} ALLOW_CONNECTIONS false"))
            connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"),
                {"name": self.name},
            )

    def on(self) -> None:
        with self.engine.connect() as connection:
            connection.execute(text(f"ALTER DATABASE {self.name} ALLOW_CONNECTIONS true"))


@pytest.fixture
def switch(module_database_url: str) -> Iterator[Switch]:
    made = Switch(module_database_url)
    yield made
    made.on()
    made.engine.dispose()


def test_while_the_database_is_away_requests_may_be_repeated_later(
    client: TestClient, engine: Engine, switch: Switch, settings: Settings
) -> None:
    with transaction(engine) as connection:
        add_dataset(connection, "digits")
    body = timm_submission("test_vit", 0, ["digits"])
    assert client.get("/models").status_code == 200
    switch.off()
    for path in PATHS:
        answer = client.get(path)
        problem = refused(answer, 503)
        assert answer.headers["Retry-After"] == "5" and "database" in problem.detail and problem.hint
    refused(client.post("/jobs", json=body), 503)
    refused(client.post("/jobs/1:cancel"), 503)
    refused(client.post("/datasets", content=archive("noise")), 503)
    assert client.get("/health").status_code == 200, "the process itself is well"
    switch.on()
    assert client.get("/ready").status_code == 200
    assert client.post("/jobs", json=body).status_code == 202
    assert client.post("/datasets", content=archive("noise")).status_code == 202
    assert client.get("/jobs").json()["total"] == 2, "and nothing was accepted meanwhile"


def test_sessions_that_were_cut_are_not_noticed(client: TestClient, engine: Engine) -> None:
    for _ in range(3):
        assert client.get("/jobs").status_code == 200
        with transaction(engine) as connection:
            connection.execute(
                text("""SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                                       WHERE datname = current_database() AND pid <> pg_backend_pid()""")
            )


def test_an_api_may_start_before_its_database(tmp_path: Path) -> None:
    nowhere = f"postgresql://parallax@127.0.0.1:{free_port(0)}/parallax"
    with TestClient(create_app(Settings(DATABASE_URL=nowhere, home=tmp_path)), base_url="http://test/api/v1") as client:
        assert client.get("/health").status_code == 200
        problem = refused(client.get("/ready"), 503)
    assert "parallax@" not in problem.model_dump_json(), "no address, no password"


def test_a_database_without_our_schema_is_not_ready(empty_database_url: str, tmp_path: Path) -> None:
    app = create_app(Settings(DATABASE_URL=empty_database_url, home=tmp_path))
    with TestClient(app, base_url="http://test/api/v1", raise_server_exceptions=False) as client:
        problem = refused(client.get("/ready"), 503)
        assert "none" in problem.detail and "parallax db upgrade" in problem.hint


def test_an_unforeseen_error_says_nothing_of_the_inside(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from backend.services import catalogue

    def fail(*_: object) -> None:
        raise RuntimeError("the secret of the inside")

    monkeypatch.setattr(catalogue, "get_model", fail)
    problem = refused(client.get("/models/x"), 500)
    assert "secret" not in problem.model_dump_json() and "Traceback" not in problem.model_dump_json()
    assert "the secret of the inside" in "".join(capfd.readouterr()), "but the log has it"
