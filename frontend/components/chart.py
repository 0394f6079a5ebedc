"""A chart: the graph with the shared configuration, a skeleton until it is drawn, and a caption in words."""

from __future__ import annotations

from typing import Any

from dash import dcc, html

from frontend.theme import GRAPH_CONFIG

BLANK: dict[str, Any] = {
    "data": [],
    "layout": {
        "xaxis": {"visible": False}, "yaxis": {"visible": False},
        "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)",
    },
}


def chart(graph_id: str, label: str, shape: str = "square", card: str = "") -> html.Figure:
    """The figure element. `label` names it for screen readers; `shape` is a class of style.css. The caption
    `<graph_id>-caption` is to be filled with a sentence made from the data. `card` is the id of a box beside the
    pointer that the browser fills in place of plotly's own labels."""
    return html.Figure(
        [
            html.Div(
                [
                    html.Div(className="skeleton chart-skeleton"),
                    html.Div(
                        dcc.Graph(
                            id=graph_id, figure=BLANK, config=GRAPH_CONFIG, responsive=True, className="graph",
                            clear_on_unhover=bool(card),
                        ),
                        role="img", **{"aria-label": label}, className="graph-box",
                    ),
                    *([html.Div(id=card, className="card", **{"aria-hidden": "true"})] if card else []),
                ],
                className=f"chart-box chart-{shape}",
            ),
            html.Figcaption(id=f"{graph_id}-caption", className="caption", **{"aria-live": "polite"}),
        ],
        className="chart",
    )
