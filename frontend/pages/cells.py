"""How a cell of the coverage is shown in words, with its shape beside the colour."""

from __future__ import annotations

from dash import html

from backend.contracts.catalogue import STATE_LETTERS, CellState


def cell_state(state: CellState) -> html.Span:
    """The state of a model on a dataset."""
    shape = html.Span(className=f"cov cov-sample cov-{STATE_LETTERS[state]}", **{"aria-hidden": "true"})
    return html.Span([shape, html.Span(state)], className="cell-state")
