"""API and pages as one application under one address: `/api` is the API's, everything else the pages'.

The API stays an application of its own, so that an unknown path under `/api` is answered by it (404,
problem+json) and never by the pages' catch-all. Both run their own start and end (lifespan): without it the
pages' routes do not exist."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.settings import Settings

CALLBACK_PREFIX = "/_dash-update-component"
# The pages' callbacks wait in threads for answers of the API, which itself answers in threads of the same pool (40).
# With as many callbacks as threads nothing would ever move again, so a quarter of the pool is left to the API.
MOST_CALLBACKS = 30


class OneAddress:
    """An ASGI application that sends each request to the API or to the pages."""

    def __init__(self, api: Starlette, pages: Starlette) -> None:
        self._api: ASGIApp = api
        self._pages: ASGIApp = pages
        self._callbacks = asyncio.Semaphore(MOST_CALLBACKS)
        self._lifespan: ASGIApp = Starlette(lifespan=_lifespan_of(api, pages))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
        elif scope["path"] == "/api" or scope["path"].startswith("/api/"):
            await self._api(scope, receive, send)
        elif scope["path"].startswith(CALLBACK_PREFIX):
            async with self._callbacks:
                await self._pages(scope, receive, send)
        else:
            await self._pages(scope, receive, send)


def create_app(settings: Settings) -> OneAddress:
    """The application of one machine."""
    from backend.api.app import create_app as create_api
    from frontend.app import create_app as create_pages

    return OneAddress(create_api(settings), create_pages(settings))


def _lifespan_of(*applications: ASGIApp) -> Callable[[Starlette], AbstractAsyncContextManager[dict[str, Any]]]:
    """A lifespan that starts all applications in order and ends them in reverse; their states are joined."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, Any]]:
        async with AsyncExitStack() as stack:
            state: dict[str, Any] = {}
            for application in applications:
                await stack.enter_async_context(_started(application, state))
            yield state

    return lifespan


@asynccontextmanager
async def _started(application: ASGIApp, state: dict[str, Any]) -> AsyncIterator[None]:
    """Speaks the lifespan protocol with an application. Its router's lifespan alone would not do: middleware
    listens, too (the pages add their routes there)."""
    to_it: asyncio.Queue[Message] = asyncio.Queue()
    from_it: asyncio.Queue[Message] = asyncio.Queue()
    scope: Scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": state}
    life = asyncio.ensure_future(application(scope, to_it.get, from_it.put))
    await to_it.put({"type": "lifespan.startup"})
    answer = asyncio.ensure_future(from_it.get())
    await asyncio.wait({life, answer}, return_when=asyncio.FIRST_COMPLETED)
    if not answer.done() or answer.result()["type"] != "lifespan.startup.complete":
        answer.cancel()
        await life  # raises what went wrong
        raise RuntimeError("an application ended before it had started")
    try:
        yield
    finally:
        await to_it.put({"type": "lifespan.shutdown"})
        await life
