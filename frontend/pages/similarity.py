"""Similarity: one dataset's square heatmap by any metric, raw or calibrated, with its uncertainty, in an order and a
colour range that all datasets share."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.exceptions import PreventUpdate

from backend.domain.metrics import parse_metric
from backend.domain.quantities import VALUE
from frontend.components.callbacks import in_browser, in_thread
from frontend.components.chart import chart
from frontend.components.controls import control_id, options, panel, picker, switcher
from frontend.components.legend import attribute_legend
from frontend.components.metric_facts import about_metric
from frontend.components.metric_picker import (
    PARAMETER,
    metric_options,
    metric_picker,
    metric_with,
    parameter_fields,
)
from frontend.components.states import (
    EMPTY,
    LOADING,
    MISSING,
    READY,
    computing,
    nothing_yet,
    refused,
    skeleton_lines,
    state_class,
)
from frontend.pages import diagnostics, request
from frontend.pages.calibration import about_chance, chance_payload, pieces_of_cells
from frontend.pages.chosen import Chosen, choose
from frontend.pages.layers import LAYER_TITLES
from frontend.pages.picture import Picture, picture
from frontend.pages.recipes import matrix_recipe
from frontend.pages.study import Study, fingerprint, read_study
from frontend.theme import ATTRIBUTE_TITLES
from frontend.urls import LAYERS, SimilarityView, decode, encode
from parallax.client import ApiError, Client

PATH = "/similarity"
KEY = "similarity"
ORDER_LABELS = [("cluster", "Clustered"), ("name", "By name"), *ATTRIBUTE_TITLES.items()]
LABEL = "Heatmap of the similarity of every two models on the chosen dataset"
CHANCE_LABEL = "Histogram of the values of all pairs, with their chance level and its threshold below"
FIELDS = ("dataset", "metric", "layer", "order", "scale", "uncertainty")
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
                        [
                            _controls(view),
                            panel("About this metric", html.Div(skeleton_lines(6), id="similarity-metric")),
                            panel("Models", html.Div(skeleton_lines(6), id="similarity-legend"), "picture-only"),
                        ],
                        className="side",
                    ),
                    html.Div(
                        [
                            request.request_layout(),
                            html.Div(
                                [
                                    chart("similarity-graph", LABEL, card="similarity-card"),
                                    chart("similarity-chance", CHANCE_LABEL, shape="strip"),
                                    html.Aside(
                                        panel("Recipe", skeleton_lines(5)),
                                        id="similarity-about", className="details details-row",
                                        **{"aria-label": "About this picture"},
                                    ),
                                    diagnostics.diagnostics_layout(),
                                ],
                                className="column picture-only",
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
    layers = options([(layer, LAYER_TITLES[layer]) for layer in LAYERS])
    return html.Div(
        [
            picker(KEY, "dataset", "Dataset"),
            metric_picker(KEY),
            switcher(KEY, "layer", "Values", layers, view.layer),
            switcher(
                KEY, "uncertainty", "Uncertainty in the cells", options([("shown", "Shown"), ("hidden", "Hidden")]),
                view.uncertainty,
            ),
            picker(KEY, "order", "Order of models", orders, view.order),
            switcher(KEY, "scale", "Colour range", options([("full", "Full"), ("fitted", "Fitted")]), view.scale),
        ],
        className="controls", role="group", **{"aria-label": "What is shown"},
    )


def register(app: Dash, client: Client) -> None:
    """Callbacks of the page."""

    @in_thread(
        app,
        Output("similarity-data", "data"), Output("similarity-key", "data"), Output("similarity-notice", "children"),
        Output("similarity-root", "className"), Output("similarity-graph-caption", "children"),
        Output("similarity-chance-caption", "children"), Output("similarity-about", "children"),
        Output("similarity-want", "data"), Output("similarity-request", "children"),
        Input("url", "search"), Input("revision", "data"), State("url", "pathname"), State("similarity-key", "data"),
    )
    def load(search: str, revision: str, pathname: str, known: str) -> list[Any]:
        if pathname != PATH:
            raise PreventUpdate
        keep = [no_update] * 9
        try:
            study = read_study(client)
            view = decode(SimilarityView, search)
            chosen = choose(study, view)
            if chosen is None:
                return [no_update, "", waiting(client), state_class(EMPTY, KEY), *keep[:5]]
            shown = None
            if study.summary(chosen.metric.id, chosen.dataset):
                shown = picture(client, study, chosen.metric, chosen.dataset, view.layer)
        except ApiError as error:
            # What is already on screen stays; the banner at the top says what is wrong.
            return keep if known else [no_update, "", refused(error), state_class(EMPTY, KEY), *keep[:5]]
        payload = _payload(study, chosen, shown)
        key = fingerprint([payload, study.n_models(chosen.dataset)])
        if key == known:
            return keep
        if shown is None:
            return [
                payload, key, chosen.instead or None, state_class(MISSING, KEY), "", "", None, chosen.want,
                request.not_computed(study, chosen.metric, chosen.dataset),
            ]
        return [
            payload, key, None, state_class(READY, KEY), [*chosen.instead, shown.sentence()], about_chance(shown),
            [html.Div([*pieces_of_cells(shown), panel("How to read it", html.P(HOW_TO_READ))], className="details"),
             html.Div([*_gaps(shown), panel("Recipe", matrix_recipe(study, shown))], className="details")],
            *_work_left(study, chosen, shown),
        ]

    @in_thread(
        app,
        Output("similarity-metric", "children"), Output("similarity-parameters", "children"),
        Output("similarity-legend", "children"),
        Input("similarity-key", "data"), State("url", "search"), State("url", "pathname"),
    )
    def describe(key: str, search: str, pathname: str) -> list[Any]:
        if pathname != PATH or not key:
            raise PreventUpdate
        try:
            study = read_study(client)
        except ApiError:
            raise PreventUpdate from None
        chosen = choose(study, decode(SimilarityView, search))
        if chosen is None:
            raise PreventUpdate
        summary = study.summary(chosen.metric.id, chosen.dataset)
        return [
            about_metric(chosen.metric, summary.n if summary else None),
            parameter_fields(parse_metric(chosen.metric.id)), attribute_legend(study.attributes(sorted(study.models))),
        ]

    @in_thread(
        app,
        Output({"type": PARAMETER, "of": ALL, "name": ALL}, "error"),
        Output("url", "search", allow_duplicate=True),
        Input({"type": PARAMETER, "of": ALL, "name": ALL}, "value"), State("url", "search"),
        prevent_initial_call=True,
    )
    def parametrise(values: list[Any], search: str) -> tuple[list[Any], Any]:
        ids = [entry["id"] for entry in ctx.inputs_list[0]]
        if not ids:
            raise PreventUpdate
        metric, wrong = metric_with(ids[0]["of"], {one["name"]: v for one, v in zip(ids, values, strict=True)})
        errors = [wrong.get(one["name"]) for one in ids]
        view = decode(SimilarityView, search)
        if not metric or metric == view.metric:
            return errors, no_update
        return errors, encode(replace(view, metric=metric))

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
        app, "drawStrip", Output("similarity-chance", "figure"),
        Input("similarity-data", "data"), Input("appearance", "data"), State("templates", "data"),
        State("similarity-chance", "id"),
    )
    in_browser(
        app, "showCell", Input("similarity-graph", "hoverData"), State("similarity-data", "data"),
        State("similarity-card", "id"), prevent_initial_call=True,
    )
    in_browser(
        app, "navigate", *[Input(control_id(KEY, field), "value") for field in FIELDS],
        State("schema", "data"), prevent_initial_call=True,
    )
    request.register(app, client)
    diagnostics.register(app, client)


def _payload(study: Study, chosen: Chosen, shown: Picture | None) -> dict[str, Any]:
    """What the browser gets."""
    resolved = {"dataset": chosen.dataset, "metric": chosen.metric.id}
    payload: dict[str, Any] = {"path": PATH, "resolved": resolved}
    if shown is not None:
        payload = shown.payload(PATH, resolved) | chance_payload(shown)
    metrics = list(study.metrics.values())
    if chosen.metric.id not in study.metrics:
        metrics.append(chosen.metric)
    datasets = study.compared()
    payload["controls"] = {
        control_id(KEY, "dataset"): {"field": "dataset", "data": options([(n, study.title(n)) for n in datasets])},
        control_id(KEY, "metric"): {"field": "metric", "data": metric_options(metrics, len(datasets))},
        **{control_id(KEY, field): {"field": field} for field in FIELDS[2:]},
    }
    return json.loads(json.dumps(payload))


def _work_left(study: Study, chosen: Chosen, shown: Picture) -> list[Any]:
    """What can still be asked for beside a picture, and the form that asks for it."""
    if shown.numbers is None:
        return [{}, None]
    pairs = len(shown.numbers.pairs(VALUE))
    if chosen.metric.on_request:
        return [chosen.want, request.other_models(sorted(study.models))]
    if shown.numbers.n_uncalibrated:
        return [chosen.want, request.not_calibrated(shown.numbers.n_uncalibrated, pairs)]
    return [{}, None]


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
