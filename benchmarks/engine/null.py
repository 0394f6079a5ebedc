"""What calibration and uncertainty cost: beside the matrix without them, and against permuting pair by pair.

The engine gives null mean, sd, tau and p of all pairs, p over the n cyclic shifts of one relabelling, in the same call
as the values. The loop permutes 999 times for every pair; some permutations of some pairs are timed, in between the
runs of the engine, and multiplied.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from backend.domain.metrics import DEFAULT_PREPROCESS, Metric, parse_metric
from benchmarks import per_pair, permuting
from benchmarks.engine.clock import Stopwatch, held_to, times
from benchmarks.engine.embeddings import MEMORY_MIB, Array, engine, related
from benchmarks.engine.loops import BINNED, GAUSSIAN, LINEAR, NEIGHBOURS
from benchmarks.engine.packages import missing
from workers.similarity import preprocess
from workers.similarity.embeddings import EmbeddingSource, load_checked
from workers.similarity.engine import plan
from workers.similarity.resampling import Resampling

DRAWS = 999
_PERMUTED = 100  # permutations timed at a time; the published code takes all of them at once
LOOP_COLUMNS = ("metric", "n", "M", "loop, ms a permutation", "loop, s", "engine, s", "ratio", "target")
# Against the published nulls, all pairs with at least 999 exact draws, kernels included.
TARGETS = {"cka.linear.biased": 1500, "cka.rbf.biased:sigma=0.4": 1500, LINEAR: 1500, NEIGHBOURS: 700}
SHARE_COLUMNS = (
    "metric", "n", "M", "building, s", "matrix, s", "calibrated, s", "null / building", "target",
    "with uncertainty, s", "uncertainty / building",
)
_HELD = (1000, 12)  # n and M that they are for
_MOST = 1.0  # times the building of the kernels


def against_permuting(n: int, count: int, rounds: int) -> Iterator[tuple[object, ...]]:
    """Rows of LOOP_COLUMNS. The last row calls the published function itself, with a score per pair as in the loop over
    pairs, where the package is installed."""
    models, pairs = related(count, n), count * (count - 1) / 2
    generator = torch.Generator().manual_seed(0)
    for name in (*TARGETS, BINNED):
        metric, loop, ours = parse_metric(name), Stopwatch(), Stopwatch()
        engine(metric, models[:2], calibrate=True)
        for number in range(rounds):
            draws = permuting.draws_of(metric, models[number % count], models[(number + 1) % count])
            orders = torch.stack([torch.randperm(n, generator=generator) for _ in range(_PERMUTED)])
            loop.time(draws, orders)
            ours.time(engine, metric, models, calibrate=True)
        each = loop.seconds / _PERMUTED
        yield _against(name, n, count, each, each * DRAWS * pairs, ours.seconds, TARGETS.get(name))
    if "calibrated-similarity" not in missing():
        ours = Stopwatch()
        each = _published_function(models[0], models[1])
        ours.time(engine, parse_metric(LINEAR), models, calibrate=True)
        label = f"{LINEAR} (calibrated-similarity)"
        yield _against(label, n, count, each, each * (DRAWS + 1) * pairs, ours.seconds, None)


def _against(
    name: str, n: int, count: int, each: float, loop: float, ours: float, floor: float | None
) -> tuple[object, ...]:
    ratio = loop / ours
    target = held_to(ratio, floor if (n, count) == _HELD else None)
    return name, n, count, f"{each * 1000:.1f}", f"{loop:.0f}", f"{ours:.2f}", times(ratio), target


def _published_function(X: Array, Y: Array) -> float:
    """Seconds a permutation of `calibrated_similarity.calibrate`, which computes the score anew for each."""
    from calibrated_similarity import calibrate

    watch, permutations = Stopwatch(), 3
    watch.time(
        calibrate, torch.from_numpy(X), torch.from_numpy(Y), lambda A, B: per_pair.cka_linear(A.numpy(), B.numpy()),
        K=permutations,
    )
    return watch.seconds / (permutations + 1)


def shares(sizes: Sequence[int], count: int, rounds: int) -> Iterator[tuple[object, ...]]:
    """Rows of SHARE_COLUMNS."""
    for n in sizes:
        models = related(count, n)
        for name in (LINEAR, GAUSSIAN, BINNED, NEIGHBOURS):
            metric = parse_metric(name)
            building, plain, calibrated, uncertain = (Stopwatch() for _ in range(4))
            engine(metric, models[:2], calibrate=True, uncertainty=True)
            for _ in range(rounds):
                building.time(_build, metric, models)
                plain.time(engine, metric, models)
                calibrated.time(engine, metric, models, calibrate=True)
                uncertain.time(engine, metric, models, uncertainty=True)
            null = (calibrated.seconds - plain.seconds) / building.seconds
            interval = (uncertain.seconds - plain.seconds) / building.seconds
            yield (
                name, n, count, f"{building.seconds:.2f}", f"{plain.seconds:.2f}", f"{calibrated.seconds:.2f}",
                f"{null:.2f}", held_to(round(null, 2), _MOST, at_most=True), f"{uncertain.seconds:.2f}",
                f"{interval:.2f}",
            )


def _build(metric: Metric, models: Sequence[Array]) -> None:
    """Everything that is done once per model when nothing but the matrix is asked for."""
    sources = [EmbeddingSource.from_array(str(i), X) for i, X in enumerate(models)]
    resampling = Resampling(sources[0].n)
    measure, _ = plan(sources, metric, resampling, new=len(sources), memory_mib=MEMORY_MIB)
    prepared = []
    for source in sources:
        rows = torch.from_numpy(load_checked(source))
        prepared.append(measure.prepare(preprocess.apply(DEFAULT_PREPROCESS, rows), resampling))
