"""A real headless Chromium. Every page that a test opens must end with an empty console and no request to elsewhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

SYSTEM_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LOOPBACK = {"127.0.0.1", "localhost", "[::1]"}
ADVICE = "No Chromium: install one (apt-get install chromium) or run: python -m playwright install chromium"


def system_browser() -> str | None:
    """Path of an installed Chromium or Chrome."""
    return next((path for name in SYSTEM_BROWSERS if (path := shutil.which(name))), None)


def downloaded_browser() -> str | None:
    """Path of the Chromium that playwright has downloaded before."""
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def install() -> str:
    """Path of a Chromium, fetched if there is none: by apt when root, else by playwright. Ends with advice
    if neither works. `make test` calls this before the tests."""
    if found := system_browser() or downloaded_browser():
        return found
    if os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-q"], env=quiet, check=False)
        subprocess.run(["apt-get", "install", "-qy", "--no-install-recommends", "chromium"], env=quiet, check=False)
    if not system_browser():
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    return system_browser() or downloaded_browser() or sys.exit(ADVICE)


class WatchedPages:
    """Keeps what the pages of one context print to the console, throw, and ask of other machines."""

    def __init__(self, context: BrowserContext) -> None:
        self.complaints: list[str] = []
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self.complaints.append(f"uncaught: {error.error}"))
        context.on("request", self._on_request)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"console {message.type}: {message.text} ({message.location.get('url', '')})")

    def _on_request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in ("http", "https", "ws", "wss") and address.hostname not in LOOPBACK:
            self.complaints.append(f"left this machine: {request.url}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium. Per module: while it is open, no other event loop can run in this thread."""
    with sync_playwright() as playwright:
        path = system_browser() or playwright.chromium.executable_path
        if not Path(path).exists():
            pytest.fail(ADVICE)
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def browser_context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh profile, 1440 x 900; fails the test at the end if any of its pages complained or left this machine."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(15_000)
    watched = WatchedPages(context)
    yield context
    context.close()
    assert not watched.complaints, "\n".join(watched.complaints)


@pytest.fixture
def page(browser_context: BrowserContext) -> Page:
    """One page of a watched profile."""
    return browser_context.new_page()


if __name__ == "__main__":
    print(f"Browser for the tests: {install()}")
