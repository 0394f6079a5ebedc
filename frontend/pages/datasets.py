"""Datasets: every one that is here and every published one that is not, as cards with some of their pictures."""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate

from backend.contracts.catalogue import CoveredDataset
from backend.contracts.datasets import Dataset
from backend.domain.published import published_datasets
from frontend.components.callbacks import in_browser, in_thread
from frontend.components.controls import control_id, options, picker
from frontend.components.facet_panel import facet_line, facet_panel, search_box
from frontend.components.facts import code
from frontend.components.legend import mark
from frontend.components.pictures import picture, sample_rows, withheld
from frontend.components.states import EMPTY, LOADING, READY, refused, state_class
from frontend.figures.numbers import count
from frontend.pages.catalogue import Catalogue, dataset_group, read_catalogue
from frontend.pages.study import fingerprint
from frontend.urls import CoverageView, DatasetsView, dataset_link, decode, link
from parallax.client import ApiError, Client

PATH = "/datasets"
KEY = "datasets"
SORTS = [("name", "Name"), ("stimuli", "Stimuli"), ("coverage", "Models embedded")]
SHOWN = 6  # pictures of a card


def layout(search: str) -> html.Div:
    """The page before its data."""
    view = decode(DatasetsView, search)
    controls = [search_box(KEY, "q", "Search", view.q),
                picker(KEY, "sort", "Order of the cards", options(SORTS), view.sort)]
    return html.Div(
        [
            dcc.Store(id="datasets-data", data={}),
            dcc.Store(id="datasets-key", data=""),
            dcc.Store(id="datasets-kept", data={}),
            html.H1("Datasets"),
            html.P(id="datasets-lead", className="lead"),
            html.Div(id="datasets-notice"),
            html.Div(
                [
                    html.Div([html.Div(controls, className="controls"),
                              facet_panel("datasets", "Filters")], className="side"),
                    html.Div(
                        [
                            facet_line("datasets", "dataset"),
                            html.P("No dataset passes all of these filters.", id="datasets-none", className="none-left",
                                   hidden=True),
                            html.Div(id="datasets-cards", className="card-grid card-grid-wide"),
                        ],
                        className="column",
                    ),
                ],
                className="work work-side",
            ),
        ],
        id="datasets-root", className=state_class(LOADING, KEY),
    )


def register(app: Dash, client: Client) -> None:
    """Callbacks of the page."""

    @in_thread(
        app,
        Output("datasets-cards", "children"), Output("datasets-data", "data"), Output("datasets-key", "data"),
        Output("datasets-lead", "children"), Output("datasets-notice", "children"),
        Output("datasets-root", "className"),
        Input("url", "search"), Input("revision", "data"), State("url", "pathname"), State("datasets-key", "data"),
    )
    def load(search: str, revision: str, pathname: str, known: str) -> list[Any]:
        if pathname.rstrip("/") != PATH:
            raise PreventUpdate
        sort = decode(DatasetsView, search).sort
        try:
            catalogue = read_catalogue(client)
            # Versions come in order: of each name the newest stays.
            newest = {dataset.name: dataset for dataset in client.datasets()}
        except ApiError as error:
            hidden = [no_update, no_update, "", no_update, refused(error), state_class(EMPTY, KEY)]
            return [no_update] * 6 if known else hidden
        key = fingerprint([sort, catalogue.coverage.model_dump()])
        if key == known:
            raise PreventUpdate
        controls = {control_id(KEY, field): field for field in ("q", "sort")}
        data = {"path": PATH, "controls": controls, "groups": [dataset_group(catalogue.datasets)]}
        return [cards(catalogue, newest, sort), data, key, lead(catalogue), None, state_class(READY, KEY)]

    in_browser(
        app, "navigate", *[Input(control_id(KEY, field), "value") for field in ("q", "sort")],
        State("schema", "data"), prevent_initial_call=True,
    )
    in_browser(
        app, "facets", Output("datasets-kept", "data"), Input("datasets-data", "data"), Input("url", "search"),
        State("schema", "data"),
    )


def lead(catalogue: Catalogue) -> list[Any]:
    """How many there are, in a sentence."""
    here = catalogue.datasets_here
    known = len(catalogue.datasets) - len(here)
    stimuli = sum(dataset.n_stimuli for dataset in here)
    return [
        f"{count(len(here), 'dataset')} here with {count(stimuli, 'stimulus', 'stimuli')}; "
        f"{count(known, 'published dataset')} known but not here. ",
        dcc.Link("Which model is embedded where", href=link("/coverage", CoverageView())),
    ]


def cards(catalogue: Catalogue, newest: dict[str, Dataset], sort: str) -> list[html.Article]:
    """A card per dataset; those that are here come first unless another order is asked for."""
    _, of_datasets = catalogue.computed()
    keys: dict[str, Any] = {
        "name": lambda dataset: (not dataset.here, dataset.title.casefold()),
        "stimuli": lambda dataset: (-dataset.n_stimuli, dataset.title.casefold()),
        "coverage": lambda dataset: (-of_datasets[dataset.name], not dataset.here, dataset.title.casefold()),
    }
    n_models = sum(model.here for model in catalogue.models)
    return [
        _card(one, newest.get(one.name), of_datasets[one.name], n_models)
        for one in sorted(catalogue.datasets, key=keys[sort])
    ]


def _card(covered: CoveredDataset, dataset: Dataset | None, n_embedded: int, n_models: int) -> html.Article:
    title = html.H2(dcc.Link(covered.title, href=dataset_link(covered.name)), className="card-title")
    name = [html.P(code(covered.name), className="card-name")]
    if dataset is None:
        entry = published_datasets()[covered.name]
        facts = [html.Li(f"{entry.n_stimuli_is.replace('exactly', '')} {entry.n_stimuli:,} stimuli".strip()),
                 html.Li(count(entry.n_labels, "label"))]
        return html.Article(
            [title, *name, html.Ul([mark("domain", covered.domain), *facts], className="card-marks"),
             html.Div(html.Span("known, not here"), className="card-foot")],
            className="tile-card tile-absent", **{"data-name": covered.name},
        )
    facts = [html.Li(count(dataset.n_stimuli, "stimulus", "stimuli")), html.Li(count(dataset.n_labels, "label"))]
    if dataset.n_groups:
        facts.append(html.Li(count(dataset.n_groups, "group")))
    pictures = html.Div(
        [picture(dataset, row, 128) for row in sample_rows(dataset.n_stimuli, SHOWN)], className="strip",
    ) if dataset.shows_stimuli else withheld(dataset)
    share = 100 * n_embedded / n_models if n_models else 0
    return html.Article(
        [
            pictures, title, *name,
            html.Ul([mark("domain", covered.domain), *facts], className="card-marks"),
            html.P(dataset.licence, className="card-licence", title="Licence"),
            html.Div(
                [html.Div(html.Div(className="bar-fill", style={"width": f"{share:.0f}%"}), className="bar"),
                 html.Span(f"{n_embedded:,} of {count(n_models, 'model')} embedded")],
                className="card-foot",
            ),
        ],
        className="tile-card", **{"data-name": covered.name},
    )
