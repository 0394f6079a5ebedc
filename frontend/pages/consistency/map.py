"""The map: r between every two datasets, over all pairs of models or over those of two model sets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from dash import Dash, Input, Output, State, dcc, html

from backend.contracts.consistency import Consistency
from frontend.components.callbacks import in_browser
from frontend.components.legend import attribute_legend
from frontend.components.states import replaced
from frontend.figures.consistency_map import MapData, by_domain, consistency_map
from frontend.figures.numbers import count, decimal
from frontend.figures.rows import interval_words
from frontend.pages.consistency.part import Drawn, part, register_part
from frontend.pages.consistency.scope import ALL, Scoped, floats, number, resolved_pair, scope_recipe
from frontend.pages.consistency.table import as_table, interval_cell
from frontend.urls import ConsistencyView, link
from parallax.client import Client

NEED = "map"
HOW_TO_READ = (
    "A cell correlates the similarities of all pairs of models on one dataset with those on another: 1 means that both "
    "tell the same story about which models are alike. Click a cell to see its pairs."
)


def layout(controls: Any = None) -> html.Section:
    return part(
        NEED, "Every two datasets", "Map of the correlation between every two datasets", shape="square",
        controls=controls, words=HOW_TO_READ,
    )


def register(app: Dash, client: Client) -> None:
    register_part(app, client, NEED, make)
    in_browser(
        app, "drawMap", Output("map-graph", "figure"), Input("map-data", "data"), Input("url", "search"),
        Input("appearance", "data"), State("templates", "data"), State("map-graph", "id"),
    )
    in_browser(
        app, "openCell", Input("map-graph", "clickData"), State("map-data", "data"), State("schema", "data"),
        prevent_initial_call=True,
    )


def make(client: Client, scoped: Scoped) -> Drawn:
    table = client.consistency(scoped.metric.id, intervals=True, **scoped.sets, **scoped.query)
    data = map_data(scoped, table)
    if len(data.names) < 2:
        return Drawn(None, one_dataset(table), notes=_notes(table))
    a, b = resolved_pair(table, scoped.view)
    extra = {"path": "/consistency", "names": list(data.names), "resolved": {"a": a, "b": b}}
    return Drawn(
        consistency_map(data), [*_replaced(scoped.view, table), map_sentence(data, table)],
        scope_recipe(scoped, table.scope, _set_entries(table)), notes=_notes(table),
        below=[attribute_legend({"domain": data.domains}), map_table(scoped, data)], extra=extra,
    )


def map_table(scoped: Scoped, data: MapData) -> html.Details:
    """Every pair of datasets, the least r first, each a way to its scatter."""
    rows, columns = np.triu_indices(len(data.names), 1)
    order = np.argsort(np.where(np.isfinite(data.r[rows, columns]), data.r[rows, columns], np.inf), kind="stable")
    low, high = (end if end is not None else np.full_like(data.r, np.nan) for end in (data.low, data.high))

    def cells(i: int, j: int) -> list[Any]:
        opened = replace(scoped.view, section="map", a=data.names[i], b=data.names[j])
        ends = interval_cell(low[i, j], high[i, j]) if np.isfinite(low[i, j]) else "no interval"
        return [
            dcc.Link(f"{data.titles[i]} and {data.titles[j]}", href=link("/consistency", opened)),
            decimal(data.r[i, j]), ends, f"{int(data.n_pairs[i, j]):,} of {int(data.n_models[i, j])} models",
        ]

    made = [cells(int(rows[k]), int(columns[k])) for k in order]
    return as_table(["Datasets", scoped.words, "95 % interval", "Pairs"], made)


def map_data(scoped: Scoped, table: Consistency) -> MapData:
    """The API's table in drawing order, with titles that are unique."""
    order = by_domain(table.datasets, table.domains)
    names = [table.datasets[i] for i in order]
    grid = np.ix_(order, order)

    def square(rows: list[list[float | None]] | None) -> np.ndarray | None:
        return None if rows is None else floats([v for row in rows for v in row]).reshape(len(rows), -1)[grid]

    r = square(table.r)
    return MapData(
        names=names, titles=scoped.titles(names), domains=[table.domains[i] for i in order],
        r=np.zeros((0, 0)) if r is None else r, n_pairs=np.array(table.n_pairs)[grid],
        n_models=np.array(table.n_models)[grid], method=table.method,
        low=square(table.ci_low), high=square(table.ci_high), small=table.small,
    )


def map_sentence(data: MapData, table: Consistency) -> str:
    """The median with its interval, and the two ends of the map."""
    rows, columns = np.triu_indices(len(data.names), 1)
    r = data.r[rows, columns]
    if not np.isfinite(r).any():
        return "No two datasets share three pairs of these models, so no correlation is defined."
    least, most = int(np.nanargmin(r)), int(np.nanargmax(r))
    pairs = count(int(np.isfinite(r).sum()), "pair")
    median = number(table.median) if table.median is not None else float(np.nanmedian(r))
    said = interval_words(median, number(table.median_ci_low), number(table.median_ci_high))

    def cell(k: int) -> str:
        return f"{data.titles[rows[k]]} and {data.titles[columns[k]]} ({decimal(r[k])})"

    several = np.isfinite(r).sum() > 1
    ends = f"; lowest between {cell(least)}, highest between {cell(most)}" if several else ""
    return f"Over {pairs} of {len(data.names)} datasets the median r of {_whose(table)} is {said}{ends}."


def _whose(table: Consistency) -> str:
    if table.set_a == ALL and table.set_b == ALL:
        return "all pairs of models"
    if table.set_a == table.set_b:
        return f"the pairs within {table.set_a}"
    return f"the pairs of {table.set_a} with {table.set_b}"


def _set_entries(table: Consistency) -> list[tuple[str, Any]]:
    return [] if table.set_a == ALL == table.set_b else [("Model sets", f"{table.set_a} with {table.set_b}")]


def _notes(table: Consistency) -> list[str]:
    notes = list(table.scope.notes) if table.scope else []
    if table.small:
        notes.append("There are too few models in these sets for the interval to be relied on.")
    return list(dict.fromkeys(notes))


def _replaced(view: ConsistencyView, table: Consistency) -> list[Any]:
    """What the link asks for and is not there."""
    a, b = resolved_pair(table, view)
    return [*replaced([("metric", view.metric, table.metric), ("dataset", view.a, a), ("dataset", view.b, b)])]


def one_dataset(table: Consistency) -> str:
    """Why there is no map."""
    return (
        "Consistency compares the similarities on one dataset with those on another. This metric has been computed on "
        f"{count(len(table.datasets), 'dataset')} of those that are chosen."
    )
