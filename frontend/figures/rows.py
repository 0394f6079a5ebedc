"""Figures of rows: an axis of labels from the top down, and values with their intervals along the other.

The browser gives such a figure its height (`meta.rows` times `meta.row_px`) and the room that its labels need.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import plotly.graph_objects as go

from frontend.figures.numbers import decimal, plain
from frontend.theme import OKABE_ITO

ROW_PX = 46


class Labelled(Protocol):
    """What a row is called, and what stands below in small letters."""

    @property
    def title(self) -> str: ...

    @property
    def note(self) -> str: ...


@dataclass(frozen=True)
class ValueRow:
    """A value with its interval (NaN where there is none), in a colour and a shape; `customdata` integers for the
    browser."""

    title: str
    value: float
    low: float = float("nan")
    high: float = float("nan")
    note: str = ""
    colour: str = OKABE_ITO["blue"]
    symbol: str = "circle"
    key: int = -1


@dataclass(frozen=True)
class ValueRows:
    """Rows from the top; `words` what a value is; `reference` a value to hold them against (NaN: none), called
    `reference_words`; `bars` draws a bar from the reference to each value."""

    rows: Sequence[ValueRow]
    words: str
    reference: float = float("nan")
    reference_words: str = ""
    bars: bool = False
    row_px: int = ROW_PX
    meta: dict[str, Any] = field(default_factory=dict)


def labels(rows: Sequence[Labelled]) -> list[list[str]]:
    """Title and note of each row, as plotly shows them letter by letter."""
    return [[plain(row.title), plain(row.note)] for row in rows]


def row_axis(rows: Sequence[Labelled]) -> dict[str, Any]:
    """The axis of the rows, the first at the top; the browser writes the labels."""
    return {
        "range": [len(rows) - 0.5, -0.5], "tickmode": "array", "tickvals": list(range(len(rows))),
        "ticktext": [plain(row.title) for row in rows], "fixedrange": True, "zeroline": False,
    }


def interval_words(value: float, low: float, high: float) -> str:
    """`0.72 (95 % interval 0.61 to 0.80)`, or without the interval where there is none."""
    if not np.isfinite(low):
        return decimal(value)
    return f"{decimal(value)} (95 % interval {decimal(low)} to {decimal(high)})"


def value_rows(data: ValueRows) -> go.Figure:
    """Figure of the rows: a mark for each value on the line of its interval."""
    shown = [(place, row) for place, row in enumerate(data.rows) if np.isfinite(row.value)]
    base = data.reference if np.isfinite(data.reference) else 0.0
    traces: list[go.Scatter] = []
    for place, row in shown:
        line = {"color": row.colour, "width": 6 if data.bars else 3.5}
        ends = [base, row.value] if data.bars else [row.low, row.high]
        if np.isfinite(ends[0]):
            traces.append(
                go.Scatter(
                    x=ends, y=[place, place], mode="lines", line=line, opacity=0.55 if data.bars else 1.0,
                    hoverinfo="skip", meta={"part": "bar" if data.bars else "interval", "row": place},
                )
            )
    traces.append(
        go.Scatter(
            x=[row.value for _, row in shown], y=[place for place, _ in shown], mode="markers", meta={"part": "values"},
            customdata=np.array([row.key for _, row in shown], dtype=np.int32),
            marker={"size": 11, "color": [row.colour for _, row in shown], "symbol": [row.symbol for _, row in shown],
                    "line": {"width": 1, "color": "#868e96"}},
            text=[
                f"<b>{plain(row.title)}</b><br>{plain(data.words)} {interval_words(row.value, row.low, row.high)}"
                for _, row in shown
            ],
            hovertemplate="%{text}<extra></extra>",
        )
    )
    low, high = _range(data)
    return go.Figure(
        traces,
        layout={
            "template": go.layout.Template(), "showlegend": False, "hovermode": "closest",
            "meta": {"rows": len(data.rows), "row_px": data.row_px, "labels": labels(data.rows), **data.meta},
            "xaxis": {
                "title": {"text": plain(data.words)}, "range": [low, high], "showgrid": True, "fixedrange": True,
                "zeroline": low < 0 < high,
            },
            "yaxis": row_axis(data.rows),
            "shapes": reference_line(data.reference),
        },
    )


def reference_line(at: float, axis: str = "x") -> list[dict[str, Any]]:
    """A dotted line through all rows; none where there is nothing to hold against."""
    if not np.isfinite(at):
        return []
    return [{
        "type": "line", "xref": axis, "yref": "paper", "x0": at, "x1": at, "y0": 0, "y1": 1, "layer": "below",
        "line": {"width": 1.5, "dash": "dot"},
    }]


def _range(data: ValueRows) -> tuple[float, float]:
    """Everything drawn, with a little room at both sides."""
    every = np.array([v for row in data.rows for v in (row.value, row.low, row.high)] + [data.reference])
    if data.bars and not np.isfinite(data.reference):
        every = np.append(every, 0.0)
    every = every[np.isfinite(every)]
    low, high = (float(every.min()), float(every.max())) if len(every) else (0.0, 1.0)
    room = 0.06 * (high - low) or 0.05
    return low - room, high + room
