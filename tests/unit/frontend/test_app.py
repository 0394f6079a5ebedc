"""The application: what it answers before any browser runs its scripts."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest
from dash import Dash
from fastapi.testclient import TestClient

from backend.settings import Settings
from frontend.app import PAGES, create_app, is_page
from frontend.pages import job, not_found
from frontend.urls import VIEWS
from tests.unit.frontend.stub_api import StubApi


@pytest.fixture(scope="module")
def api() -> StubApi:
    return StubApi()


@pytest.fixture(scope="module")
def browserless(api: StubApi) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(), api.client())) as client:
        yield client


@pytest.fixture(scope="module")
def dash(browserless: TestClient) -> Dash:
    return browserless.app.state.dash  # type: ignore[attr-defined]


def test_no_callback_can_block_the_event_loop(dash: Dash) -> None:
    python = {name: spec["callback"] for name, spec in dash.callback_map.items() if "callback" in spec}
    assert len(python) >= 12
    plain = [name for name, callback in python.items() if not inspect.iscoroutinefunction(callback)]
    assert plain == []


def test_no_callback_has_fourteen_outputs(dash: Dash) -> None:
    for spec in dash._callback_list:
        assert spec["output"].count("...") < 9, spec["output"]


def test_a_deep_link_as_first_request_has_scripts_and_assets(browserless: TestClient) -> None:
    page = browserless.get("/similarity?v=1&dataset=digits")
    assert page.status_code == 200
    for needed in ("/assets/style.css", "/assets/parallax.js", "dash_renderer", "dash_mantine_components"):
        assert needed in page.text


def test_the_document_speaks_its_language_and_asks_nobody_else(browserless: TestClient) -> None:
    page = browserless.get("/")
    assert '<html lang="en"' in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "connect-src 'self'" in policy
    assert "http" not in policy
    assert '"update_title":null' in page.text.replace(" ", "")


@pytest.mark.parametrize("path", [*VIEWS, "/jobs/12", "/similarity/"])
def test_pages_answer_200(browserless: TestClient, path: str) -> None:
    assert browserless.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/nowhere", "/jobs/abc", "/similarity/digits"])
def test_unknown_addresses_answer_404_with_a_page(browserless: TestClient, path: str) -> None:
    answer = browserless.get(path)
    assert answer.status_code == 404
    assert "dash_renderer" in answer.text


def test_assets_are_served(browserless: TestClient) -> None:
    for name in (
        "style.css", "views.css", "parallax.js", "drawing.js", "cells.js", "metrics.js", "submission.js", "grid.js",
        "logo.svg",
    ):
        assert browserless.get(f"/assets/{name}").status_code == 200


def test_layouts_ask_the_api_nothing(api: StubApi) -> None:
    api.asked.clear()
    for page in PAGES.values():
        page.layout("?v=1&dataset=digits")
    job.layout(7)
    not_found.layout("/nowhere")
    assert api.asked == []


def test_every_view_has_its_page() -> None:
    assert set(PAGES) == set(VIEWS)
    assert all(is_page(path) for path in VIEWS)
