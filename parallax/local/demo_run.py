"""The demo: adds the demo's datasets and models through the API, as any user would, and follows the work to
its end.

Everything it does can be repeated: what is there is left alone, so a second start does nothing and an
interrupted one goes on."""

from __future__ import annotations

import hashlib
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from backend.contracts.archives import read_checkpoint_header
from backend.contracts.jobs import CheckpointModel, Job, Submission
from backend.contracts.matrices import MatrixSummary
from backend.domain.errors import ParallaxError
from backend.domain.jobs import FINAL_STATES, STATES
from backend.domain.metrics import DEFAULT_METRICS
from parallax.client.client import ApiError, Client
from parallax.local.demo_screen import Screen
from parallax.local.home import Home

Answer = TypeVar("Answer")
POLL_S = 0.5
# Longer than any restart that the supervisor makes: a restarted web process or database does not end the
# demo.
OUTAGE_S = 90.0
SHOWN_RUNNING = 4


class DemoFailed(ParallaxError):
    """The demo's data could not be added."""


class _Stopping(Exception):
    """Ctrl-C while the demo was working."""


class DemoRun:
    """The work of `parallax demo` beside the running stack: called with its address, answers an exit status
    with `once`, else None to go on serving. `report` then holds what `--json` prints."""

    def __init__(self, home: Home, screen: Screen, once: bool) -> None:
        self.report: dict[str, Any] | None = None
        self._home = home
        self._screen = screen
        self._once = once
        self._began = time.monotonic()
        self._stopping = threading.Event()

    def __call__(self, url: str, stopping: threading.Event) -> int | None:
        self._stopping = stopping
        try:
            with Client(f"{url}/api/v1", timeout_s=60) as client:
                return self._run(client, url)
        except _Stopping:
            return 1 if self._once else None

    def _run(self, client: Client, url: str) -> int | None:
        self._screen.say(f"Parallax is at {url}")
        names = self._add_datasets(client)
        had_all = self._submit_models(client, names)
        for one in self._ask(lambda: matrices_without_null(client, set(names))):
            self._ask(lambda matrix=one: client.compare(matrix.dataset, matrix.metric, matrix.preprocess))  # type: ignore[misc]
        self._follow(client, tell_first_heatmap=not had_all)
        failed = self._ask(lambda: _unsuccessful(client))
        self.report = self._ask(lambda: self._make_report(client))
        self._screen.finish()
        self._conclude(url, failed)
        if not self._once:
            self._screen.say(f"Serving at {url} until Ctrl-C.")
            return None
        states = self.report["jobs"]
        return 0 if states["succeeded"] == sum(states.values()) > 0 else 1

    def _add_datasets(self, client: Client) -> list[str]:
        """Uploads the archives that are not there yet and waits until all are in. Answers the demo's dataset names."""
        from parallax.local.demo import demo_datasets, write_archive

        wanted = list(demo_datasets())
        known = {one.name for one in self._ask(client.datasets)}
        jobs: list[Job] = []
        for dataset in wanted:
            if dataset.name in known:
                continue
            self._screen.step(f"Adding dataset {dataset.name}")
            with tempfile.TemporaryDirectory(dir=self._home.folder) as folder:
                archive = Path(folder) / f"{dataset.name}.zip"
                write_archive(dataset, archive)
                jobs.append(self._ask(lambda path=archive: client.upload_dataset(path)))  # type: ignore[misc]
        for job in jobs:
            while (job := self._ask(lambda number=job.id: client.job(number))).state not in FINAL_STATES:  # type: ignore[misc]
                self._screen.step(job.title, job.progress.done, job.progress.total)
                self._pause()
            if job.state != "succeeded":
                raise DemoFailed(f"{job.title} {job.state}: {_reason(job)}", f"Logs are in {self._home.logs}.")
        return [dataset.name for dataset in wanted]

    def _submit_models(self, client: Client, datasets: list[str]) -> bool:
        """Submits every demo model against all datasets. True, and nothing done, when all of it is there already."""
        from parallax.local.demo import demo_checkpoints

        checkpoints = {_name_of(path): path for path in demo_checkpoints()}
        if not checkpoints:
            raise DemoFailed("The demo's networks are missing from this installation.", "Train them with: make zoo")
        if self._ask(lambda: _is_complete(client, set(checkpoints), set(datasets))):
            return True
        # A model with a failed job is submitted under a fresh key, so that it is tried again; any other
        # under a key of its content, which answers the submission that was made before an interruption.
        retried = {job.model for job in self._ask(lambda: _unsuccessful(client))}
        for number, (name, path) in enumerate(checkpoints.items()):
            self._screen.step(f"Submitting {name}", number, len(checkpoints))
            checkpoint = self._ask(lambda file=path: client.upload_checkpoint(file))  # type: ignore[misc]
            submission = Submission(
                model=CheckpointModel(checkpoint_sha256=checkpoint.checkpoint_sha256), datasets=datasets
            )
            key = None if name in retried else _key_of(submission)
            try:
                self._ask(lambda s=submission, k=key: client.submit(s, k))  # type: ignore[misc]
            except ApiError as error:
                if error.status != 409:
                    raise
                self._screen.complain(f"{name} was left out: {error} {error.problem.hint}".strip())
        return False

    def _follow(self, client: Client, tell_first_heatmap: bool) -> None:
        """Shows how far the work is until no job is left."""
        while True:
            counts = self._ask(client.job_counts)
            running = self._ask(lambda: client.jobs(state="running", limit=SHOWN_RUNNING)).items
            if tell_first_heatmap and self._ask(lambda: any(one.n_models > 1 for one in client.coverage())):
                self._screen.say(f"First heatmap after {time.monotonic() - self._began:.0f} s")
                tell_first_heatmap = False
            self._screen.work(counts, running)
            if not counts.states.get("queued", 0) and not counts.states.get("running", 0):
                return
            self._pause()

    def _make_report(self, client: Client) -> dict[str, Any]:
        states = client.job_counts().states
        finding = client.finding()
        return {
            "models": len(client.models()),
            "datasets": len(client.datasets()),
            "jobs": {state: states.get(state, 0) for state in STATES},
            "seconds": round(time.monotonic() - self._began, 1),
            "finding": {"sentence": finding.sentence, "numbers": finding.numbers},
        }

    def _conclude(self, url: str, failed: list[Job]) -> None:
        report = self.report or {}
        self._screen.say(
            f"{report['models']} models, {report['datasets']} datasets, {report['jobs']['succeeded']} jobs succeeded, "
            f"{report['seconds']:.0f} s"
        )
        for job in failed:
            self._screen.complain(f"Job {job.id} ({job.title}) {job.state}: {_reason(job)}   {url}/jobs/{job.id}")
        self._screen.say(report["finding"]["sentence"] or "There is too little to compare yet.")

    def _ask(self, question: Callable[[], Answer]) -> Answer:
        """Asks the API, with patience while a process of ours is being restarted."""
        deadline = time.monotonic() + OUTAGE_S
        while True:
            if self._stopping.is_set():
                raise _Stopping
            try:
                return question()
            except ApiError as error:
                if error.status not in (0, 502, 503) or time.monotonic() > deadline:
                    raise
                self._screen.step(f"Waiting: {error}")
                self._pause()

    def _pause(self) -> None:
        if self._stopping.wait(POLL_S):
            raise _Stopping


def _reason(job: Job) -> str:
    return f"{job.error.message} {job.error.hint}".strip() if job.error else "no reason was given"


def _unsuccessful(client: Client) -> list[Job]:
    return _all_jobs(client, "failed") + _all_jobs(client, "cancelled")


def _all_jobs(client: Client, state: str) -> list[Job]:
    found: list[Job] = []
    cursor: str | None = None
    while True:
        page = client.jobs(state=state, limit=500, cursor=cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found


def _name_of(checkpoint: Path) -> str:
    with checkpoint.open("rb") as file:
        return read_checkpoint_header(file, checkpoint.stat().st_size).name


def _key_of(submission: Submission) -> str:
    return "demo-" + hashlib.sha256(submission.model_dump_json().encode()).hexdigest()[:40]


def matrices_without_null(client: Client, datasets: set[str]) -> list[MatrixSummary]:
    """The demo's matrices whose values were computed by a version that knew no null."""
    return [one for one in _coverage(client, datasets) if one.n_calibrated < one.n_models]


def _is_complete(client: Client, models: set[str], datasets: set[str]) -> bool:
    """Whether every matrix of those datasets holds at least as many models as the demo has, and those are all there."""
    if not models <= {one.name for one in client.models()}:
        return False
    coverage = _coverage(client, datasets)
    return {one.dataset for one in coverage} == datasets and all(one.n_models >= len(models) for one in coverage)


def _coverage(client: Client, datasets: set[str]) -> list[MatrixSummary]:
    """Matrices of those datasets by the metrics that the demo computes."""
    metrics = {metric.id for metric in DEFAULT_METRICS}
    return [one for one in client.coverage() if one.dataset in datasets and one.metric in metrics]
