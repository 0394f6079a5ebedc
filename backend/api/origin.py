"""Refuses writes that another web site sends through a visitor's browser.

A browser says where a request comes from (`Sec-Fetch-Site`, `Origin`); programs do not, and are let through.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from backend.api.problems import problem_response
from backend.contracts.problems import Problem

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class SameOriginWrites:
    """ASGI middleware; answers 403 to what it refuses."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS and _foreign(Headers(scope=scope)):
            refusal = problem_response(Problem(
                title="Forbidden", status=403, detail="This request was sent by a page of another web site.",
                hint="Use the pages of this Parallax, or a program.",
            ))
            await refusal(scope, receive, send)
            return
        await self.app(scope, receive, send)


def _foreign(headers: Headers) -> bool:
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != headers.get("host"):
        return True
    return headers.get("sec-fetch-site") == "cross-site"
