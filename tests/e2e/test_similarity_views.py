"""The Similarity page in a browser: orders, filters, crops, halves, differences, several datasets, the pinned pair, the
keyboard and the table, against numpy; and what the browser does without asking the server."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from backend.domain.attributes import MODEL_ATTRIBUTES
from frontend.urls import SimilarityView, link
from tests.e2e.conftest import StubPages, settled
from tests.e2e.test_views import uncover
from tests.unit.frontend.stub_api import ABSENT, MODELS, similarities

pytestmark = pytest.mark.e2e
METRIC, OTHER, DISTANCE, DIRECTED = (
    "cka.linear.unbiased", "rsa.correlation.spearman", "procrustes.angular", "knn.cycle:k=10",
)
READ = """() => {
  const chart = document.querySelector("#similarity-graph .js-plotly-plot");
  const layout = chart._fullLayout;
  return {
    rows: Array.from(chart.data[0].y), columns: Array.from(chart.data[0].x),
    squares: chart.data.filter((t) => t.meta.permute === "both" && t.coloraxis)
      .map((t) => Array.from(t.z, (row) => Array.from(row))),
    gaps: chart.data.filter((t) => t.meta.permute === "both" && !t.coloraxis).length,
    bars: chart.data.filter((t) => t.meta.permute === "rows")
      .map((t) => [t.meta.attribute, t.meta.value, Array.from(t.y), Array.from(t.z, (row) => row[0])]),
    ranges: ["coloraxis", "coloraxis2"].filter((name) => layout[name])
      .map((name) => [layout[name].cmin, layout[name].cmax]),
    cells: Object.values(layout._plots).map(({xaxis, yaxis}) =>
      [xaxis, yaxis].map((axis) => axis._length / Math.abs(axis.range[1] - axis.range[0]))),
    lines: layout.shapes.filter((shape) => shape.type === "line").length,
  };
}"""


Open = Callable[..., Page]


@pytest.fixture
def show(stub_pages: StubPages, page: Page) -> Open:
    """Opens a view of the invented study."""

    def open_view(**fields: str) -> Page:
        view = SimilarityView(**{"dataset": "digits", "metric": METRIC} | fields)
        page.goto(stub_pages.url + link("/similarity", view))
        settled(page)
        return page

    return open_view


def drawn(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(READ)
    return found


def go(page: Page, **fields: str) -> None:
    """Changes the link as a control does, and waits until it is drawn."""
    revision = "document.querySelector('#similarity-graph .js-plotly-plot')._fullLayout.uirevision"
    before = page.evaluate(revision)
    page.evaluate("(fields) => window.parallax.similarity.go(fields)", fields)
    page.wait_for_function(f"(was) => {revision} !== was", arg=before)


def numbers(dataset: str, rows: list[str], columns: list[str], metric: str = METRIC) -> np.ndarray:
    names = list(MODELS)
    return similarities(dataset, metric)[np.ix_([names.index(n) for n in rows], [names.index(n) for n in columns])]


def spot(page: Page, row: str, column: str, axis: str = "") -> tuple[float, float]:
    """Where a cell is on screen."""
    x, y = page.evaluate(
        """([row, column, axis]) => {
          const chart = document.querySelector("#similarity-graph .js-plotly-plot");
          const [x, y] = [chart._fullLayout["xaxis" + axis], chart._fullLayout["yaxis" + axis]];
          const box = chart.getBoundingClientRect();
          return [box.left + x._offset + x.d2p(column), box.top + y._offset + y.d2p(row)];
        }""",
        [row, column, axis],
    )
    return x, y


def asked(page: Page) -> list[str]:
    """A list that fills with the outputs of the server callbacks of this page that are called from now on."""
    found: list[str] = []

    def note(request: Any) -> None:
        body = request.post_data or ""
        outputs = body.split('"inputs"')[0]
        # The jobs of a request are followed with every beat.
        if "_dash-update-component" in request.url and "similarity-" in outputs and "similarity-work" not in outputs:
            found.append(outputs)

    page.on("request", note)
    return found


def values_of(name: str, attribute: str) -> str:
    position = list(MODEL_ATTRIBUTES).index(attribute)
    return MODELS[name][position] if position < 2 else {"training_data": "other", "size": "small"}[attribute]


def test_all_six_orders_are_made_in_the_browser_and_kept_in_the_link(show: Open) -> None:
    page = show()
    cluster = drawn(page)["rows"]
    calls = asked(page)
    mean = {name: (numbers("digits", [name], cluster)[0].sum() - 1) / 8 for name in cluster}
    to = cluster[4]
    custom = [cluster[6], cluster[2]]
    rank = {name: list(MODEL_ATTRIBUTES["objective"]).index(MODELS[name][0]) for name in cluster}
    expected = {
        "name": sorted(cluster),
        "value": sorted(cluster, key=lambda name: -mean[name]),
        "model": [to, *sorted((n for n in cluster if n != to), key=lambda n: -numbers("digits", [n], [to])[0, 0])],
        "custom": [*custom, *(name for name in cluster if name not in custom)],
    }
    for order, names in expected.items():
        calls.clear()
        go(page, order=order, to=to, custom=",".join(custom))
        assert drawn(page)["rows"] == names, order
        assert f"order={order}" in page.url and not calls
        page.reload()
        settled(page)
        assert drawn(page)["rows"] == drawn(page)["columns"] == names, order
    calls.clear()
    go(page, order="objective", to="", custom="")
    grouped = drawn(page)["rows"]
    assert [rank[name] for name in grouped] == sorted(rank.values()) and drawn(page)["lines"] == 4
    go(page, order="value", group="objective")
    assert drawn(page)["rows"] == sorted(cluster, key=lambda name: (rank[name], -mean[name]))
    go(page, order="cluster", group="none")
    assert drawn(page)["rows"] == cluster
    assert not calls


def test_a_distance_orders_the_alike_first(show: Open) -> None:
    page = show(metric=DISTANCE, order="model", to="other-supervised")
    names = drawn(page)["rows"]
    values = numbers("digits", names, ["other-supervised"], DISTANCE)[1:, 0]
    assert names[0] == "other-supervised" and (np.diff(values) >= -1e-6).all()


def test_pointing_ordering_filtering_cropping_ask_the_server_nothing(show: Open) -> None:
    page = show()
    names = drawn(page)["rows"]
    page.wait_for_timeout(500)
    calls = asked(page)
    page.mouse.move(*spot(page, names[1], names[4]))
    page.wait_for_selector(".card-shown")
    go(page, models="architecture:transformer,other")
    go(page, order="name")
    go(page, highlight="other-untrained")
    shown = drawn(page)["rows"]
    go(page, crop=",".join([shown[0], shown[2], shown[1], shown[4]]))
    page.hover("#similarity-facets .facet >> nth=0")
    page.wait_for_selector(".spotlight")
    go(page, scale="fitted")
    page.wait_for_timeout(400)
    assert calls == []


def test_facets_count_filter_and_reset(show: Open) -> None:
    page = show(dataset="digits", group="objective")
    whole = drawn(page)
    assert page.inner_text("#similarity-line .n-of-m") == "9 of 9 models"
    page.click("#similarity-facets .facet:has-text('Transformer')")
    page.wait_for_function("() => location.search.includes('models=')")
    page.wait_for_function("() => document.querySelector('#similarity-line .n-of-m').textContent.startsWith('3 of')")
    page.click("#similarity-facets .facet:has-text('Untrained')")
    page.wait_for_function("() => document.querySelector('#similarity-line .n-of-m').textContent.startsWith('1 of')")
    page.click(".chip:has-text('Untrained')")
    page.wait_for_function("() => document.querySelector('#similarity-line .n-of-m').textContent.startsWith('3 of')")
    page.wait_for_timeout(300)
    shown = drawn(page)
    assert {MODELS[name][1] for name in shown["rows"]} == {"transformer"} and len(shown["rows"]) == 3
    np.testing.assert_allclose(shown["squares"][0], numbers("digits", shown["rows"], shown["columns"]), rtol=1e-5)
    assert page.inner_text("#similarity-shown").startswith("Shown: 3 of 9 models, 3 pairs, median")
    page.click("#similarity-line .reset")
    page.wait_for_function("() => !location.search.includes('models=')")
    page.wait_for_timeout(300)
    assert drawn(page) == whole


def test_after_any_filters_and_crops_reset_and_show_all_give_everything_back(show: Open) -> None:
    page = show()
    whole = drawn(page)
    rng = random.Random(5)
    terms = [
        "objective:supervised", "!architecture:transformer", "size:small", "model:other-untrained,other-supervised",
        "objective:ssl | architecture:cnn",
    ]
    for _ in range(6):
        chosen = " & ".join(f"({term})" for term in rng.sample(terms, 2))
        go(page, models=chosen, order=rng.choice(["name", "value", "cluster"]))
        names = drawn(page)["rows"]
        assert page.inner_text("#similarity-line .n-of-m") == f"{len(set(names))} of 9 models"
        if len(names) > 2:
            go(page, crop=f"{names[0]},{names[1]},{names[1]},{names[-1]}")
            page.wait_for_function("() => !document.querySelector('#similarity-whole').disabled")
            page.click("#similarity-whole")
            page.wait_for_function("() => !location.search.includes('crop=')")
        page.click("#similarity-line .reset")
        page.wait_for_function("() => !location.search.includes('models=')")
        page.evaluate("() => window.parallax.similarity.go({order: 'cluster'})")
        page.wait_for_function("() => !location.search.includes('order=')")
        page.wait_for_timeout(250)
        assert drawn(page) == whole


def test_a_filter_that_cannot_be_read_says_where_and_hides_nothing(show: Open) -> None:
    page = show(models="objective:supervisd")
    page.wait_for_selector("#similarity-filter-trouble:has-text('character 11')")
    assert "supervised" in page.inner_text("#similarity-filter-trouble")
    assert len(drawn(page)["rows"]) == 9
    page.click("summary:has-text('Write a filter')")
    page.fill("#similarity-predicate", "objective:sup & !architecture:cnn")
    page.press("#similarity-predicate", "Enter")
    page.wait_for_function("() => document.querySelector('#similarity-line .n-of-m').textContent.startsWith('2 of')")
    page.wait_for_function("() => document.querySelector('#similarity-filter-trouble').textContent === ''")


def test_a_drag_crops_side_bars_follow_and_undo_takes_back(show: Open) -> None:
    page = show()
    names = drawn(page)["rows"]
    page.mouse.move(*spot(page, names[2], names[3]))
    page.mouse.down()
    page.mouse.move(*spot(page, names[4], names[6]), steps=6)
    page.mouse.up()
    page.wait_for_function("() => location.search.includes('crop=')")
    page.wait_for_timeout(500)
    shown = drawn(page)
    assert (shown["rows"], shown["columns"]) == (names[2:5], names[3:7])
    np.testing.assert_allclose(shown["squares"][0], numbers("digits", shown["rows"], shown["columns"]), rtol=1e-5)
    assert shown["cells"][0][0] == pytest.approx(shown["cells"][0][1], rel=0.02)
    for attribute, value, rows, cells in shown["bars"]:
        assert rows == shown["rows"]
        assert [cell == 1 for cell in cells] == [values_of(name, attribute) == value for name in rows]
    assert "Cropped to 3 × 4." in page.inner_text("#similarity-cropped")
    page.keyboard.press("Control+z")
    page.wait_for_function("() => !location.search.includes('crop=')")
    page.wait_for_timeout(300)
    assert drawn(page)["rows"] == names


def test_a_crop_of_models_that_are_not_shown_is_left_out_and_said(show: Open) -> None:
    page = show(crop="a,b,c,d", models="objective:supervised")
    assert len(drawn(page)["rows"]) == 3
    page.wait_for_selector("#similarity-cropped:has-text('names models that are not shown')")


def test_halves_show_two_datasets_in_one_square(show: Open) -> None:
    page = show(view="split", with_dataset="photos", order="name")
    shown = drawn(page)
    above, below = (np.array(square, dtype=float) for square in shown["squares"])
    upper, lower = np.triu_indices(9, 1), np.tril_indices(9, -1)
    np.testing.assert_allclose(above[upper], numbers("digits", shown["rows"], shown["columns"])[upper], rtol=1e-5)
    np.testing.assert_allclose(below[lower], numbers("photos", shown["rows"], shown["columns"])[lower], rtol=1e-5)
    assert np.isnan(above[lower]).all() and np.isnan(below[upper]).all()
    assert len(shown["ranges"]) == 1 and shown["gaps"] == 0
    words = page.inner_text("#similarity-graph")
    assert "Handwritten digits ◥" in words and "◣ Photographs" in words


def test_halves_of_two_metrics_have_a_scale_each(show: Open) -> None:
    page = show(view="split", with_dataset="digits", with_metric=DISTANCE)
    shown = drawn(page)
    assert len(shown["ranges"]) == 2
    below = np.array(shown["squares"][1], dtype=float)
    lower = np.tril_indices(9, -1)
    expected = numbers("digits", shown["rows"], shown["columns"], DISTANCE)
    np.testing.assert_allclose(below[lower], expected[lower], rtol=1e-5)


def test_a_difference_is_a_minus_b_on_a_symmetric_scale(show: Open) -> None:
    page = show(view="difference", with_dataset="photos")
    shown = drawn(page)
    expected = numbers("digits", shown["rows"], shown["columns"]) - numbers("photos", shown["rows"], shown["columns"])
    off = ~np.eye(9, dtype=bool)
    np.testing.assert_allclose(np.array(shown["squares"][0], dtype=float)[off], expected[off], atol=1e-6)
    low, high = shown["ranges"][0]
    assert low == -high and np.abs(expected[off]).max() <= high < np.abs(expected[off]).max() + 0.05
    page.mouse.move(*spot(page, shown["rows"][0], shown["rows"][5]))
    page.wait_for_selector(".card-shown")
    assert f"{expected[0, 5]:.3f}".replace("-", "−") in page.inner_text(".card")


def test_several_datasets_share_order_range_and_crop(show: Open) -> None:
    page = show(view="multiples", group="architecture")
    shown = drawn(page)
    assert len(shown["squares"]) == 3 and len(shown["ranges"]) == 1
    assert shown["gaps"] == 1, "one model is missing on one dataset"
    for square, dataset in zip(shown["squares"], ("digits", "sky", "photos"), strict=True):
        expected = numbers(dataset, shown["rows"], shown["columns"])
        np.testing.assert_allclose(np.array(square, dtype=float), expected, rtol=1e-5)
    for wide, high in shown["cells"]:
        assert wide == pytest.approx(high, rel=0.02)
    names = shown["rows"]
    page.mouse.move(*spot(page, names[1], names[1], "2"))
    page.mouse.down()
    page.mouse.move(*spot(page, names[4], names[3], "2"), steps=5)
    page.mouse.up()
    page.wait_for_function("() => location.search.includes('crop=')")
    page.wait_for_timeout(400)
    cropped = drawn(page)
    assert (cropped["rows"], cropped["columns"]) == (names[1:5], names[1:4]) and len(cropped["squares"]) == 3
    page.locator("#similarity-graph .annotation:has-text('Photographs')").click()
    page.wait_for_function("() => location.search.includes('dataset=photos') && !location.search.includes('view=')")


@pytest.mark.parametrize("view", ["mean", "spread"])
def test_mean_and_spread_are_numpys(show: Open, view: str) -> None:
    page = show(view=view)
    shown = drawn(page)
    stack = np.stack([numbers(name, shown["rows"], shown["columns"]) for name in ("digits", "photos", "sky")])
    off = ~np.eye(9, dtype=bool)
    stack[:, ~off] = 1.0
    expected = np.nanmean(stack, axis=0) if view == "mean" else np.nanstd(stack, axis=0, ddof=1)
    np.testing.assert_allclose(np.array(shown["squares"][0], dtype=float)[off], expected[off], atol=1e-6)
    gone = ABSENT[1]
    other = next(name for name in shown["rows"] if name != gone)
    page.mouse.move(*spot(page, gone, other))
    page.wait_for_selector(".card-shown")
    lines = page.inner_text(".card").split("\n")
    assert lines[lines.index("Datasets") + 1] == "2", "it is missing on one of three"


def test_a_click_pins_the_pair_on_every_dataset(show: Open) -> None:
    page = show()
    names = drawn(page)["rows"]
    page.mouse.click(*spot(page, names[1], names[3]))
    page.wait_for_selector("#similarity-pair .pair-table")
    assert f"pair={names[1]},{names[3]}" in page.url
    panel = page.inner_text("#similarity-pair")
    assert "Handwritten digits" in panel and "Photographs" in panel and "Night sky" in panel
    for dataset in ("digits", "photos"):
        assert f"{numbers(dataset, [names[1]], [names[3]])[0, 0]:.2f}" in panel
    href = page.get_attribute("#similarity-pair a", "href") or ""
    assert href.startswith("/pair?v=1&") and f"a={names[1]}" in href and "dataset=digits" in href
    page.mouse.click(*spot(page, names[3], names[1]))
    page.wait_for_selector("#similarity-pair", state="hidden")
    assert "pair=" not in page.url


def test_a_dataset_without_the_pair_says_why(show: Open) -> None:
    page = show(pair=f"{ABSENT[1]},other-supervised")
    page.wait_for_selector("#similarity-pair .pair-table")
    assert "Its embedding failed." in page.inner_text("#similarity-pair")


def test_the_keyboard_moves_says_crops_and_pins(show: Open) -> None:
    page = show()
    names = drawn(page)["rows"]
    page.focus("#similarity-keys")
    for key in ("ArrowDown", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    value = numbers("digits", [names[1]], [names[2]])[0, 0]
    live = page.inner_text("#similarity-live")
    assert f"{names[1]} and {names[2]}: Value {value:.3f}" in live
    assert page.locator(".cell-cursor").count() == 1 and page.locator(".card-shown").count() == 1
    page.keyboard.press("Enter")
    page.wait_for_function("() => location.search.includes('pair=')")
    page.keyboard.press("Escape")
    page.wait_for_function("() => !location.search.includes('pair=')")
    for key in ("Shift+ArrowDown", "Shift+ArrowDown", "Shift+ArrowRight"):
        page.keyboard.press(key)
    assert "3 by 2 cells" in page.inner_text("#similarity-live")
    page.keyboard.press("Enter")
    page.wait_for_function("() => location.search.includes('crop=')")
    page.wait_for_timeout(300)
    assert (drawn(page)["rows"], drawn(page)["columns"]) == (names[1:4], names[2:4])
    page.keyboard.press("Backspace")
    page.wait_for_function("() => !location.search.includes('crop=')")


def test_list_and_table_hold_what_is_shown(show: Open) -> None:
    page = show(models="architecture:transformer", order="custom", custom="transformer-untrained")
    page.click("summary:has-text('List of the visible models')")
    page.wait_for_selector("#similarity-visible li")
    assert page.locator("#similarity-visible .visible-name").all_inner_texts() == drawn(page)["rows"]
    page.click("[aria-label='Move transformer-untrained down']")
    page.wait_for_function("() => !location.search.includes('custom=transformer-untrained')")
    page.wait_for_timeout(300)
    names = drawn(page)["rows"]
    assert names[1] == "transformer-untrained"
    assert page.locator("#similarity-visible .visible-name").all_inner_texts() == names
    page.click("summary:has-text('as a table')")
    page.wait_for_selector("#similarity-table .ag-center-cols-container .ag-row")
    page.locator("#similarity-table").scroll_into_view_if_needed()
    assert page.locator("#similarity-table .ag-center-cols-container .ag-row").count() == 3
    text = page.inner_text("#similarity-table .ag-center-cols-container")
    assert f"{numbers('digits', [names[0]], [names[1]])[0, 0]:.3f}" in text


def test_finding_a_model_outlines_it(show: Open) -> None:
    page = show()
    page.fill("#similarity--highlight", "sup")
    page.get_by_role("option", name="transformer-supervised", exact=True).click()
    page.wait_for_function("() => location.search.includes('highlight=transformer-supervised')")
    page.wait_for_function(
        "() => document.querySelector('#similarity-graph .js-plotly-plot')._fullLayout.shapes.length === 4"
    )


def test_controls_of_a_picture_are_shown_with_it(show: Open) -> None:
    page = show(view="split", with_dataset="photos")
    assert page.locator("#similarity--with_dataset").is_visible()
    assert not page.locator("#similarity--datasets").is_visible()
    assert not page.locator("#similarity-chance").is_visible()
    page = show(view="mean")
    assert page.locator("#similarity--datasets").is_visible()
    assert not page.locator("#similarity--dataset").is_visible()
    page = show(order="model", to="other-supervised")
    uncover(page, "similarity--to")
    assert page.input_value("#similarity--to") == "other-supervised"


@pytest.mark.parametrize("view", ["one", "split", "multiples", "difference"])
def test_on_a_phone_titles_of_colours_stay_inside(stub_pages: StubPages, page: Page, view: str) -> None:
    page.set_viewport_size({"width": 360, "height": 780})
    fields = {"dataset": "digits", "metric": DIRECTED, "view": view, "with_dataset": "digits", "with_metric": OTHER}
    page.goto(stub_pages.url + link("/similarity", SimilarityView(**fields)))
    settled(page)
    box = page.locator("#similarity-graph").bounding_box()
    assert box is not None
    titles = page.locator("#similarity-graph [class*='cbtitle'], #similarity-graph .annotation")
    for title in titles.all():
        inside = title.bounding_box()
        if inside and inside["width"]:
            assert inside["x"] >= box["x"] - 1 and inside["x"] + inside["width"] <= box["x"] + box["width"] + 1
            assert inside["y"] + inside["height"] <= box["y"] + box["height"] + 1
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
