"""The map of models in a browser: it draws what the API says, a click selects, two selected models lead on."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from backend.domain.attributes import ARCHITECTURES
from frontend.urls import MapView, link
from tests.e2e.conftest import BACK_AT_ONCE, DATASETS, METRIC, Ready, Study, stays

pytestmark = pytest.mark.e2e

# name -> [x, y on the map, x, y on the screen]
READ_MAP = """() => {
  const chart = document.querySelector("#modelmap-graph .js-plotly-plot");
  const {xaxis, yaxis} = chart._fullLayout;
  const box = chart.getBoundingClientRect();
  const found = {};
  chart.calcdata.forEach((points, place) => {
    const trace = chart.data[place];
    if (!trace.text) return;
    points.forEach((point, i) => {
      const name = /<b>(.*?)<.b>/.exec(trace.text[i])[1];
      const [across, down] = [xaxis._offset + xaxis.d2p(point.x), yaxis._offset + yaxis.d2p(point.y)];
      found[name] = [point.x, point.y, box.left + across, box.top + down];
    });
  });
  return found;
}"""


def places(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(READ_MAP)
    return found


def click(page: Page, name: str) -> None:
    """As a hand does it: the chart knows what lies under the pointer only after a moment, and clicks what it knows."""
    x, y = places(page)[name][2:]
    for moved in range(20):
        page.mouse.move(x + moved % 2, y)
        page.wait_for_timeout(50)
        if name in (page.text_content("#modelmap-graph .hoverlayer") or ""):
            break
    page.mouse.click(x + moved % 2, y)


def alone(page: Page) -> tuple[str, str]:
    """The two models that lie farthest from any other, so that a click on one is a click on no other."""
    shown = {name: np.array(place[2:]) for name, place in places(page).items()}
    room = {one: min(np.hypot(*(shown[one] - shown[other])) for other in shown if other != one) for one in shown}
    first, second, *_ = sorted(room, key=lambda name: -room[name])
    return first, second


def test_the_map_draws_the_places_of_the_api_to_one_scale(ready: Ready, study: Study) -> None:
    page = ready(link("/map", MapView(metric=METRIC, dataset=next(iter(DATASETS)))))
    told = study.client.model_map(METRIC, next(iter(DATASETS)))
    drawn = places(page)
    assert sorted(drawn) == sorted(told.models)
    for name, x, y in zip(told.models, told.x, told.y, strict=True):
        assert drawn[name][:2] == pytest.approx([x, y], abs=1e-5)
    points = np.array([drawn[name] for name in told.models])
    stretched = [np.ptp(points[:, 2 + axis]) / np.ptp(points[:, axis]) for axis in (0, 1)]
    assert stretched[0] == pytest.approx(stretched[1], rel=0.01)
    assert f"stress of {told.stress:.2f}" in page.inner_text("#modelmap-graph-caption")


def test_clicks_select_models_and_lead_to_their_pair_and_to_the_heatmap(ready: Ready, study: Study) -> None:
    page = ready(link("/map", MapView(metric=METRIC)))
    first, second = alone(page)
    assert page.locator(".selection-link").count() == 0
    click(page, first)
    page.wait_for_url(f"**a={first}*")
    click(page, second)
    page.wait_for_url(f"**a={first}&b={second}*")
    page.wait_for_selector("#modelmap-to-pair.selection-link")
    targets = [one.get_attribute("href") or "" for one in page.locator(".selection-link").all()]
    assert [target.partition("?")[0] for target in targets] == ["/pair", "/similarity", f"/models/{first}"]
    assert f"a={first}&b={second}" in targets[0] and f"highlight={first}" in targets[1]
    click(page, first)  # a second click lets a model go
    page.wait_for_url(f"**a={second}*")
    assert "b=" not in page.url.partition("?")[2]
    page.go_back()
    page.wait_for_url(f"**a={first}&b={second}*")
    page.locator(".selection-link").first.click()
    page.wait_for_url("**/pair?*")


@pytest.mark.parametrize("wait_ms", [0, 5, 40])
def test_going_back_at_once_is_not_undone_by_fields_that_follow(ready: Ready, wait_ms: int) -> None:
    first, second = alone(ready(link("/map", MapView(metric=METRIC))))
    page = ready(link("/map", MapView(metric=METRIC, a=first, b=second)))
    before = page.url
    page.evaluate(BACK_AT_ONCE, wait_ms)
    click(page, first)
    fields = "['a', 'b'].map((name) => document.getElementById('map--' + name).value)"
    held = f"([url, models]) => location.href === url && JSON.stringify({fields}) === JSON.stringify(models)"
    page.wait_for_function("() => window.wentBack")
    stays(page, held, [before, [first, second]])


def test_labels_are_in_the_link_and_the_map_is_read_by_them(ready: Ready) -> None:
    page = ready(link("/map", MapView(metric=METRIC)))
    assert "as published" in page.inner_text("#modelmap-about")
    page.click("#map--labels >> text=Audited")
    page.wait_for_selector("#modelmap-about >> text=as audited")
    assert "labels=audited" in page.url
    click(page, alone(page)[0])
    page.wait_for_selector("#modelmap-to-similarity[href*='labels=audited']")


def test_colours_follow_the_attribute_without_asking_again(ready: Ready, study: Study) -> None:
    page = ready(link("/map", MapView(metric=METRIC)))
    before = places(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.post_data or "") if "_dash-update" in request.url else None)
    page.click("#map--by")
    page.get_by_role("option", name="Architecture", exact=True).click()
    page.wait_for_selector("#modelmap-graph-caption >> text=architecture")
    assert places(page) == before
    assert not [body for body in asked if "modelmap" in body]
    legend = page.locator("#modelmap-graph .legendtext").all_text_contents()
    values = Counter(model.architecture for model in study.client.models())
    assert legend == [f"{title} ({values[slug]})" for slug, title in ARCHITECTURES.items() if values[slug]]


def test_a_predicate_that_cannot_be_read_keeps_the_controls(ready: Ready, study: Study) -> None:
    page = ready(link("/map", MapView(metric=METRIC)))
    amount = page.inner_text("#modelmap-amount")  # other tests of the session may have added models
    page.fill("#map--models", "objektive:ssl")
    page.press("#map--models", "Enter")
    page.wait_for_selector("#modelmap-refusal .notice")
    assert "Did you mean objective" in page.inner_text("#modelmap-refusal")
    page.click("#modelmap-reset")
    page.wait_for_selector("#modelmap-graph .xtick")
    assert " of " in amount and page.inner_text("#modelmap-amount") == amount
