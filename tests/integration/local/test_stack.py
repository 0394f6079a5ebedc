"""`parallax up` as a person meets it: ports, second instances, crashes, servers of one's own."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from parallax.client.client import ApiError
from parallax.local import ports, processes
from parallax.local.postgres import EmbeddedPostgres
from tests.support.homes import temporary_home
from tests.support.stack import REPOSITORY, Stack, clean_environment, parallax_command, running_stack


@pytest.fixture(scope="module")
def sturdy() -> Iterator[Stack]:
    """A stack that the tests of this module may hurt; each leaves it running."""
    with temporary_home() as folder, running_stack(folder) as running:
        yield running


def run_up(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`parallax up` that is expected to end by itself."""
    command = parallax_command("up", "--home", str(folder), *arguments)
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=60,
        env=clean_environment(environment),
        cwd=REPOSITORY,
        check=False,
    )


def test_pages_and_api_share_one_address(sturdy: Stack) -> None:
    with httpx.Client(base_url=sturdy.url) as browser:
        assert "text/html" in browser.get("/similarity").headers["content-type"]
        assert browser.get("/api/v1/version").json()["version"]
        unknown = browser.get("/api/v1/nothing-of-that-name")
        assert unknown.status_code == 404
        assert unknown.headers["content-type"] == "application/problem+json"
        assert browser.get("/api").status_code == 404


def test_a_second_instance_on_the_same_folder_is_refused(sturdy: Stack) -> None:
    refused = run_up(sturdy.home.folder)
    assert refused.returncode == 3
    assert f"(process {sturdy.home.instance()['pid']}, at {sturdy.url})" in refused.stderr
    assert "--home" in refused.stderr and "Traceback" not in refused.stderr
    with sturdy.client() as client:
        client.ready()


@pytest.mark.parametrize("name", ["web", "postgres", "valkey", "dispatcher", "worker"])
def test_whatever_is_killed_comes_back(sturdy: Stack, name: str) -> None:
    killed = sturdy.children[name]
    os.kill(killed, signal.SIGKILL)
    deadline = time.monotonic() + 40
    while sturdy.children[name] == killed:
        assert time.monotonic() < deadline, sturdy.logs()
        time.sleep(0.1)
    while True:
        try:
            with sturdy.client() as client:
                client.ready()
                if client.job_counts().workers:
                    break
        except ApiError as error:
            assert error.status in (0, 503), error
        assert time.monotonic() < deadline, sturdy.logs()
        time.sleep(0.1)
    assert f"{name} ended with signal SIGKILL; starting it again" in sturdy.output.read_text()


def test_after_kill_9_of_everything_nothing_runs_and_the_next_start_finds_the_data() -> None:
    with temporary_home() as folder:
        with running_stack(folder) as stack:
            with psycopg.connect(stack.database_url.replace("+psycopg", "")) as connection:
                connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
            children = stack.children
            stack.process.kill()
            for pid in children.values():
                assert processes.wait_gone(pid, 10.0)
        with running_stack(folder) as stack:
            with psycopg.connect(stack.database_url.replace("+psycopg", "")) as connection:
                assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
            assert stack.stop() == 0
            assert not any(processes.is_alive(pid) for pid in stack.children.values())


def test_servers_of_ones_own_are_used_and_a_taken_port_is_said(empty_database_url: str, broker_url: str) -> None:
    given = {"DATABASE_URL": empty_database_url, "BROKER_URL": broker_url}
    with temporary_home() as folder, ports.listen(0) as taken:
        port = taken.getsockname()[1]
        with running_stack(folder, port=port, env=given) as stack:
            said = stack.output.read_text()
            assert f"Port {port} is taken: using {stack.url.rpartition(':')[2]} instead." in said
            assert set(stack.children) == {"web", "dispatcher", "worker"}


def test_a_database_that_refuses_us_is_named_with_what_to_do(postgres_server: EmbeddedPostgres) -> None:
    url = postgres_server.url_of("no_such_database")
    with temporary_home() as folder:
        ended = run_up(folder, DATABASE_URL=url)
    assert ended.returncode == 1
    assert f"The database at 127.0.0.1:{postgres_server.port}/no_such_database cannot be used" in ended.stderr
    assert "DATABASE_URL" in ended.stderr
    assert postgres_server.password not in ended.stderr and "Traceback" not in ended.stderr


def test_a_schema_of_a_newer_version_is_left_alone(empty_database_url: str, broker_url: str) -> None:
    with psycopg.connect(empty_database_url.replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
        connection.execute("INSERT INTO alembic_version VALUES ('29990101_0001')")
    with temporary_home() as folder:
        ended = run_up(folder, DATABASE_URL=empty_database_url, BROKER_URL=broker_url)
    assert ended.returncode == 1
    assert "29990101_0001" in ended.stderr and "newer" in ended.stderr and "Traceback" not in ended.stderr
