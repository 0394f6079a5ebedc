"""Two faults that need exact timing: a kill while results are being written, and a zombie worker."""

from __future__ import annotations

from tests.support.stack import REPOSITORY
from tests.support.windows import killed_while_results_are_written, one_worker, stopped_worker_comes_back


def test_a_kill_in_the_last_moment_and_a_zombie_change_nothing() -> None:
    with one_worker(REPOSITORY) as (machine, requests):
        assert killed_while_results_are_written(machine, requests) == []
        assert stopped_worker_comes_back(machine, requests) == []
