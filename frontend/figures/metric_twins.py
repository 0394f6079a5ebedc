"""Consistency by one metric against consistency by another: one point per pair of datasets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from frontend.figures.numbers import plain
from frontend.theme import OKABE_ITO


@dataclass(frozen=True)
class TwinsData:
    """`x`, `y` (K,) the two r of each pair of datasets, NaN where not defined; `pairs` K titles of two datasets."""

    x: np.ndarray
    y: np.ndarray
    pairs: Sequence[tuple[str, str]]
    x_words: str
    y_words: str


def metric_twins(data: TwinsData) -> go.Figure:
    """Figure of the pairs that have both; square, with the line on which both agree."""
    here = np.flatnonzero(np.isfinite(data.x) & np.isfinite(data.y))
    x, y = data.x[here].astype(np.float32), data.y[here].astype(np.float32)
    low = float(min(x.min(), y.min(), 0.0)) if len(here) else 0.0
    low, high = low - 0.03, 1.03
    axis = {"range": [low, high], "constrain": "domain", "showgrid": True, "nticks": 6, "zeroline": low < -0.05}
    points = go.Scatter(
        x=x, y=y, mode="markers", customdata=here.astype(np.int32), showlegend=False,
        marker={"size": 8, "color": OKABE_ITO["blue"], "opacity": 0.7}, meta={"part": "pairs"},
        hovertemplate=f"%{{text}}<br>{plain(data.x_words)}: %{{x:.2f}}<br>{plain(data.y_words)}: %{{y:.2f}}"
        "<extra></extra>",
    )
    return go.Figure(
        [points],
        layout={
            "template": go.layout.Template(), "showlegend": False,
            "meta": {"dataset_pairs": [[plain(a), plain(b)] for a, b in data.pairs]},
            "xaxis": axis | {"title": {"text": plain(data.x_words)}},
            "yaxis": axis | {"title": {"text": plain(data.y_words)}, "scaleanchor": "x"},
            "shapes": [
                {
                    "type": "line", "x0": low, "y0": low, "x1": high, "y1": high, "layer": "below",
                    "line": {"width": 1, "dash": "dash"},
                }
            ],
        },
    )
