"""The scatter: similarities on one dataset against those on another, with the line and r of every set pair."""

from __future__ import annotations

from typing import Any

import numpy as np
from dash import Dash, Input, Output, State, html

from backend.contracts.consistency import DatasetPair
from frontend.components.callbacks import in_browser
from frontend.components.controls import control_id
from frontend.figures.numbers import count, decimal
from frontend.figures.pair_scatter import MOST_DRAWN, Group, ScatterData, pair_scatter
from frontend.figures.rows import interval_words
from frontend.pages.consistency.part import Drawn, part, register_part
from frontend.pages.consistency.scope import Scoped, floats, look_of_group, number, resolved_pair, scope_recipe
from parallax.client import Client

NEED = "scatter"
HOW_TO_READ = (
    "One point is one pair of models; on the dashed line both datasets give it the same similarity. Click a point to "
    "see that pair on every dataset; draw around points to take their models to the heatmap."
)


def layout(controls: Any = None) -> html.Section:
    selection = html.Div(
        id="scatter-selection", className="selection", role="status", hidden=True, **{"aria-live": "polite"}
    )
    return part(
        NEED, "The pairs behind a cell", "Scatter of the similarities on the two chosen datasets", shape="square",
        controls=controls, card=True, words=HOW_TO_READ, after=selection,
    )


def register(app: Dash, client: Client) -> None:
    register_part(app, client, NEED, make)
    in_browser(
        app, "drawScatter", Output("scatter-graph", "figure"), Input("scatter-data", "data"), Input("url", "search"),
        Input("appearance", "data"), State("templates", "data"), State("scatter-graph", "id"),
    )
    in_browser(
        app, "showPair", Input("scatter-graph", "hoverData"), State("scatter-data", "data"),
        State("scatter-card", "id"), prevent_initial_call=True,
    )
    in_browser(
        app, "openPair", Input("scatter-graph", "clickData"), State("scatter-data", "data"), State("schema", "data"),
        prevent_initial_call=True,
    )
    in_browser(
        app, "selectPairs", Input("scatter-graph", "selectedData"), State("scatter-data", "data"),
        State("schema", "data"), State("scatter-selection", "id"), prevent_initial_call=True,
    )


def read_pair(client: Client, scoped: Scoped, by: str = "") -> DatasetPair | None:
    """The two datasets of the link; None where there are not two. Raises ApiError."""
    table = client.consistency(scoped.metric.id, **scoped.query)
    if len(table.datasets) < 2:
        return None
    a, b = resolved_pair(table, scoped.view)
    return client.dataset_pair(scoped.metric.id, a, b, by=by, **scoped.sets, **scoped.query)


def make(client: Client, scoped: Scoped) -> Drawn:
    by = "" if scoped.view.by == "custom" else scoped.view.by
    pair = read_pair(client, scoped, by)
    if pair is None:
        return Drawn(None, "A scatter needs two datasets.")
    if not pair.pairs.x:
        return Drawn(None, pair.sentence or "No pair of these models has values on both datasets.",
                     notes=pair.scope.notes)
    data = scatter_data(scoped, pair)
    return Drawn(
        pair_scatter(data), sentence(scoped, pair, data), scope_recipe(scoped, pair.scope),
        notes=[*pair.scope.notes, *_left_out(pair, data)], below=group_table(scoped, pair),
        extra={
            "metric": scoped.metric.id, "a": pair.dataset_a, "b": pair.dataset_b,
            "contribution": np.asarray(pair.pairs.contribution, dtype=np.float32)[data.drawn].round(6).tolist(),
            "drawn": data.drawn.tolist() if len(data.drawn) < len(data.x) else None,
            "controls": {
                control_id("consistency", "highlight"): {
                    "field": "highlight", "data": [{"value": name, "label": name} for name in sorted(data.models)],
                }
            },
        },
    )


def scatter_data(scoped: Scoped, pair: DatasetPair) -> ScatterData:
    """The API's columns as arrays, and the look of every group."""
    columns = pair.pairs
    groups = [
        Group(g.title, *look_of_group(pair.by, g.set_a, g.set_b), number(g.slope), number(g.intercept))
        for g in pair.groups
    ] or [Group("Pairs of models", *look_of_group("", "", ""))]
    placed = columns.group or [0] * len(columns.x)
    first, second = scoped.titles([pair.dataset_a, pair.dataset_b])
    return ScatterData(
        models=columns.models, i=np.array(columns.i), j=np.array(columns.j), x=floats(columns.x), y=floats(columns.y),
        group=np.array(placed), groups=groups, slope=number(pair.slope), intercept=number(pair.intercept),
        first_title=first, second_title=second, value_words=scoped.value_words,
    )


def sentence(scoped: Scoped, pair: DatasetPair, data: ScatterData) -> list[Any]:
    """r with its interval, and how much stands behind it."""
    said = interval_words(number(pair.r), number(pair.ci_low), number(pair.ci_high))
    if pair.r is None:
        return [html.Strong(f"No {scoped.words} is defined"), f" for {data.first_title} and {data.second_title}. ",
                pair.sentence]
    flag = " There are too few models for the interval to be relied on." if pair.small else ""
    return [
        html.Strong(f"{scoped.words} = {said}"),
        f" between {data.first_title} and {data.second_title}, over {count(pair.n_pairs, 'pair')} of "
        f"{count(pair.n_models, 'model')}.{flag}",
    ]


def group_table(scoped: Scoped, pair: DatasetPair) -> html.Div | None:
    """Every set pair of the scatter with its r, interval and n."""
    if not pair.groups:
        return None
    head = html.Tr([html.Th(text, scope="col") for text in ("Set pair", f"{scoped.words} and 95 % interval", "Pairs")])
    looks = [look_of_group(pair.by, g.set_a, g.set_b) for g in pair.groups]
    rows = [
        html.Tr(
            [
                html.Th([_swatch(*look), g.title], scope="row"),
                html.Td([decimal(g.r), _interval(g.ci_low, g.ci_high)]),
                html.Td([f"{g.n_pairs:,} of {count(g.n_models, 'model')}", html.Em(" few models") if g.small else ""]),
            ]
        )
        for g, look in zip(pair.groups, looks, strict=True)
    ]
    table = html.Table([html.Thead(head), html.Tbody(rows)], className="coverage set-legend")
    return html.Div(table, className="scroll-x", tabIndex=0, role="region", **{"aria-label": "Set pairs"})


def _interval(low: float | None, high: float | None) -> html.Span:
    words = "no interval" if low is None else f"{decimal(low)} to {decimal(high)}"
    return html.Span(f" ({words})", className="dim")


def _swatch(colour: str, symbol: str, edge: str) -> html.Span:
    """The look of a set pair's points: fill, and the frame of those between two sets."""
    return html.Span(
        className="set-mark", style={"background": colour, "borderColor": edge or colour}, **{"aria-hidden": "true"}
    )


def _left_out(pair: DatasetPair, data: ScatterData) -> list[str]:
    """Says so where not every pair is drawn."""
    listed = pair.n_listed or len(data.x)
    notes = []
    if listed < pair.n_pairs:
        notes.append(f"{listed:,} of {pair.n_pairs:,} pairs are listed; r and lines are of all of them.")
    if len(data.drawn) < len(data.x):
        notes.append(
            f"{MOST_DRAWN:,} of {len(data.x):,} pairs are drawn, chosen at random (seed 0); r and lines are of all."
        )
    return notes
