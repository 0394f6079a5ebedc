"""The embedded servers: a real start, a crash, a leftover, a path that its account cannot reach."""

from __future__ import annotations

import os
import signal
import stat
import time
from pathlib import Path

import psycopg
import pytest
import redis

from backend.domain.errors import NotAvailable
from parallax.local import postgres, processes, valkey
from parallax.local.binaries import PostgresBinaries, find_postgres, postgres_candidates
from parallax.local.home import Home
from parallax.local.postgres import EmbeddedPostgres


def dsn(server: EmbeddedPostgres) -> str:
    return server.url.replace("+psycopg", "")


@pytest.mark.parametrize("binaries", postgres_candidates(), ids=lambda one: f"{one.origin}-{one.major}")
def test_every_postgres_found_here_starts_from_a_path_with_a_space(binaries: PostgresBinaries, folder: Path) -> None:
    home = Home(folder)
    server = postgres.prepare(home, preferred_port=0, origin=binaries.origin)
    with postgres.running(server, home.fresh_log("postgres")):
        server.create_database()
        server.create_database()  # a second start finds it
        with psycopg.connect(dsn(server)) as connection:
            version = connection.execute("SHOW server_version_num").fetchone()
            assert version is not None and int(version[0]) // 10000 == binaries.major
            assert connection.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)


def test_postgres_asks_for_a_password_that_only_its_owner_can_read(folder: Path) -> None:
    home = Home(folder)
    server = postgres.prepare(home, preferred_port=0)
    assert stat.S_IMODE((folder / "postgres.password").stat().st_mode) == 0o600
    assert server.password not in repr(server)
    with postgres.running(server, home.fresh_log("postgres")):
        server.create_database()
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(dsn(server).replace(server.password, "wrong"))


def test_data_survives_kill_9_and_the_next_start_clears_up(folder: Path) -> None:
    home = Home(folder)
    server = postgres.prepare(home, preferred_port=0)
    with home.fresh_log("postgres").open("ab") as log:
        process = processes.start(server.argv, log=log, user=server.user, cwd=server.cluster.parent)
    while not server.answers():
        assert process.poll() is None
    server.create_database()
    with psycopg.connect(dsn(server), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    process.kill()
    process.wait()
    assert (server.cluster / "postmaster.pid").exists()

    again = postgres.prepare(home, preferred_port=0)
    with postgres.running(again, home.fresh_log("postgres")), psycopg.connect(dsn(again)) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    processes.kill_group(process)


def test_a_server_left_running_by_an_earlier_run_is_stopped_first(folder: Path) -> None:
    home = Home(folder)
    server = postgres.prepare(home, preferred_port=0)
    with home.fresh_log("postgres").open("ab") as log:
        process = processes.start(server.argv, log=log, user=server.user, cwd=server.cluster.parent)
    while not server.answers():
        assert process.poll() is None
    postgres.prepare(home, preferred_port=0)
    assert process.wait(5) == 0
    assert not (server.cluster / "postmaster.pid").exists()


def test_a_pid_file_whose_number_now_belongs_to_another_program_is_no_obstacle(folder: Path) -> None:
    home = Home(folder)
    server = postgres.prepare(home, preferred_port=0)
    (server.cluster / "postmaster.pid").write_text(f"{os.getpid()}\n{server.cluster}\n")
    server = postgres.prepare(home, preferred_port=0)
    with postgres.running(server, home.fresh_log("postgres")):
        assert server.answers()


def test_an_interrupted_initialisation_leaves_nothing_half_made(folder: Path) -> None:
    unfinished = folder / "postgres" / "data.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18")
    server = postgres.prepare(Home(folder), preferred_port=0)
    assert (server.cluster / "postgresql.conf").exists() and not unfinished.exists()


def test_a_cluster_of_a_version_that_is_not_installed_is_refused_with_both_versions(folder: Path) -> None:
    with pytest.raises(NotAvailable, match=r"made by Postgres 9, but only \d+"):
        find_postgres(cluster_major=9)


def test_a_cluster_that_was_taken_away_is_not_replaced_by_an_empty_one(folder: Path) -> None:
    home = Home(folder)
    home.remember("postgres_folder", str(folder / "elsewhere"))
    with pytest.raises(NotAvailable, match="which is gone"):
        postgres.prepare(home)


def test_valkey_starts_with_a_password_from_a_path_with_a_space(folder: Path) -> None:
    home = Home(folder)
    server = valkey.prepare(home, preferred_port=0)
    with valkey.running(server, home.fresh_log("valkey")):
        with redis.Redis.from_url(server.url) as connection:
            assert connection.ping()
        with redis.Redis(port=server.port) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
    assert not server.answers()


def test_what_a_server_says_when_it_cannot_start_reaches_the_person(folder: Path) -> None:
    home = Home(folder)
    server = postgres.prepare(home, preferred_port=0, settings={"shared_buffers": "nonsense"})
    with (
        pytest.raises(NotAvailable, match="shared_buffers"),
        postgres.running(server, home.fresh_log("postgres")),
    ):
        pass


def test_stopping_kills_what_does_not_listen(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        deaf = processes.start(["/bin/sh", "-c", "trap '' TERM; echo deaf; sleep 60 & sleep 60"], log=log)
        while "deaf" not in (tmp_path / "log").read_text():
            time.sleep(0.02)
    processes.stop(deaf, signal.SIGTERM, patience_s=0.3)
    assert deaf.returncode == -signal.SIGKILL
