"""Every page in light, dark and 360 px: drawn, within its width, with its landmarks, usable by everyone (axe), an empty
console and no request to elsewhere (the `page` fixture fails the test on either)."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from frontend.urls import PICTURES, SECTIONS
from tests.e2e.conftest import Ready, Study, settled

pytestmark = pytest.mark.e2e
PATHS = (
    "/", "/similarity", "/similarity?v=1&layer=calibrated", "/similarity?v=1&metric=svcca:q=3",
    *(f"/similarity?v=1&view={view}" for view in PICTURES[1:]), "/similarity?v=1&pair=test-vit-s0,test-resnet-s0",
    "/consistency",
    *(f"/consistency?v=1&section={section}" for section in SECTIONS[1:]),
    "/pair", "/map", "/map?v=1&method=tsne&dataset=basalt&by=architecture",
    "/metrics", "/metrics?v=1&metric=knn.cycle:k=3",
    "/models", "/models?v=1&view=crossed&scope=absent", "/models/test-vit-s0", "/models/vit_large_patch16_224",
    "/datasets", "/datasets/aurora", "/datasets/cifar-10", "/coverage",
    "/submit", "/submit?v=1&source=checkpoint", "/jobs", "/jobs/1",
)
DARK = "() => document.documentElement.dataset.mantineColorScheme === 'dark'"


@pytest.mark.parametrize("path", PATHS)
def test_page_in_light_and_dark(ready: Ready, path: str) -> None:
    page = ready(path)
    _check(page, path, "light")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(DARK)
    settled(page)
    _check(page, path, "dark")


@pytest.mark.parametrize("path", PATHS)
def test_page_on_a_narrow_screen(ready: Ready, page: Page, path: str) -> None:
    page.set_viewport_size({"width": 360, "height": 780})
    _check(ready(path), path, "light")


def _check(page: Page, path: str, scheme: str) -> None:
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0, f"{path} is {overflow} px too wide"
    assert page.locator("h1:visible").count() == 1, path
    # A page may have a navigation of its own sections; each says which it is.
    for landmark in ("header", "nav[aria-label=Pages]", "main"):
        assert page.locator(landmark).count() == 1, (path, landmark)
    assert page.locator("nav:not([aria-label])").count() == 0, path
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.evaluate("document.documentElement.dataset.mantineColorScheme") == scheme
    assert page.title().endswith("Parallax")
    shown = page.inner_text("body")
    for slip in ("undefined", "NaN", "null", "[object", "None"):
        assert slip not in shown, (path, slip)
    for chart in page.locator(".chart .graph:visible").all():
        assert chart.locator(".main-svg").count() > 0, f"{path} has a chart that is not drawn"
    assert not _barriers(page), f"{path} ({scheme}):\n" + "\n".join(_barriers(page))


def _barriers(page: Page) -> list[str]:
    """What axe calls serious or critical, one line each with the first element concerned."""
    found = []
    for one in Axe().run(page).response["violations"]:
        # The rows and viewports inside ag-grid are its own; a grid is entered and walked by keys as a whole.
        ours = [node["html"] for node in one["nodes"] if not node["html"].startswith('<div class="ag-')]
        if ours and one["impact"] in ("serious", "critical"):
            found.append(f"{one['id']}: {one['help']} ({len(ours)} times, as in {ours[0][:200]})")
    return found


def test_dark_from_the_first_paint(browser: Browser, study: Study) -> None:
    """The background is dark before any script of the application has run."""
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.route("**/_dash-component-suites/**", lambda route: route.abort())
    page.goto(study.url, wait_until="domcontentloaded")
    red, green, blue = page.evaluate(
        "getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"
    )
    assert max(red, green, blue) < 60
    context.close()


def test_titles_name_the_page(ready: Ready) -> None:
    page = ready("/consistency")
    assert page.title() == "Consistency · Parallax"
    page.click("#nav-jobs")
    page.wait_for_function("() => document.title === 'Jobs · Parallax'", timeout=30_000)
    assert page.locator("#nav-jobs").get_attribute("aria-current") == "page"
    page.go_back()
    page.wait_for_function("() => document.title === 'Consistency · Parallax'", timeout=30_000)


def test_the_finding_is_the_apis_sentence(ready: Ready, study: Study) -> None:
    page = ready("/")
    sentence = study.client.finding().sentence
    assert sentence and " ".join(page.inner_text("h1").split()) == sentence
    # Other tests of the session may have asked for further metrics, or submitted further models.
    every = len(study.client.models())
    compared = [one for one in study.client.coverage() if one.preprocess == "l2" and one.n_models]
    full = sum(one.n_models >= every for one in compared)
    assert len(compared) >= 3
    assert page.locator("#overview-coverage td.full").count() == full
    assert page.locator("#overview-coverage td.partial").count() == len(compared) - full
