"""Consistency, against the loop of the published notebooks and its own targets: `make bench-consistency`.

One thread; CPU seconds, beside them seconds on the wall, which other work on the machine lengthens. Medians of several
runs. Both sides of a ratio take the same matrices in one process, and their results are compared. The loop is timed on
23 of the 253 pairs of datasets, and multiplied; making its long tables is counted once. Targets are held
against CPU seconds; nothing fails when one is missed.

`--quick` takes seconds and shows that everything runs: the loop on 4 of 253 dataset pairs, 50 draws instead of 1,000,
and M = 100 instead of 1,000.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import combinations
from statistics import median
from time import perf_counter, process_time
from typing import TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from backend.domain.attributes import MODEL_ATTRIBUTES
from backend.domain.consistency import (
    METHODS,
    ModelSet,
    SetPairTable,
    consistency,
    correlations,
    every,
    pairs_of,
    resample,
    set_pair_consistency,
    sets_of,
)
from benchmarks.consistency import made, notebook_loop
from benchmarks.engine.clock import held_to, print_table, times

N_DATASETS, N_MODELS = 23, 64
# Dataset pairs that the loop is timed on: what it takes for them is multiplied up to all 253.
LOOP_PAIRS = 23
AT_MOST_S = {"points": 0.05, "resampled": 1.0, "many": 2.0}
LEAST_RATIO = 1000
COLUMNS = (
    "method", "dataset pairs in the loop", "loop, s", "here, ms", "on the wall, ms", "target", "ratio", "target ",
    "largest difference",
)
RESAMPLING_COLUMNS = ("method", "draws", "set pairs", "here, s", "on the wall, s", "target", "loop times draws, h")
MANY_COLUMNS = ("what", "M", "N", "here, s", "on the wall, s", "target")

Result = TypeVar("Result")


def timed(work: Callable[[], Result], repeats: int) -> tuple[Result, float, float]:
    """The result, and medians of CPU seconds and of seconds on the wall."""
    cpu, wall = [], []
    for _ in range(repeats):
        begin, on_the_wall = process_time(), perf_counter()
        result = work()
        cpu.append(process_time() - begin)
        wall.append(perf_counter() - on_the_wall)
    return result, median(cpu), median(wall)


def published_pairs(attributes: Mapping[str, Sequence[str]]) -> list[tuple[str, tuple[ModelSet, ModelSet]]]:
    """The attribute and the sets of all 29 model-set pairs."""
    return [
        (name, pair)
        for name, slugs in attributes.items()
        for pair in pairs_of(sets_of(slugs, MODEL_ATTRIBUTES[name]))
    ]


def against_the_loop(quick: bool, loop_s: dict[str, float]) -> Iterator[list[object]]:
    """Rows of the table; the loop's seconds by method go to `loop_s`."""
    attributes, stack = made.attributes(), made.matrices(N_DATASETS, N_MODELS)
    named = published_pairs(attributes)
    pairs = [pair for _, pair in named]
    every_two = list(combinations(range(N_DATASETS), 2))
    long, once_s, _ = timed(partial(notebook_loop.long_tables, stack, attributes), 1)
    for method in METHODS:
        chosen = every_two[:: len(every_two) // (3 if quick else LOOP_PAIRS)]
        found, some_s, _ = timed(partial(notebook_loop.set_pairs, long, chosen, method), 1)
        loop_s[method] = once_s + some_s * len(every_two) / len(chosen)
        tables, cpu, wall = timed(partial(set_pair_consistency, stack, pairs, method), 3 if quick else 20)
        ratio = loop_s[method] / cpu
        yield [
            method, f"{len(chosen)} of {len(every_two)}", f"{loop_s[method]:.0f}", f"{cpu * 1e3:.1f}",
            f"{wall * 1e3:.1f}", held_to(cpu, AT_MOST_S["points"] if method == "pearson" else None, at_most=True),
            times(ratio), held_to(ratio, LEAST_RATIO), f"{largest_difference(found, named, tables):.0e}",
        ]


def largest_difference(
    found: notebook_loop.Result, named: Sequence[tuple[str, tuple[ModelSet, ModelSet]]], tables: Sequence[SetPairTable]
) -> float:
    """Between all numbers of the loop and those of the tables; that both have the same set pairs is checked."""
    ours = {
        (name, tuple(sorted((a.name, b.name)))): table.r
        for (name, (a, b)), table in zip(named, tables, strict=True)
    }
    assert {(name, values) for name, _, _, values in found} == set(ours)
    return max(abs(ours[name, values][first, second] - r) for (name, first, second, values), r in found.items())


def resampling(quick: bool, loop_s: Mapping[str, float]) -> Iterator[list[object]]:
    stack = made.matrices(N_DATASETS, N_MODELS)
    everyone = every(N_MODELS)
    pairs = [(everyone, everyone), *(pair for _, pair in published_pairs(made.attributes()))]
    draws = 50 if quick else 1000
    for method in METHODS:
        _, cpu, wall = timed(partial(resample, stack, pairs, method, resamples=draws), 1 if quick else 3)
        target = AT_MOST_S["resampled"] if method == "pearson" and not quick else None
        yield [
            method, draws, len(pairs), f"{cpu:.2f}", f"{wall:.2f}", held_to(cpu, target, at_most=True),
            f"{loop_s[method] * draws / 3600:.0f}",
        ]


def many_models(quick: bool) -> Iterator[list[object]]:
    n_datasets, n_models = (10, 100) if quick else (100, 1000)
    stack = made.matrices(n_datasets, n_models)
    stored = made.packed(stack)
    everyone = every(n_models)
    diagonal = np.cumsum(np.arange(1, n_models + 1)) - 1
    pairs = np.ones(stored.shape[1], dtype=bool)
    pairs[diagonal] = False
    repeats = 1 if quick else 3
    work: list[tuple[str, Callable[[], object], float | None]] = [
        ("r of all pairs, packed float32", lambda: correlations(stored[:, pairs]), AT_MOST_S["many"]),
        ("r of all pairs, squares", lambda: consistency(stack), None),
        ("r of all pairs with jackknife intervals, squares", lambda: resample(stack, [(everyone, everyone)]), None),
    ]
    results = []
    for name, task, target in work:
        result, cpu, wall = timed(task, repeats)
        results.append(result)
        yield [name, n_models, n_datasets, f"{cpu:.2f}", f"{wall:.2f}", held_to(cpu, target, at_most=True)]
    np.testing.assert_allclose(results[0], results[1].r, atol=1e-9)  # type: ignore[attr-defined]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, a short time: does it run?")
    quick = parser.parse_args().quick
    loop_s: dict[str, float] = {}
    with threadpool_limits(1):
        title = f"All {len(published_pairs(made.attributes()))} published model-set pairs, M = 64, N = 23"
        print_table(title, COLUMNS, against_the_loop(quick, loop_s))
        print_table("Their intervals, and the baseline's", RESAMPLING_COLUMNS, resampling(quick, loop_s))
        print_table("Many models", MANY_COLUMNS, many_models(quick))


if __name__ == "__main__":
    main()
