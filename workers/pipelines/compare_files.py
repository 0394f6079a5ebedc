"""Compare files of embeddings, without a server: all pairs by every metric, with null and intervals where asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from backend.domain.calibration import adjusted, adjusted_p, calibrated, z_score
from backend.domain.errors import InvalidInput
from backend.domain.metrics import Metric, Preprocess
from backend.domain.quantities import ARI, CALIBRATED, NULL_MEAN, NULL_SD, REVERSE, TAU, VALUE, P, Q, Z
from workers.pipelines.embedding_files import check_order, find_embeddings, open_embedding
from workers.pipelines.groups import read_groups
from workers.pipelines.row_checks import row_check
from workers.pipelines.whole_files import write_whole
from workers.runtime.arithmetic import configure
from workers.similarity.embeddings import check_shapes
from workers.similarity.engine import ComparisonRows, compare, plan
from workers.similarity.pairs import PairMeasure
from workers.similarity.registry import measure_of
from workers.similarity.resampling import Resampling

VALUES, COMPUTED, RECIPE, CI_METHOD = "values", "computed", "recipe", "ci_method"
Progress = Callable[[Metric, int, int], None]
Squares = dict[str, NDArray[Any]]


class NoGpu(InvalidInput):
    """A GPU was asked for where there is none."""


@dataclass(frozen=True)
class MetricCompared:
    """One metric's result: `squares` has arrays (M, M) under the names they have in the file, float64 and NaN where not
    computed, and the boolean `computed`; `excluded` says why a model has no values; `recipe` how the numbers came
    about."""

    metric: Metric
    squares: Squares
    excluded: Mapping[str, str]
    recipe: Mapping[str, Any]


@dataclass(frozen=True)
class FilesCompared:
    """All metrics of one call, for the models `names` on `n` stimuli."""

    names: list[str]
    n: int
    preprocess: Preprocess
    device: str
    metrics: list[MetricCompared]


def compare_files(
    paths: Sequence[Path],
    metrics: Sequence[Metric],
    preprocess: Preprocess,
    *,
    calibrate: bool = False,
    uncertainty: bool = False,
    groups: Path | None = None,
    memory_mib: int,
    device: str = "auto",
    beside: Sequence[Path] = (),
    progress: Progress | None = None,
) -> FilesCompared:
    """Every pair of the embeddings in files and folders, by each metric once.

    `beside` are files that may lie in the folders and are no embeddings. `progress(metric, done, total)` is called as
    the work goes on. Everything that can be refused is refused before anything is computed, but for rows that cannot be
    used, which are only seen when they are read.

    Raises what workers.pipelines.embedding_errors lists, MissingPath, NoGpu and MemoryBudgetTooSmall.
    """
    device = device_of(device)
    files = [open_embedding(path) for path in find_embeddings(paths, beside)]
    wanted = list({metric.id: metric for metric in metrics}.values())
    for metric in wanted:
        check_shapes([file.source() for file in files], metric.minimum_n, metric.id)
    check_order(files)
    n, ids = files[0].n, next((file.sample_ids for file in files if file.sample_ids), None)
    group_of = read_groups(groups, n, ids) if groups else None
    resampling = Resampling(n, group_of, calibrate, uncertainty)
    for metric in wanted:
        plan([file.source() for file in files], metric, resampling, new=len(files), memory_mib=memory_mib)
    found = []
    for metric in wanted:
        with _threads_for(metric):
            rows = compare(
                [file.source(row_check(file, metric, preprocess)) for file in files], metric, preprocess,
                new=len(files), memory_mib=memory_mib, device=device, calibrate=calibrate, uncertainty=uncertainty,
                groups=group_of, progress=_of_metric(progress, metric),
            )
            threads = torch.get_num_threads()
        excluded = {files[i].name: reason for i, reason in rows.excluded.items()}
        recipe = {
            "metric": metric.id, "metric_version": metric.version, "preprocess": preprocess.id, "n": n,
            **({"groups": int(group_of.max()) + 1} if group_of is not None else {}), **rows.recipe,
            "device": device, "threads": threads, "parallax": version("parallax"),
            "torch": torch.__version__, "excluded": excluded,
        }
        found.append(MetricCompared(metric, squares(rows, metric, len(files)), excluded, recipe))
    return FilesCompared([file.name for file in files], n, preprocess, device, found)


def device_of(given: str) -> str:
    """`cpu` or `cuda`, ready to be used. Raises NoGpu."""
    configure(None)
    if given == "cpu" or torch.cuda.is_available():
        return "cpu" if given == "cpu" else "cuda"
    if given == "cuda":
        raise NoGpu("There is no GPU that torch can use here.", hint="Give --device cpu, or auto.")
    return "cpu"


def squares(rows: ComparisonRows, metric: Metric, count: int) -> Squares:
    """The rows of all models as arrays (M, M), with what follows from them; [i, j] is s(i, j)."""
    found: Squares = {}
    for row in rows.rows:
        for name, numbers in row.quantities.items():
            back = name.endswith(REVERSE)
            square = found.setdefault(name.removesuffix(REVERSE), np.full((count, count), np.nan))
            if back or metric.spec.symmetric:
                square[row.against, row.index] = numbers
            if not back:
                square[row.index, row.against] = numbers
    values = found.pop(VALUE)
    made: Squares = {VALUES: values, COMPUTED: np.isfinite(values), **found}
    if TAU in found:
        best, mean = metric.spec.best, found[NULL_MEAN]
        made[Z] = z_score(values, mean, found[NULL_SD])
        made[ARI] = adjusted(values, mean, best)
        made[CALIBRATED] = calibrated(values, found[TAU], best)
        made[Q] = adjusted_p(found[P])
    return made


def write_matrices(compared: FilesCompared, out: Path) -> None:
    """The result as an npz file, whole or not at all."""
    arrays: Squares = {"names": np.array(compared.names)}
    for one in compared.metrics:
        arrays |= {f"{one.metric.id}/{name}": square for name, square in one.squares.items()}
        arrays[f"{one.metric.id}/{RECIPE}"] = np.array(json.dumps(one.recipe))
        if CI_METHOD in one.recipe:
            arrays[f"{one.metric.id}/{CI_METHOD}"] = np.array(one.recipe[CI_METHOD])
    write_whole(out, lambda file: np.savez(file, **arrays))


@contextmanager
def _threads_for(metric: Metric) -> Iterator[None]:
    """One thread where pairs are computed one by one: their null is thousands of small decompositions, at which several
    threads spend most of their time waiting for each other. Tables are large products, and get all threads."""
    before = torch.get_num_threads()
    if isinstance(measure_of(metric), PairMeasure):
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _of_metric(progress: Progress | None, metric: Metric) -> Callable[[int, int], None] | None:
    return (lambda done, total: progress(metric, done, total)) if progress else None
