"""A hub of model weights on loopback that speaks the protocol of the real one: made files, and faults on request."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "1234567890abcdef1234567890abcdef12345678"


@dataclass
class Hub:
    """`files`: path such as `timm/net/model.safetensors` -> bytes. `fault`: what goes wrong with every request."""

    files: dict[str, bytes] = field(default_factory=dict)
    fault: str = ""  # "", "404", "500", "gated", "slow", "cut"
    asked: list[str] = field(default_factory=list)  # "HEAD /timm/net/resolve/main/model.safetensors"
    url: str = ""

    @contextmanager
    def serving(self) -> Iterator[Hub]:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self) -> None:
                hub._answer(self)

            def do_GET(self) -> None:
                hub._answer(self)

            def log_message(self, *_: object) -> None:
                """Silent: `asked` tells."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        self.asked.append(f"{request.command} {request.path}")
        if self.fault == "slow":
            threading.Event().wait(1.5)
        if self.fault in ("500", "gated"):
            return _refuse(request, *((500, "") if self.fault == "500" else (403, "GatedRepo")))
        repository, _, rest = request.path.lstrip("/").partition("/resolve/")
        revision, _, file = rest.partition("/")
        data = self.files.get(f"{repository}/{file}")
        known_repository = any(path.startswith(f"{repository}/") for path in self.files)
        if data is None or self.fault == "404":
            return _refuse(request, 404, "EntryNotFound" if known_repository else "RepoNotFound")
        if revision not in ("main", COMMIT):
            return _refuse(request, 404, "RevisionNotFound")
        request.send_response(200)
        request.send_header("X-Repo-Commit", COMMIT)
        request.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        if request.command == "GET":
            request.wfile.write(data[: len(data) // 2] if self.fault == "cut" else data)
            request.close_connection = self.fault == "cut"
        return None


def _refuse(request: BaseHTTPRequestHandler, status: int, code: str) -> None:
    request.send_response(status)
    if code:
        request.send_header("X-Error-Code", code)
        request.send_header("X-Error-Message", code)
    request.send_header("Content-Length", "0")
    request.end_headers()
