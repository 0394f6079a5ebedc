"""Data folders for tests: with a space in the path, and reachable by the account that Postgres runs as
under root (pytest's own temporary folders are not)."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def temporary_home() -> Iterator[Path]:
    """A folder that is removed at the end, with a name that quoting mistakes trip over."""
    top = Path(tempfile.mkdtemp(prefix="parallax test "))
    top.chmod(0o755)
    try:
        yield top / "data folder"
    finally:
        shutil.rmtree(top, ignore_errors=True)
