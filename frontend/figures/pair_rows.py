"""One pair of models on every dataset: its value with interval, above chance and beside all other pairs there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import plotly.graph_objects as go

from frontend.figures.numbers import decimal, plain
from frontend.figures.rows import interval_words, row_axis
from frontend.theme import OKABE_ITO

ROW_PX = 50
NAN = float("nan")
BELOW = 0.3  # chance is drawn this share of a row below the value
BEYOND, WITHIN, UNKNOWN = "beyond chance (q ≤ 0.05)", "not told from chance", "without a chance level"
_DOTS = {BEYOND: ("circle", OKABE_ITO["blue"]), WITHIN: ("circle-open", OKABE_ITO["blue"]),
         UNKNOWN: ("square-open", OKABE_ITO["blue"])}


@dataclass(frozen=True)
class PairRow:
    """The pair on one dataset; NaN where there is no number, and `reason` where there is no value. `quantiles` are the
    5, 25, 50, 75 and 95 % of all pairs; `percentile` the share of the others that are less alike."""

    dataset: str
    title: str
    note: str = ""
    value: float = NAN
    reverse: float = NAN
    low: float = NAN
    high: float = NAN
    null_mean: float = NAN
    null_sd: float = NAN
    tau: float = NAN
    q: float = NAN
    percentile: float = NAN
    quantiles: Sequence[float] = field(default_factory=lambda: [NAN] * 5)
    reason: str = ""

    @property
    def standing(self) -> str:
        """Whether the value is told from chance."""
        if not np.isfinite(self.q):
            return UNKNOWN
        return BEYOND if self.q <= 0.05 else WITHIN


def pair_rows(rows: Sequence[PairRow], words: str) -> go.Figure:
    """Figure of the rows from the top down; `words` says what a value is. `layout.meta` carries the datasets of the
    rows, and what stands at their right, for the browser."""
    place = np.arange(len(rows), dtype=np.float32)
    column = {
        name: np.array([getattr(row, name) for row in rows], dtype=np.float32)
        for name in ("value", "reverse", "low", "high", "null_mean", "null_sd", "tau")
    }
    quantiles = np.array([list(row.quantiles) for row in rows], dtype=np.float32).reshape(len(rows), 5)
    grey, red = OKABE_ITO["grey"], OKABE_ITO["vermilion"]
    traces = [
        _lines(quantiles[:, 0], quantiles[:, 4], place, grey, 15, 0.28, "all pairs: 5 to 95 %"),
        _lines(quantiles[:, 1], quantiles[:, 3], place, grey, 15, 0.5, "25 to 75 %"),
        _marks(quantiles[:, 2], place, "line-ns-open", grey, 15, "median of all pairs"),
        _lines(column["null_mean"] - column["null_sd"], column["null_mean"] + column["null_sd"], place + BELOW, red, 4,
               0.55, "chance, mean ± sd"),
        _marks(column["tau"], place + BELOW, "diamond", red, 8, "τ"),
        _lines(column["low"], column["high"], place, OKABE_ITO["blue"], 3.5, 1.0, "95 % interval"),
    ]
    if np.isfinite(column["reverse"]).any():
        traces.append(_marks(column["reverse"], place, "triangle-left-open", OKABE_ITO["blue"], 11, "other direction"))
    for standing, (symbol, colour) in _DOTS.items():
        here = [i for i, row in enumerate(rows) if np.isfinite(row.value) and row.standing == standing]
        if here:
            traces.append(
                go.Scatter(
                    x=column["value"][here], y=place[here], mode="markers", name=standing, meta={"part": "value"},
                    marker={"symbol": symbol, "size": 14, "color": colour, "line": {"width": 2.5, "color": colour}},
                    text=[_hover(rows[i], words) for i in here], hovertemplate="%{text}<extra></extra>",
                )
            )
    return go.Figure(
        [trace for trace in traces if np.isfinite(np.asarray(trace.x, dtype=np.float32)).any()],
        layout={
            "template": go.layout.Template(), "hovermode": "closest", "showlegend": False,
            "meta": {
                "rows": len(rows), "row_px": ROW_PX, "datasets": [row.dataset for row in rows],
                "notes": [plain(row.note) for row in rows],
                "beside": [f"{decimal(row.percentile, 0)} %" if np.isfinite(row.percentile) else "" for row in rows],
                "missing": [not np.isfinite(row.value) for row in rows],
            },
            "xaxis": {"title": {"text": plain(words)}, "showgrid": True, "range": _range(column, quantiles),
                      "fixedrange": True, "nticks": 7},
            "yaxis": row_axis(rows),
        },
    )


def _lines(
    low: np.ndarray, high: np.ndarray, place: np.ndarray, colour: str, width: float, opacity: float, name: str
) -> go.Scatter:
    """A line in each row that has both ends."""
    gap = np.full(len(low), np.nan, dtype=np.float32)
    return go.Scatter(
        x=np.stack([low, high, gap], axis=1).ravel(), y=np.stack([place, place, gap], axis=1).ravel(), mode="lines",
        line={"color": colour, "width": width}, opacity=opacity, name=name, hoverinfo="skip", meta={"part": name},
    )


def _marks(x: np.ndarray, place: np.ndarray, symbol: str, colour: str, size: float, name: str) -> go.Scatter:
    return go.Scatter(
        x=x, y=place, mode="markers", name=name, hoverinfo="skip", meta={"part": name},
        marker={"symbol": symbol, "color": colour, "size": size, "line": {"width": 2, "color": colour}},
    )


def _hover(row: PairRow, words: str) -> str:
    """What the pointer is told about a row."""
    lines = [f"<b>{plain(row.title)}</b>", f"{plain(words)} {interval_words(row.value, row.low, row.high)}"]
    if np.isfinite(row.reverse):
        lines.append(f"other direction {decimal(row.reverse)}")
    if np.isfinite(row.tau):
        lines.append(f"chance {decimal(row.null_mean)} ± {decimal(row.null_sd)}, τ {decimal(row.tau)}")
        lines.append(f"{row.standing.partition(' (')[0]}, q = {row.q:.2g}")
    if np.isfinite(row.percentile):
        lines.append(f"more alike than {decimal(row.percentile, 0)} % of the other pairs")
    return "<br>".join(lines)


def _range(column: dict[str, np.ndarray], quantiles: np.ndarray) -> list[float]:
    """Ends of the axis: all that is drawn, with a little room."""
    mean, sd = column["null_mean"], column["null_sd"]
    every = np.concatenate([column["value"], column["reverse"], column["low"], column["high"], column["tau"], mean - sd,
                            mean + sd, quantiles[:, [0, 4]].ravel()])
    every = every[np.isfinite(every)]
    low, high = (float(every.min()), float(every.max())) if len(every) else (0.0, 1.0)
    room = 0.04 * (high - low) or 0.05
    return [low - room, high + room]
