"""Pictures of the Similarity page in a browser, against numpy: halves, differences, several datasets, mean, spread."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import Page

from frontend.urls import SimilarityView, link
from tests.e2e.conftest import Open, StubPages, eventually, settled
from tests.e2e.similarity_page import DIRECTED, DISTANCE, OTHER, drawn, numbers, spot
from tests.unit.frontend.stub_api import ABSENT

pytestmark = pytest.mark.e2e


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
    eventually(lambda: [drawn(page)[side] for side in ("rows", "columns")], [names[1:5], names[1:4]])
    assert len(drawn(page)["squares"]) == 3
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
