"""Map of models: where models lie in the plane by their similarities, on one dataset or by the mean over all."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
import numpy as np
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate

from backend.contracts.model_map import ModelMap
from backend.domain.attributes import MODEL_ATTRIBUTES
from frontend.components.callbacks import in_browser, in_thread
from frontend.components.chart import chart
from frontend.components.controls import control_id, label_switcher, options, panel, picker, switcher
from frontend.components.facts import code, recipe
from frontend.components.states import (
    EMPTY,
    LOADING,
    MISSING,
    READY,
    notice,
    refused,
    replaced,
    skeleton_lines,
    state_class,
)
from frontend.figures.model_map import MapData, model_map, nearest_alike
from frontend.figures.numbers import count, decimal, moment
from frontend.pages.similarity import waiting
from frontend.pages.study import Study, fingerprint, read_study
from frontend.theme import ATTRIBUTE_TITLES
from frontend.urls import MEAN, MapView, decode
from parallax.client import ApiError, Client

PATH = "/map"
KEY = "map"
LABEL = "Map of the models; near models have similar representations"
METHODS = {"mds": "MDS", "tsne": "t-SNE"}
HOW_TO_READ = {
    "mds": "Models that lie near each other represent the stimuli alike: distances follow 1 minus the similarity, as "
    "truly as a plane allows. Where the map lies and how it is turned means nothing.",
    "tsne": "Models that lie near each other represent the stimuli alike. t-SNE keeps neighbours together; distances "
    "between groups, their sizes and directions mean nothing, and another seed gives another map.",
}
FIELDS = ("metric", "dataset", "method", "layer", "labels", "by", "models", "seed", "perplexity", "a", "b")


def layout(search: str) -> html.Div:
    """The page before its data."""
    view = decode(MapView, search)
    return html.Div(
        [
            dcc.Store(id="modelmap-data"),
            dcc.Store(id="modelmap-view"),
            dcc.Store(id="modelmap-ask"),
            dcc.Store(id="modelmap-key", data=""),
            html.H1("Map of models"),
            html.Div(id="modelmap-notice"),
            html.Div(
                [
                    html.Div([_controls(view), _selection(view)], className="side"),
                    html.Div(
                        [
                            html.Div(id="modelmap-refusal"),
                            html.Div(
                                [
                                    chart("modelmap-graph", LABEL),
                                    html.Aside(
                                        panel("Recipe", skeleton_lines(5)), id="modelmap-about",
                                        className="details details-row", **{"aria-label": "About this map"},
                                    ),
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
        id="modelmap-root", className=state_class(LOADING, KEY),
    )


def _controls(view: MapView) -> html.Div:
    attributes = options([(name, ATTRIBUTE_TITLES[name]) for name in MODEL_ATTRIBUTES])
    numbers = {"seed": "Seed", "perplexity": "Perplexity"}
    return html.Div(
        [
            picker(KEY, "dataset", "Dataset"),
            picker(KEY, "metric", "Metric"),
            switcher(KEY, "method", "Method", options(list(METHODS.items())), view.method),
            html.Div(
                [
                    dmc.TextInput(
                        id=control_id(KEY, name), label=label, value=getattr(view, name), debounce=True, size="sm",
                        inputProps={"inputMode": "decimal"},
                    )
                    for name, label in numbers.items()
                ],
                id="modelmap-numbers", className="parameter-row", role="group", **{"aria-label": "Parameters of t-SNE"},
            ),
            switcher(KEY, "layer", "Values", options([("value", "Raw"), ("calibrated", "Calibrated")]), view.layer),
            picker(KEY, "by", "Colour and shape", attributes, view.by),
            label_switcher(KEY, view.labels),
            dmc.TextInput(
                id=control_id(KEY, "models"), label="Models", value=view.models, debounce=True, size="sm",
                placeholder="objective:self-supervised", description="A predicate or the name of a set; empty: all.",
            ),
            html.Div(id="modelmap-amount", className="chips"),
        ],
        className="controls", role="group", **{"aria-label": "What is shown"},
    )


def _selection(view: MapView) -> html.Section:
    """The two models that are selected, by a click on the map or here, and where they lead."""
    fields = [
        dmc.Select(
            id=control_id(KEY, name), label=label, data=[], value=getattr(view, name) or None, searchable=True,
            size="sm", clearable=True, placeholder=hint, comboboxProps={"shadow": "md", "withinPortal": True},
            clearButtonProps={"aria-label": f"Let go of the {label.lower()}"},
        )
        for name, label, hint in (
            ("a", "Model", "click a model or choose it"), ("b", "Second model", "click another one"),
        )
    ]
    targets = ("pair", "similarity", "model")
    links = [dcc.Link("", href="", id=f"modelmap-to-{target}", className="is-gone") for target in targets]
    return panel("Selected", [*fields, html.Div(links, className="selection-links")], "selection")


def register(app: Dash, client: Client) -> None:
    """Callbacks of the page."""

    @in_thread(
        app,
        Output("modelmap-data", "data"), Output("modelmap-key", "data"), Output("modelmap-notice", "children"),
        Output("modelmap-root", "className"), Output("modelmap-refusal", "children"),
        Output("modelmap-about", "children"), Output("modelmap-amount", "children"),
        Output(control_id(KEY, "models"), "error"),
        Input("modelmap-ask", "data"), State("modelmap-key", "data"),
    )
    def load(ask: dict[str, Any] | None, known: str) -> list[Any]:
        if not ask:
            raise PreventUpdate
        keep = [no_update] * 8
        try:
            view = decode(MapView, ask["search"])
            study = read_study(client, view.labels)
            metric = study.metric(view.metric)
            if metric is None:
                return [no_update, "", waiting(client), state_class(EMPTY, KEY), *keep[:4]]
            dataset = view.dataset if view.dataset in study.datasets_of(metric.id) else MEAN
            instead = replaced([("metric", view.metric, metric.id), ("dataset", view.dataset, dataset)])
            found, wrong, refusal = None, {}, None
            try:
                found = _read(client, metric.id, dataset, view)
            except ApiError as error:
                if error.status != 422:
                    raise
                wrong, refusal = _wrong(error)
        except ApiError as error:
            return keep if known else [no_update, "", refused(error), state_class(EMPTY, KEY), *keep[:4]]
        payload = {"path": PATH, "resolved": {"metric": metric.id, "dataset": dataset, "method": view.method},
                   "controls": _controlled(study, metric.id), **(_drawn(study, found) if found else {})}
        key = fingerprint([payload, wrong, str(refusal), view.labels])
        if key == known:
            return keep
        if found is None:
            return [payload, key, None, state_class(MISSING, KEY), refusal, no_update, _amount(view, None),
                    wrong.get("models", "")]
        return [
            payload, key, None, state_class(READY, KEY), instead or None, _about(study, found),
            _amount(view, found), "",
        ]

    # A change of address asks only what it concerns; new results ask everything again.
    in_browser(app, "mapAsk", Output("modelmap-ask", "data"), Input("url", "search"), State("modelmap-ask", "data"))
    in_browser(app, "mapRenew", Output("modelmap-ask", "data", allow_duplicate=True), Input("revision", "data"),
               State("url", "search"), State("modelmap-ask", "data"), prevent_initial_call=True)
    in_browser(app, "sync", Output("modelmap-view", "data"), Input("modelmap-data", "data"), Input("url", "search"),
               State("schema", "data"))
    in_browser(app, "drawModelMap", Output("modelmap-graph", "figure"), Input("modelmap-data", "data"),
               Input("url", "search"), Input("appearance", "data"), State("templates", "data"),
               State("modelmap-graph", "id"))
    in_browser(app, "mapCaption", Output("modelmap-graph-caption", "children"), Input("modelmap-data", "data"),
               Input("url", "search"))
    in_browser(app, "clickModel", Output("modelmap-graph", "clickData"), Input("modelmap-graph", "clickData"),
               State("modelmap-data", "data"), State("schema", "data"), prevent_initial_call=True)
    in_browser(app, "followMap", Output("modelmap-numbers", "hidden"), Input("modelmap-data", "data"),
               Input("url", "search"), State("schema", "data"))
    in_browser(app, "emptied", *(Input(control_id(KEY, name), "value") for name in ("a", "b", "models")),
               State("schema", "data"), prevent_initial_call=True)
    in_browser(app, "resetModels", Input("modelmap-reset", "n_clicks"), State("schema", "data"),
               prevent_initial_call=True)
    in_browser(app, "navigate", *(Input(control_id(KEY, name), "value") for name in FIELDS), State("schema", "data"),
               prevent_initial_call=True)


def _read(client: Client, metric: str, dataset: str, view: MapView) -> ModelMap:
    numbers: dict[str, Any] = {}
    if view.method == "tsne":
        numbers = {"seed": view.seed, "perplexity": view.perplexity}
    return client.model_map(
        metric, "" if dataset == MEAN else dataset, method=view.method, layer=view.layer, models=view.models,
        labels=view.labels, **numbers,
    )


def _wrong(error: ApiError) -> tuple[dict[str, str], Any]:
    """What is wrong with each field, and the notice in the place of the map."""
    words = {
        one.field.rpartition(".")[2]: " ".join(part for part in (one.message, one.hint) if part) for one in error.fields
    }
    said = [f"{name.capitalize()}: {wrong}" for name, wrong in words.items()]
    said = said or [part for part in (error.problem.detail, error.problem.hint) if part]
    return words, notice("There is no such map", " ".join(said), tone="trouble")


def _controlled(study: Study, metric: str) -> dict[str, Any]:
    datasets = [(MEAN, "Mean over all datasets"), *((name, study.title(name)) for name in study.datasets_of(metric))]
    return {
        control_id(KEY, "dataset"): {"field": "dataset", "data": options(datasets)},
        control_id(KEY, "metric"): {
            "field": "metric", "data": options([(m.id, m.title) for m in study.computed_metrics()]),
        },
        **{control_id(KEY, name): {"field": name} for name in FIELDS[2:9]},
    }


def _drawn(study: Study, found: ModelMap) -> dict[str, Any]:
    """What the browser draws from: a figure for each attribute, and the words of every model."""
    data = MapData(found.models, np.array(found.x), np.array(found.y), study.attributes(found.models))
    figures = {by: model_map(data, by, measured=found.method == "mds").to_plotly_json() for by in MODEL_ATTRIBUTES}
    return {
        "figures": figures, "models": found.models, "attributes": dict(data.attributes),
        "captions": {by: caption(data, by, found.sentence) for by in MODEL_ATTRIBUTES},
        "words": {name: {"title": ATTRIBUTE_TITLES[name], "values": words} for name, words in MODEL_ATTRIBUTES.items()},
    }


def caption(data: MapData, by: str, how_true: str) -> str:
    """What the map shows of an attribute, and how true it is."""
    what, models = ATTRIBUTE_TITLES[by].lower(), count(len(data.models), "model")
    if len(set(data.attributes[by])) == 1:
        return f"All {models} have the same {what}. {how_true}"
    same, chance = nearest_alike(data, by)
    return (
        f"{same} of {models} lie nearest to a model of the same {what}; dealt at random it would be about "
        f"{chance:.0f}. {how_true}"
    )


def _amount(view: MapView, found: ModelMap | None) -> list[Any]:
    """`12 of 27 models`, and the way back to all of them."""
    words = f"{len(found.models):,} of {count(found.n_models_of, 'model')}" if found else ""
    shown = "chip chip-reset" if view.models else "is-gone"
    reset = html.Button("Reset", id="modelmap-reset", className=shown, type="button")
    return [html.Span(words, className="amount", role="status"), reset]


def _about(study: Study, found: ModelMap) -> list[Any]:
    """How to read the map, and how it was made."""
    metric = study.metrics.get(found.metric)
    summaries = [one for name in found.datasets if (one := study.summary(found.metric, name))]
    newest = max((one.updated_at for one in summaries if one.updated_at), default=None)
    datasets: list[Any] = []
    for one in summaries:
        datasets += [html.Span([code(one.dataset), f" n = {one.n:,}"]), html.Br()]
    distance = metric is not None and metric.direction == "distance" and found.layer == "value"
    entries: list[tuple[str, Any]] = [
        ("Metric", [code(found.metric), f" version {metric.version}" if metric else ""]),
        ("Preprocessing", code(found.preprocess)),
        ("Datasets" if len(summaries) > 1 else "Dataset", datasets[:-1] or decimal(None)),
        ("Values", "their mean over datasets" if len(summaries) > 1 else "as computed"),
        ("Dissimilarity", "the distance itself" if distance else "1 − similarity"),
        ("Method", _method(found)),
        ("Models", f"{len(found.models):,} of {found.n_models_of:,}" + (f", {found.chosen}" if found.chosen else "")),
        ("Labels", f"as {found.labels}"),
        ("Stress", decimal(found.stress)),
        ("Trustworthiness", f"{decimal(found.trustworthiness)}, of {count(found.neighbours, 'neighbour')}"),
        ("Computed", moment(newest)),
    ]
    read = [html.P(HOW_TO_READ[found.method]), *(html.P(note, className="note") for note in found.notes)]
    return [
        html.Div(panel("How to read it", read), className="details"),
        html.Div(panel("Recipe", recipe(entries)), className="details"),
    ]


def _method(found: ModelMap) -> str:
    turned = "; turned, never stretched, to lie like the map of the mean over all datasets" if found.turned else ""
    if found.method == "tsne":
        return f"t-SNE, perplexity {found.perplexity:g}, random start, seed {found.seed}{turned}"
    return f"metric MDS: SMACOF from the classical solution{turned}"
