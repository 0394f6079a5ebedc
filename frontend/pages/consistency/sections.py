"""The sections of the page: their names, what stands in each, and the shared controls of a section."""

from __future__ import annotations

from typing import Any

from dash import Dash, html

from frontend.pages.consistency import (
    agreement,
    anchors,
    comparison,
    contributions,
    influence,
    map,
    performance,
    saved_sets,
    scatter,
    sensitivity,
    set_controls,
    set_pairs,
)
from frontend.urls import SECTIONS, ConsistencyView, link
from parallax.client import Client

TITLES = {
    "map": "Map", "sets": "Set pairs", "compare": "Compare two sets", "influence": "Pairs and influence",
    "anchors": "Anchors", "metrics": "Metrics", "behaviour": "Behaviour", "stimuli": "Stimuli",
}
CAUTION = (
    "Pairs that share a model are not independent. Intervals therefore resample models, never pairs, and no p-value "
    "belongs to a correlation over pairs of models."
)
PARTS = (map, scatter, set_pairs, comparison, contributions, influence, anchors, agreement, performance, sensitivity)


def tabs(section: str) -> html.Nav:
    """The sections as links; the browser keeps the rest of the link in them."""
    return html.Nav(
        [
            html.A(
                TITLES[name], href=link("/consistency", ConsistencyView(section=name)), className="tab",
                **{"data-section": name} | ({"aria-current": "page"} if name == section else {}),
            )
            for name in SECTIONS if name in BODIES
        ],
        className="tabs", id="consistency-tabs", **{"aria-label": "Sections"},
    )


def body(view: ConsistencyView) -> list[Any]:
    """What stands in the section of a view, before its data."""
    make = BODIES.get(view.section, BODIES["map"])
    return [*make(view), html.P(CAUTION, className="caution dim")]


def register(app: Dash, client: Client) -> None:
    """Callbacks of all sections; those whose section is not open have nothing to do."""
    for one in PARTS:
        one.register(app, client)
    set_controls.register(app, client)
    saved_sets.register(app, client)


def _map(view: ConsistencyView) -> list[Any]:
    return [
        comparison.layout(view, brief=True),
        set_controls.of_sets(view),
        html.Div([map.layout(), scatter.layout(set_controls.of_scatter(view))], className="twin"),
    ]


def _sets(view: ConsistencyView) -> list[Any]:
    return [set_pairs.layout(set_controls.of_set_pairs(view)), saved_sets.layout()]


def _compare(view: ConsistencyView) -> list[Any]:
    return [comparison.layout(view, brief=False)]


def _influence(view: ConsistencyView) -> list[Any]:
    return [
        set_controls.of_sets(view, datasets=True),
        html.Div([contributions.layout_pairs(), contributions.layout_without()], className="twin"),
        influence.layout(),
    ]


def _anchors(view: ConsistencyView) -> list[Any]:
    return [anchors.layout(set_controls.of_anchors(view))]


def _metrics(view: ConsistencyView) -> list[Any]:
    return [
        html.Div(set_controls.of_metrics(view), className="controls controls-row"),
        html.Div([agreement.layout_datasets(), agreement.layout_twins()], className="twin"),
    ]


BODIES = {
    "map": _map, "sets": _sets, "compare": _compare, "influence": _influence, "anchors": _anchors,
    "metrics": _metrics, "behaviour": performance.layout, "stimuli": sensitivity.layout,
}
