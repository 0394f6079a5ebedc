"""A seeded schedule of faults, and the run that goes through it.

Faults are set off by progress (a number of finished jobs), not by the clock, so that on a slow machine and on a fast
one they all happen while there is work."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg
from fastapi.testclient import TestClient

from backend.api.app import create_app
from backend.dispatch.tokens import Tokens
from backend.settings import Settings
from tests.support.machines import Machines
from tests.support.tiny import TIMM_TEST_MODELS, archive, timm_submission

WORKERS = ("first", "second")
METRICS = ("cka.linear.unbiased", "rsa.correlation.spearman")
STOPPED_FOR_S = 4.5  # longer than the lease
KINDS = (
    "kill_worker",
    "kill_child",
    "kill_dispatcher",
    "kill_broker",
    "flush_broker",
    "restart_postgres",
    "terminate_sessions",
    "stop_worker",
)


@dataclass(frozen=True)
class Work:
    """What is asked for: every model on every dataset by every metric."""

    datasets: tuple[str, ...] = ("noise-a", "noise-b", "noise-c", "noise-d")
    models: int = 20
    stimuli: int = 10

    @property
    def submissions(self) -> list[dict[str, Any]]:
        return [
            timm_submission(
                TIMM_TEST_MODELS[i % len(TIMM_TEST_MODELS)], i, self.datasets, METRICS, name=f"model-{i:02}"
            )
            for i in range(self.models)
        ]

    @property
    def fewest_jobs(self) -> int:
        """Ingest, register and extract jobs; comparisons come on top, as many as they are joined into."""
        return len(self.datasets) + self.models * (1 + len(self.datasets))


def schedule(seed: int, faults: int, work: Work) -> list[tuple[int, str]]:
    """(number of finished jobs, fault): every kind at least once, spread over the whole run."""
    chance = random.Random(seed)
    kinds = [*KINDS, *chance.choices(KINDS, k=max(0, faults - len(KINDS)))]
    chance.shuffle(kinds)
    step = (work.fewest_jobs - 4) / len(kinds)
    return [(1 + int((number + chance.random()) * step), kind) for number, kind in enumerate(kinds)]


@dataclass
class Requests:
    """Sends requests to the API until they are accepted, as a patient client does, with idempotency keys."""

    client: TestClient
    accepted: set[int] = field(default_factory=set)

    def post(self, path: str, **options: Any) -> None:
        """Until the answer is 202. While the database is away 503 is the only other answer allowed."""
        while True:
            answer = self.client.post(f"/api/v1{path}", **options)
            if answer.status_code == 202:
                self.accepted.add(answer.json()["id"])
                return
            assert answer.status_code == 503 and "Retry-After" in answer.headers, answer.text
            time.sleep(0.2)

    def add_datasets(self, work: Work) -> None:
        for seed, name in enumerate(work.datasets):
            self.post("/datasets", content=archive(name, work.stimuli, seed))

    def submit(self, work: Work) -> None:
        for number, body in enumerate(work.submissions):
            self.post("/jobs", json=body, headers={"Idempotency-Key": f"submission-{number}"})


def api(machines: Machines) -> TestClient:
    """The API on the run's database and store. Use as a context manager."""
    settings = Settings(
        DATABASE_URL=machines.database.url,
        BROKER_URL=machines.broker.url,
        home=machines.home.folder,
        max_attempts=100,
    )
    return TestClient(create_app(settings), raise_server_exceptions=True)


@dataclass
class Counter:
    """Reads the number of finished and unfinished jobs with a connection of its own, which faults may cut."""

    dsn: str
    finished: int = 0
    unfinished: int = 1

    def read(self) -> int:
        with suppress(psycopg.OperationalError), psycopg.connect(self.dsn, connect_timeout=2) as connection:
            row = connection.execute("""SELECT count(*) FILTER (WHERE finished_at IS NOT NULL),
                                        count(*) FILTER (WHERE finished_at IS NULL) FROM jobs""").fetchone()
            assert row is not None
            self.finished, self.unfinished = row
        return self.finished


@dataclass
class Faults:
    """Sets off faults on machines. What is killed is started again at once, as a supervisor does."""

    machines: Machines
    chance: random.Random
    stopped: dict[str, float] = field(default_factory=dict)  # worker -> when it goes on

    def set_off(self, kind: str) -> None:
        {
            "kill_worker": lambda: self._restart(self._busy_worker()),
            "kill_child": self._kill_child,
            "kill_dispatcher": lambda: self._restart("dispatcher"),
            "kill_broker": lambda: self._restart("valkey"),
            "flush_broker": self.machines.flush_broker,
            "restart_postgres": self.machines.restart_postgres,
            "terminate_sessions": self.machines.terminate_sessions,
            "stop_worker": self._stop_worker,
        }[kind]()

    def continue_workers(self, now: float = float("inf")) -> None:
        """Lets the stopped workers go on whose time has come."""
        for name in [name for name, when in self.stopped.items() if when <= now]:
            del self.stopped[name]
            self.machines.signal_group(name, signal.SIGCONT)

    def _restart(self, name: str) -> None:
        self.stopped.pop(name, None)
        self.machines.kill(name)
        self.machines.start(name)

    def _kill_child(self) -> None:
        for pid in self.machines.children(self._busy_worker()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _stop_worker(self) -> None:
        name = self._busy_worker()
        self.machines.signal_group(name, signal.SIGSTOP)
        self.stopped[name] = time.monotonic() + STOPPED_FOR_S

    def _busy_worker(self) -> str:
        """A worker in the middle of a job, if one turns up within a while; else any that is not stopped."""
        free = [name for name in WORKERS if name not in self.stopped] or list(WORKERS)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            with suppress(psycopg.OperationalError), psycopg.connect(self.machines.dsn) as connection:
                rows = connection.execute("SELECT DISTINCT worker FROM jobs WHERE state = 'running'").fetchall()
                busy = sorted({row[0].partition("@")[0] for row in rows} & set(free))
                if busy:
                    return self.chance.choice(busy)
            time.sleep(0.01)
        return self.chance.choice(free)


def run_through(
    machines: Machines,
    work: Work,
    seed: int,
    faults: Sequence[tuple[int, str]],
    patience_s: float = 40.0,
    say: Callable[[str], None] = print,
) -> tuple[set[int], list[str]]:
    """Asks for the work while the faults happen; answers the accepted jobs, and complaints if it came to a standstill.

    A standstill is `patience_s` without a job ending, after the last fault.
    """
    left, injector, counter = list(faults), Faults(machines, random.Random(seed)), Counter(machines.dsn)
    for name in ("dispatcher", *WORKERS):
        machines.start(name)
    started = moved = time.monotonic()
    with api(machines) as client:
        requests = Requests(client)
        requests.add_datasets(work)
        before, submitted = 0, False
        while True:
            now = time.monotonic()
            injector.continue_workers(now)
            if counter.read() > before:
                before, moved = counter.finished, now
            if not submitted and counter.finished >= len(work.datasets):
                requests.submit(work)
                submitted = True
            if left and (counter.finished >= left[0][0] or now - moved > patience_s / 4):
                _, kind = left.pop(0)
                say(f"{now - started:5.1f} s, {counter.finished:3} jobs done: {kind}")
                injector.set_off(kind)
                moved = time.monotonic()
            elif submitted and not left and not counter.unfinished:
                break
            elif now - moved > patience_s:
                return requests.accepted, [f"{counter.unfinished} jobs are not final after {patience_s} s of quiet"]
            time.sleep(0.05)
    injector.continue_workers()
    say(f"{time.monotonic() - started:5.1f} s, {counter.finished:3} jobs done: all")
    return requests.accepted, deaf_workers(machines)


def deaf_workers(machines: Machines, patience_s: float = 20.0) -> list[str]:
    """Complaints about workers that live and take no tokens any more, each tried while the others are stopped."""
    found = []
    for name in WORKERS:
        others = [other for other in WORKERS if other != name]
        for other in others:
            machines.signal_group(other, signal.SIGSTOP)
        with Tokens(machines.broker.url) as tokens:
            tokens.add(4)
            deadline = time.monotonic() + patience_s
            while tokens.waiting() and time.monotonic() < deadline:
                time.sleep(0.05)
            if tokens.waiting():
                found.append(f"the worker {name} takes no tokens any more")
        for other in others:
            machines.signal_group(other, signal.SIGCONT)
    return found
