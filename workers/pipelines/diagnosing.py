"""Diagnostics of embeddings that were made by a version that had none; new embeddings come with theirs."""

from __future__ import annotations

import numpy as np
from sqlalchemy import Connection

from backend.db.repositories import embeddings
from backend.storage import load_array
from workers.runtime.context import JobContext
from workers.similarity.diagnostics import diagnose


def fill_diagnostics(context: JobContext, dataset_id: int) -> None:
    """Computes and commits what is missing on a dataset, one embedding at a time."""
    with context.read() as connection:
        known = embeddings.diagnostics(connection, dataset_id)
        missing = [row for row in embeddings.list_current(connection, dataset_id) if row["name"] not in known]
    for index, row in enumerate(missing):
        context.progress("diagnose", index, len(missing))
        numbers = diagnose(np.asarray(load_array(context.store, row["file_sha256"])), row["name"])

        def write(connection: Connection, number: int = row["id"], numbers: dict[str, float] = numbers) -> None:
            embeddings.add_diagnostics(connection, number, numbers)

        context.commit_part(write)
