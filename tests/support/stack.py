"""The whole of Parallax as real processes: what `parallax up` starts, with leases of seconds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from parallax.client.client import ApiError, Client
from parallax.local import processes
from parallax.local.home import Home
from tests.support.homes import temporary_home

REPOSITORY = Path(__file__).resolve().parents[2]
QUICK = {
    "PARALLAX_LEASE_S": "4",
    "PARALLAX_DISPATCH_TICK_S": "0.1",
    "PARALLAX_RETRY_BACKOFF_S": "0.1",
    "PARALLAX_COMPARE_PATIENCE_S": "0.5",
    "OMP_NUM_THREADS": "1",
}
# Variables of the developer's own that would turn a test's stack away from its own servers.
OURS = ("DATABASE_URL", "BROKER_URL", "PARALLAX_")


@dataclass
class Stack:
    """A running stack. `url` is the address of its pages."""

    home: Home
    process: subprocess.Popen[bytes]
    output: Path
    url: str = ""

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/v1"

    @property
    def database_url(self) -> str:
        return str(self.home.instance()["database_url"])

    @property
    def broker_url(self) -> str:
        return str(self.home.instance()["broker_url"])

    @property
    def children(self) -> dict[str, int]:
        """Name of each child -> its process number."""
        found: dict[str, int] = self.home.instance().get("children", {})
        return found

    def client(self) -> Client:
        return Client(self.api_url)

    def logs(self) -> str:
        """The end of everything the stack has printed and logged, for the message of a failed test."""
        files = [self.output, *sorted(self.home.logs.glob("*.log"))]
        return "\n".join(
            f"--- {path.name}\n{path.read_text(errors='replace')[-3000:]}" for path in files if path.exists()
        )

    def wait_ready(self, timeout_s: float = 90.0) -> None:
        """Returns when the stack has said where it is and its API answers ready."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"the stack ended with {self.process.returncode}\n{self.logs()}"
            self.url = self.home.instance().get("url", "")
            if self.url:
                try:
                    with self.client() as client:
                        client.ready()
                    return
                except ApiError:
                    pass
            time.sleep(0.2)
        pytest.fail(f"the stack was not ready after {timeout_s} s\n{self.logs()}")

    def stop(self) -> int:
        """Ctrl-C; answers the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment without settings of the developer's own, with the stack's."""
    return {k: v for k, v in os.environ.items() if not k.startswith(OURS)} | QUICK | dict(extra or {})


def parallax_command(*arguments: str) -> list[str]:
    """The command line of the tree under test, whether or not it is installed."""
    return [sys.executable, "-m", "parallax.cli.main", *arguments]


@contextmanager
def running_stack(
    folder: Path, verb: str = "up", *, port: int = 0, env: Mapping[str, str] | None = None, wait: bool = True
) -> Iterator[Stack]:
    """`parallax up` (or `demo`) on that data folder, on free ports, while the block lasts."""
    home = Home(folder)
    output = folder / "output.txt"
    command = parallax_command(verb, "--home", str(folder), "--port", str(port))
    with output.open("ab") as sink:
        process = processes.start(
            command, log=sink, env=clean_environment(env), cwd=REPOSITORY, death_signal=signal.SIGTERM
        )
    stack = Stack(home, process, output)
    try:
        if wait:
            stack.wait_ready()
        yield stack
    finally:
        processes.stop(process, signal.SIGTERM, patience_s=30)


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """One stack for all tests that only talk to it; tests that break things start their own with `running_stack`."""
    with temporary_home() as folder, running_stack(folder) as running:
        yield running
