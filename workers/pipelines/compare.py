"""Compare: fill every missing pair of one dataset's matrix by one metric; rows are appended, nothing is rewritten."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection

from backend.db.repositories import datasets, embeddings, matrices
from backend.db.repositories.matrices import Member, NewRow
from backend.domain.errors import JobFailed
from backend.domain.metrics import parse_metric, parse_preprocess
from backend.storage import load_array
from workers.runtime.arithmetic import prepare_device
from workers.runtime.context import JobContext, JobRetry, Outcome
from workers.similarity.embeddings import EmbeddingSource
from workers.similarity.engine import compare


@dataclass(frozen=True)
class Part:
    """Rows computed against the first `first_ord` members of a matrix, ready to be appended."""

    matrix_id: int
    dataset_hash: str
    first_ord: int
    rows: list[NewRow]
    gaps: list[tuple[int, str]]

    def append(self, connection: Connection, job_id: int) -> bool:
        return matrices.append(
            connection, matrix_id=self.matrix_id, dataset_hash=self.dataset_hash, first_ord=self.first_ord,
            rows=self.rows, gaps=self.gaps, job_id=job_id,
        )


def run(context: JobContext) -> Outcome:
    """Computes what is missing, some models at a time; each part but the last is committed as it comes."""
    context.progress("load")
    device = prepare_device(context.settings)
    digest = hashlib.sha256()
    while True:
        part, more = _next_part(context, device)
        for row in part.rows:
            digest.update(row.values.astype("<f4").tobytes())

        def write(connection: Connection, part: Part = part) -> None:
            if not part.append(connection, context.job.id):
                # Another comparison filled in rows meanwhile: what is missing must be listed anew.
                raise JobRetry("write", "The matrix grew meanwhile.", delay_s=0.0, counted=False)

        if not more:
            return Outcome(digest.hexdigest(), write)
        context.commit_part(write)


def _next_part(context: JobContext, device: str) -> tuple[Part, bool]:
    """The next models' rows, and whether more models are missing after them."""
    spec = context.job.spec
    metric, preprocess = parse_metric(spec["metric"]), parse_preprocess(spec["preprocess"])
    with context.read() as connection:
        dataset = datasets.get_by_id(connection, spec["dataset_id"])
        if dataset is None:
            raise JobFailed("load", "The dataset of this job does not exist any more.", cause="ours")
        matrix_id = matrices.ensure(
            connection, dataset_id=dataset["id"], dataset_hash=dataset["dataset_hash"], metric=metric.id,
            metric_version=metric.version, preprocess=preprocess.id,
        )
        members = matrices.members(connection, matrix_id)
        known = {member.embedding_id for member in members} | matrices.gap_embeddings(connection, matrix_id)
        missing = [row for row in embeddings.list_current(connection, dataset["id"]) if row["id"] not in known]
    chunk = missing[: context.settings.compare_chunk_models]
    result = compare(
        [_source(context, member) for member in members] + [_source(context, row) for row in chunk],
        metric, preprocess, new=len(chunk), memory_mib=context.settings.memory_mib, device=device,
        progress=lambda done, total: context.progress("compare", done, total),
    )
    rows, gaps = [], []
    for row in result.rows:
        embedding = chunk[row.index - len(members)]
        if row.index in result.excluded:
            gaps.append((embedding["id"], result.excluded[row.index]))
        else:
            rows.append(NewRow(embedding["id"], embedding["model_id"], row.values))
    for index in result.excluded:
        if index < len(members):
            raise RuntimeError(
                f"{metric.id} was defined for embedding {members[index].embedding_id} once and is not any more: "
                f"{result.excluded[index]}"
            )
    return Part(matrix_id, dataset["dataset_hash"], len(members), rows, gaps), len(missing) > len(chunk)


def _source(context: JobContext, row: Member | Any) -> EmbeddingSource:
    """An embedding for the engine, from a member of the matrix or a row of the repository."""
    name, n, d, sha256 = (
        (row.name, row.n, row.d, row.file_sha256) if isinstance(row, Member)
        else (row["name"], row["n"], row["d"], row["file_sha256"])
    )
    return EmbeddingSource(name, n, d, lambda: np.asarray(load_array(context.store, sha256)))
