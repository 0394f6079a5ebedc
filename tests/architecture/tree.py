"""The files of the project, as a clean clone has them."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("backend", "frontend", "migrations", "parallax", "workers")
UNTRACKED = {".git", ".venv", ".parallax", "__pycache__", "build", "dist", "secrets", "shared", "test-results"}


@lru_cache(maxsize=1)
def files() -> tuple[Path, ...]:
    """Every file that belongs to the project, relative to its root: what git tracks or would add; where there is
    no git, what is on the disk without caches and environments."""
    if shutil.which("git") and (ROOT / ".git").exists():
        listed = subprocess.run(
            ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        ).stdout.split("\0")
        return tuple(sorted(Path(name) for name in listed if name and (ROOT / name).is_file()))
    found = []
    for folder, below, names in os.walk(ROOT):
        below[:] = [
            name for name in below
            if name not in UNTRACKED and not name.endswith((".egg-info", "_cache")) and not name.startswith(".venv")
        ]
        found += [Path(folder, name).relative_to(ROOT) for name in names if not name.endswith(".pyc")]
    return tuple(sorted(found))


def sources(*suffixes: str) -> list[Path]:
    """The project's files with one of these suffixes."""
    return [path for path in files() if path.suffix in suffixes]


def packages() -> list[str]:
    """Every Python package below the top-level ones, with slashes: `backend/db/repositories`."""
    return sorted(
        {path.parent.as_posix() for path in files() if path.name == "__init__.py" and path.parts[0] in PACKAGES}
    )
