"""One model added to others: against the loop's row of pairs, and against the whole matrix anew. Prepared models come
from files, as the workers keep them, or from memory, or are made anew where a measure is not worth keeping."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from numpy.typing import NDArray

from backend.domain.metrics import Metric, parse_metric
from benchmarks.engine.clock import Stopwatch, held_to, times
from benchmarks.engine.embeddings import Array, engine, related
from benchmarks.engine.loops import METRICS, Loop
from workers.pipelines.prepared_files import PreparedFiles
from workers.similarity.measure import PreparedCache

COLUMNS = (
    "metric", "n", "M", "prepared models", "loop's row, s", "matrix, s", "model added, s", "against the loop", "target",
    "against the matrix", "target ",
)
_LOOP, _MATRIX = 200.0, 10.0
_HELD = (2000, 32)  # n and M that the targets are for
_MOST_BYTES = 1 << 33


class PreparedInMemory:
    """See `workers.similarity.measure.PreparedCache`."""

    def __init__(self) -> None:
        self._kept: dict[str, Mapping[str, NDArray[Any]]] = {}

    def get(self, key: str) -> Mapping[str, NDArray[Any]] | None:
        return self._kept.get(key)

    def put(self, key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._kept[key] = {name: array.copy() for name, array in arrays.items()}


def rows(n: int, count: int, rounds: int) -> Iterator[tuple[object, ...]]:
    """Rows of COLUMNS."""
    models = related(count, n)
    for name in METRICS:
        metric = parse_metric(name)
        loop, whole = Loop(metric, models), Stopwatch()
        engine(metric, models[:2])
        loop.pair()
        loop.watch.runs.clear()
        with TemporaryDirectory() as folder:
            caches: dict[str, PreparedCache | None] = {
                "made anew": None, "files": PreparedFiles(Path(folder), _MOST_BYTES), "memory": PreparedInMemory(),
            }
            added = {how: Stopwatch() for how in caches}
            for cache in caches.values():
                if cache is not None:
                    _keep(metric, models[:-1], cache)
            for number in range(rounds):
                loop.pair()
                whole.time(engine, metric, models)
                for how, cache in caches.items():
                    loop.pair()
                    added[how].time(_add, metric, models, cache, number)
        row = loop.watch.seconds * (count - 1)
        for how, watch in added.items():
            held = (n, count) == _HELD and how == "files"
            against_loop, against_matrix = row / watch.seconds, whole.seconds / watch.seconds
            yield (
                name, n, count, how, f"{row:.1f}", f"{whole.seconds:.2f}", f"{watch.seconds:.3f}",
                times(against_loop), held_to(against_loop, _LOOP if held else None),
                times(against_matrix), held_to(against_matrix, _MATRIX if held else None),
            )


def _add(metric: Metric, models: Sequence[Array], cache: PreparedCache | None, number: int) -> None:
    """The last model against all; its content is new in every round, that of the others is not."""
    contents = [*(f"model {i}" for i in range(len(models) - 1)), f"added {number}"]
    engine(metric, models, new=1, cache=cache, contents=contents)


def _keep(metric: Metric, models: Sequence[Array], cache: PreparedCache) -> None:
    engine(metric, models, new=1, cache=cache, contents=[f"model {i}" for i in range(len(models))])
