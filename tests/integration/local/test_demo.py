"""The demo from its command line, with tiny data: the contract of `--once --json`, interruption, a model that fails."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from backend.domain.jobs import STATES
from parallax.client.client import ApiError, Client
from parallax.local import processes
from parallax.local.home import Home
from tests.support.homes import temporary_home
from tests.support.small_demo import DATASETS, make_checkpoints
from tests.support.stack import REPOSITORY, clean_environment


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoints")
    make_checkpoints(folder)
    return folder


def command(checkpoints: Path, home: Path, *arguments: str) -> list[str]:
    program = [sys.executable, "-m", "tests.support.small_demo", str(checkpoints)]
    return [*program, "demo", "--home", str(home), "--port", "0", *arguments]


def run_once(checkpoints: Path, home: Path) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """`parallax demo --once --json` to its end; what it printed last, read as JSON."""
    ended = subprocess.run(
        command(checkpoints, home, "--once", "--json"),
        capture_output=True,
        text=True,
        timeout=240,
        env=clean_environment(),
        cwd=REPOSITORY,
        check=False,
    )
    assert ended.stdout, ended.stderr
    return ended, json.loads(ended.stdout.splitlines()[-1])


@contextmanager
def serving(checkpoints: Path, home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The demo without --once, killed at the end."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "output.txt").open("wb") as output:
        process = processes.start(command(checkpoints, home), log=output, env=clean_environment(), cwd=REPOSITORY)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_until_jobs_run(home: Home, timeout_s: float = 120) -> None:
    """Returns when some job has succeeded and more are to do."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        url = home.instance().get("url")
        try:
            if url:
                with Client(f"{url}/api/v1") as client:
                    states = client.job_counts().states
                    if states.get("running", 0) and states.get("succeeded", 0) > len(DATASETS):
                        return
        except ApiError:
            pass
        time.sleep(0.05)
    pytest.fail(f"nothing ran: {(home.folder / 'output.txt').read_text()}")


def test_an_interrupted_demo_goes_on_and_the_next_start_does_nothing_twice(checkpoints: Path) -> None:
    with temporary_home() as folder:
        home = Home(folder)
        with serving(checkpoints, folder):
            wait_until_jobs_run(home)
            children = list(home.instance()["children"].values())
        assert all(processes.wait_gone(pid, 15) for pid in children)

        ended, report = run_once(checkpoints, folder)
        assert ended.returncode == 0, ended.stderr
        assert set(report) == {"models", "datasets", "jobs", "seconds", "finding"}
        assert (report["models"], report["datasets"]) == (4, 3)
        # 3 datasets checked, 4 models added, 12 embeddings, and for each dataset at least one comparison by each metric
        # and one job for its probes.
        assert set(report["jobs"]) == set(STATES)
        assert report["jobs"]["succeeded"] == sum(report["jobs"].values()) >= 3 + 4 + 12 + 3 + 3
        assert report["seconds"] > 0
        assert report["finding"]["sentence"] and report["finding"]["numbers"]["n_datasets"] == 3

        began = time.monotonic()
        again, same = run_once(checkpoints, folder)
        assert again.returncode == 0, again.stderr
        assert same["jobs"] == report["jobs"] and same["finding"] == report["finding"]
        assert "Submitting" not in again.stderr
        assert time.monotonic() - began < 60
        assert "Parallax is at http://127.0.0.1:" in again.stderr


def test_a_model_that_fails_is_named_with_its_reason_and_the_exit_status_is_1(tmp_path: Path) -> None:
    make_checkpoints(tmp_path, with_broken=True)
    for path in sorted(tmp_path.glob("tiny-*"))[2:]:
        path.unlink()
    with temporary_home() as folder:
        ended, report = run_once(tmp_path, folder)
    assert ended.returncode == 1
    assert report["models"] == 2 and report["jobs"]["failed"] == 1
    assert "broken" in ended.stderr and "failed: " in ended.stderr and "Traceback" not in ended.stderr


def test_a_demo_without_its_networks_says_so(tmp_path: Path) -> None:
    with temporary_home() as folder:
        ended = subprocess.run(
            command(tmp_path, folder, "--once"),
            capture_output=True,
            text=True,
            timeout=120,
            env=clean_environment(),
            cwd=REPOSITORY,
            check=False,
        )
    assert ended.returncode == 1
    assert "networks are missing" in ended.stderr and "make zoo" in ended.stderr
