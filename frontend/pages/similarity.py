"""Similarity: square heatmaps of models by any metric, raw or calibrated, with their uncertainty, in an order and a
colour range that all datasets share: one dataset, several side by side, two in one square, their difference, or mean
and spread over datasets."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import dash_ag_grid as dag
from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.exceptions import PreventUpdate

from backend.domain.metrics import parse_metric
from backend.domain.quantities import VALUE
from frontend.components.callbacks import in_browser, in_thread
from frontend.components.chart import chart
from frontend.components.controls import control_id, panel
from frontend.components.facet_panel import facet_group, facet_item
from frontend.components.metric_facts import about_metric
from frontend.components.metric_picker import PARAMETER, metric_with, parameter_fields
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
from frontend.pages import diagnostics, pinned_pair, request
from frontend.pages.calibration import about_chance, chance_payload, pieces_of_cells
from frontend.pages.chosen import Chosen, choose
from frontend.pages.panes import TWO, Panes, panes, second_of
from frontend.pages.picture import Picture
from frontend.pages.recipes import matrix_recipe
from frontend.pages.similarity_controls import ARRANGED, FIELDS, control_data, controls, models_panel, tool_bar
from frontend.pages.study import Study, fingerprint, read_study
from frontend.urls import SimilarityView, decode, encode
from parallax.client import ApiError, Client

PATH = "/similarity"
STORES = ("data", "view", "question", "around", "redraw")
KEY = "similarity"
LABEL = "Heatmap of the similarity of every two models"
KEYS = (
    "Cells of the heatmap. Arrow keys move, Enter pins a pair, Shift with arrows chooses a block and Enter crops to "
    "it, 0 shows everything, Backspace takes back"
)
CHANCE_LABEL = "Histogram of the values of all pairs, with their chance level and its threshold below"
HOW_TO_READ = (
    "Each cell compares two models on the same stimuli; bright means alike. Models are ordered so that alike ones are "
    "neighbours: blocks along the diagonal are families. The order and the colour range are the same for every "
    "dataset, so change the dataset and watch what stays. Drag over the picture to crop it, click a cell to pin its "
    "pair, or move with the arrow keys."
)


def layout(search: str) -> html.Div:
    """The page before its data."""
    view = decode(SimilarityView, search)
    return html.Div(
        [
            *(dcc.Store(id=f"similarity-{name}") for name in STORES),
            dcc.Store(id="similarity-table-made", data=_table().to_plotly_json()),
            dcc.Store(id="similarity-key", data=""),
            html.H1("Similarity of models"),
            html.Div(id="similarity-notice"),
            html.Div(
                [
                    html.Div(
                        [
                            pinned_pair.pair_layout(),
                            controls(view),
                            models_panel(view),
                            panel("About this metric", html.Div(skeleton_lines(6), id="similarity-metric")),
                        ],
                        className="side",
                    ),
                    html.Div([request.request_layout(), _picture()], className="column"),
                ],
                className="work work-side",
            ),
        ],
        id="similarity-root", className=state_class(LOADING, KEY), **{"data-view": view.view, "data-order": view.order},
    )


def _picture() -> html.Div:
    return html.Div(
        [
            tool_bar(),
            html.Div(
                [
                    html.Div(
                        id="similarity-keys", tabIndex=0, role="application", className="keys",
                        **{"aria-label": KEYS, "aria-roledescription": "heatmap"},
                    ),
                    chart("similarity-graph", LABEL, card="similarity-card"),
                ],
                className="heatmap-holder",
            ),
            html.Div(id="similarity-live", className="sr-only", role="status", **{"aria-live": "polite"}),
            html.P(id="similarity-shown", className="caption shown-words", role="status"),
            html.Details(
                [html.Summary("List of the visible models"), html.Ol(id="similarity-visible", className="visible")],
                id="similarity-list-part", className="below",
            ),
            html.Details(
                [
                    html.Summary("The same numbers as a table"),
                    html.P(id="similarity-table-words", className="dim"),
                    html.Div(id="similarity-table-place"),
                ],
                id="similarity-table-part", className="below",
            ),
            html.Div(chart("similarity-chance", CHANCE_LABEL, shape="strip"), className="only-one"),
            html.Aside(
                panel("Recipe", skeleton_lines(5)), id="similarity-about", className="details details-row",
                **{"aria-label": "About this picture"},
            ),
            html.Div(diagnostics.diagnostics_layout(), className="only-one"),
        ],
        className="column picture-only",
    )


def _table() -> dag.AgGrid:
    """The table of pairs, without rows. The browser places it when it is opened: a grid takes long to appear."""
    return dag.AgGrid(
        id="similarity-table", className="pairs-grid", style={"height": None},
        defaultColDef={"sortable": True, "resizable": True, "filter": True},
        dashGridOptions={
            "animateRows": False, "rowHeight": 34, "theme": {"function": "parallaxTheme(themeQuartz)"},
        },
    )


def register(app: Dash, client: Client) -> None:
    """Callbacks of the page."""

    @in_thread(
        app,
        Output("similarity-data", "data"), Output("similarity-key", "data"), Output("similarity-notice", "children"),
        Output("similarity-root", "className"), Output("similarity-graph-caption", "children"),
        Output("similarity-chance-caption", "children"), Output("similarity-about", "children"),
        Output("similarity-want", "data"), Output("similarity-request", "children"),
        Input("similarity-question", "data"), Input("revision", "data"), State("url", "pathname"),
        State("similarity-key", "data"),
    )
    def load(question: str | None, revision: str, pathname: str, known: str) -> list[Any]:
        if pathname != PATH or question is None:
            raise PreventUpdate
        keep = [no_update] * 9
        try:
            view = decode(SimilarityView, question)
            study = read_study(client, view.labels)
            chosen = choose(study, view)
            if chosen is None:
                return [no_update, "", waiting(client), state_class(EMPTY, KEY), *keep[:5]]
            found = panes(client, study, chosen, view)
            saved = {one.name: one.predicate for one in client.model_sets() if not one.published}
        except ApiError as error:
            # What is already on screen stays; the banner at the top says what is wrong.
            return keep if known else [no_update, "", refused(error), state_class(EMPTY, KEY), *keep[:5]]
        payload = similarity_payload(study, chosen, view, found) | {"sets": saved}
        key = fingerprint([payload, study.n_models(chosen.dataset)])
        if key == known:
            return keep
        missing = found.missing if found else chosen
        if found is None or missing is not None:
            wanted = missing or chosen
            return [
                payload, key, wanted.instead or None, state_class(MISSING, KEY), "", "", None, wanted.want,
                request.not_computed(study, wanted.metric, wanted.dataset),
            ]
        alone = found.view == "one"
        return [
            payload, key, None, state_class(READY, KEY), [*chosen.instead, found.sentence()],
            about_chance(found.first) if alone else "", _about(study, found),
            *(_work_left(study, chosen, found.first) if alone else [{}, None]),
        ]

    @in_thread(
        app,
        Output("similarity-metric", "children"), Output("similarity-parameters", "children"),
        Input("similarity-key", "data"), State("similarity-question", "data"), State("url", "pathname"),
    )
    def describe(key: str, question: str | None, pathname: str) -> list[Any]:
        if pathname != PATH or not key:
            raise PreventUpdate
        try:
            study = read_study(client)
        except ApiError:
            raise PreventUpdate from None
        chosen = choose(study, decode(SimilarityView, question))
        if chosen is None:
            raise PreventUpdate
        summary = study.summary(chosen.metric.id, chosen.dataset)
        about = about_metric(chosen.metric, summary.n if summary else None)
        return [about, parameter_fields(parse_metric(chosen.metric.id))]

    @in_thread(
        app,
        Output({"type": PARAMETER, "of": ALL, "name": ALL}, "error"),
        Output("url", "search", allow_duplicate=True),
        Input({"type": PARAMETER, "of": ALL, "name": ALL}, "value"), State("similarity-view", "data"),
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

    _register_browser(app)
    pinned_pair.register(app, client)
    request.register(app, client)
    diagnostics.register(app, client)


def _register_browser(app: Dash) -> None:
    """What runs in the browser: the link, drawing, pointing, clicking, cropping."""
    data, schema, templates = State("similarity-data", "data"), State("schema", "data"), State("templates", "data")
    drawn, search = Input("similarity-data", "data"), Input("url", "search")
    in_browser(
        app, "question", Output("similarity-question", "data"), search, Input("url", "pathname"), schema,
        State("similarity-question", "data"),
    )
    in_browser(app, "sync", Output("similarity-view", "data"), drawn, search, schema)
    in_browser(
        app, "redrawHeatmap", Output("similarity-graph", "figure"), drawn, search, Input("appearance", "data"),
        Input("similarity-redraw", "data"), templates, State("similarity-graph", "id"),
    )
    in_browser(
        app, "drawStrip", Output("similarity-chance", "figure"), drawn, Input("appearance", "data"), templates,
        State("similarity-chance", "id"),
    )
    in_browser(app, "around", Output("similarity-around", "data"), drawn, search, schema)
    in_browser(
        app, "showCell", Input("similarity-graph", "hoverData"), data, State("similarity-card", "id"),
        prevent_initial_call=True,
    )
    events = (("clickCell", "clickData"), ("zoomed", "relayoutData"), ("openPane", "clickAnnotationData"))
    for function, event in events:
        in_browser(app, function, Input("similarity-graph", event), data, prevent_initial_call=True)
    in_browser(
        app, "navigate", *[Input(control_id(KEY, field), "value") for field in FIELDS], schema,
        prevent_initial_call=True,
    )
    in_browser(
        app, "arrange", *[Input(control_id(KEY, field), "value") for field in ARRANGED], prevent_initial_call=True
    )
    in_browser(app, "find", Input(control_id(KEY, "highlight"), "value"), prevent_initial_call=True)
    in_browser(app, "filterBy", Input("similarity-predicate", "value"), prevent_initial_call=True)


def similarity_payload(study: Study, chosen: Chosen, view: SimilarityView, found: Panes | None) -> dict[str, Any]:
    """What the browser gets: numbers and words of every matrix that is drawn, how models can be chosen and ordered,
    and the choices of the controls."""
    resolved = {"dataset": chosen.dataset, "metric": chosen.metric.id}
    payload: dict[str, Any] = {"path": PATH, "resolved": resolved}
    if view.view in TWO:
        resolved["with_dataset"] = second_of(study, chosen, view).dataset
    if found is not None and found.missing is None:
        first = found.first
        payload = first.payload(PATH, resolved) | found.payload()
        payload["panes"] += payload.pop("others")
        payload |= chance_payload(first) if found.view == "one" else {}
        payload |= {"fixed": False, "filter": _filter(study, first)}
        payload["resolved"] = resolved | {"layer": first.layer, "view": found.view}
    payload["controls"] = control_data(study, chosen, found)
    return json.loads(json.dumps(payload))


def _filter(study: Study, shown: Picture) -> dict[str, Any]:
    """What the browser filters: the models in the order of the numbers."""
    items = []
    for place, name in enumerate(shown.models):
        attributes = {attribute: slugs[place] for attribute, slugs in shown.attributes.items()}
        items.append(facet_item(name, name, True, attributes, study.models[name].tags if name in study.models else []))
    return facet_group(KEY, "model", items, field="models", scope="", q="")


def _about(study: Study, found: Panes) -> list[Any]:
    """What cells say, what is not there, and where the numbers come from."""
    shown = [one for one in (found.first, *found.others) if one.matrix is not None]
    recipes = [
        panel("Recipe" if len(shown) == 1 else f"Recipe: {one.subject()}", matrix_recipe(study, one)) for one in shown
    ]
    if found.view == "multiples" and len(recipes) > 1:
        recipes = [html.Details([html.Summary("Recipes of all matrices"), html.Div(recipes, className="details")])]
    cells = pieces_of_cells(found.first) if found.view == "one" else []
    gaps = _gaps({one.title: one.reasons for one in shown})
    return [
        html.Div([*cells, panel("How to read it", html.P(HOW_TO_READ))], className="details"),
        html.Div([*gaps, *recipes], className="details"),
    ]


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


def _gaps(reasons: dict[str, dict[str, str]]) -> list[Any]:
    """Models without values, by the title of the dataset, with the reason."""
    entries = [
        html.Li([html.Strong(model if len(reasons) == 1 else f"{model} on {title}"), html.Span(reason)])
        for title, of in reasons.items() for model, reason in sorted(of.items())
    ]
    return [panel("Not computed", html.Ul(entries, className="gaps"), "not-computed")] if entries else []
