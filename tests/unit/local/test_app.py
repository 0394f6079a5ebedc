"""One address for API and pages: who answers what, both lives run, and callbacks cannot starve the API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from parallax.local.app import CALLBACK_PREFIX, MOST_CALLBACKS, OneAddress


def application(name: str, lives: list[str], fails: bool = False) -> Starlette:
    """An application that answers every path with its name and notes its start and end."""

    async def answer(request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"{name} {request.state.mark}")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, str]]:
        if fails:
            raise RuntimeError(f"{name} has no database")
        lives.append(f"{name} starts")
        yield {"mark": "alive"}
        lives.append(f"{name} ends")

    return Starlette(routes=[Route("/{path:path}", answer)], lifespan=lifespan)


def test_paths_under_api_go_to_the_api_and_all_others_to_the_pages() -> None:
    with TestClient(OneAddress(application("api", []), application("pages", []))) as client:
        for path in ("/api", "/api/", "/api/v1/nothing"):
            assert client.get(path).text == "api alive"
        for path in ("/", "/similarity", "/apis", "/assets/api/"):
            assert client.get(path).text == "pages alive"


def test_both_lives_are_run_and_end_in_reverse() -> None:
    lives: list[str] = []
    with TestClient(OneAddress(application("api", lives), application("pages", lives))):
        assert lives == ["api starts", "pages starts"]
    assert lives == ["api starts", "pages starts", "pages ends", "api ends"]


def test_an_application_that_cannot_start_stops_the_whole_with_its_reason() -> None:
    lives: list[str] = []
    whole = OneAddress(application("api", lives), application("pages", lives, fails=True))
    with pytest.raises(RuntimeError, match="pages has no database"), TestClient(whole):
        pass
    assert lives == ["api starts", "api ends"]


def test_callbacks_leave_room_for_the_answers_they_wait_for() -> None:
    async def measure() -> int:
        now, most = 0, 0

        async def answer(_: Request) -> PlainTextResponse:
            nonlocal now, most
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.01)
            now -= 1
            return PlainTextResponse("done")

        pages = Starlette(routes=[Route("/{path:path}", answer, methods=["POST"])])
        transport = httpx.ASGITransport(app=OneAddress(Starlette(), pages))
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            await asyncio.gather(*(client.post(CALLBACK_PREFIX) for _ in range(3 * MOST_CALLBACKS)))
        return most

    assert asyncio.run(measure()) == MOST_CALLBACKS
