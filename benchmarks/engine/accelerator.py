"""The engine on a GPU, held against the arithmetic it cannot avoid at the rate that the GPU's own matrix product has in
the same run. Without a GPU there is nothing to measure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from time import perf_counter

import torch

from backend.domain.metrics import DEFAULT_PREPROCESS, parse_metric
from benchmarks.engine.clock import floor_flop, held_to, product_rate, times
from benchmarks.engine.embeddings import related
from benchmarks.engine.loops import BINNED, GAUSSIAN, LINEAR, NEIGHBOURS
from workers.similarity.embeddings import EmbeddingSource
from workers.similarity.engine import compare

COLUMNS = (
    "metric", "n", "M", "d", "engine, s", "calibrated, s", "tf32 floor, s", "ratio", "target", "float32 floor, s",
    "ratio ",
)
_MOST = 4.0
_BUDGET_MIB = 60_000


def rates() -> tuple[float, float]:
    """Floating-point operations per second of matrix products on the GPU: float32, and with tf32 allowed."""
    before = torch.backends.cuda.matmul.allow_tf32
    try:
        torch.backends.cuda.matmul.allow_tf32 = False
        exact = product_rate(device="cuda", size=8192)
        torch.backends.cuda.matmul.allow_tf32 = True
        return exact, product_rate(device="cuda", size=8192)
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def comparisons(n: int, counts: Sequence[int], d: int) -> Iterator[tuple[object, ...]]:
    """Rows of COLUMNS: seconds on the wall, the median of three, loading and copying to the GPU included."""
    exact, short = rates()
    for count in counts:
        some = related(min(count, 16), n, (d,))
        sources = [EmbeddingSource.from_array(f"model-{i}", some[i % len(some)]) for i in range(count)]
        floor = floor_flop(n, [d] * count)
        for name in (LINEAR, GAUSSIAN, BINNED, NEIGHBOURS):
            plain, calibrated = (_seconds(sources, name, calibrate=flag) for flag in (False, True))
            ratio = plain / (floor / short)
            yield (
                name, n, count, d, f"{plain:.2f}", f"{calibrated:.2f}", f"{floor / short:.3f}", times(ratio),
                held_to(round(ratio, 1), _MOST, at_most=True), f"{floor / exact:.3f}", times(plain / (floor / exact)),
            )


def _seconds(sources: Sequence[EmbeddingSource], name: str, *, calibrate: bool) -> float:
    metric, found = parse_metric(name), []
    for _ in range(4):
        torch.cuda.synchronize()
        start = perf_counter()
        compare(
            sources, metric, DEFAULT_PREPROCESS, new=len(sources), memory_mib=_BUDGET_MIB, device="cuda",
            calibrate=calibrate,
        )
        torch.cuda.synchronize()
        found.append(perf_counter() - start)
    return median(found[1:])
