"""The data folder of one machine: where things lie, what is remembered, and that one instance uses it at a time."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backend.domain.errors import Conflict, NotAvailable

KEPT_LOGS = 3
LOCK_TRIES = 4


class Home:
    """A data folder. Everything that an instance writes lies in it, except a Postgres cluster whose user
    cannot reach it (see `parallax.local.postgres`), whose place is remembered here."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser().absolute()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.logs.mkdir(exist_ok=True)
        except OSError as error:
            raise NotAvailable(
                f"The data folder {self.folder} cannot be made: {error.strerror}.",
                "Give a folder you may write to with --home or PARALLAX_HOME.",
            ) from error

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Holds the folder for this process. Raises Conflict, with the first one's address, when another
        holds it. The kernel lets go of the lock when the process ends, however it ends."""
        with (self.folder / "parallax.lock").open("a") as file:
            try:
                _exclusively(file.fileno())
            except BlockingIOError as error:
                raise Conflict(f"Parallax already runs on {self.folder}{self._first()}.", _WAYS_OUT) from error
            self.announce(url="")
            try:
                yield
            finally:
                (self.folder / "instance.json").unlink(missing_ok=True)

    def announce(self, **facts: Any) -> None:
        """Notes who runs here: for a second instance's message, and for commands that look for a running one."""
        write_private(self.folder / "instance.json", json.dumps({"pid": os.getpid(), **facts}, indent=1))

    def instance(self) -> dict[str, Any]:
        """`pid` and `url` of the instance that runs here, or nothing."""
        try:
            found: dict[str, Any] = json.loads((self.folder / "instance.json").read_text())
        except (OSError, ValueError):
            return {}
        return found

    def running_instance(self) -> dict[str, Any]:
        """As `instance`, but nothing when what was noted is left over from a run that was killed."""
        with (self.folder / "parallax.lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return self.instance()
        return {}

    def _first(self) -> str:
        first = self.instance()
        if not first:
            return ""
        return f" (process {first['pid']}" + (f", at {first['url']})" if first["url"] else ")")

    def secret(self, name: str) -> str:
        """A random password of this folder, made once and readable by its owner alone."""
        path = self.folder / f"{name}.password"
        if not path.exists():
            write_private(path, secrets.token_urlsafe(24))
        return path.read_text().strip()

    def recall(self, key: str) -> str | None:
        """What `remember` noted under that name."""
        value: str | None = self._memory().get(key)
        return value

    def remember(self, key: str, value: str) -> None:
        write_private(self.folder / "local.json", json.dumps(self._memory() | {key: value}, indent=1))

    def _memory(self) -> dict[str, str]:
        path = self.folder / "local.json"
        if not path.exists():
            return {}
        memory: dict[str, str] = json.loads(path.read_text())
        return memory

    def fresh_log(self, name: str) -> Path:
        """The log file of one child for this run; those of the last few runs are kept beside it as `.1`, `.2`, ..."""
        path = self.logs / f"{name}.log"
        for age in range(KEPT_LOGS, 0, -1):
            older = path.with_suffix(f".log.{age - 1}") if age > 1 else path
            if older.exists():
                older.replace(path.with_suffix(f".log.{age}"))
        return path


_WAYS_OUT = "Use that one, stop it, or give another data folder with --home."


def _exclusively(descriptor: int) -> None:
    """Takes the lock, with a little patience for those who only look whether it is taken."""
    for attempt in range(LOCK_TRIES):
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if attempt == LOCK_TRIES - 1:
                raise
            time.sleep(0.1)


def write_private(path: Path, text: str) -> None:
    """Writes a small file that only its owner may read, whole or not at all."""
    fresh = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
