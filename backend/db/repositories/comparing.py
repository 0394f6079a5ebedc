"""The comparisons that keep a dataset's matrices filled, and those of chosen models."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from backend.db.repositories import datasets, matrices
from backend.db.repositories.jobs import NewJob
from backend.domain.errors import NotFound
from backend.domain.metrics import DEFAULT_PREPROCESS, parse_metric


def comparison(
    dataset_id: int, dataset: str, metric: str, preprocess: str, *, max_attempts: int, owner: str,
    parent_id: int | None = None, models: Sequence[int] | None = None, idempotency_key: str | None = None,
    request_hash: str | None = None,
) -> NewJob:
    """A job that fills every missing pair of one matrix, and what is missing beside its values; `models` (ids): only
    these join the matrix."""
    whose = "all" if models is None else f"{len(models)} chosen"
    after = "" if preprocess == DEFAULT_PREPROCESS.id else f" after {preprocess}"
    chosen = {} if models is None else {"models": sorted(models)}
    return NewJob(
        kind="compare", spec={"dataset_id": dataset_id, "metric": metric, "preprocess": preprocess} | chosen,
        title=f"Compare {whose} models on {dataset} by {metric}{after}", max_attempts=max_attempts, owner=owner,
        parent_id=parent_id, dataset_id=dataset_id, metric=metric, idempotency_key=idempotency_key,
        request_hash=request_hash,
    )


def wanted_comparisons(
    connection: Connection, dataset_id: int, *, max_attempts: int, owner: str, parent_id: int | None
) -> list[NewJob]:
    """One comparison for each matrix that is kept filled on a dataset: all but those of chosen models."""
    dataset = datasets.get_by_id(connection, dataset_id)
    if dataset is None:
        raise NotFound(f"There is no dataset with the number {dataset_id}.")
    return [
        comparison(dataset_id, dataset["name"], metric, preprocess, max_attempts=max_attempts, owner=owner,
                   parent_id=parent_id)
        for metric, preprocess in matrices.list_on(connection, dataset_id) if not parse_metric(metric).spec.on_request
    ]
