"""Figures are pure functions: their geometry, what they say on hover, and what they must not carry."""

from __future__ import annotations

import json

import numpy as np
import pytest

from frontend.figures.consistency_map import MapData, by_domain, consistency_map
from frontend.figures.heatmap import similarity_heatmap, wrapped
from frontend.figures.heatmap_data import HeatmapData, orders
from frontend.figures.numbers import count, decimal, duration, moment, size
from frontend.theme import SIMILARITY_SCALE


def heatmap_data(n_models: int = 6, **changes: object) -> HeatmapData:
    rng = np.random.default_rng(0)
    values = rng.random((n_models, n_models)).astype(np.float32)
    values = (values + values.T) / 2
    objectives = [("supervised", "untrained")[i % 2] for i in range(n_models)]
    given: dict[str, object] = {
        "models": [f"model-{i}" for i in range(n_models)], "values": values,
        "attributes": {"objective": objectives, "size": ["small"] * n_models},
        "low": 0.0, "high": 1.0, "value_words": "CKA (more is more alike)", "subject": "Digits, n = 100",
    }
    return HeatmapData(**(given | changes))  # type: ignore[arg-type]


def test_heatmap_is_square_and_starts_at_the_top_left() -> None:
    layout = similarity_heatmap(heatmap_data()).layout
    assert layout.yaxis.scaleanchor == "x"
    assert layout.yaxis.range[0] > layout.yaxis.range[1]
    assert list(layout.xaxis.categoryarray) == list(layout.yaxis.categoryarray)
    assert (layout.coloraxis.cmin, layout.coloraxis.cmax) == (0.0, 1.0)


def test_side_bars_share_the_axes_and_cover_every_model_once() -> None:
    data = heatmap_data()
    bars = [trace for trace in similarity_heatmap(data).data if trace.meta["permute"] == "rows"]
    assert len(bars) == 3, "two objectives and one size"
    for attribute_bars in (bars[:2], bars[2:]):
        covered = sum(np.isfinite(np.asarray(bar.z)).astype(int) for bar in attribute_bars)
        np.testing.assert_array_equal(covered, 1)
    edges = [bar.x0 + bar.dx / 2 for bar in bars]
    assert max(edges) < -0.5, "left of the first model"


def test_payload_is_binary_and_has_no_string_per_cell() -> None:
    """The text of 60 models may grow with their number, never with its square."""
    def text_bytes(n_models: int) -> int:
        figure = json.loads(similarity_heatmap(heatmap_data(n_models)).to_json())
        for trace in figure["data"]:
            assert "text" not in trace and "customdata" not in trace and "hovertext" not in trace
            assert set(trace["z"]) == {"dtype", "bdata", "shape"} and trace["z"]["dtype"] == "f4"
            trace["z"] = None
        return len(json.dumps(figure))

    assert text_bytes(60) - text_bytes(30) < 2.2 * (text_bytes(30) - text_bytes(2))


def test_missing_cells_are_drawn_as_not_computed_with_the_reason_and_never_as_zero() -> None:
    data = heatmap_data()
    values = data.values.copy()
    values[2] = values[:, 2] = np.nan
    figure = similarity_heatmap(heatmap_data(values=values, reasons={"model-2": "row <7> is not finite"}))
    main, gap = figure.data[0], figure.data[1]
    assert np.isnan(np.asarray(main.z)[2]).all()
    drawn = np.isfinite(np.asarray(gap.z))
    np.testing.assert_array_equal(drawn, np.isnan(values))
    assert "not computed" in gap.hovertemplate and "row &lt;7&gt; is not finite" in gap.hovertemplate


def test_hover_names_both_models_the_value_and_whose_it_is() -> None:
    template = similarity_heatmap(heatmap_data()).data[0].hovertemplate
    assert all(part in template for part in ("%{x}", "%{y}", "%{z:.3f}", "more is more alike", "Digits, n = 100"))


def test_names_are_shown_letter_by_letter() -> None:
    """A title is data of a stranger: its markup and templates are text."""
    nasty = '<a href="javascript:x">%{z}</a>'
    figure = similarity_heatmap(heatmap_data(subject=nasty, value_words=nasty)).to_json()
    maps = consistency_map(map_data(4, titles=[nasty, "b", "c", "d"])).to_json()
    assert "<a" not in figure.replace("\\u003c", "<") and "<a" not in maps.replace("\\u003c", "<")


def test_bright_means_alike_in_either_direction() -> None:
    similarity = similarity_heatmap(heatmap_data()).layout.coloraxis.colorscale
    distance = similarity_heatmap(heatmap_data(direction="distance")).layout.coloraxis.colorscale
    assert [colour for _, colour in similarity] == [colour for _, colour in reversed(distance)]
    assert SIMILARITY_SCALE == "viridis"


def test_orders_are_permutations_that_keep_groups_together() -> None:
    models = ["c", "a", "d", "b"]
    attributes = {"objective": ["untrained", "supervised", "supervised", "image-text"]}
    made = orders(models, attributes)
    assert made == {"cluster": [0, 1, 2, 3], "objective": [3, 1, 2, 0]}


def test_models_of_a_group_are_clustered_among_themselves() -> None:
    names = list("abcdefgh")
    slugs = ["untrained", "supervised"] * 4
    mean = np.full((8, 8), 0.1)
    for i, j in ((0, 4), (2, 6), (1, 7), (3, 5)):  # alike ones, which are not neighbours by name
        mean[i, j] = mean[j, i] = 0.9
    made = orders(names, {"objective": slugs}, mean)["objective"]
    assert [slugs[i] for i in made] == ["supervised"] * 4 + ["untrained"] * 4
    place = {model: at for at, model in enumerate(made)}
    assert all(abs(place[i] - place[j]) == 1 for i, j in ((0, 4), (2, 6), (1, 7), (3, 5)))


def map_data(size: int = 4, r: np.ndarray | None = None, titles: list[str] | None = None) -> MapData:
    values = np.full((size, size), 0.5) if r is None else r
    return MapData(
        names=[f"d{i}" for i in range(size)], titles=titles or [f"Dataset {i}" for i in range(size)],
        domains=["natural-multi"] * 2 + ["structured"] * (size - 2), r=values,
        n_pairs=np.full((size, size), 10), n_models=np.full((size, size), 5), method="pearson",
    )


def test_map_leaves_out_the_diagonal_and_separates_domains() -> None:
    figure = consistency_map(map_data())
    z = np.asarray(figure.data[0].z)
    assert np.isnan(np.diag(z)).all() and np.isfinite(z).sum() == 12
    assert len(figure.layout.shapes) == 2
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == (0.0, 1.0)
    assert figure.layout.yaxis.scaleanchor == "x"


def test_map_shows_undefined_and_negative_correlations() -> None:
    r = np.full((4, 4), 0.5)
    r[0, 1] = r[1, 0] = np.nan
    r[2, 3] = r[3, 2] = -0.33
    figure = consistency_map(map_data(r=r))
    assert np.isfinite(np.asarray(figure.data[1].z)).sum() == 2
    assert "fewer than three" in figure.data[1].hovertemplate
    assert figure.layout.coloraxis.cmin == pytest.approx(-0.4)


def test_numbers_are_printed_in_small_maps_only() -> None:
    assert consistency_map(map_data(6)).data[0].texttemplate
    assert consistency_map(map_data(31)).data[0].texttemplate is None


def test_datasets_are_ordered_by_domain_then_name() -> None:
    assert by_domain(["b", "a", "c"], ["structured", "structured", "natural-multi"]) == [2, 1, 0]


def test_words_for_numbers() -> None:
    assert decimal(-0.001) == "0.00" and decimal(-0.5) == "−0.50"
    assert decimal(None) == decimal(float("nan")) == "–"
    assert count(1, "model") == "1 model" and count(1024, "model") == "1,024 models"
    assert duration(3.42) == "3.4 s" and duration(125) == "2 min 5 s" and duration(4320) == "1 h 12 min"
    assert size(812) == "812 B" and size(3_400_000) == "3.4 MB" and size(2 * 10**9) == "2.0 GB"
    assert moment(None) == "–"


def test_long_words_break_and_markup_is_escaped() -> None:
    assert wrapped("a " * 60).count("<br>") >= 2
    assert "<b>" not in wrapped("<b>bold</b>") and "%{" not in wrapped("%{z}")
