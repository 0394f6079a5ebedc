"""Consistency in the browser, on invented answers: the journeys by their clicks, filters, links, and what runs without
the server."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page

from tests.e2e.conftest import StubPages, settled

pytestmark = pytest.mark.e2e
Opened = Callable[[str], Page]
READY = """() => {
  const parts = [...document.querySelectorAll(".part:not(.panel-part)")];
  return parts.length && parts.every((part) => part.matches(".is-ready, .is-empty"));
}"""
# Where a pair of models lies in the window: of the k-th point of the n-th trace.
SPOT = """([trace, k]) => {
  const chart = document.querySelector("#scatter-graph .js-plotly-plot");
  const {xaxis, yaxis} = chart._fullLayout;
  const box = chart.getBoundingClientRect();
  const [x, y, customdata] = ["x", "y", "customdata"].map((name) => window.parallax.rowsOf(chart.data[trace][name]));
  const models = chart.layout.meta.models;
  return {at: [box.left + xaxis._offset + xaxis.d2p(x[k]), box.top + yaxis._offset + yaxis.d2p(y[k])],
          models: [models[customdata[k][0]], models[customdata[k][1]]]};
}"""


@pytest.fixture
def opened(stub_pages: StubPages, page: Page) -> Opened:
    def open_page(path: str) -> Page:
        page.goto(stub_pages.url + path)
        settled(page)
        if path.startswith("/consistency"):
            shown(page)
        return page

    return open_page


def shown(page: Page) -> None:
    page.wait_for_function(READY, timeout=30_000)
    settled(page)


def query(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def words(page: Page, selector: str) -> str:
    return " ".join(page.locator(selector).inner_text().split())


def asking(page: Page) -> list[str]:
    """Fills with what is asked of the server from now on, but for the state of the jobs."""
    asked: list[str] = []

    def keep(request: Any) -> None:
        if "_dash-update" in request.url and "live.children" not in request.post_data:
            asked.append(json.loads(request.post_data)["output"])

    page.on("request", keep)
    return asked


def test_one_click_from_home_answers_whether_self_supervised_models_are_steadier(opened: Opened) -> None:
    page = opened("/")
    page.click("#nav-consistency")
    page.wait_for_selector("#compare-panel.is-ready")
    shown(page)
    assert "Self-Supervised and Supervised models tie." in words(page, "#compare-graph-caption")
    figure = page.locator("#compare-graph").inner_text()
    assert "3 pairs of 3 models" in figure, "n is shown"
    drawn = "document.querySelector('#compare-graph .js-plotly-plot').data.map((t) => t.meta.part)"
    assert {"difference", "difference-interval", "interval"} <= set(page.evaluate(drawn))
    assert page.locator("#compare-graph").bounding_box()["y"] < 900, "without scrolling"  # type: ignore[index]
    page.click("text=Matched")
    page.wait_for_selector("text=Cross table of both sets")
    assert query(page)["match"] == "architecture,training_data,size"
    page.click("text=Cross table, other attributes")
    page.wait_for_selector("text=Held equal")
    found = query(page)
    assert (found["section"], found["match"]) == ("compare", "architecture,training_data,size")


def test_two_clicks_from_home_open_a_pair_of_models(opened: Opened) -> None:
    page = opened("/")
    page.click("#nav-consistency")
    page.wait_for_selector("#scatter-panel.is-ready")
    shown(page)
    page.locator("#scatter-graph").scroll_into_view_if_needed()
    spot = page.evaluate(SPOT, [0, 1])
    asked = asking(page)
    page.mouse.move(*spot["at"])
    page.wait_for_selector("#scatter-card.card-shown")
    card = words(page, "#scatter-card")
    assert all(name in card for name in spot["models"]) and "Adds to r" in card
    assert asked == [], "pointing at something asks the server nothing"
    page.mouse.click(*spot["at"])
    page.wait_for_function("() => location.pathname === '/pair'")
    found = query(page)
    assert [found["a"], found["b"]] == spot["models"]
    assert found["metric"] == "cka.linear.unbiased" and found["dataset"]


def test_drawing_around_points_leads_to_their_models_on_the_heatmap(opened: Opened) -> None:
    page = opened("/consistency?v=1&labels=audited")
    page.locator("#scatter-graph").scroll_into_view_if_needed()
    x, y = page.evaluate(SPOT, [0, 0])["at"]
    page.mouse.move(x - 14, y - 14)
    page.mouse.down()
    for dx, dy in ((14, -14), (14, 14), (-14, 14), (-14, -14)):
        page.mouse.move(x + dx, y + dy, steps=4)
    page.mouse.up()
    page.wait_for_selector("#scatter-selection:visible")
    chosen = page.locator("#scatter-selection")
    assert "models:" in chosen.inner_text()
    heatmap = chosen.locator("a", has_text="heatmap").get_attribute("href") or ""
    assert heatmap.startswith("/similarity?v=1&dataset=") and "models=model:" in heatmap
    assert "labels=audited" in heatmap
    page.locator("#scatter-selection a", has_text="Keep only").click()
    page.wait_for_function("() => location.search.includes('models=model:')")
    assert query(page)["models"].startswith("model:")


def test_marking_a_model_asks_the_server_nothing_and_is_in_the_link(opened: Opened) -> None:
    page = opened("/consistency")
    asked = asking(page)
    page.click("#consistency--highlight")
    page.get_by_role("option", name="other-supervised").click()
    page.wait_for_function("() => location.search.includes('highlight=other-supervised')")
    framed = """() => document.querySelector("#scatter-graph .js-plotly-plot").data
      .filter((t) => t.meta.pairs && Array.isArray(t.marker.opacity)).flatMap((t) => t.marker.opacity)"""
    page.wait_for_function(f"() => ({framed})().length > 0")
    opacity = page.evaluate(framed)
    assert 0 < sum(one == 1 for one in opacity) < len(opacity)
    assert asked == []


def test_sections_keep_the_rest_of_the_link_and_back_returns(opened: Opened) -> None:
    page = opened("/consistency?v=1&method=spearman&models=!objective:untrained")
    page.click("#consistency-tabs >> text=Set pairs")
    page.wait_for_selector("#sets-panel.is-ready")
    found = query(page)
    assert (found["section"], found["method"], found["models"]) == ("sets", "spearman", "!objective:untrained")
    assert page.locator("#consistency-tabs [aria-current]").inner_text() == "Set pairs"
    assert "6 of 9 models" in words(page, "#consistency-filters")
    page.go_back()
    page.wait_for_selector("#map-panel.is-ready")
    assert page.locator("#sets-panel").count() == 0


@pytest.mark.parametrize("section", ["sets", "compare", "influence", "anchors", "metrics"])
def test_every_section_is_drawn_and_asks_once_for_each_state_of_the_results(
    opened: Opened, page: Page, section: str
) -> None:
    asked: list[str] = []

    def keep(request: Any) -> None:
        if "_dash-update" in request.url and "-graph-caption" in request.post_data:
            body = json.loads(request.post_data)
            asked.append(f"{body['output']} {body['inputs'][0]['value']['revision']}")

    page.on("request", keep)
    opened(f"/consistency?v=1&section={section}")
    page.wait_for_timeout(600)
    assert asked and len(asked) == len(set(asked)), asked
    for caption in page.locator(".part .caption").all():
        assert caption.inner_text().strip()
    assert page.locator(".part.is-ready .part-recipe").count() >= 1


def test_chips_say_what_is_left_and_the_reset_resets(opened: Opened) -> None:
    page = opened("/consistency")
    assert "9 of 9 models" in words(page, "#consistency-filters")
    assert page.locator("text=Reset").count() == 0, "nothing is left out unless somebody said so"
    page.click("text=Without untrained (3 fewer)")
    page.wait_for_function("() => document.body.innerText.includes('6 of 9 models')")
    assert query(page)["models"] == "!objective:untrained"
    page.click("text=Without MAE")
    page.wait_for_function("() => location.search.includes('tag:mae')")
    assert query(page)["models"] == "!objective:untrained & !tag:mae"
    page.click("text=Reset")
    page.wait_for_function("() => document.body.innerText.includes('9 of 9 models')")
    assert "models" not in query(page)


def test_a_predicate_that_cannot_be_read_is_said_at_its_field(opened: Opened) -> None:
    page = opened("/consistency?v=1&models=objektive:ssl")
    error = words(page, ".filter-fields")
    assert "character 1" in error and "objective" in error
    assert not page.locator("#consistency-body").is_visible()
    page.fill("#consistency--models", "objective:ssl")
    page.press("#consistency--models", "Enter")
    page.wait_for_selector("#map-panel.is-ready")
    assert "3 of 9 models" in words(page, "#consistency-filters")


def test_a_set_is_named_after_all_errors_are_said_at_once(opened: Opened, stub_pages: StubPages) -> None:
    page = opened("/consistency?v=1&section=sets")
    page.click("text=Name a set")
    page.fill("#set-name", "Not A Slug")
    page.fill("#set-predicate", "objective:")
    page.click("#set-save")
    page.wait_for_selector("text=A name has small letters")
    assert page.locator("text=Expected a value of objective").is_visible()
    page.fill("#set-name", "small-ones")
    page.fill("#set-predicate", "size:small")
    page.click("#set-save")
    page.wait_for_selector("text=holds 9 models")
    assert [one["name"] for one in stub_pages.api.saved_sets] == ["small-ones"]
    page.locator("#sets-list code", has_text="small-ones").wait_for()


def test_another_dataset_pair_fades_nothing_but_the_scatter(opened: Opened) -> None:
    page = opened("/consistency?v=1&a=digits&b=sky")
    asked = asking(page)
    page.evaluate("window.dash_clientside.set_props('url', {search: location.search.replace('b=sky', 'b=photos')})")
    page.wait_for_function("() => document.querySelector('#scatter-graph-caption').innerText.includes('Photographs')")
    assert len(asked) == 1 and "scatter" in asked[0]
