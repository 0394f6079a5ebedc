"""The engine against a loop over pairs: the whole matrix, and one model added to it.

The loop has no state between pairs (but RSA's first table), so some of its pairs are timed, in between the runs of the
engine, and multiplied by M (M - 1) / 2; the engine is timed in full, loading and checking included.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, cycle

from backend.domain.metrics import Metric, parse_metric
from benchmarks import per_pair
from benchmarks.engine.clock import Stopwatch, floor_flop, held_to, product_rate, times
from benchmarks.engine.embeddings import Array, engine, related
from benchmarks.engine.oracles import Pair, exact, largest_error

LINEAR, GAUSSIAN = "cka.linear.unbiased", "cka.rbf.unbiased:sigma=0.4"
RANKS, BINNED = "rsa.correlation.spearman", "rsa.correlation.spearman-binned"
NEIGHBOURS = "knn.mutual:k=10"
METRICS = (LINEAR, GAUSSIAN, RANKS, BINNED, NEIGHBOURS)
COLUMNS = (
    "metric", "n", "M", "loop, ms a pair", "loop, s", "engine, s", "ratio", "target", "of the product rate", "error",
    "loop's error",
)
# (n, M) -> the least ratio to the loop.
TARGETS: dict[tuple[int, int], dict[str, float]] = {
    (1000, 16): {LINEAR: 50, GAUSSIAN: 45, BINNED: 90, NEIGHBOURS: 45},
    (2000, 32): {LINEAR: 300, GAUSSIAN: 300, BINNED: 300, NEIGHBOURS: 160},
    (4000, 32): {LINEAR: 400, GAUSSIAN: 450, BINNED: 280, NEIGHBOURS: 130},
}
_TIMED = 4  # models whose pairs are timed in the loop and held against the oracle


@dataclass
class Loop:
    """The loop of one metric: some of its pairs, timed in turn."""

    metric: Metric
    models: Sequence[Array]
    watch: Stopwatch = field(default_factory=Stopwatch)
    values: dict[Pair, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._pairs = cycle(combinations(range(min(_TIMED, len(self.models))), 2))

    def pair(self) -> None:
        i, j = next(self._pairs)
        self.values[i, j] = self.watch.time(per_pair.pair_of(self.metric, self.models[i], self.models[j]))


def matrices(sizes: Sequence[int], counts: Sequence[int], rounds: int) -> Iterator[tuple[object, ...]]:
    """Rows of COLUMNS: the median of `rounds` runs of the engine, of as many pairs of the loop between them."""
    rate = product_rate()
    for n in sizes:
        models = related(max(counts), n)
        for name in METRICS:
            metric = parse_metric(name)
            loop, watches = Loop(metric, models), {count: Stopwatch() for count in counts}
            engine(metric, models[:2])
            loop.pair()
            loop.watch.runs.clear()  # the first pair pays for warming up
            values: dict[Pair, float] = {}
            for _ in range(rounds):
                for count in counts:
                    loop.pair()
                    found = watches[count].time(engine, metric, models[:count])
                    values = {(i, j): found.rows[j].values[i] for i, j in loop.values}
            expected = exact(metric, models[:_TIMED])
            for count in counts:
                whole, ours = loop.watch.seconds * count * (count - 1) / 2, watches[count].seconds
                yield (
                    name, n, count, f"{loop.watch.seconds * 1000:.0f}", f"{whole:.1f}", f"{ours:.2f}",
                    times(whole / ours), held_to(whole / ours, TARGETS.get((n, count), {}).get(name)),
                    f"{floor_flop(n, [X.shape[1] for X in models[:count]]) / rate / ours:.0%}",
                    f"{largest_error(values, expected):.0e}", f"{largest_error(loop.values, expected):.0e}",
                )
