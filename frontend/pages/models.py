"""Models: every one that is here and every published one that is not, as cards to be filtered, or their attributes
crossed."""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate

from backend.contracts.catalogue import CoveredModel
from frontend.components.callbacks import in_browser, in_thread
from frontend.components.controls import control_id, label_switcher, options, picker, switcher
from frontend.components.facet_panel import facet_line, facet_panel, search_box
from frontend.components.states import EMPTY, LOADING, READY, refused, state_class
from frontend.figures.numbers import count, large
from frontend.pages.catalogue import Catalogue, model_group, read_catalogue
from frontend.pages.study import fingerprint
from frontend.urls import CoverageView, ModelsView, decode, link, model_link
from parallax.client import ApiError, Client

PATH = "/models"
KEY = "models"
SORTS = [("name", "Name"), ("parameters", "Parameters"), ("coverage", "Datasets embedded")]
PICTURES = [("cards", "Cards"), ("crossed", "Attributes crossed")]


def layout(search: str) -> html.Div:
    """The page before its data."""
    view = decode(ModelsView, search)
    return html.Div(
        [
            dcc.Store(id="models-data", data={}),
            dcc.Store(id="models-key", data=""),
            dcc.Store(id="models-kept", data={}),
            dcc.Store(id="models-sort"),
            html.H1("Models"),
            html.P(id="models-lead", className="lead"),
            html.Div(id="models-notice"),
            html.Div(
                [
                    html.Div(
                        [
                            html.Div(
                                [
                                    switcher(KEY, "view", "Show", options(PICTURES), view.view),
                                    search_box(KEY, "q", "Search", view.q),
                                    picker(KEY, "sort", "Order of the cards", options(SORTS), view.sort),
                                    label_switcher(KEY, view.labels),
                                ],
                                className="controls",
                            ),
                            facet_panel("models", "Filters"),
                        ],
                        className="side",
                    ),
                    html.Div(
                        [
                            facet_line("models", "model"),
                            html.P("No model passes all of these filters.", id="models-none", className="none-left",
                                   hidden=True),
                            html.Div(id="models-cards", className="card-grid"),
                            html.Div(id="models-crossed", className="crossed-grid"),
                        ],
                        className="column",
                    ),
                ],
                className="work work-side",
            ),
        ],
        id="models-root", className=state_class(LOADING, KEY),
    )


def register(app: Dash, client: Client) -> None:
    """Callbacks of the page."""

    @in_thread(
        app,
        Output("models-data", "data"), Output("models-key", "data"), Output("models-lead", "children"),
        Output("models-notice", "children"), Output("models-root", "className"),
        Input("revision", "data"), State("url", "pathname"), State("models-key", "data"),
    )
    def load(revision: str, pathname: str, known: str) -> list[Any]:
        if pathname.rstrip("/") != PATH:
            raise PreventUpdate
        try:
            catalogue = read_catalogue(client)
        except ApiError as error:
            return [no_update] * 5 if known else [no_update, "", no_update, refused(error), state_class(EMPTY, KEY)]
        key = fingerprint(catalogue.coverage.model_dump())
        if key == known:
            raise PreventUpdate
        controls = {control_id(KEY, field): field for field in ("view", "q", "sort", "labels")}
        data = {
            "key": key, "path": PATH, "controls": controls, "groups": [model_group(catalogue.models)],
            "cards": cards(catalogue), "n_datasets": len(catalogue.datasets_here),
        }
        return [data, key, lead(catalogue), None, state_class(READY, KEY)]

    in_browser(
        app, "navigate", *[Input(control_id(KEY, field), "value") for field in ("view", "q", "sort", "labels")],
        State("schema", "data"), prevent_initial_call=True,
    )
    in_browser(app, "modelCards", Output("models-sort", "data"), Input("models-data", "data"), Input("url", "search"))
    in_browser(
        app, "facets", Output("models-kept", "data"), Input("models-data", "data"), Input("url", "search"),
        State("schema", "data"),
    )
    in_browser(
        app, "crossed", Input("models-kept", "data"), State("models-data", "data"),
        prevent_initial_call=True,
    )


def lead(catalogue: Catalogue) -> list[Any]:
    """How many there are, in a sentence, and the way to what is missing."""
    here = [model for model in catalogue.models if model.here]
    known = len(catalogue.models) - len(here)
    published = sum(bool(model.published) for model in here)
    listed = sum(bool(model.published) for model in catalogue.models)
    words = f"{count(len(here), 'model')} here"
    if published:
        words += f", {published:,} of them of the {listed:,} published ones"
    return [f"{words}; {count(known, 'published model')} known but not computed. ",
            dcc.Link("Which model is embedded where", href=link("/coverage", CoverageView()))]


def cards(catalogue: Catalogue) -> list[dict[str, Any]]:
    """What the browser writes on the card of each model, in the order of the catalogue."""
    of_models, _ = catalogue.computed()
    n_datasets = len(catalogue.datasets_here)
    return [
        {
            "title": model.title, "href": model_link(model.name), "here": model.here, "embedded": of_models[model.name],
            "parameters": model.n_parameters, "size": large(model.n_parameters),
            "foot": _foot(model, of_models[model.name], n_datasets),
        }
        for model in catalogue.models
    ]


def _foot(model: CoveredModel, n_embedded: int, n_datasets: int) -> str:
    """Where it is embedded."""
    if model.here:
        return f"on {n_embedded:,} of {count(n_datasets, 'dataset')}"
    return "not computed; needs another loader" if model.obstacle else "not computed"
