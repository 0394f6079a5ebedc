"""Both renderers of the heatmap draw what was decided once: order, colours, bars, words."""

from __future__ import annotations

import html
import io
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from backend.domain.ordering import cluster_order
from frontend.figures.heatmap import similarity_heatmap
from frontend.figures.heatmap_data import HeatmapData, heatmap_data
from frontend.figures.heatmap_image import heatmap_figure, write_heatmap


def made(size: int = 8, **changes: object) -> HeatmapData:
    rng = np.random.default_rng(1)
    cloud = rng.normal(size=(size, 5)) + 3 * rng.integers(0, 2, (size, 1))
    values = np.corrcoef(cloud)
    given: dict[str, object] = {
        "title": "CKA", "direction": "similarity", "upper": 1.0, "subject": "Digits, n = 100", "note": "l2",
        "attributes": {
            "objective": ["supervised", "untrained"] * (size // 2), "lab": [f"lab {i % 3}" for i in range(size)],
        },
    }
    return heatmap_data([f"model-{i}" for i in range(size)], values, **(given | changes))  # type: ignore[arg-type]


def labels(axis) -> list[str]:  # type: ignore[no-untyped-def]
    return [one.get_text() for one in axis.get_ticklabels()]


def test_both_renderers_draw_one_order_one_range_and_the_same_bars() -> None:
    data = made()
    page, picture = similarity_heatmap(data), heatmap_figure(data)
    matrix, *bars = picture.axes[:3]
    assert labels(matrix.xaxis) == list(page.layout.xaxis.categoryarray) == list(data.models)
    assert labels(bars[0].yaxis) == list(data.models)
    assert data.models != [f"model-{i}" for i in range(8)], "clustered"
    cells = np.asarray(matrix.images[0].get_array())
    stops = {float(at): to_rgb(colour) for at, colour in page.layout.coloraxis.colorscale}
    np.testing.assert_allclose(cells[0, 0], stops[1.0], atol=0.01, err_msg="the diagonal is 1, at the upper end")
    low = data.values <= data.low
    np.testing.assert_allclose(cells[low], np.tile(stops[0.0], (low.sum(), 1)), atol=0.01)
    for drawn, bar in zip(bars, data.bars, strict=True):
        colour_of = {value.slug: value.colour for value in bar.values}
        colours = np.asarray(drawn.images[0].get_array())[:, 0]
        np.testing.assert_allclose(colours, [to_rgb(colour_of[slug]) for slug in bar.slugs])
        shown = [trace for trace in page.data if trace.meta["permute"] == "rows" and bar.title in trace.hovertemplate]
        assert {trace.colorscale[0][1] for trace in shown} == set(colour_of.values())


def test_the_order_is_the_clusters_unless_one_is_given() -> None:
    data = made()
    values = made(order=range(8)).values
    assert list(data.models) == [f"model-{i}" for i in cluster_order(values, [f"model-{i}" for i in range(8)])]
    assert list(made(order=[3, 1, 2, 0]).models) == ["model-3", "model-1", "model-2", "model-0"]
    assert made(order=[3, 1, 2, 0]).attributes["lab"] == ["lab 0", "lab 1", "lab 2", "lab 0"]


def test_cells_are_square_and_words_do_not_overlap() -> None:
    for size in (2, 12, 60):
        figure = heatmap_figure(made(size))
        figure.canvas.draw()
        box = figure.axes[0].get_window_extent()
        assert box.width == pytest.approx(box.height, rel=1e-6)
        headings = [text.get_window_extent() for text in figure.texts]
        assert min(one.y0 for one in headings) > box.y1, "above the matrix"
        for i, one in enumerate(headings):
            assert not any(one.overlaps(other) for other in headings[i + 1 :])
        names = [text.get_window_extent() for text in figure.axes[0].get_xticklabels()]
        assert all(left.x1 <= right.x0 + 1 for left, right in pairwise(names))


def test_subject_caption_and_direction_are_written() -> None:
    data = made(direction="distance", upper=None, note="preprocessing l2")
    figure = heatmap_figure(data)
    words = " ".join(text.get_text() for text in figure.texts)
    assert "Digits, n = 100" in words and "8 models; preprocessing l2." in words
    (scale,) = [axes for axes in figure.axes if axes.get_label() == "<colorbar>" or axes.yaxis.get_label_text()]
    assert "less is more alike" in scale.yaxis.get_label_text().replace("\n", " ")


def test_both_renderers_say_which_way_a_cell_of_an_asymmetric_measure_runs() -> None:
    for symmetric in (True, False):
        data = made(symmetric=symmetric)
        page, picture = similarity_heatmap(data), heatmap_figure(data)
        said = [
            " ".join(text.get_text() for text in picture.texts),
            next(words for axes in picture.axes if (words := axes.yaxis.get_label_text())).replace("\n", " "),
            html.unescape(page.layout.coloraxis.colorbar.title.text), html.unescape(page.data[0].hovertemplate),
        ]
        for words in said:
            assert ("from the row's model to the column's" in words) is not symmetric, words


def test_missing_cells_are_neither_low_nor_high_and_stand_in_the_legend() -> None:
    values = made(order=range(8)).values.copy()
    values[2] = values[:, 2] = np.nan
    data = heatmap_data([f"m{i}" for i in range(8)], values, title="CKA", direction="similarity", order=range(8))
    figure = heatmap_figure(data)
    cells = np.asarray(figure.axes[0].images[0].get_array())
    assert len(np.unique(cells[2].round(6), axis=0)) == 1
    grey = cells[2, 0]
    assert np.ptp(grey) < 0.05 and 0.6 < grey.mean() < 0.95
    assert any(text.get_text() == "not computed" for axes in figure.axes for text in axes.texts)
    assert not any(text.get_text() == "not computed" for axes in heatmap_figure(made()).axes for text in axes.texts)


def test_names_are_written_letter_by_letter() -> None:
    nasty = ["$x^2$", "a_b", "$", "\\frac"]
    data = heatmap_data(
        nasty, np.eye(4), title="$t$", direction="similarity", subject="$s", attributes={"$a": ["$", "b", "c", "d"]}
    )
    file = io.BytesIO()
    write_heatmap(data, file)
    with Image.open(file) as picture:
        picture.load()
    assert sorted(labels(heatmap_figure(data).axes[0].xaxis)) == sorted(nasty)


def test_names_that_would_be_too_small_to_read_are_left_out() -> None:
    assert labels(heatmap_figure(made(300, attributes={})).axes[0].xaxis) == []
