"""What is known about models beside their embeddings, from a CSV file with a column `model`."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from workers.pipelines.embedding_errors import BadAttributes, MissingPath

MODEL = "model"


def read_attributes(path: Path, models: Sequence[str]) -> dict[str, list[str]]:
    """Column -> the values of `models`, as they are written; an empty cell is an empty text.

    Models of the file that are not asked for are passed over. Raises MissingPath and BadAttributes."""
    if not path.is_file():
        raise MissingPath(f"There is no file {path} of attributes.", hint="Correct the path.")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = [[cell.strip() for cell in line] for line in csv.reader(file) if line]
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadAttributes(f"{path} is no CSV file in UTF-8: {error}.", hint="Export it again.") from error
    head = lines[0] if lines else []
    if MODEL not in head or len(head) < 2 or len(set(head)) < len(head):
        raise BadAttributes(
            f"{path} has the columns {', '.join(head) or '(none)'}.",
            hint=f"It needs a column {MODEL} and others, each of its own name.",
        )
    of: dict[str, list[str]] = {}
    for number, line in enumerate(lines[1:], 2):
        if len(line) != len(head):
            raise BadAttributes(f"Line {number} of {path} has {len(line)} cells, not {len(head)}.", hint="Correct it.")
        if of.setdefault(line[head.index(MODEL)], line) is not line:
            raise BadAttributes(f"{path} has {line[head.index(MODEL)]} twice.", hint="Give every model one line.")
    missing = [name for name in models if name not in of]
    if missing:
        shown = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        raise BadAttributes(f"{path} lacks {len(missing)} of {len(models)} models: {shown}.", hint="Add their lines.")
    return {column: [of[name][i] for name in models] for i, column in enumerate(head) if column != MODEL}
