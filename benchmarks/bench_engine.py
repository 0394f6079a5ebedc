"""The engine against a loop over pairs that rebuilds both kernels, in one run: `python -m
benchmarks.bench_engine`.

One thread, CPU seconds. The loop has no state between pairs (but RSA's first table), so a sample of its pairs
is timed and multiplied by M (M - 1) / 2; the engine is timed in full, loading and checking included. `diff`
is the largest difference between the two on the sampled pairs. A second table adds one model to M - 1.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from statistics import median
from time import process_time

import numpy as np
import torch

from backend.domain.metrics import DEFAULT_METRICS, DEFAULT_PREPROCESS, Metric
from benchmarks import per_pair
from benchmarks.per_pair import Array
from workers.similarity.embeddings import EmbeddingSource
from workers.similarity.engine import ComparisonRows, compare

WIDTHS = (384, 512, 768, 1024)  # of the features, taken in turn
MEMORY_MIB = 4096


@dataclass(frozen=True)
class Sample:
    """What a pair costs in the loop, and the values of the pairs that were timed."""

    seconds: float
    values: dict[tuple[int, int], float]


def embeddings(count: int, n: int) -> list[Array]:
    """Models that share a latent of 64 dimensions; ReLU features, rows of unit length, float32."""
    rng = np.random.default_rng(0)
    latent = rng.normal(size=(n, 64))
    made = []
    for i in range(count):
        d = WIDTHS[i % len(WIDTHS)]
        X = np.maximum(latent @ rng.normal(size=(64, d)) / 8 + rng.normal(size=(n, d)), 0)
        made.append((X / np.linalg.norm(X, axis=1, keepdims=True)).astype(np.float32))
    return made


def sample_of_loop(metric: Metric, models: list[Array], pairs: int) -> Sample:
    """Time some pairs of the loop. The median is taken: the first pair pays for warming up."""
    seconds, values = [], {}
    for i, j in list(combinations(range(4), 2))[:pairs]:
        pair = _pair_of_loop(metric, models[i], models[j])
        start = process_time()
        values[j, i] = pair()
        seconds.append(process_time() - start)
    return Sample(median(seconds), values)


def _pair_of_loop(metric: Metric, X: Array, Y: Array) -> Callable[[], float]:
    if metric.spec.family.startswith("rsa"):
        first = per_pair.distances(X)
        return lambda: per_pair.rsa_spearman(first, Y)
    function = per_pair.cka_linear if ".linear." in metric.id else per_pair.cka_gaussian
    return lambda: function(X, Y)


def engine(metric: Metric, models: list[Array], new: int) -> tuple[float, ComparisonRows]:
    sources = [EmbeddingSource.from_array(f"model-{i}", X) for i, X in enumerate(models)]
    start = process_time()
    found = compare(sources, metric, DEFAULT_PREPROCESS, new=new, memory_mib=MEMORY_MIB)
    return process_time() - start, found


def measure(sizes: list[int], counts: list[int], pairs: int) -> Iterator[tuple[str, str]]:
    """Lines of the two tables, as they are ready."""
    for metric in DEFAULT_METRICS:
        for n in sizes:
            models = embeddings(max(counts), n)
            engine(metric, models[:2], 2)
            sample = sample_of_loop(metric, models, pairs)
            for count in counts:
                ours, found = engine(metric, models[:count], count)
                loop = sample.seconds * count * (count - 1) / 2
                diff = max(abs(found.rows[j].values[i] - value) for (j, i), value in sample.values.items())
                yield (
                    "matrix",
                    f"| {metric.id} | {n} | {count} | {sample.seconds * 1000:.0f} | {loop:.1f} | {ours:.2f} "
                    f"| {loop / ours:.0f}x | {diff:.0e} |",
                )
            added, _ = engine(metric, models, 1)
            row = sample.seconds * (max(counts) - 1)
            yield (
                "row",
                f"| {metric.id} | {n} | {max(counts)} | {row:.1f} | {added:.2f} | {row / added:.0f}x "
                f"| {ours / added:.1f}x |",
            )


def print_header(*columns: str) -> None:
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    sizes, counts, pairs = ([300], [4, 8], 2) if quick else ([1000, 2000], [8, 16, 32], 5)
    print("One thread, CPU seconds; the loop is extrapolated from a sample of its pairs.\n")
    print_header("metric", "n", "M", "loop, ms a pair", "loop, s", "engine, s", "ratio", "diff")
    rows = []
    for table, line in measure(sizes, counts, pairs):
        if table == "matrix":
            print(line, flush=True)
        else:
            rows.append(line)
    print("\nOne model added to the others:\n")
    print_header("metric", "n", "M", "loop's row, s", "engine, s", "against the loop", "against all anew")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
