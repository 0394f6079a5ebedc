"""One dataset: its pictures, its labels, its licence and hash, and who is embedded on it; also a published one that is
not here."""

from __future__ import annotations

from collections import Counter
from typing import Any

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate

from backend.contracts.catalogue import CoveredDataset
from backend.contracts.datasets import Dataset, Stimulus
from backend.domain.published import PublishedDataset, published_datasets
from frontend.components.callbacks import in_thread
from frontend.components.controls import panel
from frontend.components.facts import code, recipe
from frontend.components.pictures import picture, sample_rows, withheld
from frontend.components.states import (
    EMPTY,
    LOADING,
    READY,
    link_button,
    notice,
    refused,
    skeleton_lines,
    state_class,
)
from frontend.figures.numbers import count, moment
from frontend.pages.catalogue import Catalogue, read_catalogue
from frontend.pages.cells import cell_state
from frontend.pages.study import fingerprint
from frontend.theme import vocabulary
from frontend.urls import CoverageView, SimilarityView, link, model_link, name_in
from parallax.client import ApiError, Client

KEY = "dataset"
FOLDER = "datasets"
PICTURES = 24
MOST_LABELS = 30


def layout(name: str) -> html.Div:
    """The page before its data."""
    return html.Div(
        [
            dcc.Store(id="dataset-key", data=""),
            dcc.Link("All datasets", href="/datasets", className="back-link"),
            html.Div([html.H1(name), skeleton_lines(2)], id="dataset-head"),
            html.Div(id="dataset-notice"),
            html.Div(
                [html.Div(id="dataset-body", className="column"),
                 html.Aside(id="dataset-facts", className="details", **{"aria-label": "About this dataset"})],
                className="work work-two",
            ),
        ],
        id="dataset-root", className=state_class(LOADING, KEY),
    )


def register(app: Dash, client: Client) -> None:
    """Callback of the page."""

    @in_thread(
        app,
        Output("dataset-head", "children"), Output("dataset-body", "children"), Output("dataset-facts", "children"),
        Output("dataset-notice", "children"), Output("dataset-root", "className"), Output("dataset-key", "data"),
        Input("revision", "data"), Input("url", "pathname"), State("dataset-key", "data"),
    )
    def load(revision: str, pathname: str, known: str) -> list[Any]:
        name = name_in(pathname, FOLDER)
        if name is None:
            raise PreventUpdate
        try:
            catalogue = read_catalogue(client)
            covered = catalogue.dataset(name)
            here = covered is not None and covered.here
            dataset = client.dataset(name) if here else None
            key = fingerprint([dataset, covered, catalogue.states_of_dataset(name) if covered else None])
            if key == known:
                return [no_update] * 6
            stimuli = client.stimuli(name) if here else []
        except ApiError as error:
            if known:
                return [no_update] * 6
            return [html.H1(name), no_update, no_update, refused(error), state_class(EMPTY, KEY), ""]
        if covered is None:
            return [html.H1(name[:80]), None, None, _unknown(name), state_class(EMPTY, KEY), ""]
        shown = body(catalogue, dataset, stimuli) if dataset else known_only(covered)
        return [head(covered, dataset), shown, facts(covered, dataset), None, state_class(READY, KEY), key]


def head(covered: CoveredDataset, dataset: Dataset | None) -> list[Any]:
    """Title, name, domain, whether it is here, and where its results are."""
    state = "Here" if dataset else "Known from the published catalogue, not here"
    marks = [html.Span(vocabulary("domain")[covered.domain], className="mark"),
             html.Span(state, className="mark" if dataset else "mark mark-distance")]
    actions = [
        link_button("Its heatmap", link("/similarity", SimilarityView(dataset=covered.name))),
        link_button("Coverage", link("/coverage", CoverageView(datasets=f"dataset:{covered.name}")), "light"),
    ] if dataset else []
    return [
        html.H1(covered.title), html.P([code(covered.name), *marks], className="head-marks"),
        html.P(dataset.description, className="lead head-lead") if dataset and dataset.description else None,
        html.Div(actions, className="actions"),
    ]


def body(catalogue: Catalogue, dataset: Dataset, stimuli: list[Stimulus]) -> list[Any]:
    """Pictures, labels, models."""
    rows = sample_rows(dataset.n_stimuli, PICTURES)
    at = {stimulus.ord: stimulus for stimulus in stimuli}
    pictures: Any = withheld(dataset)
    if dataset.shows_stimuli:
        pictures = html.Div([
            html.Figure([picture(dataset, row, 192, at.get(row)), html.Figcaption(_label(at.get(row)))])
            for row in rows
        ], className="picture-grid")
    return [
        html.Section([html.H2(f"{len(rows):,} of {count(dataset.n_stimuli, 'stimulus', 'stimuli')}, evenly spread",
                              className="group-title") if dataset.shows_stimuli else html.H2(
                                  "Stimuli", className="group-title"), pictures]),
        html.Section(_labels(stimuli)),
        html.Section(_models(catalogue, dataset)),
    ]


def _label(stimulus: Stimulus | None) -> str:
    return stimulus.label if stimulus and stimulus.label else ""


def _labels(stimuli: list[Stimulus]) -> list[Any]:
    """How many stimuli have each label, the most first."""
    counts = Counter(stimulus.label for stimulus in stimuli if stimulus.label is not None)
    if not counts:
        return [html.H2("Labels", className="group-title"), html.P("Its stimuli have no labels.", className="dim")]
    most = max(counts.values())
    listed = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    rows = [
        html.Li([html.Span(label, className="label-name"),
                 html.Div(html.Div(className="bar-fill", style={"width": f"{100 * n / most:.1f}%"}), className="bar"),
                 html.Span(f"{n:,}", className="count")])
        for label, n in listed[:MOST_LABELS]
    ]
    least = min(counts.values())
    words = f"{count(len(counts), 'label')}, {f'{least:,} to ' if least < most else ''}{most:,} stimuli each"
    if len(listed) > MOST_LABELS:
        words += f"; the {MOST_LABELS} most frequent are listed"
    return [html.H2(words, className="group-title"), html.Ul(rows, className="label-bars")]


def _models(catalogue: Catalogue, dataset: Dataset) -> list[Any]:
    """The models that are here by their state on this dataset."""
    states = catalogue.states_of_dataset(dataset.name)
    here = [model for model in catalogue.models if model.here]
    done = sum(states[model.name] == "computed" for model in here)
    items = [
        html.Li([cell_state(states[model.name]), dcc.Link(model.title, href=model_link(model.name))])
        for model in sorted(here, key=lambda model: (states[model.name] == "computed", model.title.casefold()))
    ]
    return [html.H2(f"{done:,} of {count(len(here), 'model')} embedded", className="group-title"),
            html.Ul(items, className="name-list")]


def known_only(covered: CoveredDataset) -> list[Any]:
    """What to do about a published dataset that is not here."""
    return [notice(
        "This dataset is known, not here",
        "Parallax ships no pictures of other people's datasets. Put its stimuli into an archive with a manifest and "
        "add it with parallax datasets add; every model can then be embedded on it.",
        [link_button("All datasets", "/datasets")],
    )]


def facts(covered: CoveredDataset, dataset: Dataset | None) -> list[Any]:
    """Side panels: identity and licence, what the study used."""
    parts = []
    if dataset is not None:
        groups = f"{dataset.n_groups:,}, resampled as wholes" if dataset.n_groups else "none"
        parts.append(panel("What it is, exactly", recipe([
            ("Version", f"{dataset.version}"), ("Manifest", code(dataset.dataset_hash[:16])),
            ("Stimuli", f"n = {dataset.n_stimuli:,}"), ("Labels", f"{dataset.n_labels:,}"), ("Groups", groups),
            ("Licence", dataset.licence), *([("Source", dataset.source)] if dataset.source else []),
            ("Added", moment(dataset.created_at)),
        ])))
    entry = published_datasets().get(covered.published)
    if entry is not None:
        parts.append(panel("In the published study", [recipe(_published(entry)),
                                                      html.P(entry.note, className="dim") if entry.note else None]))
    return parts


def _published(entry: PublishedDataset) -> list[tuple[str, Any]]:
    train = f"{'about ' if entry.n_train_is == 'about' else ''}{entry.n_train:,}"
    stimuli = f"{'at most ' if entry.n_stimuli_is == 'at most' else ''}{entry.n_stimuli:,}"
    return [
        ("Called", code(entry.published_name)), ("Labels", f"{entry.n_labels:,}"),
        ("Training split", train), ("Test split", f"{entry.n_test:,}"),
        ("For similarities", f"{stimuli} stimuli: {entry.subset}"),
    ]


def _unknown(name: str) -> html.Div:
    return notice("There is no such dataset", f"No dataset is called {name[:80]}, neither here nor in the published "
                  "catalogue.", [link_button("All datasets", "/datasets")])
