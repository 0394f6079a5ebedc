"""One pair of models, from its rows to the stimuli it disagrees on, in a browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Ready, StubPages, Study, settled

pytestmark = pytest.mark.e2e
PATIENCE_MS = 60_000
SHOWN = "#pair-stimuli [data-of]"
PICTURES = """() => { const all = [...document.querySelectorAll('#pair-stimuli img')];
  return all.length > 20 && all.every((one) => one.complete && one.naturalWidth > 0); }"""


def of(page: Page) -> list[str]:
    """What the stimuli on screen belong to: both models, dataset, order."""
    return str(page.locator(SHOWN).get_attribute("data-of")).split("|")


def shows(dataset: str) -> str:
    """Whether the stimuli on screen are those of a dataset."""
    return f"() => document.querySelector('{SHOWN}').dataset.of.includes('|{dataset}|')"


def field(page: Page, name: str) -> str:
    return str(page.evaluate(f"new URLSearchParams(window.location.search).get('{name}')"))


def test_from_the_rows_to_the_pictures(ready: Ready, study: Study) -> None:
    page = ready("/pair")
    page.wait_for_selector(SHOWN, timeout=PATIENCE_MS)
    a, b, dataset = field(page, "a"), field(page, "b"), field(page, "dataset")
    moving = study.client.moving_pairs(field(page, "metric"), limit=1).pairs[0]
    assert (a, b) == (moving.a, moving.b), "an empty link opens the pair that moves most"
    assert of(page)[:3] == [a, b, dataset]
    page.wait_for_function(PICTURES, timeout=PATIENCE_MS)
    expected = study.client.disagreement(a, b, dataset, limit=8)
    assert page.locator(".seen-item").count() == 8
    first = page.locator(".seen-item").first
    assert first.locator("strong").first.inner_text() == next(
        one.stimulus_id for one in expected.stimuli if one.ord == expected.items[0].ord
    )
    assert first.locator(".thumb-shared").count() == 2 * expected.items[0].shared


def test_a_click_on_a_row_shows_its_stimuli(ready: Ready) -> None:
    page = ready("/pair")
    page.wait_for_selector(SHOWN, timeout=PATIENCE_MS)
    before = field(page, "dataset")
    row = page.evaluate("""(before) => {
        const graph = document.querySelector('#pair-graph .js-plotly-plot'), full = graph._fullLayout;
        const meta = graph.layout.meta, place = meta.datasets.findIndex((name) => name !== before);
        const value = graph._fullData.filter((one) => one.meta.part === 'value')
            .flatMap((one) => Array.from(one.x, (x, k) => [x, one.y[k]])).find((one) => Math.round(one[1]) === place);
        const box = graph.getBoundingClientRect();
        return {x: box.left + full.xaxis._offset + full.xaxis.d2p(value[0]),
                y: box.top + full.yaxis._offset + full.yaxis.d2p(value[1]), name: meta.datasets[place]};
    }""", before)  # fmt: skip
    page.mouse.move(row["x"] - 30, row["y"])
    page.mouse.move(row["x"], row["y"], steps=4)
    page.mouse.click(row["x"], row["y"])
    page.wait_for_function(shows(row["name"]), timeout=PATIENCE_MS)
    assert field(page, "dataset") == row["name"]
    page.go_back()
    page.wait_for_function(shows(before), timeout=PATIENCE_MS)


def test_order_and_models_are_in_the_link(ready: Ready, study: Study) -> None:
    page = ready("/pair?v=1&order=agreement")
    page.wait_for_selector(SHOWN, timeout=PATIENCE_MS)
    assert of(page)[3] == "agreement"
    a, b, dataset = field(page, "a"), field(page, "b"), field(page, "dataset")
    expected = study.client.disagreement(a, b, dataset, limit=1, order="agreement")
    count = page.locator(".seen-item .seen-count").first.inner_text()
    assert count == f"{expected.items[0].shared} of {expected.k} shared"
    page.goto(page.url.replace(f"b={b}", f"b={a}"))
    settled(page)
    page.wait_for_function(f"() => new URLSearchParams(window.location.search).get('b') !== '{a}'", timeout=PATIENCE_MS)


def test_every_number_opens_its_recipe(ready: Ready) -> None:
    page = ready("/pair")
    page.locator("#pair-origins > details > summary").click(timeout=PATIENCE_MS)
    page.locator("#pair-origins .origin-row summary").first.click(timeout=PATIENCE_MS)
    shown = page.locator("#pair-origins .origin-row").first.inner_text()
    for word in ("Manifest", "Chance", "Embedding of", "weights", "revision", "extractor 1 on cpu", "job"):
        assert word in shown, word


def test_what_may_not_be_shown_and_what_is_not_there(page: Page, stub_pages: StubPages) -> None:
    a, b = "convolutional-supervised", "other-supervised"
    page.goto(f"{stub_pages.url}/pair?v=1&a={a}&b={b}&dataset=photos")
    page.wait_for_selector(SHOWN, timeout=PATIENCE_MS)
    assert page.locator("#pair-stimuli img").count() == 0 and page.locator("#pair-stimuli .warning-box").count() == 1
    page.goto(f"{stub_pages.url}/pair?v=1&a={a}&b={b}&dataset=sky")
    expect(page.locator("#pair-stimuli .notice")).to_be_visible(timeout=PATIENCE_MS)
    page.goto("about:blank")  # before its server ends
