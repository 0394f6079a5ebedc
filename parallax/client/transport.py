"""How a client asks: one HTTP connection, answers as contract types, refusals as `ApiError`."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from pydantic import BaseModel

from backend.contracts.pages import Page
from backend.contracts.problems import FieldProblem, Problem

Wire = TypeVar("Wire", bound=BaseModel)


class ApiError(Exception):
    """The API refused, or could not be reached (status 0). `problem` says what, why and what to do."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail or problem.title)
        self.problem = problem

    @property
    def status(self) -> int:
        return self.problem.status

    @property
    def fields(self) -> list[FieldProblem]:
        return self.problem.fields


class Transport:
    """Connection to one Parallax API. Thread-safe. `base_url` ends in `/api/v1`."""

    def __init__(self, base_url: str, timeout_s: float = 30.0, transport: httpx.BaseTransport | None = None) -> None:
        self._http = httpx.Client(base_url=base_url, timeout=timeout_s, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def _one(self, path: str, kind: type[Wire], params: dict[str, Any] | None = None) -> Wire:
        return kind.model_validate_json(self._send("GET", path, params=params).content)

    def _all(self, path: str, kind: type[Wire], query: dict[str, str] | None = None) -> Iterator[Wire]:
        cursor: str | None = None
        while True:
            params = {"limit": 500} | (query or {}) | ({"cursor": cursor} if cursor else {})
            page = Page[kind].model_validate_json(self._send("GET", path, params=params).content)  # type: ignore[valid-type]
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **options)
        except httpx.TransportError as error:
            raise ApiError(
                Problem(
                    title="The API cannot be reached", status=0,
                    detail=f"{type(error).__name__} at {self._http.base_url}",
                    hint="It may be starting or restarting: try again in a few seconds.",
                )
            ) from error
        if answer.is_success and answer.headers.get("Content-Type", "").startswith("text/html"):
            raise ApiError(
                Problem(
                    title="No API answers there", status=404,
                    detail=f"{answer.request.url} is a page, not an answer of the API.",
                    hint="Give the address of the API: it ends in /api/v1.",
                )
            )
        if answer.is_success or answer.status_code == 304:
            return answer
        raise ApiError(_problem_of(answer))


def _problem_of(answer: httpx.Response) -> Problem:
    """The problem an answer carries, or one made from its status when something else answered."""
    try:
        return Problem.model_validate_json(answer.content)
    except ValueError:
        return Problem(title=answer.reason_phrase or "Error", status=answer.status_code, detail=answer.text[:300])
