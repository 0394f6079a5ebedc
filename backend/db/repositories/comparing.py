"""The comparisons that keep a dataset's matrices filled."""

from __future__ import annotations

from sqlalchemy import Connection

from backend.db.repositories import datasets, matrices
from backend.db.repositories.jobs import NewJob
from backend.domain.errors import NotFound


def comparison(
    dataset_id: int, dataset: str, metric: str, preprocess: str, *, max_attempts: int, owner: str, parent_id: int | None
) -> NewJob:
    """A job that fills every missing pair of one matrix."""
    return NewJob(
        kind="compare", spec={"dataset_id": dataset_id, "metric": metric, "preprocess": preprocess},
        title=f"Compare all models on {dataset} by {metric}", max_attempts=max_attempts, owner=owner,
        parent_id=parent_id, dataset_id=dataset_id, metric=metric,
    )


def wanted_comparisons(
    connection: Connection, dataset_id: int, *, max_attempts: int, owner: str, parent_id: int | None
) -> list[NewJob]:
    """One comparison for each matrix that is kept on a dataset."""
    dataset = datasets.get_by_id(connection, dataset_id)
    if dataset is None:
        raise NotFound(f"There is no dataset with the number {dataset_id}.")
    return [
        comparison(dataset_id, dataset["name"], metric, preprocess, max_attempts=max_attempts, owner=owner,
                   parent_id=parent_id)
        for metric, preprocess in matrices.wanted_on(connection, dataset_id)
    ]
