"""The engine against the two packages that already compute all pairs at once, and what each makes of massive
activations.

pytorch-cka multiplies all kernels in one product; rsatoolbox ranks every model once. Its distances are built here, in
NumPy, which takes less time than its own way. A package that is not installed is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec

import numpy as np
import torch

from backend.domain.metrics import Metric, parse_metric, parse_preprocess
from benchmarks import per_pair
from benchmarks.engine.clock import Stopwatch, held_to, times
from benchmarks.engine.embeddings import MEMORY_MIB, Array, engine, massive, related
from benchmarks.engine.loops import BINNED, LINEAR, NEIGHBOURS, RANKS, Loop
from benchmarks.engine.oracles import Pair, exact, largest_error
from workers.similarity.bands import slab_size, table_size
from workers.similarity.registry import measure_of
from workers.similarity.resampling import Resampling

MIB = 1 << 20
COLUMNS = ("metric", "package", "n", "M", "package, s", "engine, s", "ratio", "target", "error", "package's error")
MEMORY_COLUMNS = (
    "n", "M", "pytorch-cka's kernels, MiB", "engine's, MiB", "engine's budget, MiB", "ratio", "target", "engine, s",
)
MASSIVE_COLUMNS = ("metric", "n", "error", "target", "loop's error", "package's error")
TARGETS = {("pytorch-cka", 2000, 16): 2.5, ("rsatoolbox", 1000, 16): 8.0}
_HELD = (2000, 16)  # n and M that the target of memory is for
_CHECKED = 4  # models held against the oracle


def missing() -> list[str]:
    """Packages that are not installed."""
    modules = {"pytorch-cka": "cka", "rsatoolbox": "rsatoolbox", "calibrated-similarity": "calibrated_similarity"}
    return [name for name, module in modules.items() if find_spec(module) is None]


def pytorch_cka(models: Sequence[Array]) -> np.ndarray:
    from cka import cka_from_features

    features = [torch.from_numpy(X) for X in models]
    return cka_from_features(features, features).numpy()


def rsatoolbox_spearman(models: Sequence[Array]) -> np.ndarray:
    from rsatoolbox.rdm import RDMs, compare

    upper = np.triu_indices(len(models[0]), 1)
    tables = RDMs(np.stack([per_pair.distances(X)[upper] for X in models]))
    return compare(tables, tables, method="spearman")


PACKAGES = {
    "pytorch-cka": (pytorch_cka, (LINEAR,)),
    "rsatoolbox": (rsatoolbox_spearman, (RANKS, BINNED)),
}


def matrices(sizes: Sequence[int], counts: Sequence[int], rounds: int) -> Iterator[tuple[object, ...]]:
    """Rows of COLUMNS."""
    absent = missing()
    for package, (function, names) in PACKAGES.items():
        if package in absent:
            continue
        for n in sizes:
            models = related(max(counts), n)
            function(models[:2])
            expected = exact(parse_metric(names[0]), models[:_CHECKED])
            for count in counts:
                theirs, ours = Stopwatch(), {name: Stopwatch() for name in names}
                errors: dict[str, float] = {}
                for _ in range(rounds):
                    square = theirs.time(function, models[:count])
                    for name in names:
                        metric = parse_metric(name)
                        found = ours[name].time(engine, metric, models[:count])
                        errors[name] = largest_error(_upper(found.rows), expected)
                error = largest_error({(i, j): float(square[i, j]) for i, j in expected}, expected)
                for name in names:
                    ratio = theirs.seconds / ours[name].seconds
                    floor = None if name == RANKS else TARGETS.get((package, n, count))
                    yield (
                        name, package, n, count, f"{theirs.seconds:.2f}", f"{ours[name].seconds:.2f}", times(ratio),
                        held_to(ratio, floor), f"{errors[name]:.0e}", f"{error:.0e}",
                    )


def memory(sizes: Sequence[int], count: int) -> Iterator[tuple[object, ...]]:
    """Rows of MEMORY_COLUMNS: kernels held as a whole, and with a budget that holds bands of them alone."""
    metric = parse_metric(LINEAR)
    for n in sizes:
        models = related(count, n)
        theirs = 2 * 4 * n * n * count  # two copies of all kernels, float32
        least = _budget_for_bands(metric, models)
        for entries, budget, how in ((table_size(n), MEMORY_MIB, "held"), (slab_size(n), least, "band by band")):
            watch = Stopwatch()
            watch.time(engine, metric, models, memory_mib=budget)
            ratio = theirs / (4 * entries * count)
            yield (
                n, count, f"{theirs / MIB:.0f}", f"{4 * entries * count / MIB:.0f}, {how}", f"{budget}", times(ratio),
                held_to(ratio, 8 if (n, count) == _HELD and budget == least else None), f"{watch.seconds:.2f}",
            )


def massive_activations(n: int) -> Iterator[tuple[object, ...]]:
    """Rows of MASSIVE_COLUMNS: features as they are, three of them at +-300. The target is that of the engine in its
    default precision, neighbour sets exact."""
    models, raw = massive(_CHECKED, n), parse_preprocess("none")
    for name in (LINEAR, "cka.rbf.unbiased:median=0.4", RANKS, BINNED, NEIGHBOURS):
        metric = parse_metric(name)
        expected = exact(metric, models, normalised=False)
        ours = largest_error(_upper(engine(metric, models, preprocess=raw).rows), expected)
        package = next((p for p, (_, names) in PACKAGES.items() if name in names), None)
        theirs = ""
        if package is not None and package not in missing():
            square = PACKAGES[package][0](models)
            theirs = f"{largest_error({(i, j): float(square[i, j]) for i, j in expected}, expected):.0e} ({package})"
        loop = ""
        if "median" not in metric.parameters:  # the published loop takes an absolute width alone
            published = Loop(metric, models)
            for _ in expected:
                published.pair()
            loop = f"{largest_error(published.values, expected):.0e}"
        floor = 0.0 if name == NEIGHBOURS else 2e-5
        yield name, n, f"{ours:.0e}", held_to(ours, floor, at_most=True), loop, theirs


def _budget_for_bands(metric: Metric, models: Sequence[Array]) -> int:
    """MiB that hold all models if their tables are made anew band by band."""
    n, widths = len(models[0]), [X.shape[1] for X in models]
    resampling = Resampling(n)
    measure = measure_of(metric).within(0, n, max(widths), len(models), resampling)
    return -(-(sum(measure.resident_bytes(n, d) for d in widths) + measure.scratch_bytes(n, max(widths))) // MIB)


def _upper(rows: Sequence) -> dict[Pair, float]:
    return {(i, j): float(rows[j].values[i]) for j in range(_CHECKED) for i in range(j)}
