"""Many stimuli on one machine: peak memory within the budget, and the share of the library's own product rate.

The embeddings lie in files, and each comparison runs in a process of its own, so that the peak is the engine's and the
libraries': `python -m benchmarks.engine.large FOLDER METRIC MIB` prints CPU seconds and peak MiB.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import numpy as np
import torch

from backend.domain.metrics import DEFAULT_PREPROCESS, parse_metric
from benchmarks.engine.clock import floor_flop, held_to, product_rate, times
from benchmarks.engine.embeddings import related
from benchmarks.engine.loops import GAUSSIAN, LINEAR, Loop
from workers.similarity.embeddings import EmbeddingSource
from workers.similarity.engine import compare

COLUMNS = (
    "metric", "n", "M", "d", "CPU, s", "of the product rate", "target", "peak, MiB", "target ", "ratio to the loop"
)
BUDGET_MIB = 5000
_MOST_MIB = 6144
_LEAST_SHARE = 0.4


def comparisons(n: int, count: int, widths: tuple[int, ...], names: tuple[str, ...]) -> Iterator[tuple[object, ...]]:
    """Rows of COLUMNS, one comparison each; the loop is timed on one pair."""
    with TemporaryDirectory() as folder:
        used = [widths[i % len(widths)] for i in range(count)]
        for start in range(0, count, 8):
            some = used[start : start + 8]
            for i, X in enumerate(related(len(some), n, some)):
                np.save(Path(folder) / f"{start + i:04d}.npy", X)
        for name in names:
            found = in_own_process(Path(folder), name)
            rate = product_rate()
            share = floor_flop(n, used) / rate / found["cpu_s"] if name in (LINEAR, GAUSSIAN) else None
            loop = Loop(parse_metric(name), [np.load(path) for path in sorted(Path(folder).iterdir())[:2]])
            loop.pair()
            yield (
                name, n, count, "/".join(map(str, widths)), f"{found['cpu_s']:.1f}",
                "" if share is None else f"{share:.0%}",
                "" if share is None else held_to(round(share, 3), _LEAST_SHARE), f"{found['peak_mib']:.0f}",
                held_to(found["peak_mib"], _MOST_MIB, at_most=True),
                times(loop.watch.seconds * count * (count - 1) / 2 / found["cpu_s"]),
            )


def in_own_process(folder: Path, name: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.engine.large", str(folder), name, str(BUDGET_MIB)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    measured: dict[str, float] = json.loads(answer)
    return measured


def main(folder: str, name: str, budget_mib: str) -> None:
    torch.set_num_threads(1)
    sources = []
    for path in sorted(Path(folder).iterdir()):
        n, d = np.load(path, mmap_mode="r").shape
        sources.append(EmbeddingSource(path.stem, n, d, lambda path=path: np.load(path)))
    start = process_time()
    compare(sources, parse_metric(name), DEFAULT_PREPROCESS, new=len(sources), memory_mib=int(budget_mib))
    print(json.dumps({"cpu_s": process_time() - start, "peak_mib": peak_mib()}))


def peak_mib() -> float:
    """Largest resident memory of this process; without /proc, that of the process that started it, if larger."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) / 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
