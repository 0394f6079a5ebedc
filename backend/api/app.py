"""The API application, served under /api/v1."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from backend.api import problems
from backend.api.deps import Means
from backend.api.origin import SameOriginWrites
from backend.api.routes import (
    behaviour,
    catalogue,
    consistency,
    coverage,
    jobs,
    model_map,
    model_sets,
    pairs,
    results,
    service,
    stimuli,
    uploads,
)
from backend.contracts.problems import PROBLEM_JSON, Problem
from backend.db.engine import make_engine
from backend.services.result_cache import ResultCache
from backend.settings import Settings, get_settings
from backend.storage import LocalStore

PREFIX = "/api/v1"


def create_app(settings: Settings | None = None) -> FastAPI:
    """An API application with its own engine, store and cache. Nothing is connected before the first request."""
    settings = settings or get_settings()
    means = Means(
        settings=settings, engine=make_engine(settings.database_url.get_secret_value(), pool_size=30),
        store=LocalStore(settings.store_folder), cache=ResultCache(),
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        means.engine.dispose()

    app = FastAPI(
        title="Parallax", version=version("parallax"), lifespan=lifespan,
        description="Similarities of neural networks per dataset, and their consistency across datasets.",
        openapi_url=f"{PREFIX}/openapi.json", docs_url=None, redoc_url=None,
        responses={"default": {"model": Problem, "description": "Refused or failed", "content": {PROBLEM_JSON: {}}}},
    )
    app.add_middleware(SameOriginWrites)
    app.state.means = means
    problems.install(app)
    for routes in (
        service, catalogue, coverage, stimuli, results, consistency, behaviour, model_map, model_sets, pairs, jobs,
        uploads,
    ):
        app.include_router(routes.router, prefix=PREFIX)
    return app
