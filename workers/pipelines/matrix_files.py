"""Similarity matrices in files: a folder with one output of `parallax compare` a dataset, or one file with them all.

A cell that was not computed is NaN, and the boolean array `computed` says so. NaN anywhere else is refused.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from backend.domain.errors import BadData, InvalidInput, nearest_hint
from backend.domain.metrics import UnknownMetric, parse_metric
from workers.pipelines.embedding_errors import MissingPath

VALUES, COMPUTED, DATASETS = "values", "computed", "datasets"
NAMES = ("models", "names")  # what the array of models may be called
UNNAMED = ""  # the metric of a file whose `values` stand alone
MOST_NAMED = 5  # datasets that a note lists
DIRECTIONS_AGREE = 1e-6  # largest difference between s(i, j) and s(j, i) of what counts as one number


class BadMatrices(BadData):
    """The matrices in a file are damaged, incomplete or do not fit their names."""


class MetricNotChosen(InvalidInput):
    """The files hold several metrics, or not the one that was asked for."""


@dataclass(frozen=True)
class MatrixStack:
    """Similarities by one metric: `values` (D, M, M) float64 over `datasets` and `models`, NaN where not computed.

    `metric` is empty where the file does not say it. `notes` are what a reader of the numbers must know.
    """

    metric: str
    datasets: list[str]
    models: list[str]
    values: NDArray[np.float64]
    notes: list[str]


def read_matrices(path: Path, metric: str | None = None) -> MatrixStack:
    """The matrices of a folder (one file a dataset, by name) or of one file, by the metric that is asked for.

    Models are put in alphabetical order, and a model that a dataset lacks is NaN there. Raises MissingPath,
    MetricNotChosen and BadMatrices.
    """
    if path.is_dir():
        files = sorted(file for file in path.glob("*.npz") if not file.name.startswith("."))
        if not files:
            raise MissingPath(
                f"{path} holds no .npz files.", hint="Give a folder with one output of parallax compare a dataset."
            )
    elif path.is_file():
        files = [path]
    else:
        raise MissingPath(f"There is no file or folder {path}.", hint="Correct the path.")
    chosen = _choose(files, metric)
    read = {file: _read(file, chosen) for file in files}
    if path.is_dir():
        datasets = [file.stem for file in files]
        for file, (names, _) in read.items():
            if names is not None:
                raise BadMatrices(f"{file} holds several datasets.", hint="Give the file itself instead of its folder.")
    else:
        given, _ = read[path]
        if given is None:
            raise BadMatrices(
                f"{path} holds one dataset, and consistency compares two or more.",
                hint="Give a folder with one such file a dataset.",
            )
        datasets = given
    if len(datasets) < 2:
        raise BadMatrices(
            f"{path} holds one dataset ({', '.join(datasets)}), and consistency compares two or more.",
            hint="Add the matrices of another dataset.",
        )
    parts = [part for _, found in read.values() for part in found]
    models = sorted({name for names, _ in parts for name in names})
    values = np.full((len(datasets), len(models), len(models)), np.nan)
    position = {name: i for i, name in enumerate(models)}
    for square, (names, part) in zip(values, parts, strict=True):
        at = [position[name] for name in names]
        square[np.ix_(at, at)] = part
    notes = [*_gaps(datasets, models, parts), *_directions(chosen, datasets, values)]
    return MatrixStack(chosen, datasets, models, values, notes)


def _choose(files: Sequence[Path], metric: str | None) -> str:
    """The metric to be read: the one asked for, or the only one there is, in every file."""
    held: dict[Path, list[str]] = {}
    for file in files:
        with _opened(file) as arrays:
            held[file] = [key.removesuffix(VALUES).rstrip("/") for key in arrays if key.rpartition("/")[2] == VALUES]
        if not held[file]:
            raise BadMatrices(f"{file} has no array {VALUES}.", hint="Give what parallax compare has written.")
    known = list(dict.fromkeys(name for names in held.values() for name in names))
    if metric is None:
        if len(known) > 1:
            shown = ", ".join(name or "(unnamed)" for name in known)
            raise MetricNotChosen(f"The files hold several metrics: {shown}.", hint="Choose one with --metric.")
        chosen = known[0]
    elif known == [UNNAMED]:
        return UNNAMED
    else:
        chosen = metric if metric in known else _canonical(metric)
        if chosen not in known:
            raise MetricNotChosen(f"No file holds the metric {metric!r}.", hint=nearest_hint(metric, known, "metrics"))
    without = [file for file, names in held.items() if chosen not in names]
    if without:
        raise BadMatrices(
            f"{without[0]} lacks the metric {chosen}, as do {len(without) - 1} others of {len(files)} files.",
            hint="Compute it there, too, or take the file away.",
        )
    return chosen


def _canonical(metric: str) -> str:
    try:
        return parse_metric(metric).id
    except UnknownMetric:
        return metric  # a metric of somebody else's


@contextmanager
def _opened(path: Path) -> Iterator[NpzFile]:
    """The arrays of a file. Whatever is wrong with the file itself is raised as BadMatrices."""
    try:
        with path.open("rb") as file:  # numpy leaves a damaged file open
            loaded = np.load(file, allow_pickle=False)
            if not isinstance(loaded, NpzFile):
                raise BadMatrices(f"{path} is no .npz file of several arrays.", hint="Write it with numpy.savez.")
            with loaded as arrays:
                yield arrays
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError) as error:
        hint = "Write it again; names are arrays of text: numpy.array(names, dtype=str)."
        raise BadMatrices(f"{path} cannot be read: {error}.", hint=hint) from error


def _read(path: Path, metric: str) -> tuple[list[str] | None, list[tuple[list[str], NDArray[np.float64]]]]:
    """Datasets of a file (None: it says none, and has one), and for each its models and their square."""
    prefix = f"{metric}/" if metric else ""
    with _opened(path) as arrays:
        values = np.asarray(arrays[prefix + VALUES])
        computed = np.asarray(arrays[prefix + COMPUTED]) if prefix + COMPUTED in arrays else None
        key = next((key for key in NAMES if key in arrays), None)
        if key is None:
            raise BadMatrices(f"{path} does not name its models.", hint=f"Add an array {NAMES[0]}, one text a model.")
        models = _names(path, key, arrays[key])
        datasets = _names(path, DATASETS, arrays[DATASETS]) if DATASETS in arrays else None
    if values.dtype.kind not in "fiu":
        raise BadMatrices(f"The {VALUES} of {path} are {values.dtype}.", hint="Similarities are real numbers.")
    if values.ndim == 3 and datasets is None:
        raise BadMatrices(f"{path} does not name its datasets.", hint=f"Add an array {DATASETS}, one text a dataset.")
    expected = (*(() if datasets is None else (len(datasets),)), len(models), len(models))
    if values.shape != expected:
        raise BadMatrices(
            f"The {VALUES} of {path} have the shape {values.shape}, and its names ask for {expected}.",
            hint="One square matrix a dataset, a row and a column for every model.",
        )
    if computed is not None and (computed.dtype != np.bool_ or computed.shape != values.shape):
        raise BadMatrices(
            f"{COMPUTED} of {path} is {computed.dtype} {computed.shape}, and {VALUES} have the shape {values.shape}.",
            hint=f"{COMPUTED} is true or false for every one of the {VALUES}.",
        )
    stack = values.astype(np.float64).reshape(-1, len(models), len(models))
    mask = np.ones(stack.shape, dtype=bool) if computed is None else computed.reshape(stack.shape)
    bad = np.argwhere(mask & ~np.isfinite(stack))
    if len(bad):
        d, i, j = bad[0]
        where = f"{models[i]} and {models[j]}" + (f" on {datasets[d]}" if datasets else "")
        raise BadMatrices(
            f"{path} has {stack[d, i, j]} for {where}, and {len(bad) - 1} more such values.",
            hint=f"What was not computed is NaN where a boolean array {COMPUTED} is false; nothing else may be NaN.",
        )
    stack[~mask] = np.nan
    return datasets, [(models, square) for square in stack]


def _names(path: Path, key: str, array: NDArray[Any]) -> list[str]:
    names = [str(name) for name in array.tolist()] if array.ndim == 1 and array.dtype.kind == "U" else []
    if not names or len(set(names)) < len(names) or not all(name.strip() for name in names):
        raise BadMatrices(
            f"{key} of {path} is no list of different names ({array.dtype}, shape {array.shape}).",
            hint="One text for every row, none twice: numpy.array(names, dtype=str).",
        )
    return names


def _gaps(
    datasets: Sequence[str], models: Sequence[str], parts: Sequence[tuple[list[str], NDArray[np.float64]]]
) -> list[str]:
    """What is not there: models that datasets lack, and pairs that were not computed."""
    notes = []
    for dataset, (names, square) in zip(datasets, parts, strict=True):
        if len(names) < len(models):
            absent = _listed(sorted(set(models) - set(names)))
            notes.append(f"{dataset} has {len(names)} of {len(models)} models; without {absent}")
        upper = np.triu_indices(len(names), 1)
        both = np.isfinite(square[upper]) & np.isfinite(square.T[upper])
        if not both.all():
            notes.append(f"{dataset} has {both.sum():,} of {both.size:,} pairs of its models")
    return [*notes[:MOST_NAMED], *([f"{len(notes) - MOST_NAMED} more such notes"] if len(notes) > MOST_NAMED else [])]


def _directions(metric: str, datasets: Sequence[str], values: NDArray[np.float64]) -> list[str]:
    """A note where s(i, j) and s(j, i) differ though nothing says that the measure has a direction."""
    try:
        if metric and not parse_metric(metric).spec.symmetric:
            return []
    except InvalidInput:
        pass  # a metric of somebody else's, of which nothing is known
    apart = np.abs(values - values.transpose(0, 2, 1)) > DIRECTIONS_AGREE
    differ = [name for name, square in zip(datasets, list(apart), strict=True) if square.any()]
    if not differ:
        return []
    return [f"matrices are not symmetric on {_listed(differ)}; a pair of models counts with the mean of both values"]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:MOST_NAMED])
    return f"{shown} and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else shown
