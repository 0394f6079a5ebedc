"""The web process of one machine: serves API and pages on a socket that the supervisor holds open.

    python -m parallax.local.web --socket DESCRIPTOR

The socket outlives this process, so a restart makes requests wait for a moment instead of failing.
"""

from __future__ import annotations

import argparse
import socket

import uvicorn

from backend.logs import configure_logs
from backend.settings import get_settings
from parallax.local.app import create_app


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--socket", type=int, required=True)
    configure_logs()
    listening = socket.socket(fileno=parser.parse_args().socket)
    config = uvicorn.Config(
        create_app(get_settings()), access_log=False, ws="none", lifespan="on", timeout_graceful_shutdown=3
    )
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
