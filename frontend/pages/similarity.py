"""Similarity: one dataset's square heatmap, in an order and a colour range that all datasets share."""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate

from frontend.components.callbacks import in_browser, in_thread
from frontend.components.chart import chart
from frontend.components.controls import control_id, options, panel, picker, switcher
from frontend.components.facts import code, recipe
from frontend.components.legend import attribute_legend
from frontend.components.states import (
    EMPTY,
    LOADING,
    READY,
    computing,
    nothing_yet,
    refused,
    replaced,
    skeleton_lines,
    state_class,
)
from frontend.figures.numbers import decimal, moment
from frontend.pages.study import Picture, Study, fingerprint, picture, read_study
from frontend.theme import ATTRIBUTE_TITLES
from frontend.urls import SimilarityView, decode
from parallax.client import ApiError, Client

PATH = "/similarity"
KEY = "similarity"
ORDER_LABELS = [("cluster", "Clustered"), ("name", "By name"), *ATTRIBUTE_TITLES.items()]
LABEL = "Heatmap of the similarity of every two models on the chosen dataset"
HOW_TO_READ = (
    "Each cell compares two models on the same stimuli; bright means alike. Models are ordered so that alike ones are "
    "neighbours: blocks along the diagonal are families. The order and the colour range are the same for every "
    "dataset, so change the dataset and watch what stays."
)


def layout(search: str) -> html.Div:
    """The page before its data."""
    view = decode(SimilarityView, search)
    return html.Div(
        [
            dcc.Store(id="similarity-data"),
            dcc.Store(id="similarity-view"),
            dcc.Store(id="similarity-key", data=""),
            html.H1("Similarity of models on one dataset"),
            html.Div(id="similarity-notice"),
            html.Div(
                [
                    html.Div(
                        [_controls(view), panel("Models", html.Div(skeleton_lines(6), id="similarity-legend"))],
                        className="side",
                    ),
                    html.Div(
                        [
                            chart("similarity-graph", LABEL),
                            html.Aside(
                                panel("Recipe", skeleton_lines(5)),
                                id="similarity-about", className="details details-row",
                                **{"aria-label": "About this picture"},
                            ),
                        ],
                        className="column",
                    ),
                ],
                className="work work-side",
            ),
        ],
        id="similarity-root", className=state_class(LOADING, KEY),
    )


def _controls(view: SimilarityView) -> html.Div:
    orders = options([pair for pair in ORDER_LABELS if pair[0] != "domain"])
    scales = options([("full", "Full"), ("fitted", "Fitted")])
    return html.Div(
        [
            picker(KEY, "dataset", "Dataset"),
            picker(KEY, "metric", "Metric"),
            picker(KEY, "order", "Order of models", orders, view.order),
            switcher(KEY, "scale", "Colour range", scales, view.scale),
        ],
        className="controls", role="group", **{"aria-label": "What is shown"},
    )


def register(app: Dash, client: Client) -> None:
    """Callbacks of the page."""

    @in_thread(
        app,
        Output("similarity-data", "data"), Output("similarity-key", "data"), Output("similarity-notice", "children"),
        Output("similarity-root", "className"), Output("similarity-graph-caption", "children"),
        Output("similarity-legend", "children"), Output("similarity-about", "children"),
        Input("url", "search"), Input("revision", "data"), State("url", "pathname"), State("similarity-key", "data"),
    )
    def load(search: str, revision: str, pathname: str, known: str) -> list[Any]:
        if pathname != PATH:
            raise PreventUpdate
        keep = [no_update] * 7
        try:
            study = read_study(client)
            view = decode(SimilarityView, search)
            metric = study.metric(view.metric)
            if metric is None:
                return [no_update, "", waiting(client), state_class(EMPTY, KEY), *keep[:3]]
            names = study.datasets_of(metric.id)
            dataset = view.dataset if view.dataset in names else names[0]
            shown = picture(client, study, metric, dataset)
        except ApiError as error:
            # What is already on screen stays; the banner at the top says what is wrong.
            return keep if known else [no_update, "", refused(error), state_class(EMPTY, KEY), *keep[:3]]
        payload = shown.payload(PATH, {"dataset": dataset, "metric": metric.id})
        payload["controls"] = {
            control_id(KEY, "dataset"): {"field": "dataset", "data": options([(n, study.title(n)) for n in names])},
            control_id(KEY, "metric"): {
                "field": "metric", "data": options([(m.id, m.title) for m in study.computed_metrics()]),
            },
            control_id(KEY, "order"): {"field": "order"},
            control_id(KEY, "scale"): {"field": "scale"},
        }
        key = fingerprint(payload)
        if key == known:
            return keep
        instead = replaced([("dataset", view.dataset, dataset), ("metric", view.metric, metric.id)])
        return [
            payload, key, None, state_class(READY, KEY), [*instead, shown.sentence()],
            attribute_legend(shown.attributes),
            [*_gaps(shown), panel("Recipe", _recipe(study, shown)), panel("How to read it", _reading(shown))],
        ]

    in_browser(
        app, "sync", Output("similarity-view", "data"),
        Input("similarity-data", "data"), Input("url", "search"), State("schema", "data"),
    )
    in_browser(
        app, "drawHeatmap", Output("similarity-graph", "figure"),
        Input("similarity-data", "data"), Input("url", "search"), Input("appearance", "data"),
        State("templates", "data"), State("similarity-graph", "id"),
    )
    in_browser(
        app, "navigate", *[Input(control_id(KEY, field), "value") for field in ("dataset", "metric", "order", "scale")],
        State("schema", "data"), prevent_initial_call=True,
    )


def waiting(client: Client) -> html.Div:
    """What stands in place of a picture that does not exist yet: work under way, or nothing at all."""
    states = client.job_counts().states
    total = sum(states.values())
    active = states.get("queued", 0) + states.get("running", 0)
    return computing(total - active, total) if active else nothing_yet()


def _gaps(shown: Picture) -> list[Any]:
    """Models without values on this dataset, with the reason."""
    if not shown.reasons:
        return []
    entries = [html.Li([html.Strong(model), html.Span(reason)]) for model, reason in sorted(shown.reasons.items())]
    return [panel("Not computed", html.Ul(entries, className="gaps"), "not-computed")]


def _reading(shown: Picture) -> list[html.P]:
    """How to read the picture, and what this metric says."""
    return [html.P(HOW_TO_READ), html.P([html.Strong(shown.metric.title), ": ", shown.metric.explanation])]


def _recipe(study: Study, shown: Picture) -> html.Dl:
    """Where the numbers come from."""
    matrix, metric = shown.matrix, shown.metric
    if matrix is None:
        return recipe([])
    dataset = study.versions.get((matrix.dataset, matrix.dataset_version))
    entries: list[tuple[str, Any]] = [
        ("Metric", [code(metric.id), f" version {matrix.metric_version}"]),
        ("Range", f"{decimal(metric.lower)} to {decimal(metric.upper)}" if metric.upper is not None else "unbounded"),
        ("Preprocessing", code(matrix.preprocess)),
        ("Stimuli", f"n = {matrix.n:,}"),
        ("Dataset", [code(f"{matrix.dataset}@{matrix.dataset_version}"), f" {dataset.licence}" if dataset else ""]),
        ("Manifest", code(dataset.dataset_hash[:12]) if dataset else decimal(None)),
        ("Computed", moment(matrix.updated_at)),
        ("Cite", metric.citation),
    ]
    return recipe(entries)
