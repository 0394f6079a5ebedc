"""Similarity of two models against the gap between their accuracies: one point per pair of models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from frontend.figures.numbers import plain

ACCURACY_SCALE = "cividis"
MOST_SVG_POINTS = 4000


@dataclass(frozen=True)
class GapData:
    """Columns over pairs: positions `i`, `j` in `models`, `similarity`, `gap`; `accuracy` of every model, NaN without a
    probe; `value_words` what is on the first axis."""

    models: Sequence[str]
    i: np.ndarray
    j: np.ndarray
    similarity: np.ndarray
    gap: np.ndarray
    accuracy: np.ndarray
    value_words: str


def gap_scatter(data: GapData) -> go.Figure:
    """Figure of the pairs, coloured by the better accuracy of the two: a small gap of two poor models says less than
    one of two good ones. Points carry the positions of their models; the browser puts names and accuracies to them."""
    better = np.maximum(data.accuracy[data.i], data.accuracy[data.j]).astype(np.float32)
    kind = go.Scattergl if len(data.i) > MOST_SVG_POINTS else go.Scatter
    points = kind(
        x=data.similarity.astype(np.float32), y=data.gap.astype(np.float32), mode="markers", showlegend=False,
        customdata=np.stack([data.i, data.j], axis=-1).astype(np.int32), meta={"pairs": True},
        marker={
            "size": 8, "opacity": 0.85, "color": better, "coloraxis": "coloraxis",
            "line": {"width": 0.5, "color": "#868e96"},
        },
        hovertemplate=f"%{{text}}<br>{plain(data.value_words)}: %{{x:.3f}}<br>gap: %{{y:.3f}}<extra></extra>",
    )
    tallest = float(data.gap.max()) if len(data.gap) else 1.0
    return go.Figure(
        [points],
        layout={
            "template": go.layout.Template(), "showlegend": False, "hovermode": "closest",
            "meta": {"models": list(data.models), "accuracy": [round(float(a), 3) for a in data.accuracy]},
            "coloraxis": {
                "colorscale": ACCURACY_SCALE, "colorbar": {"title": {"text": "Better accuracy of the two"}},
            },
            "xaxis": {"title": {"text": plain(data.value_words)}, "showgrid": True, "zeroline": False},
            "yaxis": {
                "title": {"text": "Gap in accuracy"}, "showgrid": True, "zeroline": False,
                "range": [-0.04 * tallest, 1.06 * tallest] if tallest > 0 else [0, 1],
            },
        },
    )
