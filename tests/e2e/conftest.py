"""Pages to open: on the real stack with a small study computed in it, and on invented answers for rare states."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from playwright.sync_api import Page

from backend.contracts.jobs import Submission
from backend.settings import Settings
from frontend.app import create_app
from frontend.urls import SimilarityView, link
from parallax.client import Client
from tests.support.stack import Stack
from tests.support.tiny import archive, timm_submission
from tests.unit.frontend.stub_api import StubApi

DATASETS = {"aurora": "natural-multi", "basalt": "specialized", "cinder": "structured"}
NETWORKS = ("test_vit", "test_resnet", "test_efficientnet", "test_convnext")
METRIC = "cka.linear.unbiased"
PATIENCE_S = 240.0

# Every chart on screen has cells or axes, and shows what the link says.
DRAWN = """() => [...document.querySelectorAll(".is-ready .chart-box")].filter((box) => box.offsetParent)
  .every((box) => box.querySelector(".hm, .xtick, canvas") && !box.classList.contains("is-stale"))"""

# Goes back as soon as the next address is written.
BACK_AT_ONCE = """(wait) => {
  window.addEventListener("popstate", () => { window.wentBack = true; });
  const push = window.history.pushState;
  window.history.pushState = (...given) => {
    push.apply(window.history, given);
    window.history.pushState = push;
    window.setTimeout(() => window.history.back(), wait);
  };
}"""

Ready = Callable[[str], Page]
Open = Callable[..., Page]


@dataclass(frozen=True)
class Study:
    """A running stack in which every model is compared on every dataset."""

    url: str
    client: Client


def wait_for_quiet(client: Client) -> None:
    """Returns when no job is queued or running; fails with what is left."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        states = client.job_counts().states
        if states and not states.get("queued", 0) + states.get("running", 0):
            return
        time.sleep(0.3)
    pytest.fail(f"jobs did not end: {client.job_counts().states}")


@pytest.fixture(scope="session")
def study(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Study]:
    """Three datasets, four untrained networks with two seeds each, and all they give."""
    folder = tmp_path_factory.mktemp("archives")
    with stack.client() as client:
        for seed, (name, domain) in enumerate(DATASETS.items()):
            path = Path(folder) / f"{name}.zip"
            path.write_bytes(archive(name, n=24, seed=seed, side=32, domain=domain, shows_stimuli=True))
            client.upload_dataset(path)
        wait_for_quiet(client)
        for network in NETWORKS:
            for seed in (0, 1):
                name = f"{network.replace('_', '-')}-s{seed}"
                body = timm_submission(network, seed, list(DATASETS), [METRIC], name=name)
                client.submit(Submission.model_validate(body))
        wait_for_quiet(client)
        assert not client.job_counts().states.get("failed"), client.jobs(state="failed").items
        yield Study(stack.url, client)


@pytest.fixture
def ready(page: Page, study: Study) -> Ready:
    """Opens an address of the study and waits until its data is drawn."""

    def open_page(path: str) -> Page:
        page.goto(study.url + path)
        settled(page)
        return page

    return open_page


def eventually(read: Callable[[], Any], expected: Any) -> None:
    """Asserts that what is on screen becomes what is expected, however busy the machine is."""
    deadline = time.monotonic() + 15.0
    while (found := read()) != expected and time.monotonic() < deadline:
        time.sleep(0.05)
    assert found == expected


def stays(page: Page, condition: str, arg: Any = None) -> None:
    """Waits until a condition on the page has held for a second without a break."""
    page.wait_for_function(
        f"""(arg) => {{
          if (!({condition})(arg)) window.heldSince = null;
          else window.heldSince ??= performance.now();
          return window.heldSince !== null && performance.now() - window.heldSince > 1000;
        }}""",
        arg=arg,
    )


def settled(page: Page) -> None:
    """Waits until the page shows its data, or its message in place of data, and charts have stopped moving."""
    page.wait_for_selector(".is-ready, .is-empty, .is-missing, .page-submit", timeout=30_000)
    page.wait_for_function("() => !document.querySelector('.is-loading')", timeout=30_000)
    page.wait_for_function(DRAWN, timeout=30_000)
    page.wait_for_timeout(300)


@dataclass(frozen=True)
class StubPages:
    """The pages on invented answers."""

    url: str
    api: StubApi


@pytest.fixture
def stub_pages() -> Iterator[StubPages]:
    """Pages alone, on a thread of their own, over an API whose state the test sets."""
    api = StubApi()
    listening = socket.create_server(("127.0.0.1", 0))
    app = create_app(Settings(), api.client())
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    httpx.get(f"{url}/_dash-layout", timeout=30)
    yield StubPages(url, api)
    server.should_exit = True
    thread.join(15)
    listening.close()


@pytest.fixture
def show(stub_pages: StubPages, page: Page) -> Open:
    """Opens a view of Similarity over invented answers."""

    def open_view(**fields: str) -> Page:
        view = SimilarityView(**{"dataset": "digits", "metric": METRIC} | fields)
        page.goto(stub_pages.url + link("/similarity", view))
        settled(page)
        return page

    return open_view
