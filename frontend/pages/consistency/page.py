"""Consistency: the dataset x dataset map of r, and behind each cell the two datasets' similarities."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate

from backend.contracts.consistency import Consistency
from frontend.components.callbacks import in_browser, in_thread
from frontend.components.chart import chart
from frontend.components.controls import control_id, options, panel, picker, switcher
from frontend.components.facts import code, recipe
from frontend.components.legend import attribute_legend
from frontend.components.states import EMPTY, LOADING, READY, notice, refused, replaced, skeleton_lines, state_class
from frontend.figures.consistency_map import WORDS, MapData, by_domain, consistency_map
from frontend.figures.numbers import count, decimal
from frontend.figures.pair_scatter import ScatterData, pair_scatter
from frontend.pages.similarity import waiting
from frontend.pages.study import Study, aligned, fingerprint, read_study
from frontend.theme import ATTRIBUTE_TITLES
from frontend.urls import ConsistencyView, decode
from parallax.client import ApiError, Client

PATH = "/consistency"
KEY = "consistency"
HOW_TO_READ = (
    "Each cell takes all pairs of models and correlates their similarities on one dataset with those on another: "
    "1 means that the two datasets tell the same story about which models are alike. Click a cell to see the pairs "
    "behind it."
)
CAUTION = (
    "Pairs that share a model are not independent, so no p-value belongs to these correlations, and an interval would "
    "have to resample models."
)


def layout(search: str) -> html.Div:
    """The page before its data."""
    view = decode(ConsistencyView, search)
    attributes = [(name, title) for name, title in ATTRIBUTE_TITLES.items() if name != "domain"]
    return html.Div(
        [
            dcc.Store(id="consistency-data"),
            dcc.Store(id="consistency-view"),
            dcc.Store(id="consistency-key", data=""),
            dcc.Store(id="scatter-data"),
            html.H1("Consistency of similarity across datasets"),
            html.Div(id="consistency-notice"),
            html.Div(
                [
                    html.Div(
                        [
                            picker(KEY, "metric", "Metric"),
                            switcher(
                                KEY, "method", "Correlation",
                                options([("pearson", "Pearson"), ("spearman", "Spearman")]), view.method,
                            ),
                            picker(KEY, "by", "Mark pairs by", options(attributes), view.by),
                        ],
                        className="controls", role="group", **{"aria-label": "What is shown"},
                    ),
                    html.Div(
                        [
                            chart("consistency-graph", "Map of the correlation between every two datasets"),
                            html.Div(
                                chart("scatter-graph", "Scatter of the similarities on the two chosen datasets"),
                                id="scatter-panel",
                            ),
                        ],
                        className="twin",
                    ),
                    html.Aside(
                        [
                            panel("How to read it", [html.P(HOW_TO_READ), html.P(CAUTION, className="dim")]),
                            panel("Datasets", html.Div(skeleton_lines(3), id="consistency-legend")),
                            panel("Recipe", html.Div(skeleton_lines(3), id="consistency-recipe")),
                        ],
                        className="details details-row", **{"aria-label": "About this picture"},
                    ),
                ],
                className="work work-map",
            ),
        ],
        id="consistency-root", className=state_class(LOADING, KEY),
    )


def register(app: Dash, client: Client) -> None:
    """Callbacks of the page."""

    @in_thread(
        app,
        Output("consistency-data", "data"), Output("consistency-key", "data"),
        Output("consistency-notice", "children"), Output("consistency-root", "className"),
        Output("consistency-graph-caption", "children"), Output("consistency-legend", "children"),
        Output("consistency-recipe", "children"),
        Input("url", "search"), Input("revision", "data"),
        State("url", "pathname"), State("consistency-key", "data"),
    )
    def load_map(search: str, revision: str, pathname: str, known: str) -> list[Any]:
        if pathname != PATH:
            raise PreventUpdate
        keep = [no_update] * 7

        def instead(message: Any) -> list[Any]:
            return [no_update, "", message, state_class(EMPTY, KEY), *keep[:3]]

        try:
            study = read_study(client)
            view = decode(ConsistencyView, search)
            metric = study.metric(view.metric)
            if metric is None:
                return instead(waiting(client))
            table = client.consistency(metric.id, view.method)
        except ApiError as error:
            return keep if known else instead(refused(error))
        if len(table.datasets) < 2:
            return instead(_one_dataset(table))
        data = _map_data(study, table)
        a, b = _chosen(data, view)
        payload = {
            "path": PATH,
            "resolved": {"metric": metric.id, "method": view.method, "a": a, "b": b},
            "figure": json.loads(consistency_map(data).to_json()),
            "names": list(data.names),
            "controls": {
                control_id(KEY, "metric"): {
                    "field": "metric", "data": options([(m.id, m.title) for m in study.computed_metrics()]),
                },
                control_id(KEY, "method"): {"field": "method"},
                control_id(KEY, "by"): {"field": "by"},
            },
        }
        key = fingerprint(payload)
        if key == known:
            return keep
        made_by = recipe(
            [("Metric", code(metric.id)), ("Preprocessing", code(table.preprocess)),
             ("Correlation", f"{WORDS[table.method]} over unordered pairs of distinct models")]
        )
        return [
            payload, key, None, state_class(READY, KEY),
            [
                *replaced([("metric", view.metric, metric.id), ("dataset", view.a, a), ("dataset", view.b, b)]),
                _map_sentence(data),
            ],
            attribute_legend({"domain": data.domains}), made_by,
        ]

    @in_thread(
        app,
        Output("scatter-data", "data"), Output("scatter-graph-caption", "children"),
        Output("scatter-panel", "className"),
        Input("url", "search"), Input("consistency-key", "data"), State("url", "pathname"),
    )
    def load_scatter(search: str, key: str, pathname: str) -> list[Any]:
        if pathname != PATH or not key:
            raise PreventUpdate
        try:
            return _scatter(client, decode(ConsistencyView, search))
        except ApiError as error:
            # The map is there, so the trouble is with these two datasets alone, or passes by itself.
            return [no_update, error.problem.hint or error.problem.title, "scatter"]

    in_browser(
        app, "sync", Output("consistency-view", "data"),
        Input("consistency-data", "data"), Input("url", "search"), State("schema", "data"),
    )
    in_browser(
        app, "drawMap", Output("consistency-graph", "figure"),
        Input("consistency-data", "data"), Input("url", "search"), Input("appearance", "data"),
        State("templates", "data"), State("consistency-graph", "id"),
    )
    in_browser(
        app, "drawScatter", Output("scatter-graph", "figure"),
        Input("scatter-data", "data"), Input("appearance", "data"), State("templates", "data"),
        State("scatter-graph", "id"),
    )
    in_browser(
        app, "navigate", *[Input(control_id(KEY, field), "value") for field in ("metric", "method", "by")],
        State("schema", "data"), prevent_initial_call=True,
    )
    in_browser(
        app, "openCell", Input("consistency-graph", "clickData"), State("consistency-data", "data"),
        State("schema", "data"), prevent_initial_call=True,
    )


def _map_data(study: Study, table: Consistency) -> MapData:
    """The API's table in drawing order, with titles that are unique."""
    order = by_domain(table.datasets, table.domains)
    names = [table.datasets[i] for i in order]
    titles = [study.title(name) for name in names]
    r = np.array([[np.nan if v is None else v for v in row] for row in table.r], dtype=np.float64)
    return MapData(
        names=names,
        titles=[
            title if titles.count(title) == 1 else f"{title} ({name})"
            for name, title in zip(names, titles, strict=True)
        ],
        domains=[table.domains[i] for i in order],
        r=r[np.ix_(order, order)],
        n_pairs=np.array(table.n_pairs)[np.ix_(order, order)],
        n_models=np.array(table.n_models)[np.ix_(order, order)],
        method=table.method,
    )


def _extremes(data: MapData) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Positions of the dataset pairs with the smallest and the largest r; None where no r is defined."""
    rows, columns = np.triu_indices(len(data.names), 1)
    r = data.r[rows, columns]
    if not np.isfinite(r).any():
        return None
    least, most = int(np.nanargmin(r)), int(np.nanargmax(r))
    return (int(rows[least]), int(columns[least])), (int(rows[most]), int(columns[most]))


def _chosen(data: MapData, view: ConsistencyView) -> tuple[str, str]:
    """The two datasets of the scatter: those of the link, else the pair that agrees least."""
    if view.a in data.names and view.b in data.names and view.a != view.b:
        return view.a, view.b
    extremes = _extremes(data)
    a, b = extremes[0] if extremes else (0, 1)
    return data.names[a], data.names[b]


def _map_sentence(data: MapData) -> str:
    extremes = _extremes(data)
    if extremes is None:
        return "No two datasets share three pairs of models yet, so no correlation is defined."
    rows, columns = np.triu_indices(len(data.names), 1)
    r = data.r[rows, columns]
    (a, b), (c, d) = extremes
    pairs = count(int(np.isfinite(r).sum()), "pair")
    return (
        f"Over {pairs} of {len(data.names)} datasets the median {WORDS[data.method]} is "
        f"{decimal(float(np.nanmedian(r)))}; lowest between {data.titles[a]} and {data.titles[b]} "
        f"({decimal(data.r[a, b])}), highest between {data.titles[c]} and {data.titles[d]} ({decimal(data.r[c, d])})."
    )


def _one_dataset(table: Consistency) -> html.Div:
    return notice(
        "Consistency needs a second dataset",
        "Consistency compares the similarities on one dataset with those on another. "
        f"This metric has been computed on {count(len(table.datasets), 'dataset')} so far.",
    )


def _scatter(client: Client, view: ConsistencyView) -> list[Any]:
    """Payload, caption and class of the scatter."""
    study = read_study(client)
    metric = study.metric(view.metric)
    if metric is None:
        raise PreventUpdate
    table = client.consistency(metric.id, view.method)
    data = _map_data(study, table)
    if len(data.names) < 2:
        raise PreventUpdate
    a, b = _chosen(data, view)
    first, second = client.matrix(a, metric.id), client.matrix(b, metric.id)
    models = sorted(set(first.models) | set(second.models))
    place = {name: i for i, name in enumerate(data.names)}
    i, j = place[a], place[b]
    figure = pair_scatter(
        ScatterData(
            models=models, first=aligned(first, models), second=aligned(second, models),
            first_title=data.titles[i], second_title=data.titles[j], value_words=metric.title,
            attribute=view.by, slugs=study.attributes(models)[view.by],
        )
    )
    words = WORDS[data.method]
    caption = [
        html.Strong(f"{words} = {decimal(data.r[i, j])}"),
        f" over {int(data.n_pairs[i, j]):,} pairs of {int(data.n_models[i, j])} models. "
        "One point is one pair of models; on the dashed line both datasets give it the same similarity.",
    ]
    return [{"path": PATH, "figure": json.loads(figure.to_json())}, caption, "scatter is-ready"]
