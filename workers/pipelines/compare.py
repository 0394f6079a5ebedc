"""Compare: fill every missing pair of one dataset's matrix by one metric, each value with its null and its interval.

Rows are appended and rows of before get what they lack; nothing is rewritten. Metrics that are computed on request have
no null: it would cost two hundred times what the values cost.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection

from backend.db.repositories import datasets, embeddings, matrices, matrix_rows
from backend.db.repositories.matrices import Member
from backend.db.repositories.matrix_rows import NewRow, Quantities
from backend.domain.errors import Conflict, JobFailed
from backend.domain.groups import group_numbers
from backend.domain.metrics import parse_metric, parse_preprocess
from backend.domain.quantities import stored_of
from backend.storage import load_array
from workers.pipelines.diagnosing import fill_diagnostics
from workers.pipelines.neighbours import fill_neighbours
from workers.pipelines.prepared_files import PreparedFiles
from workers.runtime.arithmetic import prepare_device
from workers.runtime.context import JobContext, JobRetry, Outcome
from workers.similarity.embeddings import EmbeddingSource
from workers.similarity.engine import ComparisonRow, ComparisonRows, compare


@dataclass(frozen=True)
class Part:
    """What was computed against the first `first_ord` members of a matrix, ready to be written: rows to append, gaps,
    and what rows of members lack (row number -> quantities)."""

    first_ord: int
    rows: Sequence[NewRow]
    gaps: Sequence[tuple[int, str]]
    filled: Mapping[int, Quantities]
    recipe: Mapping[str, Any] | None

    def digest(self) -> bytes:
        """Hash of all numbers, as they are stored."""
        found = hashlib.sha256()
        for quantities in (*(row.quantities for row in self.rows), *self.filled.values()):
            for name in sorted(quantities):
                found.update(name.encode() + quantities[name].astype("<f4").tobytes())
        return found.digest()


def run(context: JobContext) -> Outcome:
    """Computes what is missing, some models at a time; each part but the last is committed as it comes."""
    context.progress("load")
    fill_diagnostics(context, context.job.spec["dataset_id"])
    fill_neighbours(context, context.job.spec["dataset_id"], prepare_device(context.settings))
    work = _Work(context)
    digest = hashlib.sha256()
    while True:
        part, more = work.next_part()
        digest.update(part.digest())

        def write(connection: Connection, part: Part = part) -> None:
            work.write(connection, part)

        if not more:
            return Outcome(digest.hexdigest(), write)
        context.commit_part(write)


class _Work:
    """One attempt at one comparison."""

    def __init__(self, context: JobContext) -> None:
        spec = context.job.spec
        self._context, self._device = context, prepare_device(context.settings)
        self._metric, self._preprocess = parse_metric(spec["metric"]), parse_preprocess(spec["preprocess"])
        self._chosen: list[int] | None = spec.get("models")
        self._looked_at = -1  # rows of members up to this one have what the engine gives
        with context.read() as connection:
            dataset = datasets.get_by_id(connection, spec["dataset_id"])
            if dataset is None:
                raise JobFailed("load", "The dataset of this job does not exist any more.", cause="ours")
            self._dataset = dataset
            self._groups = group_numbers(datasets.stimulus_groups(connection, dataset["id"]))
            # In a dataset of one group nothing can be moved or left out.
            self._interval = self._groups is None or len(np.unique(self._groups)) > 1
            self._calibrate = self._interval and not self._metric.spec.on_request
            self._matrix_id = matrices.ensure(
                connection, dataset_id=dataset["id"], dataset_hash=dataset["dataset_hash"], metric=self._metric.id,
                metric_version=self._metric.version, preprocess=self._preprocess.id,
            )

    def next_part(self) -> tuple[Part, bool]:
        """The next models' rows, then what the members' rows lack; and whether more is missing after that."""
        most = self._context.settings.compare_chunk_models
        with self._context.read() as connection:
            members = matrices.members(connection, self._matrix_id)
            known = {member.embedding_id for member in members}
            known |= matrices.gap_embeddings(connection, self._matrix_id)
            missing = [
                row for row in embeddings.list_current(connection, self._dataset["id"])
                if row["id"] not in known and (self._chosen is None or row["model_id"] in self._chosen)
            ]
            stored = matrix_rows.stored_quantities(connection, self._matrix_id)
        wanted = set(stored_of(
            symmetric=self._metric.spec.symmetric, calibrated=self._calibrate, interval=self._interval
        ))
        lacking = [number for number, has in stored.items() if number > self._looked_at and not wanted <= has]
        if missing:
            return self._new_rows(members, missing[:most]), bool(lacking) or len(missing) > most
        if not lacking:
            return Part(len(members), [], [], {}, None), False
        # Rows that follow each other, since the engine compares the last of those it is given.
        run = [number for i, number in enumerate(lacking[:most]) if number == lacking[0] + i]
        return self._filled(members, run, stored), len(lacking) > len(run)

    def _new_rows(self, members: Sequence[Member], chunk: Sequence[Any]) -> Part:
        result = self._compare([_source(self._context, row) for row in (*members, *chunk)], len(chunk), len(members))
        rows, gaps = [], []
        for row in result.rows:
            embedding = chunk[row.index - len(members)]
            if row.index in result.excluded:
                gaps.append((embedding["id"], result.excluded[row.index]))
            else:
                rows.append(NewRow(embedding["id"], embedding["model_id"], row.quantities))
        return Part(len(members), rows, gaps, {}, result.recipe)

    def _filled(self, members: Sequence[Member], run: Sequence[int], stored: Mapping[int, set[str]]) -> Part:
        before = members[: run[-1] + 1]
        result = self._compare([_source(self._context, member) for member in before], len(run), len(before))
        self._looked_at = run[-1]
        return Part(len(members), [], [], {row.index: _without(row, stored[row.index]) for row in result.rows},
                    result.recipe)

    def _compare(self, sources: Sequence[EmbeddingSource], new: int, n_members: int) -> ComparisonRows:
        """The last `new` of the sources, of which the first `n_members` are in the matrix, against all before them."""
        result = compare(
            sources, self._metric, self._preprocess, new=new, memory_mib=self._context.settings.memory_mib,
            device=self._device, calibrate=self._calibrate, uncertainty=self._interval, groups=self._groups,
            cache=PreparedFiles.of(self._context.settings),
            progress=lambda done, total: self._context.progress("compare", done, total),
        )
        for index, reason in result.excluded.items():
            if index < n_members:
                raise RuntimeError(
                    f"{self._metric.id} was defined for {sources[index].name} once and is not any more: {reason}"
                )
        return result

    def write(self, connection: Connection, part: Part) -> None:
        """JobRetry if another comparison filled in rows meanwhile: what is missing must be listed anew."""
        try:
            if part.filled:
                matrix_rows.fill(connection, matrix_id=self._matrix_id, rows=part.filled, recipe=part.recipe)
            if (part.rows or part.gaps) and not matrix_rows.append(
                connection, matrix_id=self._matrix_id, dataset_hash=self._dataset["dataset_hash"],
                first_ord=part.first_ord, rows=part.rows, gaps=part.gaps, job_id=self._context.job.id,
                recipe=part.recipe,
            ):
                raise JobRetry("write", "The matrix grew meanwhile.", delay_s=0.0, counted=False)
        except Conflict as conflict:
            raise JobFailed("write", conflict.message, conflict.hint, cause="ours") from None


def _without(row: ComparisonRow, has: set[str]) -> Quantities:
    return {name: values for name, values in row.quantities.items() if name not in has}


def _source(context: JobContext, row: Member | Any) -> EmbeddingSource:
    """An embedding for the engine, from a member of the matrix or a row of the repository."""
    name, n, d, sha256 = (
        (row.name, row.n, row.d, row.file_sha256) if isinstance(row, Member)
        else (row["name"], row["n"], row["d"], row["file_sha256"])
    )
    return EmbeddingSource(name, n, d, lambda: np.asarray(load_array(context.store, sha256)), content=sha256)
