"""Ports on loopback: the preferred one when it is free, else the next."""

from __future__ import annotations

import errno
import socket

from backend.domain.errors import Conflict

HOST = "127.0.0.1"
TRIES = 100


def listen(preferred: int, host: str = HOST) -> socket.socket:
    """A listening socket on `preferred` or the next free port above it (`preferred` 0: any). It stays bound
    however often the process that serves it is restarted, so nobody can take the port in between."""
    for port in [preferred + step for step in range(TRIES)] if preferred else [0]:
        taken = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind((host, port))
            taken.listen(512)
        except OSError as error:
            taken.close()
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            continue
        return taken
    raise Conflict(
        f"No free port from {preferred} to {preferred + TRIES - 1} on {host}.",
        "Give another one with --port.",
    )


def free_port(preferred: int, host: str = HOST) -> int:
    """A port that is free at this moment, for a server that binds it itself."""
    with listen(preferred, host) as found:
        port: int = found.getsockname()[1]
    return port


def is_taken(port: int, host: str = HOST) -> bool:
    """Whether something answers on that port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, port)) == 0
