"""The model x model heatmap with its attribute side bars, as one figure.

Bars are cells of the same axes, left of the first model, so that they stay aligned through zoom and export. Hover
text is a template per trace, put together in the browser; no cell carries a string. Models keep the order they are
given in; the browser permutes rows and columns for another order (`parallax.js`), which `meta` tells it how to do.
"""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from frontend.figures.heatmap_data import NOT_COMPUTED, Bar, HeatmapData
from frontend.figures.numbers import plain

BAR_CELLS = 0.034  # width of a bar as a share of the number of models


def similarity_heatmap(data: HeatmapData) -> go.Figure:
    """Figure of the matrix: square cells, first model at the top left."""
    names = list(data.models)
    size = len(names)
    values = np.asarray(data.values, dtype=np.float32)
    bar = BAR_CELLS * max(size, 1)
    bars = data.bars
    left = -0.5 - 0.4 * bar - bar * len(bars)
    traces = [_matrix(names, values, data), *_gaps(names, data)]
    for place, one in enumerate(bars):
        traces += _bar(names, one, x0=left + (place + 0.5) * bar, width=bar)
    return go.Figure(
        traces,
        layout={
            "template": go.layout.Template(),
            "uirevision": "same",
            "coloraxis": {
                "cmin": data.low, "cmax": data.high, "colorscale": data.scale,
                "colorbar": {"title": {"text": plain(data.value_words)}},
            },
            "xaxis": {
                "type": "category", "range": [left, size - 0.5], "constrain": "domain", "tickangle": -90,
                "categoryorder": "array", "categoryarray": names, "tickmode": "array", "tickvals": names,
                "side": "bottom",
            },
            "yaxis": {
                "type": "category", "range": [size - 0.5, -0.5], "scaleanchor": "x", "constrain": "domain",
                "categoryorder": "array", "categoryarray": names, "tickmode": "array", "tickvals": names,
            },
        },
    )


def _matrix(names: list[str], values: np.ndarray, data: HeatmapData) -> go.Heatmap:
    subject = f"<br>{plain(data.subject)}" if data.subject else ""
    words = plain(data.value_words)
    return go.Heatmap(
        z=values, x=names, y=names, coloraxis="coloraxis", hoverongaps=False, xgap=0, ygap=0,
        meta={"permute": "both"},
        hovertemplate=f"<b>%{{y}}</b><br><b>%{{x}}</b><br>{words}: %{{z:.3f}}{subject}<extra></extra>",
    )


def _gaps(names: list[str], data: HeatmapData) -> list[go.Heatmap]:
    """Cells that were not computed, one trace per reason: drawn, named, never zero."""
    missing = data.absent
    if not missing.any():
        return []
    reason_of = np.array([data.reasons.get(name, "") for name in names], dtype=object)
    # A cell is missing for the reason of its row or, if that has none, of its column.
    per_cell = np.where(reason_of[:, None] != "", reason_of[:, None], reason_of[None, :])
    return [
        go.Heatmap(
            z=np.where(missing & (per_cell == reason), np.float32(1), np.float32(np.nan)), x=names, y=names,
            colorscale=[[0, NOT_COMPUTED], [1, NOT_COMPUTED]], showscale=False, hoverongaps=False,
            meta={"permute": "both", "reason": reason},
            hovertemplate=f"<b>%{{y}}</b><br><b>%{{x}}</b><br>{data.absent_words}"
            + (f"<br>{wrapped(reason)}" if reason else "") + "<extra></extra>",
        )
        for reason in sorted(set(per_cell[missing]))
    ]


def _bar(names: list[str], bar: Bar, x0: float, width: float) -> list[go.Heatmap]:
    """One attribute's column: a trace per value, so that hover names the value without a string per cell."""
    of = np.array(bar.slugs, dtype=object)
    return [
        go.Heatmap(
            z=np.where(of == value.slug, np.float32(1), np.float32(np.nan))[:, None], x0=x0, dx=width, y=names,
            colorscale=[[0, value.colour], [1, value.colour]],
            showscale=False, hoverongaps=False,
            meta={"permute": "rows", "attribute": bar.attribute, "value": value.slug},
            hovertemplate=f"<b>%{{y}}</b><br>{plain(bar.title)}: {plain(value.words)}<extra></extra>",
        )
        for value in bar.values
    ]


def wrapped(text: str, width: int = 48) -> str:
    """Words broken into lines for a hover label, with the characters that plotly would read as markup escaped."""
    lines: list[str] = [""]
    for word in plain(text).split():
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "<br>".join(lines)
