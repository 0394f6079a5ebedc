"""Coverage: which model is embedded on which dataset, and asking for what is missing."""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate

from backend.domain.attributes import MODEL_ATTRIBUTES
from frontend.components.callbacks import in_browser, in_thread
from frontend.components.controls import control_id, label_switcher, options, picker
from frontend.components.facet_panel import facet_line, facet_panel, search_box
from frontend.components.states import EMPTY, LOADING, READY, refused, skeleton_lines, state_class
from frontend.figures.numbers import count
from frontend.pages import queueing
from frontend.pages.catalogue import Catalogue, dataset_group, model_group, read_catalogue
from frontend.pages.study import fingerprint
from frontend.theme import ATTRIBUTE_TITLES
from frontend.urls import CoverageView, decode
from parallax.client import ApiError, Client

PATH = "/coverage"
KEY = "coverage"
GROUPS = [*((name, ATTRIBUTE_TITLES[name]) for name in MODEL_ATTRIBUTES), ("none", "Nothing")]
FIELDS = ("q", "group", "labels", "dataset_q")


def layout(search: str) -> html.Div:
    """The page before its data."""
    view = decode(CoverageView, search)
    return html.Div(
        [
            dcc.Store(id="coverage-data", data={}),
            dcc.Store(id="coverage-key", data=""),
            dcc.Store(id="coverage-kept", data={}),
            html.H1("Coverage"),
            html.P(id="coverage-lead", className="lead"),
            html.Div(id="coverage-notice"),
            queueing.queue_layout(),
            html.Div(
                [
                    html.Div(
                        [
                            html.Div(
                                [
                                    picker(KEY, "group", "Models grouped by", options(GROUPS), view.group),
                                    label_switcher(KEY, view.labels),
                                    search_box(KEY, "q", "Search models", view.q),
                                    search_box(KEY, "dataset_q", "Search datasets", view.dataset_q),
                                ],
                                className="controls",
                            ),
                            facet_panel("models", "Filters of models"),
                            facet_panel("datasets", "Filters of datasets"),
                        ],
                        className="side",
                    ),
                    html.Div(
                        [
                            facet_line("models", "model"), facet_line("datasets", "dataset"),
                            html.Figure(
                                [
                                    html.Div(id="coverage-legend", className="coverage-legend"),
                                    html.Div(skeleton_lines(12), id="coverage-matrix", className="matrix"),
                                    html.Figcaption(id="coverage-caption", className="caption",
                                                    **{"aria-live": "polite"}),
                                ],
                                className="chart coverage-figure",
                            ),
                            html.Section(id="coverage-cell", className="panel coverage-cell", hidden=True,
                                         **{"aria-live": "polite", "aria-label": "The chosen cell"}),
                        ],
                        className="column",
                    ),
                ],
                className="work work-side",
            ),
        ],
        id="coverage-root", className=state_class(LOADING, KEY),
    )


def register(app: Dash, client: Client) -> None:
    """Callbacks of the page, and those of the question that it shares with a model's page."""
    queueing.register(app, client)

    @in_thread(
        app,
        Output("coverage-data", "data"), Output("coverage-key", "data"), Output("coverage-lead", "children"),
        Output("coverage-notice", "children"), Output("coverage-root", "className"),
        Input("revision", "data"), Input("queue-done", "data"), Input("pulse", "n_intervals"),
        State("url", "pathname"), State("coverage-key", "data"),
    )
    def load(revision: str, done: int, beat: int, pathname: str, known: str) -> list[Any]:
        if pathname.rstrip("/") != PATH:
            raise PreventUpdate
        try:
            catalogue = read_catalogue(client)
        except ApiError as error:
            return [no_update] * 5 if known else [no_update, "", no_update, refused(error), state_class(EMPTY, KEY)]
        key = fingerprint(catalogue.coverage.model_dump())
        if key == known:
            raise PreventUpdate
        data = {
            "path": PATH, "controls": {control_id(KEY, field): field for field in FIELDS},
            "groups": [model_group(catalogue.models),
                       dataset_group(catalogue.datasets, scope="dataset_scope", q="dataset_q")],
            "coverage": catalogue.coverage.model_dump(exclude={"counts"}),
        }
        return [data, key, lead(catalogue), None, state_class(READY, KEY)]

    in_browser(
        app, "navigate", *[Input(control_id(KEY, field), "value") for field in FIELDS], State("schema", "data"),
        prevent_initial_call=True,
    )
    in_browser(
        app, "facets", Output("coverage-kept", "data"), Input("coverage-data", "data"), Input("url", "search"),
        State("schema", "data"),
    )
    in_browser(
        app, "coverageMatrix", Input("coverage-kept", "data"), State("coverage-data", "data"),
        prevent_initial_call=True,
    )


def lead(catalogue: Catalogue) -> str:
    """What is here and how much of it is computed, in a sentence."""
    models = [model for model in catalogue.models if model.here]
    cells = len(models) * len(catalogue.datasets_here)
    done = catalogue.coverage.counts.get("computed", 0)
    share = f"{done:,} of their {cells:,} pairs are embedded" if cells else "nothing is embedded yet"
    return (
        f"{count(len(models), 'model')} and {count(len(catalogue.datasets_here), 'dataset')} are here; {share}. The "
        "published ones that are not here are listed with them. Choose an empty cell to ask for it."
    )
