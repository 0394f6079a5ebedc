"""The real pipelines on a real database, in the test's own process: a test can count, break and interrupt them."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from backend.api.app import create_app
from backend.contracts.jobs import Job
from backend.db.engine import transaction
from backend.settings import Settings
from backend.storage import LocalStore
from workers.runtime.runner import claim_next, run_job
from workers.tasks.work import PIPELINES


@dataclass(frozen=True)
class InProcess:
    """Requests go through the API, work is done when `work_off` is called."""

    client: TestClient
    engine: Engine
    settings: Settings

    @property
    def store(self) -> LocalStore:
        return LocalStore(self.settings.store_folder)

    def using(self, **changes: Any) -> InProcess:
        """The same with other settings of the worker."""
        return replace(self, settings=self.settings.model_copy(update=changes))

    def add_dataset(self, data: bytes) -> Job:
        """Sends an archive and does the work; the job as it ended."""
        return self._done(self.client.post("/datasets", content=data))

    def submit(self, body: dict[str, Any]) -> Job:
        """Submits and does the work; the register job as it ended."""
        return self._done(self.client.post("/jobs", json=body))

    def _done(self, answer: Any) -> Job:
        assert answer.status_code == 202, answer.text
        self.work_off()
        return self.job(answer.json()["id"])

    def work_off(self) -> int:
        """Does jobs until there is none to claim; how many."""
        done = 0
        while (job := claim_next(self.engine, self.settings, "test")) is not None:
            run_job(
                job, lambda context: import_module(PIPELINES[context.job.kind]).run(context), settings=self.settings,
                engine=self.engine, store=self.store, worker="test",
            )  # fmt: skip
            done += 1
        return done

    def job(self, number: int) -> Job:
        return Job.model_validate(self.client.get(f"/jobs/{number}").json())

    def jobs(self, kind: str, state: str | None = None) -> list[Job]:
        """All jobs of a kind, oldest first."""
        params = {"kind": kind, "limit": 1000} | ({"state": state} if state else {})
        return [Job.model_validate(item) for item in reversed(self.client.get("/jobs", params=params).json()["items"])]

    def rows(self, query: str) -> list[Any]:
        with transaction(self.engine) as connection:
            result = connection.execute(text(query))
            return list(result.all()) if result.returns_rows else []


@pytest.fixture
def plain_torch() -> Iterator[None]:
    """Undoes what a worker process sets for good: other tests train networks in this process."""
    yield
    import torch

    from workers.extraction.models import _cached_encoder
    from workers.runtime import arithmetic

    torch.set_grad_enabled(True)
    torch.use_deterministic_algorithms(False)
    arithmetic.configure.cache_clear()
    _cached_encoder.cache_clear()


@pytest.fixture
def worker(engine: Engine, settings: Settings, plain_torch: None) -> Iterator[InProcess]:
    """A worker with batches of 4, chunks of 8 stimuli, and no patience of comparisons."""
    quick = settings.model_copy(
        update={"batch_size": 4, "chunk_size": 8, "compare_patience_s": 0.0, "retry_backoff_s": 0.0, "device": "cpu"}
    )
    with TestClient(create_app(settings), base_url="http://test/api/v1") as client:
        yield InProcess(client, engine, quick)


@contextmanager
def files_of_at_most(size_bytes: int) -> Iterator[None]:
    """The kernel refuses larger files to this process, as a full disk does; for every user, without a mount."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
