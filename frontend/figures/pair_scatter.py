"""Similarities on one dataset against those on another: one point per pair of models, one line per set pair.

Points carry integers alone: the positions of their two models and their place in the table of pairs. The browser
writes the words of a point when it is pointed at (`layout.meta.models`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from frontend.figures.numbers import plain

MOST_SVG_POINTS = 4000
# Beyond this many, points are drawn for a random part of the pairs, and the caption says so.
MOST_DRAWN = 20_000
SEED = 0


@dataclass(frozen=True)
class Group:
    """A set pair: its name, the look of its points, and its least squares line (NaN: none). Pairs between two sets are
    filled with the colour of one and framed in that of the other (`edge`)."""

    title: str
    colour: str
    symbol: str
    edge: str = ""
    slope: float = float("nan")
    intercept: float = float("nan")


@dataclass(frozen=True)
class ScatterData:
    """P pairs of models: positions `i`, `j` (P,) in `models`, values `x`, `y` (P,), `group` (P,) position in `groups`.
    `slope` and `intercept` of the line through all of them are NaN where there is none."""

    models: Sequence[str]
    i: np.ndarray
    j: np.ndarray
    x: np.ndarray
    y: np.ndarray
    group: np.ndarray
    groups: Sequence[Group]
    slope: float
    intercept: float
    first_title: str
    second_title: str
    value_words: str

    @property
    def drawn(self) -> np.ndarray:
        """Positions of the pairs that are drawn: all, or a random part of very many, the same every time."""
        if len(self.x) <= MOST_DRAWN:
            return np.arange(len(self.x))
        return np.sort(np.random.default_rng(SEED).choice(len(self.x), MOST_DRAWN, replace=False))


def pair_scatter(data: ScatterData) -> go.Figure:
    """Figure of the pairs that both datasets have."""
    drawn = data.drawn
    x, y = np.asarray(data.x, dtype=np.float32), np.asarray(data.y, dtype=np.float32)
    low, high = _range(x, y)
    kind = go.Scattergl if len(drawn) > MOST_SVG_POINTS else go.Scatter
    traces: list[go.Scatter | go.Scattergl] = []
    for place, group in enumerate(data.groups):
        here = drawn[data.group[drawn] == place]
        if not len(here):
            continue
        traces.append(
            kind(
                x=x[here], y=y[here], mode="markers", name=plain(group.title), meta={"pairs": True, "group": place},
                marker={"size": 7 if group.edge else 8, "color": group.colour, "symbol": group.symbol,
                        "opacity": 0.6 if group.edge else 0.85,
                        "line": {"width": 1.5 if group.edge else 0, "color": group.edge or group.colour}},
                customdata=np.stack([data.i[here], data.j[here], here], axis=-1).astype(np.int32), hoverinfo="none",
                selected={"marker": {"opacity": 1}}, unselected={"marker": {"opacity": 0.15}},
            )
        )
    for place, group in enumerate(data.groups):
        of = x[data.group == place]
        if np.isfinite(group.slope) and len(of):
            dash = "dot" if group.edge else "solid"
            traces.append(_line(of, group.slope, group.intercept, {"color": group.colour, "width": 2.5, "dash": dash}))
    if np.isfinite(data.slope) and len(x):
        # Grey: the one colour that stands out on light and on dark paper and means no set.
        traces.append(_line(x, data.slope, data.intercept, {"color": "#868e96", "width": 4}))
    first, second, measured = plain(data.first_title), plain(data.second_title), plain(data.value_words)
    axis = {"range": [low, high], "constrain": "domain", "showgrid": True, "nticks": 6}
    return go.Figure(
        traces,
        layout={
            "template": go.layout.Template(), "showlegend": False,
            "meta": {"models": list(data.models), "first": first, "second": second},
            "xaxis": axis | {"title": {"text": f"{measured} on {first}"}},
            "yaxis": axis | {"title": {"text": f"{measured} on {second}"}, "scaleanchor": "x"},
            "shapes": [
                {
                    "type": "line", "x0": low, "y0": low, "x1": high, "y1": high, "layer": "below",
                    "line": {"width": 1, "dash": "dash"},
                }
            ],
        },
    )


def _line(x: np.ndarray, slope: float, intercept: float, line: dict[str, object]) -> go.Scatter:
    """A least squares line over the range of its points."""
    ends = [float(x.min()), float(x.max())]
    return go.Scatter(
        x=ends, y=[intercept + slope * end for end in ends], mode="lines", hoverinfo="skip", line=line,
        meta={"line": True},
    )


def _range(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """One range for both axes, a little wider than the values."""
    if not len(x):
        return 0.0, 1.0
    low, high = float(min(x.min(), y.min())), float(max(x.max(), y.max()))
    edge = max(0.04 * (high - low), 0.005)
    return low - edge, high + edge
