"""A hundred jobs and everything killed under them: nothing may be lost, doubled or different.

Real Celery workers, dispatcher, Valkey and Postgres run as processes of their own, with leases of seconds. A seeded
schedule kills workers (with their group), their children, the dispatcher and the broker with signal 9, empties the
broker, crashes Postgres, cuts its sessions and stops a worker for longer than its lease. Afterwards every accepted job
has succeeded exactly once, and every stored number is the same, bit for bit, as that of a run in one process without
any fault.

`test_mutants.py` shows that these tests have teeth.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.support.faults import Requests, Work, api, run_through, schedule
from tests.support.invariants import Results, results, violations
from tests.support.machines import machines

WORK = Work()


def undisturbed(work: Work) -> Results:
    """The results of the same work in one process in which nothing goes wrong, and comparisons are done in one go."""
    with machines(PARALLAX_COMPARE_PATIENCE_S="600") as quiet, api(quiet) as client:
        requests = Requests(client)
        command = [sys.executable, "-m", "tests.support.undisturbed"]
        for ask in (requests.add_datasets, requests.submit):
            ask(work)
            done = subprocess.run(
                command, env=quiet.environment(), cwd=quiet.source, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr[-3000:]
        assert not (wrong := violations(quiet.dsn, quiet.store, requests.accepted)), "\n".join(wrong)
        return results(quiet.dsn)


@pytest.fixture(scope="module")
def expected() -> Iterator[Future[Results]]:
    """Being computed while the first run under faults goes on."""
    with ThreadPoolExecutor(1) as thread:
        yield thread.submit(undisturbed, WORK)


def go_through(seed: int, faults: int, expected: Future[Results]) -> None:
    """One run under faults, and all that must hold after it."""
    with machines() as disturbed:
        accepted, wrong = run_through(disturbed, WORK, seed, schedule(seed, faults, WORK))
        wrong += violations(disturbed.dsn, disturbed.store, accepted)
        wrong += results(disturbed.dsn).differences(expected.result())
        assert not wrong, "\n".join([*wrong[:40], disturbed.logs()])


def test_a_hundred_jobs_survive_every_kind_of_fault(expected: Future[Results]) -> None:
    assert WORK.fewest_jobs >= 100
    go_through(seed=1, faults=10, expected=expected)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
def test_they_survive_thirty_faults_in_other_orders(seed: int, expected: Future[Results]) -> None:
    go_through(seed=seed, faults=30, expected=expected)
