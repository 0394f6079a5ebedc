"""Facts beside a picture: the recipe of its numbers, tiles of key figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html


def recipe(entries: Sequence[tuple[str, Any]]) -> html.Dl:
    """How a picture's numbers were made: what, and its value."""
    rows: list[Any] = []
    for name, value in entries:
        rows += [html.Dt(name), html.Dd(value)]
    return html.Dl(rows, className="recipe")


def code(text: str) -> html.Code:
    """A word that is typed as it stands: an id, a hash, a command."""
    return html.Code(text, className="code")


def tile(value: Any, label: str, detail: str = "") -> html.Div:
    """One key figure with what it is."""
    return html.Div(
        [
            html.Div(label, className="tile-label"),
            html.Div(value, className="tile-value"),
            html.Div(detail, className="tile-detail"),
        ],
        className="tile",
    )
