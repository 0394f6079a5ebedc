"""The one Celery task: look for work, do one job, return."""

from __future__ import annotations

import socket
from functools import lru_cache
from importlib import import_module
from typing import Any

from celery import Task
from sqlalchemy import Engine

from backend.contracts.tokens import WORK_TASK
from backend.db.engine import make_engine
from backend.domain.jobs import JobKind
from backend.settings import get_settings
from backend.storage import LocalStore
from workers.celery_app import app
from workers.runtime.runner import claim_next, run_job

# Imported only when a job of the kind is claimed: pipelines import torch, which must not happen in the parent.
PIPELINES: dict[JobKind, str] = {
    "ingest": "workers.pipelines.ingest",
    "register": "workers.pipelines.register",
    "extract": "workers.pipelines.extract",
    "compare": "workers.pipelines.compare",
    "probe": "workers.pipelines.probe",
    "subsample": "workers.pipelines.subsample",
}


@lru_cache(maxsize=1)
def _engine() -> Engine:
    return make_engine(get_settings().database_url.get_secret_value(), pool_size=3)


@app.task(name=WORK_TASK, bind=True)
def work(self: Task[Any, Any]) -> None:
    """Claims one job and runs it. Nothing to claim is the normal end of a surplus token."""
    settings, engine = get_settings(), _engine()
    worker = str(self.request.hostname or socket.gethostname())
    job = claim_next(engine, settings, worker)
    if job is not None:
        run_job(
            job, lambda context: import_module(PIPELINES[context.job.kind]).run(context), settings=settings,
            engine=engine, store=LocalStore(settings.store_folder), worker=worker,
        )
