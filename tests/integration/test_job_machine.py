"""Any sequence of moves, by live workers and by zombies, keeps the database and a plain model of the rules equal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test
from sqlalchemy import Connection, Engine, text

from backend.db.engine import transaction
from backend.db.repositories import jobs
from backend.db.repositories.jobs import ClaimedJob
from backend.domain.jobs import FINAL_STATES, JobState
from tests.integration.conftest import EMPTY
from tests.support.rows import new_job

ERROR = {"cause": "user", "step": "s", "message": "m", "hint": "h"}
MAX_ATTEMPTS = 3
MOVES: dict[JobState, set[JobState]] = {
    "queued": {"running", "cancelled"},
    "running": {"queued", "succeeded", "failed", "cancelled"},
}


@dataclass
class Modelled:
    """What the rules say of one job."""

    key: int
    state: str = "queued"
    attempt: int = 0
    max_attempts: int = MAX_ATTEMPTS
    cancel: bool = False
    expired: bool = False

    def is_held_by(self, claimed: ClaimedJob) -> bool:
        return self.state == "running" and self.attempt == claimed.attempt


class JobMachine(RuleBasedStateMachine):
    """`claims` holds every claim ever answered, so most of them are a zombie's after a while."""

    engine: Engine
    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[int, Modelled] = {}
        with self.moving() as connection:
            connection.execute(text(EMPTY))

    @contextmanager
    def moving(self) -> Iterator[Connection]:
        with transaction(self.engine) as connection:
            yield connection

    @rule(key=st.integers(0, 2))
    def enqueue(self, key: int) -> None:
        fresh = [n for n, job in self.known.items() if (job.key, job.state, job.attempt) == (key, "queued", 0)]
        with self.moving() as connection:
            (number,) = jobs.enqueue(connection, [new_job(key=key, max_attempts=MAX_ATTEMPTS)])
        if fresh:
            assert [number] == fresh
        else:
            assert number not in self.known
            self.known[number] = Modelled(key)

    @rule(target=claims)
    def claim(self) -> object:
        queued = sorted(number for number, job in self.known.items() if job.state == "queued")
        with self.moving() as connection:
            claimed = jobs.claim(connection, worker="w", lease_s=60, patience_s=0)
        if claimed is None:
            assert not queued
            return multiple()
        assert claimed.id == queued[0]
        job = self.known[claimed.id]
        job.state, job.attempt, job.expired = "running", job.attempt + 1, False
        assert claimed.attempt == job.attempt
        return claimed

    @rule(claimed=claims)
    def beat(self, claimed: ClaimedJob) -> None:
        job = self.known[claimed.id]
        with self.moving() as connection:
            answer = jobs.beat(connection, claimed, lease_s=60, progress={"step": "s"}, worker="w")
        assert answer.lost != job.is_held_by(claimed)
        if not answer.lost:
            assert answer.cancel_requested == job.cancel
            job.expired = False

    @rule(claimed=claims, end=st.sampled_from(["succeeded", "failed", "cancelled"]))
    def end(self, claimed: ClaimedJob, end: str) -> None:
        job = self.known[claimed.id]
        with self.moving() as connection:
            done = {
                "succeeded": lambda: jobs.finish(connection, claimed, "0" * 64),
                "failed": lambda: jobs.fail(connection, claimed, ERROR),
                "cancelled": lambda: jobs.finish_cancelled(connection, claimed),
            }[end]()
        assert done == (job.is_held_by(claimed) and job.cancel == (end == "cancelled"))
        if done:
            job.state = end

    @rule(claimed=claims, counted=st.booleans())
    def release(self, claimed: ClaimedJob, counted: bool) -> None:
        job = self.known[claimed.id]
        with self.moving() as connection:
            done = jobs.release(connection, claimed, "note", counted=counted)
        extra = 0 if counted else 1
        if not (job.is_held_by(claimed) and not job.cancel):
            assert not done
            return
        job.state = "failed" if job.attempt >= job.max_attempts + extra else "queued"
        job.max_attempts += extra
        assert done == (job.state == "queued")

    @rule(claimed=claims)
    def time_passes(self, claimed: ClaimedJob) -> None:
        job = self.known[claimed.id]
        with self.moving() as connection:
            connection.execute(
                text("UPDATE jobs SET lease_until = now() - interval '1 s' WHERE id = :id AND state = 'running'"),
                {"id": claimed.id},
            )
        job.expired = job.state == "running"

    @rule()
    def reap(self) -> None:
        with self.moving() as connection:
            reaped = jobs.reap(connection, backoff_s=0)
        requeued, ended = [], []
        for number, job in sorted(self.known.items()):
            if job.state == "running" and job.expired:
                job.state = "cancelled" if job.cancel else "failed" if job.attempt >= job.max_attempts else "queued"
                (requeued if job.state == "queued" else ended).append(number)
        assert (sorted(reaped.requeued), sorted(reaped.ended)) == (requeued, ended)

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        if not self.known:
            return
        number = data.draw(st.sampled_from(sorted(self.known)))
        job = self.known[number]
        with self.moving() as connection:
            done = jobs.cancel(connection, number)
        assert done == (job.state not in FINAL_STATES)
        if done:
            job.cancel = True
            job.state = "cancelled" if job.state == "queued" else job.state

    @invariant()
    def the_database_agrees(self) -> None:
        with self.moving() as connection:
            rows = connection.execute(text("SELECT id, state, attempt, cancel_requested FROM jobs")).all()
            events = connection.execute(text("SELECT job_id, state, attempt FROM job_events ORDER BY id")).all()
        assert {row.id: (row.state, row.attempt, row.cancel_requested) for row in rows} == {
            number: (job.state, job.attempt, job.cancel) for number, job in self.known.items()
        }
        for number, job in self.known.items():
            states = [event.state for event in events if event.job_id == number]
            assert states[0] == "queued" and states[-1] == job.state
            assert all(new in MOVES[old] for old, new in pairwise(states))
            claimed = [event.attempt for event in events if event.job_id == number and event.state == "running"]
            assert claimed == list(range(1, job.attempt + 1))


@pytest.mark.parametrize("steps", [30])
def test_no_sequence_of_moves_breaks_a_rule(module_engine: Engine, steps: int) -> None:
    JobMachine.engine = module_engine
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        JobMachine,
        settings=settings(
            max_examples=25,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
