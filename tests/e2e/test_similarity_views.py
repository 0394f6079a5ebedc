"""The Similarity page in a browser: orders, filters, crops, the pinned pair, the keyboard and the table; and what the
browser does without asking the server."""

from __future__ import annotations

import random

import numpy as np
import pytest

from backend.domain.attributes import MODEL_ATTRIBUTES
from tests.e2e.conftest import BACK_AT_ONCE, Open, StubPages, eventually, settled, stays
from tests.e2e.similarity_page import DISTANCE, asked, drawn, go, numbers, spot
from tests.e2e.test_views import uncover
from tests.unit.frontend.stub_api import ABSENT, AUDITED, MODELS

pytestmark = pytest.mark.e2e


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
    page.click(".filter-chip:has-text('Untrained')")
    page.wait_for_function("() => document.querySelector('#similarity-line .n-of-m').textContent.startsWith('3 of')")
    eventually(lambda: {MODELS[name][1] for name in drawn(page)["rows"]}, {"transformer"})
    shown = drawn(page)
    assert len(shown["rows"]) == 3
    np.testing.assert_allclose(shown["squares"][0], numbers("digits", shown["rows"], shown["columns"]), rtol=1e-5)
    assert page.inner_text("#similarity-shown").startswith("Shown: 3 of 9 models, 3 pairs, median")
    page.click("#similarity-line .reset")
    page.wait_for_function("() => !location.search.includes('models=')")
    eventually(lambda: drawn(page), whole)


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
        eventually(lambda: drawn(page), whole)


def test_audited_labels_change_the_side_bars_the_groups_and_what_a_filter_leaves(show: Open) -> None:
    page = show(group="training_data")
    told = {attribute for attribute, *_ in drawn(page)["bars"]}
    assert "training_data" not in told, "by the published labels all are the same"
    page.click("#similarity--labels >> text=Audited")
    page.wait_for_function("() => location.search.includes('labels=audited')")
    eventually(lambda: {attribute for attribute, *_ in drawn(page)["bars"]}, told | {"training_data"})
    shown = drawn(page)
    assert len(shown["rows"]) == 9 and AUDITED in (shown["rows"][0], shown["rows"][-1]) and shown["lines"] > 0
    go(page, models="training_data:imagenet-21k")
    assert drawn(page)["rows"] == [AUDITED]
    page.click("#similarity--labels >> text=Published")
    page.wait_for_function("() => document.querySelector('#similarity-line .n-of-m').textContent.startsWith('0 of')")
    page.go_back()
    page.wait_for_function("() => document.querySelector('#similarity-line .n-of-m').textContent.startsWith('1 of')")


def test_a_filter_that_cannot_be_read_says_where_and_hides_nothing(show: Open) -> None:
    page = show(models="objective:supervisd")
    page.wait_for_selector(".filter-trouble:has-text('character 11')")
    assert "supervised" in page.inner_text(".filter-trouble")
    assert len(drawn(page)["rows"]) == 9
    page.click("summary:has-text('Write a filter')")
    page.fill("#similarity-predicate", "objective:sup & !architecture:cnn")
    page.press("#similarity-predicate", "Enter")
    page.wait_for_function("() => document.querySelector('#similarity-line .n-of-m').textContent.startsWith('2 of')")
    page.wait_for_function("() => document.querySelector('.filter-trouble').textContent === ''")


@pytest.mark.parametrize("wait_ms", [0, 40])
@pytest.mark.parametrize(
    ("name", "before", "after"),
    [("group", "architecture", "objective"), ("highlight", "other-supervised", "transformer-supervised")],
)
def test_going_back_at_once_is_not_undone_by_controls_that_follow(
    show: Open, name: str, before: str, after: str, wait_ms: int
) -> None:
    page = show(**{name: before})
    url = page.url
    page.evaluate(BACK_AT_ONCE, wait_ms)
    page.evaluate("(changes) => window.parallax.similarity.go(changes)", {name: after})
    value = "window.dash_component_api.getLayout(id).props.value"
    held = f"([url, id, before]) => location.href === url && {value} === before"
    page.wait_for_function("() => window.wentBack")
    stays(page, held, [url, f"similarity--{name}", before])


def test_a_report_of_what_the_link_went_on_from_is_a_choice_only_after_somebody_did_something(show: Open) -> None:
    page = show()
    reported = """(touch) => {
      const [{follow, chosenIn}, now] = [window.parallax, performance.now];
      for (const value of ["first", "second"]) follow("similarity--dataset", {value: value});
      performance.now = () => now.call(performance) + 60_000;
      if (touch) document.dispatchEvent(new PointerEvent("pointerdown"));
      const said = chosenIn("similarity--dataset", "first");
      performance.now = now;
      return said ?? null;
    }"""
    assert page.evaluate(reported, False) is None
    assert page.evaluate(reported, True) == "first"


def test_the_name_of_a_saved_set_filters_by_what_it_means(show: Open, stub_pages: StubPages) -> None:
    meaning = "objective:sup & !architecture:cnn"
    stub_pages.api.saved_sets.append({"name": "mine", "title": "Mine", "predicate": meaning, "published": False})
    page = show()
    page.click("summary:has-text('Write a filter')")
    page.fill("#similarity-predicate", "mine")
    page.press("#similarity-predicate", "Enter")
    page.wait_for_function("() => document.querySelector('#similarity-line .n-of-m').textContent.startsWith('2 of')")
    assert page.evaluate("() => new URLSearchParams(location.search).get('models')") == meaning


def test_a_drag_crops_side_bars_follow_and_undo_takes_back(show: Open) -> None:
    page = show()
    names = drawn(page)["rows"]
    page.mouse.move(*spot(page, names[2], names[3]))
    page.mouse.down()
    page.mouse.move(*spot(page, names[4], names[6]), steps=6)
    page.mouse.up()
    page.wait_for_function("() => location.search.includes('crop=')")
    eventually(lambda: [drawn(page)[side] for side in ("rows", "columns")], [names[2:5], names[3:7]])
    shown = drawn(page)
    np.testing.assert_allclose(shown["squares"][0], numbers("digits", shown["rows"], shown["columns"]), rtol=1e-5)
    assert shown["cells"][0][0] == pytest.approx(shown["cells"][0][1], rel=0.02)
    for attribute, value, rows, cells in shown["bars"]:
        assert rows == shown["rows"]
        assert [cell == 1 for cell in cells] == [values_of(name, attribute) == value for name in rows]
    assert "Cropped to 3 × 4." in page.inner_text("#similarity-cropped")
    page.keyboard.press("Control+z")
    page.wait_for_function("() => !location.search.includes('crop=')")
    eventually(lambda: drawn(page)["rows"], names)


def test_a_crop_of_models_that_are_not_shown_is_left_out_and_said(show: Open) -> None:
    page = show(crop="a,b,c,d", models="objective:supervised")
    assert len(drawn(page)["rows"]) == 3
    page.wait_for_selector("#similarity-cropped:has-text('names models that are not shown')")


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
    eventually(lambda: [drawn(page)[side] for side in ("rows", "columns")], [names[1:4], names[2:4]])
    page.keyboard.press("Backspace")
    page.wait_for_function("() => !location.search.includes('crop=')")


def test_list_and_table_hold_what_is_shown(show: Open) -> None:
    page = show(models="architecture:transformer", order="custom", custom="transformer-untrained")
    page.click("summary:has-text('List of the visible models')")
    page.wait_for_selector("#similarity-visible li")
    assert page.locator("#similarity-visible .visible-name").all_inner_texts() == drawn(page)["rows"]
    page.click("[aria-label='Move transformer-untrained down']")
    page.wait_for_function("() => !location.search.includes('custom=transformer-untrained')")
    eventually(lambda: drawn(page)["rows"][1], "transformer-untrained")
    eventually(page.locator("#similarity-visible .visible-name").all_inner_texts, drawn(page)["rows"])
    names = drawn(page)["rows"]
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
