"""A few estimates with their intervals as lines below each other on one scale, without a plotting library."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from dash import html

from frontend.figures.numbers import decimal


class Estimate(NamedTuple):
    """One line: what, from how many, the estimate with its interval (None where there is none), a colour."""

    label: str
    detail: str
    value: float
    low: float | None
    high: float | None
    colour: str


def interval_rows(estimates: Sequence[Estimate], ends: tuple[float, float] = (-1.0, 1.0)) -> html.Div:
    """Lines of estimates between two ends of a scale, with a mark at 0 and both ends written below."""
    return html.Div(
        [
            *(_row(one, ends) for one in estimates),
            html.Div(
                [html.Span(decimal(ends[0], 0)), html.Span("0", style=_at(0.0, ends)), html.Span(decimal(ends[1], 0))],
                className="interval-scale", **{"aria-hidden": "true"},
            ),
        ],
        className="interval-rows",
    )


def _row(one: Estimate, ends: tuple[float, float]) -> html.Div:
    marks: list[Any] = [html.Span(className="interval-zero", style=_at(0.0, ends))]
    words = f"median r {decimal(one.value)}"
    if one.low is not None and one.high is not None:
        width = 100 * (one.high - one.low) / (ends[1] - ends[0])
        marks.append(html.Span(
            className="interval-line", style=_at(one.low, ends) | {"width": f"{width:.1f}%", "background": one.colour}
        ))
        words += f", 95 % interval {decimal(one.low)} to {decimal(one.high)}"
    marks.append(html.Span(className="interval-dot", style=_at(one.value, ends) | {"background": one.colour}))
    return html.Div(
        [
            html.Div([html.Span(one.label), html.Span(one.detail, className="count")], className="interval-label"),
            html.Div(marks, className="interval-track", **{"aria-hidden": "true"}),
            html.Div(words, className="interval-words"),
        ],
        className="interval-row",
    )


def _at(value: float, ends: tuple[float, float]) -> dict[str, str]:
    return {"left": f"{100 * (value - ends[0]) / (ends[1] - ends[0]):.1f}%"}
