"""A Postgres, a Valkey, a dispatcher and Celery workers as processes of a test's own, which it may kill as it likes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import redis

from backend.db.migrate import upgrade
from parallax.local import postgres, processes, valkey
from parallax.local.binaries import postgres_candidates
from parallax.local.home import Home
from parallax.local.postgres import EmbeddedPostgres
from parallax.local.valkey import EmbeddedValkey
from tests.support.homes import temporary_home
from tests.support.stack import REPOSITORY, clean_environment

QUICK = {
    "PARALLAX_LEASE_S": "3",
    "PARALLAX_DISPATCH_TICK_S": "0.1",
    "PARALLAX_RETRY_BACKOFF_S": "0.1",
    "PARALLAX_COMPARE_PATIENCE_S": "5",
    "PARALLAX_BATCH_SIZE": "4",
    "PARALLAX_CHUNK_SIZE": "4",
    "PARALLAX_DEVICE": "cpu",
    # Killing a worker again and again is the test's doing: no job may fail for it.
    "PARALLAX_MAX_ATTEMPTS": "100",
}
# The processes are killed, the machine is not, so nothing has to reach the disk; but a commit must reach the kernel.
POSTGRES_SETTINGS = {"fsync": "off", "full_page_writes": "off", "max_connections": "60"}

# Alembic keeps what it works on in globals of the process, and two threads of a test may each start machines.
MIGRATING = threading.Lock()


@dataclass
class Machines:
    """Servers and processes by name. `source` is the folder whose packages the processes import."""

    home: Home
    database: EmbeddedPostgres
    broker: EmbeddedValkey
    source: Path = REPOSITORY
    settings: Mapping[str, str] = field(default_factory=dict)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def dsn(self) -> str:
        return self.database.url.replace("+psycopg", "")

    @property
    def store(self) -> Path:
        return self.home.folder / "store"

    @property
    def cache(self) -> Path:
        return self.home.folder / "cache"

    def environment(self, **changes: str) -> dict[str, str]:
        """What our processes are told."""
        ours = {
            "DATABASE_URL": self.database.url,
            "BROKER_URL": self.broker.url,
            "PARALLAX_HOME": str(self.home.folder),
            "PYTHONPATH": str(self.source),
            "PYTHONUNBUFFERED": "1",
        }
        return clean_environment(QUICK | ours | dict(self.settings) | changes)

    def start(self, name: str) -> None:
        """Starts `postgres`, `valkey`, `dispatcher` or a worker (any other name), and waits for the servers."""
        python = [sys.executable, "-m"]
        if name == "postgres":
            self.database.clear_leftovers()
            self._launch(name, self.database.argv, user=self.database.user, cwd=self.database.cluster.parent)
            self._wait(name, self.database.answers)
        elif name == "valkey":
            self._launch(name, self.broker.argv)
            self._wait(name, self.broker.answers)
        elif name == "dispatcher":
            self._launch(name, [*python, "parallax.cli.main", "dispatcher"], env=self.environment(), cwd=self.source)
        else:
            command = [*python, "parallax.cli.main", "worker", "--concurrency", "1", "--name", name]
            self._launch(name, command, env=self.environment(), cwd=self.source)

    def _launch(self, name: str, command: list[str], **options: object) -> None:
        with (self.home.logs / f"{name}.log").open("ab") as log:
            self.running[name] = processes.start(command, log=log, **options)  # type: ignore[arg-type]

    def _wait(self, name: str, ready: object) -> None:
        deadline = time.monotonic() + 30
        while not ready():  # type: ignore[operator]
            assert time.monotonic() < deadline, f"{name} did not come up\n{self.logs()}"
            time.sleep(0.05)

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Signals a process with all it started, and waits for its end."""
        process = self.running.pop(name)
        if number != signal.SIGKILL:
            process.send_signal(number)
            process.wait(30)
        processes.kill_group(process)

    def signal_group(self, name: str, number: int) -> None:
        """Signals a process with all it started, which goes on being there (stop, continue)."""
        with suppress(ProcessLookupError):
            os.killpg(self.running[name].pid, number)

    def children(self, name: str) -> list[int]:
        """Process numbers of a worker's pool."""
        pid = self.running[name].pid
        with suppress(OSError):
            return [int(part) for part in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return []

    def restart_postgres(self) -> None:
        """As a crash would: every session is cut, and the next start recovers from the log."""
        self.kill("postgres", signal.SIGQUIT)
        self.start("postgres")

    def terminate_sessions(self) -> None:
        """Cuts every session but the one that does it."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute("""SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                                  WHERE datname = current_database() AND pid <> pg_backend_pid()""")

    def flush_broker(self) -> None:
        with redis.Redis.from_url(self.broker.url) as connection:
            connection.flushall()

    def logs(self, characters: int = 4000) -> str:
        """The ends of all logs, for the message of a failed test."""
        return "\n".join(
            f"--- {path.name}\n{path.read_text(errors='replace')[-characters:]}"
            for path in sorted(self.home.logs.glob("*.log"))
        )

    def stop_everything(self) -> None:
        """Ends all processes, ours before the servers, without waiting for any work."""
        for name in sorted(self.running, key=("postgres", "valkey").count):
            self.signal_group(name, signal.SIGCONT)
            self.kill(name)


@contextmanager
def machines(source: Path = REPOSITORY, **settings: str) -> Iterator[Machines]:
    """Running, migrated servers; what else runs is the caller's business. `settings` are environment variables."""
    with temporary_home() as folder:
        home = Home(folder)
        wheel = any(found.origin == "wheel" for found in postgres_candidates())
        database = postgres.prepare(
            home, preferred_port=0, origin="wheel" if wheel else None, settings=POSTGRES_SETTINGS
        )
        made = Machines(home, database, valkey.prepare(home, preferred_port=0), source, settings)
        try:
            made.start("postgres")
            made.start("valkey")
            database.create_database()
            with MIGRATING:
                upgrade(database.url)
            yield made
        finally:
            made.stop_everything()
