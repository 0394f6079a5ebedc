"""The fault tests have teeth: each of these mutants of the source makes one of them fail.

Observed outcomes:

- no reaper: the first worker killed in the middle of a job leaves that job `running` for ever; the run comes to a
  standstill with unfinished jobs ("... jobs are not final ...").
- no attempt fence (writes ask only whether the job is running): the stopped worker comes back, its heartbeat is
  answered as if the lease were its own, and it ends attempt 2 of the second worker as succeeded.
- state committed before results: a worker killed in between leaves an extraction that succeeded without its embedding,
  and nobody will ever compute it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.faults import Work, run_through
from tests.support.invariants import violations
from tests.support.machines import machines
from tests.support.mutants import ALL, NO_FENCE, NO_REAPER, STATE_FIRST, Mutant
from tests.support.windows import killed_while_results_are_written, one_worker, stopped_worker_comes_back


@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: mutant.name)
def test_a_mutant_can_be_planted(mutant: Mutant, tmp_path: Path) -> None:
    planted = mutant.plant(tmp_path)
    for file, _, _ in mutant.changes:
        compile((planted / file).read_text(), file, "exec")


@pytest.mark.slow
def test_without_a_reaper_jobs_never_end(tmp_path: Path) -> None:
    work = Work(datasets=("noise-a",), models=4)
    with machines(NO_REAPER.plant(tmp_path)) as broken:
        accepted, wrong = run_through(broken, work, 1, [(2, "kill_worker"), (4, "kill_child")], patience_s=20.0)
        assert any("not final" in line for line in wrong)
        assert any("is running" in line for line in violations(broken.dsn, broken.store, accepted))


@pytest.mark.slow
def test_without_a_fence_a_zombie_ends_the_job_of_another(tmp_path: Path) -> None:
    with one_worker(NO_FENCE.plant(tmp_path)) as (machine, requests):
        wrong = stopped_worker_comes_back(machine, requests)
    assert any("ended attempt 2, which is the second's" in line for line in wrong), wrong


@pytest.mark.slow
def test_a_state_that_is_committed_first_loses_results(tmp_path: Path) -> None:
    with one_worker(STATE_FIRST.plant(tmp_path)) as (machine, requests):
        wrong = killed_while_results_are_written(machine, requests)
    assert any("succeeded without its result" in line for line in wrong), wrong
