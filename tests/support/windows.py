"""Two scenes that stop a worker at one exact moment, where a random kill seldom hits."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.support.faults import METRICS, Requests, api
from tests.support.invariants import results, violations
from tests.support.machines import Machines, machines
from tests.support.tiny import archive, timm_submission

PATIENCE_S = 40.0


def wait_until(condition: Callable[[], Any], what: str, machine: Machines) -> Any:
    """The first true answer of `condition`; AssertionError with the logs if there is none in time."""
    deadline = time.monotonic() + PATIENCE_S
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"waited in vain until {what}\n{machine.logs()}"
        time.sleep(0.05)
    return answer


def rows(machine: Machines, query: str) -> list[dict[str, Any]]:
    with psycopg.connect(machine.dsn, row_factory=dict_row) as connection:
        return connection.execute(query).fetchall()


def extraction(machine: Machines) -> dict[str, Any]:
    """The extract job of the second scene, or nothing yet."""
    found = rows(machine, "SELECT * FROM jobs WHERE kind = 'extract' AND title LIKE '% stopped'")
    return found[0] if found else {}


def unfinished(machine: Machines) -> int:
    return int(rows(machine, "SELECT count(*) AS n FROM jobs WHERE finished_at IS NULL")[0]["n"])


@contextmanager
def decoding_held(machine: Machines) -> Iterator[None]:
    """Holds the lock that one process takes to decode a dataset, so that an extraction waits in the middle of its
    work."""
    dataset_hash = rows(machine, "SELECT dataset_hash FROM datasets")[0]["dataset_hash"]
    machine.cache.mkdir(exist_ok=True)
    with (machine.cache / f"{dataset_hash}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for decoded in machine.cache.glob("*.npy"):
            decoded.unlink()
        yield


@contextmanager
def one_worker(source: Path) -> Iterator[tuple[Machines, Requests]]:
    """Servers, a dispatcher, the worker `first`, and one dataset."""
    with machines(source) as machine, api(machine) as client:
        requests = Requests(client)
        for name in ("dispatcher", "first"):
            machine.start(name)
        requests.post("/datasets", content=archive("noise-a", 10))
        wait_until(lambda: not unfinished(machine), "the dataset is there", machine)
        yield machine, requests


def ask_for(model: str, requests: Requests) -> None:
    requests.post("/jobs", json=timm_submission("test_resnet", len(model), ["noise-a"], METRICS, name=model))


def killed_while_results_are_written(machine: Machines, requests: Requests) -> list[str]:
    """A worker is killed at the moment it writes the results of a job: that job must be done again.

    A lock on the table of embeddings keeps the worker there until it is dead. Answers what is wrong afterwards.
    """
    waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'INSERT INTO embeddings%'"
    with psycopg.connect(machine.dsn) as connection:
        connection.execute("LOCK TABLE embeddings IN SHARE MODE")
        ask_for("killed", requests)
        wait_until(lambda: rows(machine, waiting), "a result is about to be written", machine)
        for pid in machine.children("first"):
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.3)
        # The server notices a dead client only when it next answers it: end the session as its machine's end would.
        connection.execute(f"SELECT pg_terminate_backend(pid) FROM ({waiting}) AS waiting")
    wait_until(lambda: not unfinished(machine), "all jobs are final", machine)
    return violations(machine.dsn, machine.store, requests.accepted)


def stopped_worker_comes_back(machine: Machines, requests: Requests) -> list[str]:
    """A worker is stopped for longer than its lease; it goes on while another has its job, and again afterwards.

    Answers what it did that it must not do.
    """
    wrong = []
    with decoding_held(machine):
        ask_for("stopped", requests)
        wait_until(lambda: extraction(machine).get("state") == "running", "the first worker has the job", machine)
        time.sleep(0.3)
        machine.signal_group("first", signal.SIGSTOP)
        machine.start("second")
        wait_until(
            lambda: (extraction(machine)["state"], extraction(machine)["attempt"]) == ("running", 2),
            "the second worker has the job",
            machine,
        )
        machine.signal_group("second", signal.SIGSTOP)
    machine.signal_group("first", signal.SIGCONT)
    # The first worker believes in attempt 1 and has all it needs to finish; the second one's lease still runs.
    deadline = time.monotonic() + 2.5
    while time.monotonic() < deadline and not wrong:
        job = extraction(machine)
        if job["state"] == "succeeded":
            wrong.append(f"the first worker ended attempt {job['attempt']}, which is the second's")
        time.sleep(0.05)
    machine.signal_group("first", signal.SIGSTOP)
    machine.signal_group("second", signal.SIGCONT)
    wait_until(lambda: not unfinished(machine), "all jobs are final", machine)
    before = rows(machine, "SELECT * FROM jobs ORDER BY id"), results(machine.dsn)
    machine.signal_group("first", signal.SIGCONT)
    time.sleep(1.0)
    if (rows(machine, "SELECT * FROM jobs ORDER BY id"), results(machine.dsn)) != before:
        wrong.append("the first worker changed something after the end")
    return wrong + violations(machine.dsn, machine.store, requests.accepted)
