"""The engine's entrance: similarities of new models to those before them, within a memory budget.

A value's bits depend on the two embeddings, the metric and the preprocessing (and on the machine and its
number of threads), never on the other models of the call, on their order, on how many are new or on the
budget: work that was interrupted and is resumed in other groups gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from backend.domain.errors import InvalidInput
from backend.domain.metrics import Metric, Preprocess
from workers.similarity import preprocess as preprocessing
from workers.similarity.embeddings import EmbeddingSource, check_shapes, load_checked
from workers.similarity.errors import Undefined
from workers.similarity.grouping import Pass, plan_passes
from workers.similarity.measure import Measure
from workers.similarity.registry import measure_of

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class ComparisonRow:
    """Similarities of one new model.

    `values` float64 are those to the models `against` (ascending indices into the call's embeddings, int64),
    its own last. Without exclusions `against` is 0, 1, ..., index; excluded models are missing from it, and
    the row of an excluded model is empty.
    """

    index: int
    against: NDArray[np.int64]
    values: NDArray[np.float64]


@dataclass(frozen=True)
class ComparisonRows:
    """One row per new model, in order, and for each model without a value the reason. Never a NaN."""

    rows: tuple[ComparisonRow, ...]
    excluded: Mapping[int, str]


def compare(
    embeddings: Sequence[EmbeddingSource],
    metric: Metric,
    preprocess: Preprocess,
    *,
    new: int,
    memory_mib: int,
    device: str = "cpu",
    progress: Progress | None = None,
) -> ComparisonRows:
    """Similarities of each of the last `new` embeddings to all before it and to itself.

    `progress(done, total)` is called between blocks, with `done` rising to `total`; what it raises ends the
    work and passes through. Every embedding is checked before anything is computed.

    Raises MismatchedStimuli, TooFewStimuli, NotFloatRows, NonFiniteEmbedding, ConstantEmbedding,
    MemoryBudgetTooSmall. A model for which the metric has no value is excluded, with a reason, and disturbs
    no other.
    Cost O(M n^2 d + new M n^2) for M embeddings where the budget holds them all; more passes over the models
    otherwise.
    """
    if not 0 <= new <= len(embeddings):
        raise InvalidInput(
            f"{new} of {len(embeddings)} embeddings cannot be new.", hint="Give 0 to all of them."
        )
    if new == 0:
        return ComparisonRows((), {})
    check_shapes(embeddings, metric.spec.minimum_n, metric.id)
    measure = measure_of(metric)
    passes = plan_passes(
        [measure.resident_bytes(e.n, e.d) for e in embeddings],
        max(measure.scratch_bytes(e.n, e.d) for e in embeddings),
        new,
        memory_mib,
    )
    work = _Work(embeddings, measure, preprocess, torch.device(device), progress, passes)
    return work.run(passes, new)


class _Work:
    """One call of `compare`: what is loaded, what is excluded, what was found so far."""

    def __init__(
        self,
        embeddings: Sequence[EmbeddingSource],
        measure: Measure[Any],
        preprocess: Preprocess,
        device: torch.device,
        progress: Progress | None,
        passes: Sequence[Pass],
    ) -> None:
        self._embeddings, self._measure, self._preprocess = embeddings, measure, preprocess
        self._device, self._progress = device, progress
        self._ticks = measure.ticks(embeddings[0].n)
        self._done = 0
        self._total = sum(len(p.loaded) + self._ticks * (len(p.old) + len(p.new)) for p in passes)
        self._prepared: dict[int, Any] = {}
        self._excluded: dict[int, str] = {}

    def run(self, passes: Sequence[Pass], new: int) -> ComparisonRows:
        count = len(self._embeddings)
        if len(passes) > 1:  # several loads per model: look at all of them before the first is computed with
            for source in self._embeddings:
                load_checked(source)
                self._advance(0)
        square = np.zeros((new, count))
        for step in passes:
            self._prepare(step)
            self._compare(step, square[:, :], count - new)
        rows = []
        for index in range(count - new, count):
            against = [i for i in range(index + 1) if i not in self._excluded and index not in self._excluded]
            kept = np.array(against, dtype=np.int64)
            rows.append(ComparisonRow(index, kept, square[index - (count - new), kept]))
        return ComparisonRows(tuple(rows), dict(sorted(self._excluded.items())))

    def _prepare(self, step: Pass) -> None:
        """Hold exactly the models of this pass, keeping those that are already prepared."""
        wanted = {*step.old, *step.new}
        for index in [i for i in self._prepared if i not in wanted]:
            del self._prepared[index]
        for index in sorted(wanted - self._prepared.keys() - self._excluded.keys()):
            rows = torch.from_numpy(load_checked(self._embeddings[index])).to(self._device)
            try:
                self._prepared[index] = self._measure.prepare(preprocessing.apply(self._preprocess, rows))
            except Undefined as undefined:
                self._excluded[index] = str(undefined)
            self._advance(1)

    def _compare(self, step: Pass, square: NDArray[np.float64], first_new: int) -> None:
        """Fill the entries of `square` (new, M) that this pass is for."""
        order = [i for i in (*step.old, *step.new) if i in self._prepared]
        rows = [i for i in step.new if i in self._prepared]
        weight = len(step.old) + len(step.new)
        if not rows:
            self._advance(weight * self._ticks)
            return
        found = self._measure.compare(
            [self._prepared[i] for i in order], len(rows), lambda: self._advance(weight)
        )
        for position, reason in found.undefined.items():
            self._excluded[order[position]] = reason
        square[np.ix_([i - first_new for i in rows], order)] = found.values.numpy()

    def _advance(self, steps: int) -> None:
        self._done += steps
        if self._progress is not None:
            self._progress(self._done, self._total)
