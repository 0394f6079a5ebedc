"""Similarities on one dataset against those on another: one point per pair of models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from frontend.figures.numbers import plain
from frontend.theme import OKABE_ITO, colour_of, symbol_of, vocabulary

MOST_SVG_POINTS = 4000
PLURALS = {
    "objective": "objectives", "architecture": "architectures", "training_data": "training data", "size": "sizes",
}


@dataclass(frozen=True)
class ScatterData:
    """`first`, `second` (M, M) in the order of `models`, NaN where not computed; `slugs` M values of `attribute`."""

    models: Sequence[str]
    first: np.ndarray
    second: np.ndarray
    first_title: str
    second_title: str
    value_words: str
    attribute: str
    slugs: Sequence[str]


def pair_scatter(data: ScatterData) -> go.Figure:
    """Figure of the pairs that both datasets have, coloured by whether both models share the attribute's value.

    Points carry the two positions of their models as integers; the browser makes the hover text from them and
    `layout.meta.models`.
    """
    rows, columns = np.triu_indices(len(data.models), 1)
    # Both directions of a directed measure enter as their mean, as they do in r.
    x = ((data.first + data.first.T) / 2)[rows, columns].astype(np.float32)
    y = ((data.second + data.second.T) / 2)[rows, columns].astype(np.float32)
    both = np.isfinite(x) & np.isfinite(y)
    rows, columns, x, y = rows[both], columns[both], x[both], y[both]
    of = np.array(data.slugs, dtype=object)
    same = of[rows] == of[columns] if len(rows) else np.zeros(0, dtype=bool)
    words = vocabulary(data.attribute)
    groups = [("across", f"Different {PLURALS[data.attribute]}", ~same)]
    groups += [(slug, f"Both {words.get(slug, slug)}", same & (of[rows] == slug)) for slug in words]
    low, high = _range(x, y)
    kind = go.Scattergl if len(x) > MOST_SVG_POINTS else go.Scatter
    first, second, measured = plain(data.first_title), plain(data.second_title), plain(data.value_words)
    hover = f"%{{text}}<br>{first}: %{{x:.3f}}<br>{second}: %{{y:.3f}}<extra></extra>"
    traces = [
        kind(
            x=x[here], y=y[here], mode="markers", name=f"{label} ({int(here.sum()):,})",
            marker={
                "size": 6 if slug == "across" else 8,
                "color": OKABE_ITO["grey"] if slug == "across" else colour_of(data.attribute, slug),
                "symbol": "circle-open" if slug == "across" else symbol_of(data.attribute, slug),
                "opacity": 0.7 if slug == "across" else 0.85,
            },
            # Positions of the two models; their names are looked up in the browser.
            customdata=np.stack([rows[here], columns[here]], axis=-1).astype(np.int32),
            meta={"pairs": True},
            hovertemplate=hover,
        )
        for slug, label, here in groups
        if here.any()
    ]
    axis = {"range": [low, high], "constrain": "domain", "showgrid": True, "nticks": 6}
    return go.Figure(
        traces,
        layout={
            "template": go.layout.Template(),
            "meta": {"models": list(data.models)},
            "xaxis": axis | {"title": {"text": f"{measured} on {first}"}},
            "yaxis": axis | {"title": {"text": f"{measured} on {second}"}, "scaleanchor": "x"},
            "shapes": [
                {
                    "type": "line", "x0": low, "y0": low, "x1": high, "y1": high, "layer": "below",
                    "line": {"width": 1, "dash": "dash"},
                }
            ],
            "legend": {"yanchor": "bottom", "y": 1.01, "xanchor": "left", "x": 0},
        },
    )


def _range(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """One range for both axes, a little wider than the values."""
    if not len(x):
        return 0.0, 1.0
    low, high = float(min(x.min(), y.min())), float(max(x.max(), y.max()))
    edge = max(0.04 * (high - low), 0.005)
    return low - edge, high + edge
