"""What tests of extraction ask for and look at."""

from __future__ import annotations

from typing import Any

import numpy as np

from backend.contracts.jobs import Job
from backend.storage import load_array
from tests.support.in_process import InProcess
from tests.support.tiny import timm_submission

METRIC = ["cka.linear.unbiased"]


def submission(model: str = "test_resnet", seed: int = 0, dataset: str = "noise", **changes: Any) -> dict[str, Any]:
    return timm_submission(model, seed, [dataset], METRIC, **changes)


def embeddings(worker: InProcess) -> dict[str, str]:
    """Model -> file of its embedding."""
    rows = worker.rows("SELECT m.name, e.file_sha256 FROM embeddings e JOIN models m ON m.id = e.model_id")
    return {row.name: row.file_sha256 for row in rows}


def only_extraction(worker: InProcess) -> Job:
    (job,) = worker.jobs("extract")
    return job


def only_embedding(worker: InProcess) -> np.ndarray:
    (sha256,) = embeddings(worker).values()
    return load_array(worker.store, sha256)


def error_of(job: Job) -> tuple[str, str, str]:
    assert job.state == "failed" and job.error is not None, job
    assert job.error.hint
    return job.error.cause, job.error.step, job.error.message
