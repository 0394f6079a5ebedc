"""Subsample: one matrix on a half, a quarter and a tenth of its stimuli, which says how far it depends on them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from backend.db.repositories import datasets, matrices, subsamples
from backend.db.repositories.matrices import Member
from backend.db.repositories.subsamples import Subsample
from backend.domain.errors import JobFailed
from backend.domain.groups import group_numbers
from backend.domain.metrics import Metric, Preprocess, parse_metric, parse_preprocess
from backend.domain.quantities import REVERSE, VALUE
from backend.domain.subsets import SEEDS, nested_subsets
from backend.storage import load_array
from workers.runtime.arithmetic import prepare_device
from workers.runtime.context import JobContext, Outcome
from workers.similarity.embeddings import EmbeddingSource
from workers.similarity.engine import ComparisonRows, compare


def run(context: JobContext) -> Outcome:
    """Every part that does not hold all members of the matrix yet; each is committed as it comes."""
    context.progress("load")
    spec = context.job.spec
    metric, preprocess = parse_metric(spec["metric"]), parse_preprocess(spec["preprocess"])
    device = prepare_device(context.settings)
    with context.read() as connection:
        dataset = datasets.get_by_id(connection, spec["dataset_id"])
        if dataset is None:
            raise JobFailed("load", "The dataset of this job does not exist any more.", cause="ours")
        stimuli = datasets.list_stimuli(connection, dataset["id"])
        matrix_id = matrices.ensure(
            connection, dataset_id=dataset["id"], dataset_hash=dataset["dataset_hash"], metric=metric.id,
            metric_version=metric.version, preprocess=preprocess.id,
        )
        # The newest embedding of a model stands for it, as in the matrix that is shown.
        members = list({member.name: member for member in matrices.members(connection, matrix_id)}.values())
        stored = subsamples.latest(connection, matrix_id)
    labels, groups = [row["label"] for row in stimuli], group_numbers([row["group"] for row in stimuli])
    known = {(part.divisor, part.seed): set(part.embedding_ids) for part in stored}
    wanted = {member.embedding_id for member in members}
    todo = [
        (divisor, seed, rows) for seed in SEEDS
        for divisor, rows in nested_subsets(labels, groups, seed, metric.minimum_n).items()
        if len(members) > 1 and not wanted <= known.get((divisor, seed), set())
    ]
    digest = hashlib.sha256()
    for index, (divisor, seed, rows) in enumerate(todo):
        values = _matrix(context, members, metric, preprocess, rows, device, index, len(todo))
        digest.update(values.tobytes())
        part = Subsample(divisor, seed, len(rows), [member.embedding_id for member in members], values)

        def write(connection: Connection, part: Subsample = part) -> None:
            subsamples.add(connection, matrix_id, [part], context.job.id)

        context.commit_part(write)
    return Outcome(digest.hexdigest())


def _matrix(
    context: JobContext, members: Sequence[Member], metric: Metric, preprocess: Preprocess,
    rows: NDArray[np.int64], device: str, done: int, total: int,
) -> NDArray[np.float32]:
    """Similarities (M, M) of the members on some of the stimuli, the mean of both directions; NaN where undefined."""

    def source(member: Member) -> EmbeddingSource:
        return EmbeddingSource(
            member.name, len(rows), member.d, lambda: np.asarray(load_array(context.store, member.file_sha256))[rows]
        )

    found = compare(
        [source(member) for member in members], metric, preprocess, new=len(members),
        memory_mib=context.settings.memory_mib, device=device,
        progress=lambda _done, _total: context.progress("compare", done, total),
    )
    return _symmetric(found, len(members))


def _symmetric(found: ComparisonRows, count: int) -> NDArray[np.float32]:
    square = np.full((count, count), np.nan)
    for row in found.rows:
        numbers: Any = row.quantities.get(VALUE)
        if numbers is None or not len(row.against):
            continue
        back = row.quantities.get(VALUE + REVERSE, numbers)
        square[row.index, row.against] = square[row.against, row.index] = (numbers + back) / 2
    return square.astype(np.float32)
