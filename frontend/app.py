"""The pages as one ASGI application: `create_app(settings)`.

Data comes from the API at `settings.api_url` through the typed client; the server keeps nothing about a user. Mount
other applications (the API on one machine) before the application starts: the pages' catch-all is added at startup.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from dash import Dash, Input, Output, State, no_update
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.contracts.jobs import JobCounts
from backend.settings import Settings
from frontend.components import facet_panel
from frontend.components.callbacks import in_browser, in_thread
from frontend.components.shell import live_badge, shell, trouble
from frontend.pages import (
    consistency,
    coverage,
    dataset,
    datasets,
    job,
    jobs,
    metrics,
    model,
    model_map,
    models,
    not_found,
    overview,
    pair,
    similarity,
    submit,
)
from frontend.urls import VIEWS, is_newer, job_id_of, name_in
from parallax.client import ApiError, Client

FOLDER = Path(__file__).parent
PAGES: dict[str, Any] = {
    overview.PATH: overview, similarity.PATH: similarity, consistency.PATH: consistency, pair.PATH: pair,
    model_map.PATH: model_map, metrics.PATH: metrics, models.PATH: models,
    datasets.PATH: datasets, coverage.PATH: coverage, submit.PATH: submit, jobs.PATH: jobs,
}
# Pages of one thing each, by the folder of their address.
NAMED: dict[str, Any] = {"models": model, "datasets": dataset}
TITLES = {
    "/": "Overview", "/similarity": "Similarity", "/consistency": "Consistency",
    "/pair": "Pair of models", "/map": "Map of models", "/metrics": "Metrics",
    "/models": "Models", "/datasets": "Datasets", "/coverage": "Coverage", "/submit": "Submit a model", "/jobs": "Jobs",
}


def create_app(settings: Settings, client: Client | None = None) -> FastAPI:
    """The application. `client` replaces the one that would be made from the settings, for tests."""
    api = client or Client(settings.api_url)

    @asynccontextmanager
    async def lifespan(server: FastAPI) -> AsyncIterator[None]:
        # Without a first request, a deep link would come before assets and scripts are registered.
        transport = httpx.ASGITransport(app=server)
        async with httpx.AsyncClient(transport=transport, base_url="http://warm-up") as warm:
            await warm.get("/_dash-layout")
        yield
        api.close()

    server = FastAPI(title="Parallax pages", openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    dash = Dash(
        __name__, server=server, assets_folder=str(FOLDER / "assets"), title="Parallax", update_title=None,
        suppress_callback_exceptions=True, use_pages=False, compress=False, add_log_handler=False,
        index_string=(FOLDER / "index.html").read_text(encoding="utf-8"), pages_folder="", enable_mcp=False,
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
    )
    # Everything goes over plain requests: no socket to keep open through proxies.
    dash.backend.websocket_capability = False
    dash.layout = shell()
    register(dash, api)
    server.state.dash = dash
    server.add_middleware(PageHeaders)
    return server


def register(dash: Dash, client: Client) -> None:
    """All callbacks: those of the frame here, those of a page in its file."""

    @in_thread(
        dash, Output("page", "children"), Output("title", "data"), Input("url", "pathname"), State("url", "search")
    )
    def route(pathname: str | None, search: str | None) -> tuple[Any, str]:
        path = normal(pathname)
        number = job_id_of(path)
        if number is not None:
            return job.layout(number), f"Job {number}"
        for folder, page in NAMED.items():
            if (name := name_in(path, folder)) is not None:
                return page.layout(name), name
        if path in PAGES:
            return PAGES[path].layout(search or ""), TITLES[path]
        return not_found.layout(path), "Not found"

    @in_thread(
        dash, Output("live", "children"), Output("banner", "children"), Output("news", "data"),
        Input("pulse", "n_intervals"), State("url", "search"), State("news", "data"),
    )
    def pulse(beat: int | None, search: str | None, before: dict[str, Any]) -> tuple[Any, Any, Any]:
        newer = is_newer(search)
        try:
            counts = client.job_counts()
        except ApiError:
            return None, trouble(), {"revision": ""}  # pages try again with every beat
        badge = live_badge(counts)
        now = {"revision": _revision(counts), "idle": badge is None}
        return badge, (trouble(newer_link=True) if newer else None), no_update if now == before else now

    in_browser(dash, "tellNews", Input("news", "data"), prevent_initial_call=True)
    in_browser(dash, "documentTitle", Input("title", "data"))
    in_browser(dash, "markCurrent", Input("url", "pathname"))
    facet_panel.register(dash)
    for page in (*PAGES.values(), *NAMED.values(), job):
        page.register(dash, client)


def normal(pathname: str | None) -> str:
    """An address without a trailing slash."""
    return "/" + (pathname or "").strip("/")


def is_page(path: str) -> bool:
    """Whether the pages answer this address."""
    known = normal(path) in VIEWS or job_id_of(path) is not None
    return known or any(name_in(path, folder) is not None for folder in NAMED)


def _revision(counts: JobCounts) -> str:
    """Changes whenever results may have changed: pages read again when it does."""
    return "-".join(str(counts.states.get(state, 0)) for state in ("succeeded", "failed"))


class PageHeaders:
    """Answers an unknown address with 404, and forbids pages to ask any other machine for anything."""

    POLICY = (
        "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
        "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
    )

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_page(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = dict(message["headers"])
                if headers.get(b"content-type", b"").startswith(b"text/html"):
                    extra = [
                        (b"content-security-policy", self.POLICY.encode()), (b"x-content-type-options", b"nosniff"),
                        (b"referrer-policy", b"same-origin"), (b"cache-control", b"no-cache"),
                    ]
                    found = message["status"] != 200 or is_page(scope["path"])
                    message = {
                        **message, "status": message["status"] if found else 404,
                        "headers": [*message["headers"], *extra],
                    }
            await send(message)

        await self.app(scope, receive, send_page)
