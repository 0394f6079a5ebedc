"""Figures of consistency from hand-made numbers: what is drawn where, what is left out, what words a reader gets."""

from __future__ import annotations

import json

import numpy as np
import pytest

from frontend.figures.consistency_map import MapData, consistency_map
from frontend.figures.difference import DifferenceData, difference_figure
from frontend.figures.metric_twins import TwinsData, metric_twins
from frontend.figures.pair_scatter import MOST_DRAWN, Group, ScatterData, pair_scatter
from frontend.figures.rows import ValueRow, ValueRows, interval_words, value_rows
from frontend.figures.spreads import SpreadData, SpreadRow, fences, spread_figure

PAIRS = [("Digits", "Photos"), ("Digits", "Sky"), ("Photos", "Sky"), ("Sky", "<b>Sand</b>")]


def row(title: str = "SSL", r: tuple[float, ...] = (0.2, 0.4, np.nan, 0.9), **changes: object) -> SpreadRow:
    values = np.array(r)
    known = values[np.isfinite(values)]
    q1, median, q3 = np.quantile(known, [0.25, 0.5, 0.75]) if len(known) else (np.nan,) * 3
    given: dict[str, object] = {"low": median - 0.1, "high": median + 0.1, "note": "28 pairs of 8 models"}
    return SpreadRow(title, values, median, q1, q3, **(given | changes))  # type: ignore[arg-type]


def parts(figure: object, name: str) -> list[object]:
    return [trace for trace in figure.data if (trace.meta or {}).get("part") == name]  # type: ignore[attr-defined]


def test_every_defined_r_is_a_dot_that_knows_its_pair_of_datasets() -> None:
    figure = spread_figure(SpreadData([row(), row("Sup")], PAIRS, "Pearson r"))
    dots = parts(figure, "dots")
    assert [list(trace.customdata) for trace in dots] == [[0, 1, 3], [0, 1, 3]]  # type: ignore[attr-defined]
    np.testing.assert_allclose(dots[0].x, [0.2, 0.4, 0.9], rtol=1e-6)  # type: ignore[attr-defined]
    assert all(np.abs(np.asarray(t.y) - place).max() < 0.5 for place, t in enumerate(dots))  # type: ignore[attr-defined]
    assert all(trace.text is None for trace in dots), "names are put in by the browser"  # type: ignore[attr-defined]
    assert figure.layout.meta["dataset_pairs"][3] == ["Sky", "&lt;b&gt;Sand&lt;/b&gt;"]


def test_a_set_pair_without_r_keeps_its_row_and_is_not_drawn_as_zero() -> None:
    empty = row("XLarge", (np.nan,) * 4)
    figure = spread_figure(SpreadData([row(), empty], PAIRS, "Pearson r"))
    assert figure.layout.meta["rows"] == 2 and list(figure.layout.yaxis.ticktext) == ["SSL", "XLarge"]
    assert len(parts(figure, "dots")) == len(parts(figure, "median")) == 1
    drawn = json.dumps(figure.to_plotly_json(), default=lambda a: np.asarray(a).tolist())
    assert "NaN" not in drawn


def test_the_interval_of_the_median_is_drawn_below_the_dots_and_said_on_hover() -> None:
    figure = spread_figure(SpreadData([row()], PAIRS, "Pearson r"))
    (interval,) = parts(figure, "interval")
    assert list(interval.x) == pytest.approx([0.3, 0.5])  # type: ignore[attr-defined]
    assert min(interval.y) > max(np.max(trace.y) for trace in parts(figure, "dots"))  # type: ignore[attr-defined]
    assert "0.40 (95 % interval 0.30 to 0.50)" in interval.hovertemplate  # type: ignore[attr-defined]
    without = spread_figure(SpreadData([row(low=np.nan, high=np.nan)], PAIRS, "Pearson r"))
    assert not parts(without, "interval") and len(parts(without, "median")) == 1


def test_the_baseline_is_a_line_at_its_median_and_a_band_over_its_middle_half() -> None:
    baseline = row("All models", (0.0, 0.2, 0.4, 0.6))
    figure = spread_figure(SpreadData([row()], PAIRS, "Pearson r", baseline=baseline))
    band, line = figure.layout.shapes
    assert (band.x0, band.x1) == (pytest.approx(0.15), pytest.approx(0.45))
    assert line.x0 == line.x1 == pytest.approx(0.3) and line.line.dash == "dot"
    assert not spread_figure(SpreadData([row()], PAIRS, "r")).layout.shapes


def test_marks_show_one_value_within_a_set_and_two_between_sets() -> None:
    rows = [row(marks=(("#000001", "circle"),)), row(marks=(("#000001", "circle"), ("#000002", "square")))]
    (marks,) = parts(spread_figure(SpreadData(rows, PAIRS, "r")), "marks")
    assert list(marks.y) == [0, 1, 1]  # type: ignore[attr-defined]
    assert list(marks.marker.symbol) == ["circle", "circle", "square"]  # type: ignore[attr-defined]


def test_whiskers_leave_out_what_is_far() -> None:
    assert fences(np.array([-5.0, 0.1, 0.2, 0.3, 0.4, np.nan]), 0.1, 0.3) == (0.1, 0.4)
    assert fences(np.array([np.nan]), 0.1, 0.3) == (0.1, 0.3)


def test_the_axis_holds_negative_r_and_interval() -> None:
    figure = spread_figure(SpreadData([row(r=(-0.33, 0.2, 0.3, 0.4), low=-0.47)], PAIRS, "r"))
    assert figure.layout.xaxis.range[0] <= -0.47 and figure.layout.xaxis.range[1] >= 1


def difference(value: float = 0.1, low: float = -0.2, high: float = 0.3) -> DifferenceData:
    return DifferenceData(SpreadData([row(), row("Sup")], PAIRS, "Pearson r"), value, low, high, "SSL minus Sup")


def test_the_difference_has_an_axis_of_its_own_around_the_tie() -> None:
    figure = difference_figure(difference())
    low, high = figure.layout.xaxis3.range
    assert low == -high and high >= 0.3
    (zero,) = [shape for shape in figure.layout.shapes if shape.name == "zero"]
    assert zero.x0 == zero.x1 == 0 and zero.xref == "x3"
    (interval,) = parts(figure, "difference-interval")
    assert list(interval.x) == [-0.2, 0.3]  # type: ignore[attr-defined]
    assert "0.10 (95 % interval −0.20 to 0.30)" in interval.hovertemplate  # type: ignore[attr-defined]
    assert figure.layout.yaxis.domain[0] > figure.layout.yaxis3.domain[1], "the two axes do not meet"


def test_an_undefined_difference_is_not_drawn() -> None:
    figure = difference_figure(difference(np.nan, np.nan, np.nan))
    assert not parts(figure, "difference") and not parts(figure, "difference-interval")


def test_rows_of_values_keep_places_without_a_value() -> None:
    rows = [ValueRow("a", 0.5, 0.4, 0.6, key=0), ValueRow("b", np.nan, key=1), ValueRow("c", 0.7, key=2)]
    figure = value_rows(ValueRows(rows, "r"))
    (values,) = parts(figure, "values")
    assert list(values.y) == [0, 2] and list(values.customdata) == [0, 2]  # type: ignore[attr-defined]
    assert len(parts(figure, "interval")) == 1, "a value without an interval has none drawn"
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1], "the first row at the top"


def test_bars_start_at_the_reference() -> None:
    figure = value_rows(ValueRows([ValueRow("a", 0.5), ValueRow("b", 0.2)], "r", 0.4, bars=True))
    assert [list(trace.x) for trace in parts(figure, "bar")] == [[0.4, 0.5], [0.4, 0.2]]  # type: ignore[attr-defined]
    assert figure.layout.shapes[0].x0 == 0.4


def test_an_interval_in_words() -> None:
    assert interval_words(0.5, 0.4, 0.6) == "0.50 (95 % interval 0.40 to 0.60)"
    assert interval_words(0.5, np.nan, np.nan) == "0.50"


def scatter_data(n_models: int = 6, **changes: object) -> ScatterData:
    i, j = np.triu_indices(n_models, 1)
    x = np.linspace(0.1, 0.9, len(i))
    given: dict[str, object] = {
        "models": [f"m{k}" for k in range(n_models)], "i": i, "j": j, "x": x, "y": 1 - x, "group": (i == 0).astype(int),
        "groups": [
            Group("SSL", "#E69F00", "diamond", "", 0.5, 0.1), Group("SSL x Sup", "#E69F00", "circle", "#009E73"),
        ],
        "slope": -1.0, "intercept": 1.0, "value_words": "CKA",
        "first_title": "Digits", "second_title": "<i>Photos</i>",
    }
    return ScatterData(**(given | changes))  # type: ignore[arg-type]


def test_scatter_has_every_pair_once_and_no_text() -> None:
    figure = pair_scatter(scatter_data())
    points = [trace for trace in figure.data if (trace.meta or {}).get("pairs")]
    rows = sorted(tuple(one) for trace in points for one in np.asarray(trace.customdata))
    i, j = np.triu_indices(6, 1)
    assert rows == [(a, b, k) for k, (a, b) in enumerate(zip(i, j, strict=True))]
    assert all(trace.text is None and trace.hoverinfo == "none" for trace in points)
    x, y = figure.layout.xaxis, figure.layout.yaxis
    assert list(x.range) == list(y.range) and y.scaleanchor == "x"
    assert "<i>" not in figure.to_json().replace("\\u003c", "<")


def test_scatter_draws_the_line_of_every_set_pair_that_has_one_and_that_of_all() -> None:
    lines = [trace for trace in pair_scatter(scatter_data()).data if (trace.meta or {}).get("line")]
    assert len(lines) == 2, "one group has no line"
    own, every = lines
    assert list(own.y) == pytest.approx([0.5 * x + 0.1 for x in own.x])
    assert list(every.x) == pytest.approx([0.1, 0.9]) and list(every.y) == pytest.approx([0.9, 0.1])
    framed = pair_scatter(scatter_data()).data[1].marker
    assert framed.line.color == "#009E73" and framed.color == "#E69F00"


def test_of_very_many_pairs_a_fixed_random_part_is_drawn() -> None:
    data = scatter_data(240, groups=[Group("All", "#0072B2", "circle")], group=np.zeros(240 * 239 // 2, dtype=int))
    drawn = data.drawn
    assert len(drawn) == MOST_DRAWN == len(set(drawn.tolist()))
    np.testing.assert_array_equal(drawn, data.drawn)
    assert len(pair_scatter(data).data[0].x) == MOST_DRAWN


def test_the_map_says_the_interval_of_each_cell() -> None:
    r = np.array([[1.0, 0.5], [0.5, 1.0]])
    shared = {"names": ["a", "b"], "titles": ["A", "B"], "domains": ["structured"] * 2, "r": r, "method": "pearson",
              "n_pairs": np.full((2, 2), 10), "n_models": np.full((2, 2), 5)}
    plain = consistency_map(MapData(**shared)).data[0]  # type: ignore[arg-type]
    assert "interval" not in plain.hovertemplate
    cells = consistency_map(MapData(**shared, low=r - 0.2, high=r + 0.2, small=True)).data[0]  # type: ignore[arg-type]
    assert "95 % interval" in cells.hovertemplate and "few models" in cells.hovertemplate
    np.testing.assert_allclose(np.asarray(cells.customdata)[0, 1], [5, 10, 0.3, 0.7], rtol=1e-6)


def test_twins_keep_pairs_that_both_metrics_have() -> None:
    data = TwinsData(np.array([0.1, np.nan, 0.5]), np.array([0.2, 0.3, np.nan]), PAIRS[:3], "r by A", "r by B")
    figure = metric_twins(data)
    assert list(figure.data[0].customdata) == [0] and len(figure.data[0].x) == 1
    assert figure.layout.meta["dataset_pairs"][0] == ["Digits", "Photos"]
