"""Two model sets compared: their distributions of r above, and the difference of their medians below."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from frontend.figures.numbers import plain
from frontend.figures.rows import interval_words
from frontend.figures.spreads import SpreadData, spread_figure
from frontend.theme import OKABE_ITO

# Share of the height that the difference has, with its own axis.
BELOW = 0.22
# Share between both, for the title of the upper axis.
BETWEEN = 0.26


@dataclass(frozen=True)
class DifferenceData:
    """`spreads` has the two sets as its two rows. `difference` and its interval are NaN where not defined; it is that
    of the first median minus the second, `words` says so."""

    spreads: SpreadData
    difference: float
    low: float
    high: float
    words: str


def difference_figure(data: DifferenceData) -> go.Figure:
    """Figure of the comparison. The zero of the lower axis is where the two sets tie."""
    figure = spread_figure(data.spreads)
    figure.layout.yaxis.domain = [BELOW + BETWEEN, 1.0]
    figure.layout.xaxis.anchor = "y"
    inside = list(figure.layout.xaxis.domain)
    figure.layout.meta = figure.layout.meta | {"rows": 4.3, "difference": True}
    figure.layout.xaxis3 = {
        "anchor": "y3", "domain": inside, "title": {"text": plain(data.words)}, "showgrid": True, "fixedrange": True,
        "range": _range(data), "zeroline": False,
    }
    figure.layout.yaxis3 = {
        "anchor": "x3", "domain": [0.0, BELOW], "range": [-0.8, 0.8], "fixedrange": True, "zeroline": False,
        "tickmode": "array", "tickvals": [0], "ticktext": ["Difference"],
    }
    figure.add_shape(
        type="line", xref="x3", yref="y3", x0=0, x1=0, y0=-0.8, y1=0.8, layer="below", line={"width": 1.5}, name="zero",
    )
    if not np.isfinite(data.difference):
        return figure
    said = f"{plain(data.words)}: {interval_words(data.difference, data.low, data.high)}<extra></extra>"
    shared = {"xaxis": "x3", "yaxis": "y3", "hovertemplate": said}
    if np.isfinite(data.low):
        figure.add_trace(
            go.Scatter(
                x=[data.low, data.high], y=[0, 0], mode="lines", line={"color": OKABE_ITO["vermilion"], "width": 5},
                meta={"part": "difference-interval"}, **shared,
            )
        )
    figure.add_trace(
        go.Scatter(
            x=[data.difference], y=[0], mode="markers", meta={"part": "difference"},
            marker={"symbol": "diamond", "size": 13, "color": OKABE_ITO["vermilion"],
                    "line": {"width": 1.5, "color": "#ffffff"}},
            **shared,
        )
    )
    return figure


def _range(data: DifferenceData) -> list[float]:
    """As far on one side of zero as on the other, so that the side of the difference is seen."""
    every = np.array([data.difference, data.low, data.high])
    every = np.abs(every[np.isfinite(every)])
    reach = max(0.1, 1.15 * float(every.max())) if len(every) else 0.5
    return [-reach, reach]
