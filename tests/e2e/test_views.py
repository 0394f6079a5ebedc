"""Views: square pictures, one order and colour range, links that reopen them, Back, and the scatter of a cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from frontend.urls import ConsistencyView, SimilarityView, encode, link, schema
from tests.e2e.conftest import DATASETS, METRIC, Ready, StubPages, Study, eventually, settled

pytestmark = pytest.mark.e2e

READ_CHART = """(id) => {
  const chart = document.querySelector(`#${id} .js-plotly-plot`);
  const {xaxis, yaxis, coloraxis} = chart._fullLayout;
  const z = chart.data[0].z;
  return {
    cell: [xaxis._length / Math.abs(xaxis.range[1] - xaxis.range[0]),
           yaxis._length / Math.abs(yaxis.range[1] - yaxis.range[0])],
    names: Array.from(chart.data[0].y), columns: Array.from(chart.data[0].x),
    range: coloraxis ? [coloraxis.cmin, coloraxis.cmax] : null,
    z: Array.from(z, (row) => Array.from(row)),
    bars: chart.data.filter((t) => t.meta && t.meta.permute === "rows").map((t) => t.colorscale[0][1]),
    shapes: (chart.layout.shapes || []).length,
    images: (chart.layout.images || []).length,
    marks: (chart.layout.annotations || []).length,
    text: chart._fullLayout.font.color,
  };
}"""


def chart(page: Page, graph: str = "similarity-graph") -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(READ_CHART, graph)
    return found


def wait_drawn(page: Page, graph: str = "similarity-graph", **fields: str) -> None:
    """Waits until the chart shows what these fields of its view say."""
    page.wait_for_function(
        """([graph, fields]) => {
          const chart = document.querySelector(`#${graph} .js-plotly-plot`);
          const drawn = (chart && chart.data && (chart.layout.meta || (chart.data[0].meta || {}).drawn)) || {};
          return Object.entries(fields).every(([name, value]) => drawn[name] === value);
        }""",
        arg=[graph, fields],
    )
    page.wait_for_timeout(300)


def uncover(page: Page, control: str) -> None:
    """Opens the group of controls that a control is in."""
    page.evaluate("(id) => document.getElementById(id).closest('details')?.setAttribute('open', '')", control)


def choose(page: Page, control: str, label: str, value: str) -> None:
    uncover(page, control)
    page.click(f"#{control}")
    page.get_by_role("option", name=label, exact=True).click()
    wait_drawn(page, **{control.split("--")[1]: value})


def test_heatmap_is_square_and_shows_the_apis_numbers(ready: Ready, study: Study) -> None:
    drawn = chart(ready(link("/similarity", SimilarityView(dataset="aurora", metric=METRIC))))
    assert drawn["cell"][0] == pytest.approx(drawn["cell"][1], rel=0.01)
    assert drawn["names"] == drawn["columns"] == study.client.order(METRIC).models
    matrix = study.client.matrix("aurora", METRIC)
    place = [matrix.models.index(name) for name in drawn["names"]]
    np.testing.assert_allclose(np.array(drawn["z"]), matrix.values[np.ix_(place, place)], atol=1e-6)


def test_another_dataset_keeps_order_and_colour_range(ready: Ready) -> None:
    page = ready(link("/similarity", SimilarityView(dataset="aurora", metric=METRIC, scale="fitted")))
    before = chart(page)
    choose(page, "similarity--dataset", "Basalt", "basalt")
    after = chart(page)
    assert "dataset=basalt" in page.url
    assert after["z"] != before["z"]
    assert (after["names"], after["range"]) == (before["names"], before["range"])


def test_orders_are_applied_in_the_browser_and_back_undoes_them(ready: Ready) -> None:
    page = ready(link("/similarity", SimilarityView(dataset="aurora", metric=METRIC)))
    clustered = chart(page)
    choose(page, "similarity--order", "By name", "name")
    named = chart(page)
    assert named["names"] == sorted(clustered["names"])
    place = [clustered["names"].index(name) for name in named["names"]]
    np.testing.assert_allclose(np.array(named["z"]), np.array(clustered["z"])[np.ix_(place, place)])

    choose(page, "similarity--dataset", "Cinder", "cinder")
    page.go_back()
    wait_drawn(page, dataset="aurora", order="name")
    page.wait_for_function("() => document.querySelector('#similarity--dataset').value === 'Aurora'")
    assert chart(page)["z"] == named["z"]
    page.go_back()
    wait_drawn(page, dataset="aurora", order="cluster")
    assert page.input_value("#similarity--order") == "Clustered"
    assert chart(page) == clustered


def test_a_link_shows_the_same_view_in_another_browser(ready: Ready, browser: Browser) -> None:
    page = ready("/similarity")
    choose(page, "similarity--dataset", "Cinder", "cinder")
    choose(page, "similarity--order", "Training objective", "objective")
    uncover(page, "similarity--scale")
    page.click("#similarity--scale >> text=Fitted")
    page.wait_for_function("() => location.search.includes('scale=fitted')")
    expected = SimilarityView(dataset="cinder", metric=METRIC, order="objective", scale="fitted")
    assert page.url.endswith(link("/similarity", expected))

    elsewhere = browser.new_context(viewport={"width": 1440, "height": 900})
    second = elsewhere.new_page()
    second.goto(page.url)
    settled(second)
    assert chart(second) == chart(page)
    assert second.input_value("#similarity--order") == "Training objective"
    elsewhere.close()


def test_two_browsers_do_not_disturb_each_other(ready: Ready, browser: Browser, study: Study) -> None:
    page = ready(link("/similarity", SimilarityView(dataset="aurora", metric=METRIC)))
    elsewhere = browser.new_context(viewport={"width": 1440, "height": 900})
    second = elsewhere.new_page()
    second.goto(study.url + link("/similarity", SimilarityView(dataset="basalt", metric=METRIC, order="name")))
    settled(second)
    page.reload()
    settled(page)
    assert page.input_value("#similarity--dataset") == "Aurora"
    assert second.input_value("#similarity--dataset") == "Basalt"
    elsewhere.close()


def test_dark_mode_changes_text_and_no_colour_of_data(ready: Ready) -> None:
    page = ready("/similarity?v=1&dataset=aurora")
    light = chart(page)
    page.click(".mantine-ActionIcon-root")
    page.wait_for_function(
        "(was) => document.querySelector('#similarity-graph .js-plotly-plot')._fullLayout.font.color !== was",
        arg=light["text"],
    )
    dark = chart(page)
    assert dark["text"] != light["text"]
    assert {k: v for k, v in dark.items() if k != "text"} == {k: v for k, v in light.items() if k != "text"}
    page.reload()
    settled(page)
    assert page.evaluate("document.documentElement.dataset.mantineColorScheme") == "dark"


def test_a_highlighted_model_is_outlined(ready: Ready) -> None:
    plain = chart(ready("/similarity?v=1&dataset=aurora"))
    outlined = chart(ready(link("/similarity", SimilarityView(dataset="aurora", highlight="test-vit-s0"))))
    assert outlined["shapes"] > plain["shapes"]


def test_a_cell_of_the_map_opens_its_scatter(ready: Ready, study: Study) -> None:
    page = ready(f"/consistency?v=1&metric={METRIC}")
    page.wait_for_selector("#scatter-panel.is-ready")
    page.wait_for_selector("#map-panel.is-ready")
    side = chart(page, "map-graph")["cell"]
    assert side[0] == pytest.approx(side[1], rel=0.01)
    table = study.client.consistency(METRIC)
    row, column = "cinder", "aurora"
    page.locator("#map-graph").scroll_into_view_if_needed()
    spot = page.evaluate(
        """([row, column]) => {
          const chart = document.querySelector("#map-graph .js-plotly-plot");
          const {xaxis, yaxis} = chart._fullLayout;
          const box = chart.getBoundingClientRect();
          const at = (axis, name) => axis._offset + axis.d2p(name);
          return [box.left + at(xaxis, column), box.top + at(yaxis, row)];
        }""",
        [row.title(), column.title()],
    )
    page.mouse.click(*spot)
    page.wait_for_function("() => location.search.includes('a=cinder&b=aurora')")
    place = table.datasets.index(row), table.datasets.index(column)
    r, n_pairs = (values[place[0]][place[1]] for values in (table.r, table.n_pairs))
    page.wait_for_selector(f"text=Pearson r = {r:.2f}".replace("-", "−"))
    points = (
        "() => document.querySelector('#scatter-graph .js-plotly-plot')"
        ".data.filter((t) => t.meta.pairs).reduce((n, t) => n + window.parallax.rowsOf(t.x).length, 0)"
    )
    eventually(lambda: page.evaluate(points), n_pairs)
    page.go_back()
    page.wait_for_function("() => !location.search.includes('a=cinder&b=aurora')")


def test_the_browser_writes_the_links_that_the_server_writes(ready: Ready) -> None:
    page = ready("/")
    views = [
        ("/similarity", SimilarityView(dataset="digits", metric="cka.rbf.unbiased:sigma=0.4", order="size")),
        ("/similarity", SimilarityView(highlight="a b&c=d'(é)!*~+%", scale="fitted")),
        ("/consistency", ConsistencyView(method="spearman", a="x/y", b="z,w")),
        ("/consistency", ConsistencyView()),
    ]
    for path, view in views:
        written = page.evaluate(
            "([schema, path, values]) => window.dash_clientside.parallax.searchWith(schema, path, '', values)",
            [schema(), path, vars(view)],
        )
        assert written == encode(view)


def test_every_dataset_can_be_chosen(ready: Ready) -> None:
    page = ready("/similarity")
    page.click("#similarity--dataset")
    shown = page.get_by_role("option").all_inner_texts()
    assert [name.title() for name in DATASETS] == shown


def test_a_link_to_something_unknown_says_so_and_what_is_shown_instead(ready: Ready) -> None:
    page = ready("/similarity?v=1&dataset=nowhere&metric=no.such")
    caption = page.locator("#similarity-graph-caption")
    assert "the dataset nowhere, which has no results here" in (words := caption.inner_text())
    assert "the metric no.such, which has no results here" in words
    page.wait_for_function("() => !document.querySelector('.is-stale')")
    assert "nowhere" not in page.url, "the link says what is on screen"
    page = ready("/consistency?v=1&a=nowhere")
    assert "the dataset nowhere, which has no results here" in page.locator("#map-graph-caption").inner_text()


def test_a_choice_that_does_not_exist_is_its_default_in_the_link_and_on_screen(ready: Ready) -> None:
    page = ready("/similarity?v=1&view=nothing&layer=nothing&scale=fitted")
    page.wait_for_function("() => !location.search.includes('nothing') && !document.querySelector('.is-stale')")
    assert "scale=fitted" in page.url, "what exists stays"


def test_a_short_link_is_completed_without_asking_twice_and_stays_so(stub_pages: StubPages, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.post_data or "") if "_dash-update" in request.url else None)
    page.goto(stub_pages.url + "/similarity")
    settled(page)
    page.wait_for_url("**/similarity?v=1&dataset=digits&metric=*")
    whole = page.url
    page.wait_for_timeout(500)
    bodies = [body for body in asked if '"output":"..similarity-data.data' in body]
    assert bodies and all('"id":"similarity-question","property":"data","value":""' in body for body in bodies)
    page.click(".rail-link[href='/similarity']")  # to where it is: nothing changes, the link neither
    page.wait_for_timeout(500)
    assert page.url == whole and page.locator("#similarity-graph .hm").first.is_visible()
    page.click("#similarity--dataset")
    page.get_by_role("option", name="Photographs").click()
    page.wait_for_url("**dataset=photos*")
    page.go_back()
    page.wait_for_url(whole)
    page.wait_for_function("() => document.querySelector('#similarity--dataset').value === 'Handwritten digits'")
