"""What a request for one model on several datasets expands into."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from backend.db.repositories import datasets, embeddings, jobs, matrices
from backend.db.repositories.comparing import wanted_comparisons
from backend.db.repositories.jobs import NewJob
from backend.domain.metrics import parse_metric


def keep_matrices(connection: Connection, dataset_id: int, metrics: Sequence[str], preprocess: str) -> None:
    """Makes sure that a dataset has a matrix for each metric; a matrix that exists is kept filled from then on."""
    dataset = datasets.get_by_id(connection, dataset_id)
    assert dataset is not None, "the foreign key of the caller's row guarantees it"
    for text in metrics:
        metric = parse_metric(text)
        matrices.ensure(
            connection, dataset_id=dataset_id, dataset_hash=dataset["dataset_hash"], metric=metric.id,
            metric_version=metric.version, preprocess=preprocess,
        )


def expand(
    connection: Connection, *, model_id: int, model: str, dataset_ids: Sequence[int], metrics: Sequence[str],
    preprocess: str, extractor_version: int, parent_id: int | None, owner: str, max_attempts: int,
) -> list[int]:
    """Queues what is missing for a model on datasets: extractions where there is no embedding, comparisons elsewhere.

    Work that is queued or running already is joined. Answers the ids of the jobs.
    """
    ids: list[int] = []
    for dataset_id in dataset_ids:
        keep_matrices(connection, dataset_id, metrics, preprocess)
        if model_id in embeddings.current_models(connection, dataset_id, extractor_version):
            ids += jobs.enqueue(connection, wanted_comparisons(
                connection, dataset_id, max_attempts=max_attempts, owner=owner, parent_id=parent_id
            ))
            continue
        dataset = datasets.get_by_id(connection, dataset_id)
        assert dataset is not None, "checked by keep_matrices"
        extraction = NewJob(
            kind="extract",
            spec={"model_id": model_id, "dataset_id": dataset_id, "extractor_version": extractor_version},
            title=f"Embed {dataset['name']} with {model}", max_attempts=max_attempts, owner=owner, parent_id=parent_id,
            model_id=model_id, dataset_id=dataset_id,
        )
        running = jobs.unfinished_like(connection, extraction)
        if running is None:
            ids += jobs.enqueue(connection, [extraction])
            continue
        if parent_id is not None:
            jobs.request(connection, running, parent_id)
        ids.append(running)
    return ids
