"""The numbers of a picture as a table: for reading aloud, for the keyboard, and for copying."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html

from frontend.figures.numbers import decimal


def as_table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> html.Details:
    """A table that opens on demand; the first cell of a row names it."""
    return html.Details(
        [
            html.Summary("As a table"),
            html.Div(
                html.Table(
                    [
                        html.Thead(html.Tr([html.Th(text, scope="col") for text in head])),
                        html.Tbody(
                            [html.Tr([html.Th(row[0], scope="row"), *(html.Td(cell) for cell in row[1:])])
                             for row in rows]
                        ),
                    ],
                    className="coverage",
                ),
                className="scroll-x table-box", tabIndex=0, role="region",
                **{"aria-label": "The numbers of the picture"},
            ),
        ],
        className="part-table",
    )


def interval_cell(low: float | None, high: float | None) -> str:
    """`0.12 to 0.45`; says so where there is none."""
    return "no interval" if low is None or high is None else f"{decimal(low)} to {decimal(high)}"
