"""The client: one method per endpoint, answers as contract types, refusals as `ApiError`.

Synchronous (httpx); call it in a thread from asynchronous code. Matrices come as float32 arrays and are cached by their
ETag, so asking again for an unchanged matrix costs one small request.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import uuid4

import httpx
import numpy as np

from backend.contracts.datasets import Dataset, Stimulus
from backend.contracts.jobs import Checkpoint, Comparison, Job, JobCounts, JobEvent, Submission, Version
from backend.contracts.matrices import (
    ORDER_HASH_HEADER,
    Diagnostics,
    Gap,
    Layer,
    Matrix,
    MatrixSummary,
    Recipe,
    SharedOrder,
)
from backend.contracts.metrics import MetricInfo
from backend.contracts.models import Model
from backend.contracts.pages import Page
from parallax.client.behaviour import BehaviourCalls
from parallax.client.consistency import BINARY, ConsistencyCalls
from parallax.client.coverage import CoverageCalls
from parallax.client.model_map import MapCalls
from parallax.client.pairs import PairCalls
from parallax.client.transport import ApiError

CACHED_MATRICES = 64
__all__ = ["ApiError", "Client", "MatrixArray"]


@dataclass(frozen=True)
class MatrixArray:
    """One layer of a matrix with its numbers as a float32 array of shape (models, models); NaN where nothing was
    computed. Unless `symmetric`, `values[i, j]` is from model i to model j. `direction` is that of the metric."""

    dataset: str
    metric: str
    preprocess: str
    n: int
    models: list[str]
    order_hash: str
    values: np.ndarray
    gaps: list[Gap] = field(default_factory=list)
    updated_at: Any = None
    dataset_version: int = 1
    metric_version: int = 1
    layer: str = "value"
    direction: str = "similarity"
    symmetric: bool = True
    recipe: Recipe = field(default_factory=Recipe)


class Client(ConsistencyCalls, BehaviourCalls, CoverageCalls, PairCalls, MapCalls):
    """Connection to one Parallax API. Thread-safe. `base_url` ends in `/api/v1`."""

    def __init__(self, base_url: str, timeout_s: float = 30.0, transport: httpx.BaseTransport | None = None) -> None:
        super().__init__(base_url, timeout_s, transport)
        self._matrices: OrderedDict[str, tuple[str, MatrixArray]] = OrderedDict()
        self._lock = Lock()

    def models(self) -> list[Model]:
        return list(self._all("/models", Model))

    def model(self, name: str) -> Model:
        return self._one(f"/models/{name}", Model)

    def model_names(self, query: str, limit: int = 20) -> list[str]:
        """Names that timm knows and that contain the words of the query, best first."""
        names: list[str] = self._send("GET", "/model-names", params={"q": query, "limit": limit}).json()
        return names

    def datasets(self) -> list[Dataset]:
        return list(self._all("/datasets", Dataset))

    def dataset(self, name: str) -> Dataset:
        return self._one(f"/datasets/{name}", Dataset)

    def stimuli(self, dataset: str) -> list[Stimulus]:
        return list(self._all(f"/datasets/{dataset}/stimuli", Stimulus))

    def stimulus_image(self, dataset: str, ord_: int, size: int = 256) -> bytes:
        """The picture of row `ord_` as PNG. Raises ApiError 403 where the licence does not let it be shown."""
        return self._send("GET", f"/datasets/{dataset}/stimuli/{ord_}/image", params={"size": size}).content

    def metrics(self) -> list[MetricInfo]:
        return list(self._all("/metrics", MetricInfo))

    def coverage(self) -> list[MatrixSummary]:
        """Every matrix there is, without its values."""
        return list(self._all("/coverage", MatrixSummary))

    def diagnostics(self, dataset: str) -> list[Diagnostics]:
        """What every model's embedding on a dataset says of itself."""
        return list(self._all("/diagnostics", Diagnostics, {"dataset": dataset}))

    def matrix(self, dataset: str, metric: str, preprocess: str = "l2", layer: Layer = "value") -> MatrixArray:
        """One layer of a matrix, NaN where it was not computed. Raises ApiError 404 when the matrix is not there."""
        params = {"dataset": dataset, "metric": metric, "preprocess": preprocess, "layer": layer}
        key = "\0".join(params.values())
        with self._lock:
            known = self._matrices.get(key)
        headers = {"If-None-Match": known[0]} if known else {}
        answer = self._send("GET", "/matrices", params=params | {"values": "false"}, headers=headers)
        if answer.status_code == 304 and known:
            return known[1]
        wire = Matrix.model_validate_json(answer.content)
        values = self._numbers(wire, params)
        if values is None:
            return self.matrix(dataset, metric, preprocess, layer)
        array = MatrixArray(
            dataset=wire.dataset, metric=wire.metric, preprocess=wire.preprocess, n=wire.n, models=wire.models,
            order_hash=wire.order_hash, gaps=wire.gaps, updated_at=wire.updated_at,
            dataset_version=wire.dataset_version, metric_version=wire.metric_version, layer=wire.layer,
            direction=wire.direction, symmetric=wire.symmetric, recipe=wire.recipe,
            values=values,
        )
        with self._lock:
            self._matrices[key] = (answer.headers.get("ETag", ""), array)
            while len(self._matrices) > CACHED_MATRICES:
                self._matrices.popitem(last=False)
        return array

    def _numbers(self, wire: Matrix, params: dict[str, str]) -> np.ndarray | None:
        """The numbers of the models that `wire` lists, as bytes, which are read at once; None if others came since."""
        shape = (len(wire.models), len(wire.models))
        if wire.values or not wire.models:
            return np.array(wire.values, dtype=np.float32).reshape(shape)
        answer = self._send("GET", "/matrices", params=params, headers={"Accept": BINARY})
        if answer.headers.get(ORDER_HASH_HEADER) != wire.order_hash:
            return None
        return np.frombuffer(answer.content, dtype="<f4").reshape(shape)

    def order(self, metric: str, preprocess: str = "l2") -> SharedOrder:
        return self._one("/orders", SharedOrder, params={"metric": metric, "preprocess": preprocess})

    def submit(self, submission: Submission, idempotency_key: str | None = None) -> Job:
        """Queue a model; answers the job to follow."""
        headers = {"Idempotency-Key": idempotency_key or str(uuid4())}
        answer = self._send("POST", "/jobs", content=submission.model_dump_json(), headers={
            **headers, "Content-Type": "application/json"})
        return Job.model_validate_json(answer.content)

    def compare(
        self, dataset: str, metric: str, preprocess: str = "l2", models: Sequence[str] | None = None,
        idempotency_key: str | None = None,
    ) -> Job:
        """Ask for a metric on a dataset; answers the job to follow. `models` (2 to 12) are for metrics that are
        computed on request, and for no others."""
        comparison = Comparison(
            dataset=dataset, metric=metric, preprocess=preprocess, models=None if models is None else list(models)
        )
        answer = self._send("POST", "/comparisons", content=comparison.model_dump_json(), headers={
            "Idempotency-Key": idempotency_key or str(uuid4()), "Content-Type": "application/json"})
        return Job.model_validate_json(answer.content)

    def upload_checkpoint(self, path: Path) -> Checkpoint:
        with path.open("rb") as file:
            answer = self._send("POST", "/checkpoints", content=file)
        return Checkpoint.model_validate_json(answer.content)

    def upload_dataset(self, path: Path) -> Job:
        """Send a dataset archive; answers the job that checks and adds it."""
        with path.open("rb") as file:
            answer = self._send("POST", "/datasets", content=file)
        return Job.model_validate_json(answer.content)

    def jobs(
        self, state: str | None = None, kind: str | None = None, parent: int | None = None,
        limit: int = 100, cursor: str | None = None,
    ) -> Page[Job]:
        """One page of jobs, newest first."""
        params = {"state": state, "kind": kind, "parent": parent, "limit": limit, "cursor": cursor}
        answer = self._send("GET", "/jobs", params={k: v for k, v in params.items() if v is not None})
        return Page[Job].model_validate_json(answer.content)

    def job(self, job_id: int) -> Job:
        return self._one(f"/jobs/{job_id}", Job)

    def job_events(self, job_id: int) -> list[JobEvent]:
        return list(self._all(f"/jobs/{job_id}/events", JobEvent))

    def cancel_job(self, job_id: int) -> Job:
        return Job.model_validate_json(self._send("POST", f"/jobs/{job_id}:cancel").content)

    def job_counts(self) -> JobCounts:
        return self._one("/job-counts", JobCounts)

    def version(self) -> Version:
        return self._one("/version", Version)

    def ready(self) -> None:
        """Returns if the API and its database answer; else raises ApiError."""
        self._send("GET", "/ready")
