"""Consistency of matrices in files, without a server: model-set pairs of an attribute, by the published definition."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from backend.domain.consistency import (
    MIN_PAIRS,
    Method,
    ModelSet,
    SetPairTable,
    anchor,
    every,
    pairs_of,
    resample,
    set_pair_consistency,
)
from backend.domain.errors import InvalidInput, nearest_hint
from workers.pipelines.embedding_errors import BadAttributes
from workers.pipelines.matrix_files import MOST_NAMED, MatrixStack
from workers.pipelines.whole_files import write_whole

COLUMNS = ("dataset_a", "dataset_b", "set_a", "set_b", "n_pairs", "r")
INTERVAL_COLUMNS = ("ci_low", "ci_high")


class UnknownColumn(InvalidInput):
    """The attributes have no column of that name."""


class UnknownAnchor(InvalidInput):
    """The matrices have no model of that name."""


@dataclass(frozen=True)
class Block:
    """One model-set pair over all pairs of datasets, its sets in alphabetical order; `low` and `high` (D, D) are the
    ends of the interval of every r, and `median_interval` that of their median, where they were asked for."""

    table: SetPairTable
    low: NDArray[np.float64] | None = None
    high: NDArray[np.float64] | None = None
    median_interval: tuple[float, float] | None = None

    @property
    def names(self) -> tuple[str, str]:
        return self.table.a.name, self.table.b.name


@dataclass(frozen=True)
class ConsistencyOfFiles:
    """All blocks of one call: pairs of sets, then anchors, then all models. `interval` says how intervals were found;
    `notes` what a reader must know."""

    datasets: list[str]
    blocks: list[Block]
    interval: str
    notes: list[str]


def consistency_of(
    stack: MatrixStack,
    column: str,
    attributes: Mapping[str, Sequence[str]],
    *,
    method: Method = "pearson",
    anchors: Sequence[str] = (),
    intervals: bool = False,
) -> ConsistencyOfFiles:
    """r of every model-set pair of a column of `attributes` (values of `stack.models`), of each anchor against every
    set and against all models, and of all models.

    Values are taken as they are written; a model without one counts in `all` alone. Raises UnknownColumn, UnknownAnchor
    and BadAttributes.
    """
    if column not in attributes:
        raise UnknownColumn(
            f"There is no column {column!r} of attributes.", hint=nearest_hint(column, list(attributes), "columns")
        )
    values = np.array(attributes[column], dtype=object)
    sets = [ModelSet(value, value, values == value) for value in sorted(set(values) - {""})]
    everyone = every(len(stack.models))
    single = [_anchor(name, stack.models) for name in dict.fromkeys(anchors)]
    _check_names([*sets, *single, everyone], column)
    pairs = [*pairs_of(sets), *((one, other) for one in single for other in (*sets, everyone)), (everyone, everyone)]
    pairs = [(a, b) if a.name <= b.name else (b, a) for a, b in pairs]
    blocks = [Block(table) for table in set_pair_consistency(stack.values, pairs, method)]
    interval = ""
    if intervals:
        drawn = resample(stack.values, pairs, method)
        interval = drawn.method_words
        blocks = [Block(b.table, *drawn.interval(k), drawn.median_interval(k)) for k, b in enumerate(blocks)]
    without = int((values == "").sum())
    notes = [*stack.notes, *_undefined(blocks)]
    if without:
        notes.append(f"{without} of {len(values)} models have no value of {column} and count in {everyone.name} alone")
    return ConsistencyOfFiles(stack.datasets, blocks, interval, notes)


def write_csv(found: ConsistencyOfFiles, path: Path) -> None:
    """The blocks one after the other, in each the pairs of datasets in their order; nothing half-written."""

    def write(file: IO[bytes]) -> None:
        head = [*COLUMNS, *(INTERVAL_COLUMNS if found.interval else ())]
        for lines in ([head], *(_lines(found.datasets, block) for block in found.blocks)):
            text = io.StringIO(newline="")
            csv.writer(text, lineterminator="\n").writerows(lines)
            file.write(text.getvalue().encode())

    write_whole(path, write)


def _lines(datasets: Sequence[str], block: Block) -> Iterator[list[str | int]]:
    for i, j in combinations(range(len(datasets)), 2):
        numbers = [array[i, j] for array in (block.table.r, block.low, block.high) if array is not None]
        written = ["" if np.isnan(number) else repr(float(number)) for number in numbers]
        yield [datasets[i], datasets[j], *block.names, int(block.table.n_pairs[i, j]), *written]


def _anchor(name: str, models: Sequence[str]) -> ModelSet:
    if name not in models:
        raise UnknownAnchor(f"There is no model {name!r} to be an anchor.", nearest_hint(name, list(models), "models"))
    return anchor(name, models)


def _check_names(sets: Sequence[ModelSet], column: str) -> None:
    """A name of the result stands for one set."""
    names = [one.name for one in sets]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise BadAttributes(
            f"{twice!r} is a value of {column}, and also the name of an anchor or of the set of all models.",
            hint="Write the value another way.",
        )


def _undefined(blocks: Sequence[Block]) -> list[str]:
    """Where there is no r, and why."""
    notes = []
    for block in blocks:
        pairs = np.triu_indices(len(block.table.r), 1)
        missing, n_pairs = np.isnan(block.table.r[pairs]), block.table.n_pairs[pairs]
        if not missing.any():
            continue
        few = int((n_pairs < MIN_PAIRS).sum())
        where = f"{', '.join(block.names)}: no r for"
        if few:
            most = int(n_pairs.max())
            notes.append(
                f"{where} {few} of {missing.size} dataset pairs, which share fewer than {MIN_PAIRS} pairs of models "
                f"(at most {most} anywhere)"
            )
        if missing.sum() > few:
            notes.append(f"{where} {missing.sum() - few} of {missing.size} dataset pairs: similarities do not vary")
    more = len(notes) - MOST_NAMED
    return notes if more <= 1 else [*notes[:MOST_NAMED], f"{more} more model-set pairs lack some r"]
