"""Groups of stimuli that belong together (patches of one picture, frames of one film), from a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workers.pipelines.embedding_errors import BadGroups, MissingPath
from workers.pipelines.embedding_files import SAMPLE_ID

GROUP = "group"


def read_groups(path: Path, n: int, sample_ids: Sequence[str] | None) -> NDArray[np.int64]:
    """The number of every stimulus' group (n,), groups counted as they come.

    The file has the columns `sample_id,group`, matched to `sample_ids`, or `group` alone or one value per line
    without a header, in the order of the rows. Raises MissingPath and BadGroups."""
    if not path.is_file():
        raise MissingPath(f"There is no file {path} of groups.", hint="Correct the path.")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = [line for line in csv.reader(file) if line]
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadGroups(f"{path} is no CSV file in UTF-8: {error}.", hint="Export it again.") from error
    head = [cell.strip() for cell in lines[0]] if lines else []
    if SAMPLE_ID in head or len(head) > 1:
        labels = _by_id(path, head, lines[1:], sample_ids)
    else:
        labels = [line[0].strip() for line in (lines[1:] if head == [GROUP] else lines)]
    if len(labels) != n:
        raise BadGroups(f"{path} has {len(labels)} groups for {n} stimuli.", hint="Give one line per stimulus.")
    if "" in labels:
        raise BadGroups(f"Stimulus {labels.index('')} (counted from 0) has no group in {path}.", hint="Give it one.")
    numbers = {label: number for number, label in enumerate(dict.fromkeys(labels))}
    if len(numbers) < 2:
        raise BadGroups(
            f"All {n} stimuli of {path} are in one group, so that nothing can be moved or left out.",
            hint="Give at least two groups, or leave --groups out.",
        )
    return np.array([numbers[label] for label in labels], dtype=np.int64)


def _by_id(path: Path, head: list[str], lines: list[list[str]], sample_ids: Sequence[str] | None) -> list[str]:
    """Groups in the order of the samples."""
    if SAMPLE_ID not in head or GROUP not in head:
        raise BadGroups(
            f"{path} has the columns {', '.join(head)}.", hint=f"Write {SAMPLE_ID},{GROUP}, or {GROUP} alone."
        )
    if sample_ids is None:
        raise BadGroups(
            f"{path} gives groups by sample, and none of the embeddings has sample ids.",
            hint=f"Give a single column {GROUP} in the order of the rows.",
        )
    at_id, at_group = head.index(SAMPLE_ID), head.index(GROUP)
    of: dict[str, str] = {}
    for number, line in enumerate(lines, 2):
        if len(line) != len(head):
            raise BadGroups(f"Line {number} of {path} has {len(line)} cells, not {len(head)}.", hint="Correct it.")
        if of.setdefault(line[at_id].strip(), line[at_group].strip()) != line[at_group].strip():
            raise BadGroups(f"{path} puts {line[at_id]} into two groups.", hint="Give one.")
    lacking = [one for one in sample_ids if one not in of]
    unknown = sorted(of.keys() - set(sample_ids))
    for what, some in (("lacks", lacking), ("has unknown", unknown)):
        if some:
            shown = ", ".join(some[:3]) + (", ..." if len(some) > 3 else "")
            raise BadGroups(
                f"{path} {what} {len(some)} sample{'s' if len(some) > 1 else ''}: {shown}.",
                hint="Give every sample of the embeddings its group, and no other.",
            )
    return [of[one] for one in sample_ids]
