"""Models in the plane, coloured and shaped by an attribute. The browser adds labels, words and what is selected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from frontend.figures.numbers import plain
from frontend.theme import colour_of, symbol_of, vocabulary

EDGE = 0.08  # free paper around the outermost models, as a share of the map's width


@dataclass(frozen=True)
class MapData:
    """Places `x`, `y` (M,) of `models`, and attribute -> their slugs."""

    models: Sequence[str]
    x: np.ndarray
    y: np.ndarray
    attributes: Mapping[str, Sequence[str]]


def model_map(data: MapData, by: str, measured: bool = True) -> go.Figure:
    """Figure of the map, one trace for each value of the attribute `by` that occurs, in the vocabulary's order.

    A point carries the position of its model as `customdata`. `measured` says that distances mean something, so that
    the browser writes numbers at the axes; their origin and direction never do.
    """
    slugs = np.array(data.attributes[by], dtype=object)
    x, y = np.asarray(data.x, dtype=np.float32), np.asarray(data.y, dtype=np.float32)
    words = vocabulary(by)
    traces = []
    for slug in [*words, *sorted(set(slugs) - set(words))]:
        here = np.flatnonzero(slugs == slug)
        if not len(here):
            continue
        traces.append(
            go.Scatter(
                x=x[here], y=y[here], mode="markers", name=f"{plain(words.get(slug, slug))} ({len(here):,})",
                customdata=here.astype(np.int32), meta={"models": True},
                marker={"color": colour_of(by, slug), "symbol": symbol_of(by, slug), "size": 13,
                        "line": {"color": "rgba(0,0,0,0.5)", "width": 1}},
            )
        )
    axis = {"showgrid": True, "zeroline": False, "nticks": 7}
    across, up = ranges(x, y)
    return go.Figure(
        traces,
        layout={
            "template": go.layout.Template(), "xaxis": axis | {"range": across},
            "yaxis": axis | {"range": up, "scaleanchor": "x", "scaleratio": 1}, "showlegend": True,
            "meta": {"measured": measured},
            "legend": {"yanchor": "bottom", "y": 1.01, "xanchor": "left", "x": 0, "traceorder": "normal"},
        },
    )


def ranges(x: np.ndarray, y: np.ndarray) -> tuple[list[float], list[float]]:
    """Ranges of both axes: of one length, so that the plot is square, with the models in the middle."""
    length = max(float(np.ptp(x)), float(np.ptp(y)), 1e-6) * (1 + 2 * EDGE)
    middles = [float(values.min() + values.max()) / 2 for values in (x, y)]
    across, up = ([middle - length / 2, middle + length / 2] for middle in middles)
    return across, up


def nearest_alike(data: MapData, by: str) -> tuple[int, float]:
    """How many models lie nearest to a model of their own value, and how many would by chance.

    By chance: had the values been dealt at random among the places, the mean of that number.
    """
    points = np.stack([data.x, data.y], axis=1).astype(np.float64)
    squares = ((points[:, None] - points[None]) ** 2).sum(axis=-1)
    np.fill_diagonal(squares, np.inf)
    nearest = squares.argmin(axis=1)
    slugs = np.array(data.attributes[by], dtype=object)
    counts = np.unique(slugs.astype(str), return_counts=True)[1]
    chance = float((counts * (counts - 1)).sum() / (len(slugs) - 1))
    return int((slugs == slugs[nearest]).sum()), chance
