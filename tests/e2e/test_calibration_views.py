"""Raw and calibrated, the null, uncertainty in the cells, and any metric asked for and seen computed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from frontend.urls import SimilarityView, link
from tests.e2e.conftest import METRIC, Ready, StubPages, Study, settled
from tests.e2e.test_views import chart, uncover, wait_drawn

pytestmark = pytest.mark.e2e
VIEW = SimilarityView(dataset="aurora", metric=METRIC)


def at_cell(page: Page, row: str, column: str) -> None:
    """Moves the pointer onto a cell and waits for its card."""
    spot = page.evaluate(
        """([row, column]) => {
          const chart = document.querySelector("#similarity-graph .js-plotly-plot");
          const {xaxis, yaxis} = chart._fullLayout;
          const box = chart.getBoundingClientRect();
          return [box.left + xaxis._offset + xaxis.d2p(column), box.top + yaxis._offset + yaxis.d2p(row)];
        }""",
        [row, column],
    )
    page.mouse.move(*spot)
    page.wait_for_selector(".card-shown")


def layer_of(study: Study, layer: Any, names: list[str]) -> np.ndarray:
    """A layer of the API's matrix in the order of these names."""
    matrix = study.client.matrix("aurora", METRIC, layer=layer)
    place = [matrix.models.index(name) for name in names]
    return matrix.values[np.ix_(place, place)]


def test_the_switch_shows_the_apis_calibrated_numbers_between_0_and_1(ready: Ready, study: Study) -> None:
    page = ready(link("/similarity", VIEW))
    raw = chart(page)
    assert raw["marks"] == 1, "the median tau at the colour bar"
    page.click("#similarity--layer >> text=Calibrated")
    wait_drawn(page, layer="calibrated")
    shown = chart(page)
    assert "layer=calibrated" in page.url and shown["range"] == [0, 1] and shown["marks"] == 0
    expected = layer_of(study, "calibrated", shown["names"])
    off = ~np.eye(len(expected), dtype=bool)
    np.testing.assert_allclose(np.array(shown["z"], dtype=float)[off], expected[off], atol=1e-6)
    page.go_back()
    wait_drawn(page, layer="value")
    assert chart(page)["z"] == raw["z"]


def test_the_null_is_drawn_below_with_its_words(ready: Ready, study: Study) -> None:
    page = ready(link("/similarity", VIEW))
    parts = page.evaluate(
        "document.querySelector('#similarity-chance .js-plotly-plot').data.map((trace) => trace.meta.part)"
    )
    assert {"range", "band", "median"} <= set(parts)
    q = layer_of(study, "q", study.client.matrix("aurora", METRIC).models)
    pairs = q[np.tril_indices(len(q), -1)]
    words = f"{int((pairs <= 0.05).sum())} of {len(pairs)} pairs are beyond chance"
    assert page.inner_text("#similarity-chance-caption").startswith(words)


def test_uncertainty_is_drawn_switched_off_and_kept_in_the_link(ready: Ready) -> None:
    page = ready(link("/similarity", VIEW))
    assert chart(page)["images"] == 1
    assert "Dot: width of the 95 % interval" in page.inner_text("#similarity-about")
    uncover(page, "similarity--uncertainty")
    page.click("#similarity--uncertainty >> text=Hidden")
    page.wait_for_function("() => location.search.includes('uncertainty=hidden')")
    page.wait_for_function(
        "() => !(document.querySelector('#similarity-graph .js-plotly-plot').layout.images || []).length"
    )
    page.reload()
    settled(page)
    assert chart(page)["images"] == 0


def test_a_link_alone_shows_the_view(ready: Ready, browser: Browser) -> None:
    view = SimilarityView("basalt", METRIC, layer="z", order="name", scale="fitted", uncertainty="hidden")
    page = ready(link("/similarity", view))
    elsewhere = browser.new_context(viewport={"width": 1440, "height": 900})
    second = elsewhere.new_page()
    second.goto(page.url)
    settled(second)
    assert second.url == page.url and chart(second) == chart(page)
    assert chart(page)["names"] == sorted(chart(page)["names"])
    assert second.locator("#similarity--layer input:checked").get_attribute("value") == "z"
    elsewhere.close()


def test_a_cell_says_its_numbers(ready: Ready, study: Study) -> None:
    page = ready(link("/similarity", VIEW))
    names = chart(page)["names"]
    at_cell(page, names[0], names[-1])
    card = page.inner_text(".card")
    assert names[0] in card and names[-1] in card and "n = 24" in card and "% of pairs" in card
    for layer, digits in (("value", 3), ("calibrated", 3), ("ci_low", 3), ("ci_high", 3), ("z", 1), ("tau", 3)):
        number = float(layer_of(study, layer, names)[0, -1])
        assert f"{number:.{digits}f}".replace("-", "−") in card, (layer, number, card)
    p = float(layer_of(study, "p", names)[0, -1])
    assert ("p ≤ 0.042" if p <= 1 / 24 + 1e-6 else "p = ") in card
    page.mouse.move(5, 5)
    page.wait_for_selector(".card-shown", state="detached")


def test_a_metric_is_asked_for_and_seen_computed(ready: Ready, study: Study) -> None:
    page = ready(link("/similarity", VIEW))
    page.click("#similarity--metric")
    page.fill("#similarity--metric", "jaccard neigh")
    option = page.get_by_role("option")
    assert option.count() == 1 and "knn.jaccard:k=10" in option.inner_text()
    assert "not computed yet" in option.inner_text() and "more is more alike" in option.inner_text()
    option.click()
    page.wait_for_selector("text=Not computed on Aurora")
    models = len(study.client.matrix("aurora", METRIC).models)  # other tests of the session may have added some
    assert f"{models * (models - 1) // 2} pairs" in page.inner_text(".request")
    field = page.locator(".parameter-row input")
    field.fill("0")
    field.press("Enter")
    page.wait_for_selector("text=Write a number from 1 to 1000")
    field.fill("3")
    field.press("Enter")
    page.wait_for_function("() => location.search.includes('knn.jaccard:k=3')")
    page.wait_for_selector("text=(k 3)")
    page.click("#similarity-ask")
    page.wait_for_selector(".request-progress a[href^='/jobs/']", timeout=30_000)
    page.wait_for_selector(".page-similarity.is-ready", timeout=120_000)
    settled(page)
    matrix = study.client.matrix("aurora", "knn.jaccard:k=3")
    assert sorted(chart(page)["names"]) == sorted(matrix.models)
    assert "k 3" in page.inner_text("#similarity-metric")
    assert not page.locator(".request").is_visible()


def test_diagnostics_are_listed(ready: Ready, study: Study) -> None:
    page = ready(link("/similarity", VIEW))
    found = study.client.diagnostics("aurora")
    page.wait_for_selector("#diagnostics-panel:not([hidden])")
    page.locator("#diagnostics-grid").scroll_into_view_if_needed()
    page.wait_for_function(
        "(n) => document.querySelectorAll('#diagnostics-grid .ag-center-cols-container .ag-row').length === n",
        arg=len(found),
    )


def test_a_metric_on_request_asks_for_models_and_says_all_that_is_wrong(stub_pages: StubPages, page: Page) -> None:
    page.goto(stub_pages.url + "/similarity?v=1&dataset=digits&metric=rtd")
    settled(page)
    page.click("#similarity-ask")
    page.wait_for_selector("text=Choose 2 to 12 models; 0 models chosen.")
    assert stub_pages.api.compared == []
    page.click("#similarity-models")
    for name in ("convolutional-supervised", "other-untrained"):
        page.get_by_role("option", name=name, exact=True).click()
    page.keyboard.press("Escape")
    page.click("#similarity-ask")
    page.wait_for_selector(".request-progress")
    body = stub_pages.api.compared[-1]
    assert (body["dataset"], body["metric"]) == ("digits", "rtd")
    assert body["models"] == ["convolutional-supervised", "other-untrained"]
    stub_pages.api.finish()
    page.wait_for_selector(".page-similarity.is-ready", timeout=30_000)
    assert "Computed for models that were asked for" in page.inner_text(".request")


def test_what_is_not_calibrated_is_counted_and_can_be_asked_for(stub_pages: StubPages, page: Page) -> None:
    page.goto(stub_pages.url + "/similarity?v=1&dataset=photos&metric=cka.rbf.unbiased:sigma=0.4&layer=calibrated")
    settled(page)
    assert "all 36 pairs" in page.inner_text(".request")
    page.click("#similarity-ask")
    page.wait_for_selector(".request-progress")
    assert stub_pages.api.compared[-1]["models"] is None


def test_progress_shows_in_every_browser_and_survives_a_reload(stub_pages: StubPages, page: Page) -> None:
    view = SimilarityView(dataset="digits", metric="knn.lcs:k=10")
    stub_pages.api.client().compare(view.dataset, view.metric)
    page.goto(stub_pages.url + link("/similarity", view))
    page.wait_for_selector(".request-progress")
    assert not page.locator("#similarity-ask").is_visible(), "it is under way"
    stub_pages.api.jobs[0] |= {
        "state": "failed", "error": {"cause": "user", "step": "pairs", "message": "Too few stimuli.", "hint": "Add."},
    }
    page.wait_for_selector("text=Too few stimuli.")
    assert page.locator("#similarity-ask").is_visible(), "it can be asked for again"


def test_the_catalogue_leads_to_a_metric_and_to_its_picture(stub_pages: StubPages, page: Page) -> None:
    page.goto(stub_pages.url + "/similarity")
    settled(page)
    page.click("text=What every metric means")
    page.wait_for_selector(".page-metrics.is-ready")
    assert page.locator(".metric-row").count() >= 31
    page.click("text=Angular shape distance")
    page.wait_for_selector("h1:has-text('Angular shape distance')")
    assert "less is more alike" in page.inner_text("main")
    page.click("main a:has-text('Handwritten digits')")
    page.wait_for_selector(".page-similarity.is-ready")
    page.wait_for_function("() => location.search.includes('procrustes.angular')")
