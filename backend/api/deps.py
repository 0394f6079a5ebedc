"""What routes are given: a connection inside the request's transaction, settings, the store, the cache."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Query, Request
from sqlalchemy import Connection, Engine

from backend.db.engine import transaction
from backend.services.result_cache import ResultCache
from backend.settings import Settings
from backend.storage import LocalStore


@dataclass(frozen=True)
class Means:
    """What one API process has."""

    settings: Settings
    engine: Engine
    store: LocalStore
    cache: ResultCache


def _means(request: Request) -> Means:
    means: Means = request.app.state.means
    return means


def _connection(means: Annotated[Means, Depends(_means)]) -> Iterator[Connection]:
    with transaction(means.engine) as connection:
        yield connection


TheMeans = Annotated[Means, Depends(_means)]
# Function scope: the transaction ends before the answer is sent, so that a 202 is only said of what is committed.
TheConnection = Annotated[Connection, Depends(_connection, scope="function")]
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match")]
Limit = Annotated[int, Query(ge=1, le=1000, description="Most items of one page.")]
Cursor = Annotated[str | None, Query(max_length=400, description="`next_cursor` of the page before.")]
MetricId = Annotated[str, Query(max_length=200, examples=["cka.linear.unbiased"])]
PreprocessSteps = Annotated[str, Query(max_length=100)]
