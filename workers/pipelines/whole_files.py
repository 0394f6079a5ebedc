"""Files that are there as a whole or not at all: written beside their place, made durable, renamed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import IO

from backend.domain.errors import InvalidInput


class BadOutput(InvalidInput):
    """A file cannot be written there, or not of that type."""


def check_output(path: Path, suffix: str) -> None:
    """Refuse, before any work, what could not be written afterwards. Raises BadOutput."""
    if path.suffix != suffix:
        raise BadOutput(f"{path} does not end in {suffix}.", hint=f"Write {path.name}{suffix}, for instance.")
    if path.is_dir():
        raise BadOutput(f"{path} is a folder.", hint="Give the name of a file.")
    if not path.parent.is_dir():
        raise BadOutput(f"There is no folder {path.parent} for {path.name}.", hint="Make it, or correct the path.")
    try:
        trial = _beside(path)
        trial.touch(exist_ok=False)
        trial.unlink()
    except OSError as error:
        raise BadOutput(
            f"{path} cannot be written: {error.strerror}.", hint="Choose a folder that you may write to."
        ) from error


def write_whole(path: Path, write: Callable[[IO[bytes]], None]) -> None:
    """What `write` puts into the file it is given stands at `path` when it is done, in place of what was there; before,
    and when anything goes wrong, nothing of it."""
    path = path.resolve()
    temporary = _beside(path)
    try:
        with temporary.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    """A hidden name in the same folder, of this process."""
    return path.with_name(f".{path.name}.{os.getpid()}.part")
