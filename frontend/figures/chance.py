"""What chance would give beside what was found: how the values of all pairs spread, and where their nulls lie.

Every pair has a null of its own, so the null is drawn as its median over pairs and its whole range.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from frontend.figures.numbers import plain
from frontend.theme import OKABE_ITO

BINS = 36
BEYOND, WITHIN, UNKNOWN = "beyond chance (q ≤ 0.05)", "not told from chance", "not calibrated yet"
_FILLS = {BEYOND: (OKABE_ITO["blue"], ""), WITHIN: (OKABE_ITO["orange"], "/"), UNKNOWN: (OKABE_ITO["grey"], "x")}
NULL_ROW, TAU_ROW = "chance, mean ± sd", "τ"
_ROWS = {
    "domain": [0.0, 0.34], "type": "category", "categoryarray": [TAU_ROW, NULL_ROW], "categoryorder": "array",
    "range": [-0.6, 1.6], "fixedrange": True,
}


@dataclass(frozen=True)
class ChanceData:
    """Numbers of P pairs of different models, in the units of `words`: `values` (P,) finite; `null_mean`, `null_sd`,
    `tau`, `q` (P,), NaN where a pair is not calibrated."""

    values: np.ndarray
    null_mean: np.ndarray
    null_sd: np.ndarray
    tau: np.ndarray
    q: np.ndarray
    words: str


def chance_figure(data: ChanceData) -> go.Figure:
    """Histogram of the values, split by whether they are told from chance, above the null and tau on the same axis."""
    known = np.isfinite(data.q)
    parts = {BEYOND: known & (data.q <= 0.05), WITHIN: known & (data.q > 0.05), UNKNOWN: ~known}
    edges = _edges(data)
    words = plain(data.words)
    traces: list[go.Bar | go.Scatter] = []
    for name, here in parts.items():
        if not here.any():
            continue
        counts, _ = np.histogram(data.values[here], edges)
        colour, pattern = _FILLS[name]
        traces.append(
            go.Bar(
                x=((edges[1:] + edges[:-1]) / 2).astype(np.float32), y=counts.astype(np.int32),
                width=edges[1] - edges[0], name=f"{name}: {int(here.sum()):,}", meta={"part": name},
                marker={
                    "color": colour, "line": {"width": 0}, "pattern": {"shape": pattern, "size": 6, "solidity": 0.4},
                },
                hovertemplate=f"%{{y}} pairs at %{{x:.3f}}<br>{name}<extra></extra>",
            )
        )
    with_null = bool(np.isfinite(data.tau).any())
    if with_null:
        traces += _null(data)
    return go.Figure(
        traces,
        layout={
            "template": go.layout.Template(), "barmode": "stack", "bargap": 0,
            "xaxis": {
                "title": {"text": words}, "anchor": "y2" if with_null else "y", "zeroline": False,
                "range": _range(data),
            },
            "yaxis": {
                "domain": [0.4 if with_null else 0.0, 1.0], "title": {"text": "pairs"}, "rangemode": "tozero",
                "nticks": 4,
            },
            **({"yaxis2": _ROWS} if with_null else {}),
            "legend": {
                "orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom", "traceorder": "normal",
            },
            "shapes": _tau_line(data),
        },
    )


def _edges(data: ChanceData) -> np.ndarray:
    """Edges of the bins, over the values alone."""
    low, high = (float(data.values.min()), float(data.values.max())) if len(data.values) else (0.0, 1.0)
    return np.linspace(low, high, BINS + 1) if high > low else np.linspace(low - 0.05, low + 0.05, BINS + 1)


def _range(data: ChanceData) -> list[float]:
    """Ends of the axis: values, nulls and tau, with a little room."""
    every = np.concatenate([data.values, data.null_mean - data.null_sd, data.null_mean + data.null_sd, data.tau])
    every = every[np.isfinite(every)]
    low, high = (float(every.min()), float(every.max())) if len(every) else (0.0, 1.0)
    room = 0.03 * (high - low) or 0.05
    return [low - room, high + room]


def _null(data: ChanceData) -> list[go.Scatter]:
    """Two rows: the null's mean with its standard deviation, and tau; median thick, whole range thin."""
    here = np.isfinite(data.tau)
    mean, sd, tau = data.null_mean[here], data.null_sd[here], data.tau[here]
    middle, half = float(np.median(mean)), float(np.median(sd))
    rows = (
        (NULL_ROW, (float((mean - sd).min()), float((mean + sd).max())), (middle - half, middle + half), middle,
         f"by chance, median over pairs: {middle:.3f} ± {half:.3f}; means from {mean.min():.3f} to {mean.max():.3f}"),
        (TAU_ROW, (float(tau.min()), float(tau.max())), None, float(np.median(tau)),
         f"median τ {np.median(tau):.3f}; over the pairs it runs from {tau.min():.3f} to {tau.max():.3f}"),
    )
    traces = []
    for row, whole, band, centre, words in rows:
        shared = {"y": [row, row], "yaxis": "y2", "showlegend": False, "hovertemplate": f"{words}<extra></extra>"}
        line = {"color": OKABE_ITO["vermilion"], "width": 2}
        traces.append(go.Scatter(x=whole, mode="lines", line=line, meta={"part": "range"}, **shared))
        if band:
            wide = line | {"width": 11}
            traces.append(go.Scatter(x=band, mode="lines", line=wide, opacity=0.45, meta={"part": "band"}, **shared))
        traces.append(
            go.Scatter(
                x=[centre], y=[row], yaxis="y2", showlegend=False, mode="markers", meta={"part": "median"},
                marker={"symbol": "diamond", "size": 11, "color": OKABE_ITO["vermilion"],
                        "line": {"width": 1.5, "color": "#ffffff"}},
                hovertemplate=f"{words}<extra></extra>",
            )
        )
    return traces


def _tau_line(data: ChanceData) -> list[dict[str, object]]:
    """The median tau through both parts."""
    if not np.isfinite(data.tau).any():
        return []
    at = float(np.nanmedian(data.tau))
    return [{
        "type": "line", "xref": "x", "yref": "paper", "x0": at, "x1": at, "y0": 0, "y1": 1,
        "line": {"color": OKABE_ITO["vermilion"], "width": 1.5, "dash": "dot"},
    }]
