"""The similarity engine, as ratios of one run: `python -m benchmarks.bench_engine` (or `make bench-engine`).

One thread and CPU seconds; both sides of a ratio take turns in one process, and medians are compared. Published loops
over pairs are timed on some pairs and multiplied; the engine is always timed in full, loading and checking included.
Errors are the largest absolute difference to float64 (benchmarks/engine/oracles.py) over the pairs of four models. A
target is the least that is asked for; nothing fails when it is missed.

`--quick` takes seconds and shows that everything runs; `--large` takes n = 4,000 and M = 64 models of n = 10,000
instead, and half an hour of CPU time. "of the product rate" is the share of the library's own float32 product rate on
one thread that is reached, counting only what no way of building kernels saves: a ratio is bounded by that rate.
"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Callable
from datetime import date
from itertools import chain
from pathlib import Path

import torch

from benchmarks.engine import accelerator, added, large, loops, null, packages
from benchmarks.engine.clock import print_table, product_rate
from benchmarks.engine.embeddings import WIDTHS


def loop(quick: bool, more: bool) -> None:
    sizes, counts = ([300], [4, 8]) if quick else ([4000] if more else [1000, 2000], [8, 16, 32])
    print_table("Against a loop over pairs", loops.COLUMNS, loops.matrices(sizes, counts, 1 if quick or more else 3))


def package(quick: bool, more: bool) -> None:
    sizes, counts = ([300], [4]) if quick else ([4000], [16]) if more else ([1000, 2000], [8, 16])
    for name in packages.missing():
        print(f"\n{name} is not installed: its rows are left out (pip install -e '.[bench]').")
    rows = packages.matrices(sizes, counts, 1 if quick or more else 3)
    print_table("Against packages that take all pairs at once", packages.COLUMNS, rows)
    print_table("Memory of the kernels", packages.MEMORY_COLUMNS, packages.memory(sizes[-1:], max(counts[:2])))
    rows = packages.massive_activations(sizes[-1])
    print_table("Massive activations, features as they are", packages.MASSIVE_COLUMNS, rows)


def calibration(quick: bool, more: bool) -> None:
    n, count = (300, 4) if quick else (4000, 12) if more else (1000, 12)
    if not more:
        rows = null.against_permuting(n, count, 1 if quick else 3)
        print_table("Calibration against permuting pair by pair", null.LOOP_COLUMNS, rows)
    rows = null.shares([n] if quick or more else [1000, 2000], count, 1 if quick or more else 5)
    print_table("What calibration and uncertainty cost", null.SHARE_COLUMNS, rows)


def addition(quick: bool, more: bool) -> None:
    n, count = (300, 8) if quick else (4000, 16) if more else (2000, 32)
    rows = added.rows(n, count, 1 if quick or more else 3)
    print_table("One model added to the others", added.COLUMNS, rows)


def many_stimuli(quick: bool, more: bool) -> None:
    names = (loops.LINEAR, loops.GAUSSIAN, loops.BINNED, loops.NEIGHBOURS)
    if quick:
        rows = large.comparisons(600, 4, (64,), names[:1])
    elif more:
        rows = chain(large.comparisons(10_000, 64, (200,), names), large.comparisons(10_000, 64, WIDTHS, names[:1]))
    else:
        return
    print_table(f"Many stimuli, a budget of {large.BUDGET_MIB} MiB", large.COLUMNS, rows)


def gpu(quick: bool, more: bool) -> None:
    if not torch.cuda.is_available():
        print("\nNo GPU here: its rows are left out.")
        return
    n, counts = (1000, [8]) if quick else (10_000, [64, 1000] if more else [64])
    print(f"\n{torch.cuda.get_device_name()}")
    print_table("On a GPU", accelerator.COLUMNS, accelerator.comparisons(n, counts, 1000))


SECTIONS: dict[str, Callable[[bool, bool], None]] = {
    "loop": loop, "packages": package, "null": calibration, "added": addition, "large": many_stimuli, "gpu": gpu,
}


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs")
    parser.add_argument("--large", action="store_true", help="n = 4,000 and 10,000 instead")
    parser.add_argument("--only", choices=SECTIONS, action="append", help="these sections alone; may be repeated")
    given = parser.parse_args()
    torch.set_num_threads(1)
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"{date.today()}, {os.cpu_count()} x {processor()}, torch {torch.__version__}, load {load}")
    print(f"One thread; its float32 matrix product reaches {product_rate() / 1e9:.0f} GFLOP/s.")
    for name in given.only or SECTIONS:
        SECTIONS[name](given.quick, given.large)


if __name__ == "__main__":
    main()
