"""The engine's entrance: similarities of new models to those before them, within a memory budget.

A value's bits depend on the two embeddings, the metric and the preprocessing (and on the machine and its number of
threads), never on the other models of the call, on their order, on how many are new or on the budget: work that was
interrupted and is resumed in other groups gives the same bytes. Null and interval may differ in their last bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from backend.domain.calibration import ALPHA, PERMUTATIONS, route
from backend.domain.errors import InvalidInput
from backend.domain.metrics import Metric, Preprocess
from backend.domain.quantities import VALUE
from workers.similarity import preprocess as preprocessing
from workers.similarity.embeddings import EmbeddingSource, check_shapes, load_checked
from workers.similarity.errors import Undefined
from workers.similarity.grouping import MIB, Pass, plan_passes
from workers.similarity.measure import Measure, PreparedCache
from workers.similarity.registry import measure_of
from workers.similarity.resampling import Resampling

_PREPARED = "prepared 2"  # raised when what a measure prepares changes
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class ComparisonRow:
    """Similarities of one new model.

    `quantities` holds float64 arrays by the names of backend.domain.quantities: those to the models `against`
    (ascending indices into the call's embeddings, int64), its own last. Without exclusions `against` is 0, 1, ...,
    index; excluded models are missing from it, and the row of an excluded model is empty.
    """

    index: int
    against: NDArray[np.int64]
    quantities: Mapping[str, NDArray[np.float64]]

    @property
    def values(self) -> NDArray[np.float64]:
        return self.quantities[VALUE]


@dataclass(frozen=True)
class ComparisonRows:
    """One row per new model, in order, and for each model without a value the reason. Never a NaN.

    `recipe` says how null and interval were found: route, seed, permutations, ways, alpha, ci_method.
    """

    rows: tuple[ComparisonRow, ...]
    excluded: Mapping[int, str]
    recipe: Mapping[str, Any]


def compare(
    embeddings: Sequence[EmbeddingSource],
    metric: Metric,
    preprocess: Preprocess,
    *,
    new: int,
    memory_mib: int,
    device: str = "cpu",
    calibrate: bool = False,
    uncertainty: bool = False,
    groups: NDArray[np.int64] | None = None,
    permutations: int = PERMUTATIONS,
    cache: PreparedCache | None = None,
    progress: Progress | None = None,
) -> ComparisonRows:
    """Similarities of each of the last `new` embeddings to all before it and to itself.

    `calibrate` adds null_mean, null_sd, tau and p, `uncertainty` ci_low and ci_high; `groups` (n,) numbers the group
    of every stimulus, and whole groups are then moved and left out. `permutations` counts only where the null is
    found by permuting. What the quantities mean is in backend.domain.quantities.

    `cache` keeps what is prepared of embeddings that have a `content`, so that one more model costs O(M n^2).

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
    n = embeddings[0].n if embeddings else 0
    if groups is not None and groups.shape != (n,):
        raise InvalidInput(f"{groups.shape} group numbers were given for {n} stimuli.", hint="Give one per stimulus.")
    if groups is not None and (calibrate or uncertainty) and len(np.unique(groups)) < 2:
        raise InvalidInput(
            "All stimuli are in one group, so that none can be moved or left out.",
            hint="Leave out null and interval, or give groups that tell stimuli apart.",
        )
    resampling = Resampling(n, groups, calibrate, uncertainty, permutations)
    recipe = _recipe(metric, resampling)
    if new == 0:
        return ComparisonRows((), {}, recipe)
    check_shapes(embeddings, metric.minimum_n, metric.id)
    measure, passes = plan(embeddings, metric, resampling, new=new, memory_mib=memory_mib)
    work = _Work(embeddings, measure, preprocess, resampling, torch.device(device), cache, progress, passes)
    rows, excluded = work.run(passes, new)
    return ComparisonRows(rows, excluded, recipe)


def plan(
    embeddings: Sequence[EmbeddingSource], metric: Metric, resampling: Resampling, *, new: int, memory_mib: int
) -> tuple[Measure[Any], list[Pass]]:
    """How a comparison is laid out within the budget, from the embeddings' shapes alone. Raises MemoryBudgetTooSmall,
    so that whoever asks for several metrics knows before the first is computed."""
    n, widest = embeddings[0].n, max(e.d for e in embeddings)
    measure = measure_of(metric)
    room = (memory_mib * MIB - measure.scratch_bytes(n, widest)) // len(embeddings)
    measure = measure.within(room, n, widest, len(embeddings), resampling)
    passes = plan_passes(
        [measure.resident_bytes(e.n, e.d) for e in embeddings],
        max(measure.scratch_bytes(e.n, e.d) for e in embeddings),
        new,
        memory_mib,
    )
    return measure, passes


def _recipe(metric: Metric, resampling: Resampling) -> dict[str, Any]:
    """How null and interval are found, for whoever stores the numbers."""
    found: dict[str, Any] = {}
    if resampling.calibrate:
        chosen = route(metric.spec, resampling.grouped)
        found |= {"route": chosen, "seed": resampling.seed, "alpha": ALPHA}
        found |= {"permutations": resampling.permutations} if chosen != "cyclic" else {}
        found |= {"ways": resampling.ways} if chosen == "block-permutation" else {}
    if resampling.uncertainty:
        found |= {"ci_method": resampling.method}
    return found


class _Work:
    """One call of `compare`: what is loaded, what is excluded, what was found so far."""

    def __init__(
        self,
        embeddings: Sequence[EmbeddingSource],
        measure: Measure[Any],
        preprocess: Preprocess,
        resampling: Resampling,
        device: torch.device,
        cache: PreparedCache | None,
        progress: Progress | None,
        passes: Sequence[Pass],
    ) -> None:
        self._embeddings, self._measure, self._preprocess = embeddings, measure, preprocess
        self._resampling, self._device, self._cache, self._progress = resampling, device, cache, progress
        self._done = 0
        self._total = sum(len(p.loaded) + self._weight(p) for p in passes)
        self._prepared: dict[int, Any] = {}
        self._excluded: dict[int, str] = {}

    def _weight(self, step: Pass) -> int:
        return self._measure.ticks(self._resampling, len(step.old) + len(step.new), len(step.new))

    def run(self, passes: Sequence[Pass], new: int) -> tuple[tuple[ComparisonRow, ...], dict[int, str]]:
        count = len(self._embeddings)
        if len(passes) > 1:  # several loads per model: look at all of them before the first is computed with
            for source in self._embeddings:
                load_checked(source)
                self._advance(0)
        found: dict[str, NDArray[np.float64]] = {}
        for step in passes:
            self._prepare(step)
            self._compare(step, found, count - new, count)
        rows = []
        for index in range(count - new, count):
            against = [i for i in range(index + 1) if i not in self._excluded and index not in self._excluded]
            kept = np.array(against, dtype=np.int64)
            row = index - (count - new)
            quantities = {name: square[row, kept] for name, square in found.items()} or {VALUE: np.zeros(0)}
            rows.append(ComparisonRow(index, kept, quantities))
        return tuple(rows), dict(sorted(self._excluded.items()))

    def _prepare(self, step: Pass) -> None:
        """Hold exactly the models of this pass, keeping those that are already prepared."""
        wanted = {*step.old, *step.new}
        for index in [i for i in self._prepared if i not in wanted]:
            del self._prepared[index]
        for index in sorted(wanted - self._prepared.keys() - self._excluded.keys()):
            try:
                self._prepared[index] = self._prepared_form(self._embeddings[index])
            except Undefined as undefined:
                self._excluded[index] = str(undefined)
            self._advance(1)

    def _prepared_form(self, source: EmbeddingSource) -> Any:
        """A model as the measure compares it, from the cache if it is there."""
        measure, cache = self._measure, self._cache
        name = measure.cache_name(self._resampling) if cache is not None and source.content else None
        # Bits depend on the arithmetic, too.
        key = f"{_PREPARED} {source.content} {self._preprocess.id} {name} {self._device.type} torch {torch.__version__}"
        if cache is not None and name and (kept := cache.get(key)) is not None:
            return measure.unpack(kept, str(self._device))
        rows = torch.from_numpy(load_checked(source)).to(self._device)
        prepared = measure.prepare(preprocessing.apply(self._preprocess, rows), self._resampling)
        if cache is not None and name:
            cache.put(key, measure.pack(prepared))
        return prepared

    def _compare(self, step: Pass, found: dict[str, NDArray[np.float64]], first_new: int, count: int) -> None:
        """Fill the entries of the squares `found` (new, M) that this pass is for."""
        order = [i for i in (*step.old, *step.new) if i in self._prepared]
        rows = [i for i in step.new if i in self._prepared]
        before, weight = self._done, self._weight(step)
        if rows:
            some = [self._prepared[i] for i in order]
            comparison = self._measure.compare(some, len(rows), self._resampling, lambda: self._advance(1))
            for position, reason in comparison.undefined.items():
                self._excluded[order[position]] = reason
            entries = np.ix_([i - first_new for i in rows], order)
            for name, values in comparison.quantities.items():
                found.setdefault(name, np.zeros((count - first_new, count)))[entries] = values
        self._advance(before + weight - self._done)  # excluded models make fewer steps

    def _advance(self, steps: int) -> None:
        self._done += steps
        if self._progress is not None:
            self._progress(self._done, self._total)
