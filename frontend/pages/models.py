"""Models: every one that is here and every published one that is not, as cards to be filtered, or their attributes
crossed."""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate

from backend.contracts.catalogue import CoveredModel
from backend.domain.attributes import MODEL_ATTRIBUTES
from frontend.components.callbacks import in_browser, in_thread
from frontend.components.controls import control_id, options, picker, switcher
from frontend.components.facet_panel import facet_line, facet_panel, search_box
from frontend.components.facts import code
from frontend.components.legend import swatch
from frontend.components.states import EMPTY, LOADING, READY, refused, state_class
from frontend.figures.numbers import count, large
from frontend.pages.catalogue import Catalogue, filter_trouble, model_group, read_catalogue
from frontend.pages.study import fingerprint
from frontend.theme import ATTRIBUTE_TITLES, vocabulary
from frontend.urls import CoverageView, ModelsView, decode, link, model_link
from parallax.client import ApiError, Client

PATH = "/models"
KEY = "models"
SORTS = [("name", "Name"), ("parameters", "Parameters"), ("coverage", "Datasets embedded")]
LABELS = [("published", "As published"), ("audited", "As audited")]
PICTURES = [("cards", "Cards"), ("crossed", "Attributes crossed")]


def layout(search: str) -> html.Div:
    """The page before its data."""
    view = decode(ModelsView, search)
    return html.Div(
        [
            dcc.Store(id="models-data", data={}),
            dcc.Store(id="models-kept", data={}),
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
                                    switcher(KEY, "labels", "Training data", options(LABELS), view.labels),
                                ],
                                className="controls",
                            ),
                            facet_panel("models", "Filters"),
                        ],
                        className="side",
                    ),
                    html.Div(
                        [
                            facet_line("models"),
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
        Output("models-cards", "children"), Output("models-data", "data"), Output("models-lead", "children"),
        Output("models-notice", "children"), Output("models-root", "className"),
        Input("url", "search"), Input("revision", "data"), State("url", "pathname"), State("models-data", "data"),
    )
    def load(search: str, revision: str, pathname: str, shown: dict[str, Any]) -> list[Any]:
        if pathname.rstrip("/") != PATH:
            raise PreventUpdate
        view = decode(ModelsView, search)
        try:
            catalogue = read_catalogue(client)
        except ApiError as error:
            return [no_update] * 5 if shown else [*[no_update] * 3, refused(error), state_class(EMPTY, KEY)]
        trouble = filter_trouble(view.models, "model")
        notice = html.P(trouble, className="banner-line", role="alert") if trouble else None
        key = fingerprint([view.sort, catalogue.coverage.model_dump()])
        if key == (shown or {}).get("key"):
            return [*[no_update] * 3, notice, no_update]
        controls = {control_id(KEY, field): field for field in ("view", "q", "sort", "labels")}
        data = {"key": key, "path": PATH, "controls": controls, "groups": [model_group(catalogue.models)]}
        return [cards(catalogue, view.sort), data, lead(catalogue), notice, state_class(READY, KEY)]

    in_browser(
        app, "navigate", *[Input(control_id(KEY, field), "value") for field in ("view", "q", "sort", "labels")],
        State("schema", "data"), prevent_initial_call=True,
    )
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


def cards(catalogue: Catalogue, sort: str) -> list[html.Article]:
    """A card per model; those that are here come first unless another order is asked for."""
    of_models, _ = catalogue.computed()
    keys: dict[str, Any] = {
        "name": lambda model: (not model.here, model.title.casefold()),
        "parameters": lambda model: (-model.n_parameters, model.title.casefold()),
        "coverage": lambda model: (-of_models[model.name], not model.here, model.title.casefold()),
    }
    n_datasets = len(catalogue.datasets_here)
    return [_card(model, of_models[model.name], n_datasets) for model in sorted(catalogue.models, key=keys[sort])]


def _card(model: CoveredModel, n_embedded: int, n_datasets: int) -> html.Article:
    name = code(model.name) if model.title != model.name else None
    return html.Article(
        [
            html.H2(dcc.Link(model.title, href=model_link(model.name)), className="card-title"),
            html.P(name, className="card-name") if name else None,
            html.Ul(_attributes(model), className="card-marks card-marks-two"),
            _foot(model, n_embedded, n_datasets),
        ],
        className="tile-card" if model.here else "tile-card tile-absent", **{"data-name": model.name},
    )


def _attributes(model: CoveredModel) -> list[html.Li]:
    """Objective, architecture, training data by both labels, size with the number of parameters."""
    marks = [mark(attribute, getattr(model, attribute)) for attribute in MODEL_ATTRIBUTES]
    marks[list(MODEL_ATTRIBUTES).index("size")].children.append(
        html.Span(large(model.n_parameters), title=f"{model.n_parameters:,} parameters", className="dim"))
    if model.training_data_audited != model.training_data:
        place = list(MODEL_ATTRIBUTES).index("training_data")
        marks[place].className = "as-published"
        audited = mark("training_data", model.training_data_audited)
        audited.className = "as-audited"
        marks.insert(place + 1, audited)
    return marks


def mark(attribute: str, slug: str) -> html.Li:
    """One attribute's value with its colour."""
    words = vocabulary(attribute).get(slug, slug)
    said = html.Span(f"{ATTRIBUTE_TITLES[attribute]}: ", className="sr-only")
    return html.Li([swatch(attribute, slug), said, html.Span(words)], title=ATTRIBUTE_TITLES[attribute])


def _foot(model: CoveredModel, n_embedded: int, n_datasets: int) -> html.Div:
    """Where it is embedded."""
    if model.here:
        share = 100 * n_embedded / n_datasets if n_datasets else 0
        return html.Div(
            [html.Div(html.Div(className="bar-fill", style={"width": f"{share:.0f}%"}), className="bar"),
             html.Span(f"on {n_embedded:,} of {count(n_datasets, 'dataset')}")],
            className="card-foot",
        )
    words = "not computed; needs another loader" if model.obstacle else "not computed"
    return html.Div(html.Span(words), className="card-foot")
