"""A real Valkey (or Redis) of this data folder's own, on loopback. It carries tokens that may be lost, so
it keeps nothing on disk: a full disk or a damaged file can then never stop the work."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from backend.domain.errors import NotAvailable
from parallax.local import processes
from parallax.local.binaries import find_valkey
from parallax.local.home import Home, write_private
from parallax.local.ports import HOST, free_port

PREFERRED_PORT = 63790
STOP_SIGNAL = signal.SIGTERM
CONFIG = """\
bind {host}
port {port}
requirepass {password}
dir "{folder}"
save ""
appendonly no
maxmemory-policy noeviction
daemonize no
"""


@dataclass(frozen=True)
class EmbeddedValkey:
    """A server that is ready to be started."""

    binary: Path
    config: Path
    port: int
    password: str = field(repr=False)

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@{HOST}:{self.port}/0"

    @property
    def argv(self) -> list[str]:
        return [str(self.binary), str(self.config)]

    def answers(self) -> bool:
        """Whether it takes our password and answers a ping."""
        try:
            with socket.create_connection((HOST, self.port), timeout=2) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                said = b""
                while said.count(b"\r\n") < 2 and (part := connection.recv(128)):
                    said += part
        except OSError:
            return False
        return b"+PONG" in said


def prepare(home: Home, preferred_port: int = PREFERRED_PORT, origin: str | None = None) -> EmbeddedValkey:
    """The data folder's Valkey with its configuration written. Raises NotAvailable when there is no program for it."""
    binary = find_valkey(origin)
    folder = home.folder / "valkey"
    folder.mkdir(exist_ok=True)
    port, password = free_port(preferred_port), home.secret("valkey")
    quoted = str(folder).replace("\\", "\\\\").replace('"', '\\"')
    config = folder / "valkey.conf"
    write_private(config, CONFIG.format(host=HOST, port=port, password=password, folder=quoted))
    return EmbeddedValkey(binary.path, config, port, password)


@contextmanager
def running(server: EmbeddedValkey, log: Path) -> Iterator[EmbeddedValkey]:
    """Runs the server while the block lasts (tests). Raises NotAvailable when it does not come up."""
    with log.open("ab") as output:
        process = processes.start(server.argv, log=output)
    try:
        deadline = time.monotonic() + 15
        while not server.answers():
            if process.poll() is not None or time.monotonic() > deadline:
                raise NotAvailable("Valkey did not start.", f"Its log is {log}.")
            time.sleep(0.05)
        yield server
    finally:
        processes.stop(process, STOP_SIGNAL)
