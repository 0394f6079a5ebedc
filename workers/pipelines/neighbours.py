"""The nearest neighbours of every stimulus, stored beside each embedding: what two models disagree on is then read from
two small files. An embedding that was made before there were any gets them with the next comparison on its dataset."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from sqlalchemy import Connection

from backend.db.repositories import neighbours
from backend.domain.disagreement import STORED
from backend.domain.metrics import DEFAULT_PREPROCESS
from backend.storage import load_array, put_array
from workers.runtime.context import JobContext
from workers.similarity.embeddings import EmbeddingSource, load_checked
from workers.similarity.errors import BadEmbedding, Undefined
from workers.similarity.neighbours.search import Neighbourhood
from workers.similarity.preprocess import apply


def nearest(embedding: NDArray[np.float32], device: str) -> NDArray[np.int32] | None:
    """Rows of the nearest other stimuli by the angle between features, nearest first, ties to the lower row: (n, k)
    int32, where k is the least of STORED and n - 1. None where a row has no angle, or all are the same.

    Cost as workers.similarity.neighbours.search: about n^2 d / 2 products in float32.
    """
    try:
        rows = torch.from_numpy(load_checked(EmbeddingSource.from_array("the embedding", embedding))).to(device)
        found = Neighbourhood(apply(DEFAULT_PREPROCESS, rows)).nearest(min(STORED, len(rows) - 1))
    except (BadEmbedding, Undefined):
        return None
    return found.cpu().numpy().astype(np.int32)


def keep_neighbours(
    context: JobContext, embedding: NDArray[np.float32], device: str
) -> Callable[[Connection, int], None]:
    """Finds the neighbours and stores their file; answers what notes it beside the embedding of a number."""
    found = nearest(embedding, device)
    if found is None:
        return lambda connection, embedding_id: None
    file_sha256 = put_array(context.store, found)

    def note(connection: Connection, embedding_id: int) -> None:
        neighbours.add(
            connection, embedding_id=embedding_id, k=found.shape[1], file_sha256=file_sha256, job_id=context.job.id
        )

    return note


def fill_neighbours(context: JobContext, dataset_id: int, device: str) -> None:
    """Computes and commits what is missing on a dataset, one embedding at a time."""
    with context.read() as connection:
        missing = neighbours.missing(connection, dataset_id)
    for index, row in enumerate(missing):
        context.progress("neighbours", index, len(missing))
        note = keep_neighbours(context, np.asarray(load_array(context.store, row["file_sha256"])), device)

        def write(connection: Connection, number: int = row["id"], note: Callable[..., None] = note) -> None:
            note(connection, number)

        context.commit_part(write)
