"""Distributions of r in rows: model-set pairs, anchors, two sets that are compared.

A row has its box (median and quartiles), a dot for every pair of datasets, and below them the interval of the median as
a thick line, so that it hides nothing. Behind all rows stands the baseline: its median as a dotted line, its middle
half as a band. Dots carry the position of their pair of datasets as an integer; the browser puts names to it
(`layout.meta.dataset_pairs`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import plotly.graph_objects as go

from frontend.figures.numbers import plain
from frontend.figures.rows import ROW_PX, interval_words, labels, row_axis
from frontend.theme import OKABE_ITO

GREY = "#868e96"
BOX = "rgba(134, 142, 150, 0.18)"
BAND = "rgba(134, 142, 150, 0.16)"
# Places within a row, which is 1 high: dots and box above, the median with its interval below.
ABOVE, BELOW = -0.12, 0.33
# Steps of the golden section spread dots evenly without chance.
GOLDEN = 0.6180339887


@dataclass(frozen=True)
class SpreadRow:
    """One row. `r` in the order of the pairs of datasets, NaN where not defined; `low`, `high` the interval of the
    median, NaN where there is none; `marks` colour and symbol of what the row is about, at most two; `note` the second
    line of the label."""

    title: str
    r: np.ndarray
    median: float
    q1: float
    q3: float
    low: float
    high: float
    note: str = ""
    marks: tuple[tuple[str, str], ...] = ()

    @property
    def defined(self) -> bool:
        return bool(np.isfinite(self.median))


@dataclass(frozen=True)
class SpreadData:
    """Rows from the top, the pairs of datasets by their titles, and the row that is the baseline."""

    rows: Sequence[SpreadRow]
    dataset_pairs: Sequence[tuple[str, str]]
    words: str
    baseline: SpreadRow | None = None
    meta: dict[str, Any] = field(default_factory=dict)


def spread_figure(data: SpreadData) -> go.Figure:
    """Figure of the rows, the first at the top; one row is `ROW_PX` high."""
    shown = [(place, row) for place, row in enumerate(data.rows) if row.defined]
    traces = [*_boxes(shown), *(_dots(place, row) for place, row in shown), *_medians(shown, data.words)]
    traces += _marks(data.rows)
    low, high = _range(data)
    return go.Figure(
        traces,
        layout={
            "template": go.layout.Template(), "showlegend": False, "hovermode": "closest",
            "meta": {
                "rows": len(data.rows), "row_px": ROW_PX, "labels": labels(data.rows),
                "dataset_pairs": [[plain(a), plain(b)] for a, b in data.dataset_pairs], **data.meta,
            },
            "xaxis": {
                "title": {"text": plain(data.words)}, "range": [low, high], "showgrid": True, "zeroline": low < 0,
                "domain": [0.035, 1.0] if any(row.marks for row in data.rows) else [0.0, 1.0], "fixedrange": True,
            },
            "xaxis2": {"domain": [0.0, 0.03], "range": [0, 1], "visible": False, "fixedrange": True},
            # The labels stand left of the marks, which stand left of the values.
            "yaxis": row_axis(data.rows) | {"anchor": "free", "position": 0.0},
            "shapes": _baseline(data.baseline),
        },
    )


def fences(r: np.ndarray, q1: float, q3: float) -> tuple[float, float]:
    """Ends of the whiskers: the outermost values within one and a half box lengths of the box."""
    reach = 1.5 * (q3 - q1)
    inside = r[np.isfinite(r) & (r >= q1 - reach) & (r <= q3 + reach)]
    return (float(inside.min()), float(inside.max())) if len(inside) else (q1, q3)


def _boxes(rows: list[tuple[int, SpreadRow]]) -> list[go.Box]:
    if not rows:
        return []
    ends = [fences(row.r, row.q1, row.q3) for _, row in rows]
    return [
        go.Box(
            orientation="h", y=[place + ABOVE for place, _ in rows], q1=[row.q1 for _, row in rows],
            median=[row.median for _, row in rows], q3=[row.q3 for _, row in rows],
            lowerfence=[low for low, _ in ends], upperfence=[high for _, high in ends], width=0.5,
            fillcolor=BOX, line={"color": GREY, "width": 1.3}, hoverinfo="skip", meta={"part": "box"},
        )
    ]


def _dots(place: int, row: SpreadRow) -> go.Scatter:
    here = np.flatnonzero(np.isfinite(row.r))
    jitter = ((here * GOLDEN) % 1 - 0.5) * 0.4 + ABOVE
    colour, symbol = row.marks[0] if len(row.marks) == 1 else (GREY, "circle")
    return go.Scatter(
        x=row.r[here].astype(np.float32), y=(place + jitter).astype(np.float32), mode="markers",
        customdata=here.astype(np.int32), meta={"part": "dots", "row": place},
        marker={"size": 5 if len(here) > 60 else 6.5, "color": colour, "symbol": symbol,
                "opacity": 0.5 if len(here) > 60 else 0.75},
        hovertemplate=f"%{{text}}<br>{plain(row.title)}: %{{x:.2f}}<extra></extra>",
    )


def _medians(rows: list[tuple[int, SpreadRow]], words: str) -> list[go.Scatter]:
    """The median of each row as a diamond, on the thick line of its interval."""
    traces = []
    for place, row in rows:
        said = f"<b>{plain(row.title)}</b><br>median {plain(words)} {interval_words(row.median, row.low, row.high)}"
        if np.isfinite(row.low):
            traces.append(
                go.Scatter(
                    x=[row.low, row.high], y=[place + BELOW] * 2, mode="lines", meta={"part": "interval", "row": place},
                    line={"color": OKABE_ITO["vermilion"], "width": 4}, hovertemplate=f"{said}<extra></extra>",
                )
            )
        traces.append(
            go.Scatter(
                x=[row.median], y=[place + BELOW], mode="markers", meta={"part": "median", "row": place},
                marker={"symbol": "diamond", "size": 10, "color": OKABE_ITO["vermilion"],
                        "line": {"width": 1.2, "color": "#ffffff"}},
                hovertemplate=f"{said}<extra></extra>",
            )
        )
    return traces


def _marks(rows: Sequence[SpreadRow]) -> list[go.Scatter]:
    """What each row is about, as colour and shape beside its label: one mark within a set, two between sets."""
    points = [
        ((slot + 0.5) / len(row.marks), place, colour, symbol)
        for place, row in enumerate(rows) for slot, (colour, symbol) in enumerate(row.marks)
    ]
    if not points:
        return []
    x, y, colours, symbols = zip(*points, strict=True)
    return [
        go.Scatter(
            x=list(x), y=list(y), xaxis="x2", mode="markers", hoverinfo="skip", cliponaxis=False,
            marker={"size": 9, "color": list(colours), "symbol": list(symbols)}, meta={"part": "marks"},
        )
    ]


def _baseline(row: SpreadRow | None) -> list[dict[str, Any]]:
    if row is None or not row.defined:
        return []
    shared = {"yref": "paper", "y0": 0, "y1": 1, "layer": "below"}
    return [
        {"type": "rect", "x0": row.q1, "x1": row.q3, "fillcolor": BAND, "line": {"width": 0}, **shared},
        {"type": "line", "x0": row.median, "x1": row.median, "line": {"width": 1.5, "dash": "dot"}, **shared},
    ]


def _range(data: SpreadData) -> tuple[float, float]:
    """From the least value, rounded down to a tenth, to 1."""
    rows = [*data.rows, *([data.baseline] if data.baseline else [])]
    ends = [np.concatenate([row.r, [row.low]]) for row in rows]
    every = np.concatenate(ends) if ends else np.zeros(0)
    every = every[np.isfinite(every)]
    low = float(np.floor(every.min() * 10) / 10) if len(every) else 0.0
    return min(low, 0.9) - 0.02, 1.02
