"""One model: what is said of it, where its weights come from, and where it is embedded; also a published one that is
not here yet."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate

from backend.contracts.catalogue import CoveredModel, ModelEmbedding
from backend.contracts.models import Model
from backend.domain.attributes import MODEL_ATTRIBUTES
from backend.domain.published import PublishedModel, published_models
from frontend.components.callbacks import in_browser, in_thread
from frontend.components.controls import panel
from frontend.components.facts import code, recipe
from frontend.components.legend import swatch
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
from frontend.figures.numbers import count, large, moment
from frontend.pages import queueing
from frontend.pages.catalogue import Catalogue, read_catalogue
from frontend.pages.cells import cell_state
from frontend.pages.study import fingerprint
from frontend.theme import ATTRIBUTE_TITLES, vocabulary
from frontend.urls import SimilarityView, dataset_link, job_link, link, name_in
from parallax.client import ApiError, Client

KEY = "model"
FOLDER = "models"


def layout(name: str) -> html.Div:
    """The page before its data."""
    return html.Div(
        [
            dcc.Store(id="model-key", data=""),
            dcc.Link("All models", href="/models", className="back-link"),
            html.Div([html.H1(name), skeleton_lines(2)], id="model-head"),
            html.Div(id="model-notice"),
            queueing.queue_layout(),
            html.Div(
                [html.Div(id="model-body", className="column"),
                 html.Aside(id="model-facts", className="details", **{"aria-label": "About this model"})],
                className="work work-two",
            ),
        ],
        id="model-root", className=state_class(LOADING, KEY),
    )


def register(app: Dash, client: Client) -> None:
    """Callbacks of the page; those of the question are registered with the coverage."""

    @in_thread(
        app,
        Output("model-head", "children"), Output("model-body", "children"), Output("model-facts", "children"),
        Output("model-notice", "children"), Output("model-root", "className"), Output("model-key", "data"),
        Input("pulse", "n_intervals"), Input("queue-done", "data"), State("url", "pathname"),
        State("model-key", "data"),
    )
    def load(beat: int | None, done: int, pathname: str, known: str) -> list[Any]:
        name = name_in(pathname, FOLDER)
        if name is None:
            raise PreventUpdate
        try:
            catalogue = read_catalogue(client)
            covered = catalogue.model(name)
            here = covered is not None and covered.here
            model = client.model(name) if here else None
            embeddings = client.model_embeddings(name) if here else []
        except ApiError as error:
            if known:
                return [no_update] * 6
            return [html.H1(name), no_update, no_update, refused(error), state_class(EMPTY, KEY), ""]
        if covered is None:
            return [html.H1(name[:80]), None, None, _unknown(name), state_class(EMPTY, KEY), ""]
        key = fingerprint([covered.model_dump(), catalogue.states_of_model(name),
                           [job.model_dump() for job in catalogue.jobs_of_model(name).values()],
                           [one.model_dump() for one in embeddings]])
        if key == known:
            return [no_update] * 6
        entry = published_models().get(covered.published)
        return [head(covered), body(catalogue, covered, embeddings), facts(covered, model, entry), None,
                state_class(READY, KEY), key]

    in_browser(
        app, "askMissing", Input("model-ask", "n_clicks"), State("model-want", "data"), prevent_initial_call=True
    )


def head(covered: CoveredModel) -> list[Any]:
    """Title, name, whether it is here, and what can be done."""
    state = "Here" if covered.here else "Known from the published catalogue, not computed here"
    marks = [html.Span(state, className="mark" if covered.here else "mark mark-distance")]
    if covered.here and covered.published:
        marks.append(html.Span("Published", className="mark"))
    actions = []
    if covered.here:
        actions = [
            link_button("In the heatmap", link("/similarity", SimilarityView(highlight=covered.name))),
            link_button("Most similar first", f"/similarity?v=1&order=model&to={quote(covered.name)}", "light"),
        ]
    return [
        html.H1(covered.title),
        html.P([code(covered.name), *marks], className="head-marks"),
        html.Div(actions, className="actions"),
    ]


def body(catalogue: Catalogue, covered: CoveredModel, embeddings: list[ModelEmbedding]) -> list[Any]:
    """The datasets with the state of each, and the way to what is missing."""
    states = catalogue.states_of_model(covered.name)
    jobs, made = catalogue.jobs_of_model(covered.name), {one.dataset: one for one in embeddings}
    here = catalogue.datasets_here
    missing = [d for d in here if states[d.name] in ("missing", "failed")]
    done = sum(states[d.name] == "computed" for d in here)
    rows = []
    for dataset in here:
        one, job = made.get(dataset.name), jobs.get(dataset.name)
        shown = one if states[dataset.name] == "computed" else None
        rows.append(html.Tr([
            html.Th(dcc.Link(dataset.title, href=dataset_link(dataset.name)), scope="row"),
            html.Td([cell_state(states[dataset.name]), *_why(job)]),
            html.Td(f"{shown.n:,} × {shown.d:,}" if shown else ""),
            html.Td(shown.device_class if shown else ""),
            html.Td(dcc.Link(moment(shown.created_at), href=job_link(shown.job)) if shown else ""),
            html.Td(dcc.Link("Heatmap", href=link("/similarity", SimilarityView(
                dataset=dataset.name, highlight=covered.name))) if shown else ""),
        ]))
    head_row = html.Tr([html.Th(title, scope="col") for title in
                        ("Dataset", "State", "Stimuli × features", "Device", "Computed (job)", "")])
    parts: list[Any] = [html.H2(f"Embedded on {done:,} of {count(len(here), 'dataset')}", className="group-title")]
    if covered.obstacle:
        parts.append(html.P(covered.obstacle, className="warning-box"))
    elif missing:
        parts.append(dmc.Button(f"Ask for the {len(missing):,} missing", id="model-ask", size="sm",
                                className="model-ask"))
    parts.append(html.Div(
        html.Table([html.Thead(head_row), html.Tbody(rows)], className="grid-table"), className="scroll-x", tabIndex=0,
        role="region", **{"aria-label": "Datasets"},
    ) if here else html.P("There is no dataset yet.", className="dim"))
    known = len(catalogue.datasets) - len(here)
    if known:
        parts.append(html.P([f"{count(known, 'published dataset')} more are known and not here. ",
                             dcc.Link("All datasets", href="/datasets")], className="dim"))
    want = {"model": covered.model_dump(), "datasets": [dataset.model_dump() for dataset in missing]}
    return [*parts, dcc.Store(id="model-want", data=want)]


def _why(job: Any) -> list[Any]:
    if job is None:
        return []
    words = f" {job.message} {job.hint}".rstrip()
    return [html.Span(words, className="dim"), " ", dcc.Link(f"job {job.job}", href=job_link(job.job))]


def facts(covered: CoveredModel, model: Model | None, entry: PublishedModel | None) -> list[Any]:
    """Side panels: attributes by both labels, provenance, what the study says."""
    why = html.P(entry.audit, className="warning-box") if entry is not None and entry.audit else None
    parts = [panel("Attributes", [_attributes(covered), why])]
    if model is not None:
        parts.append(panel("What it is, exactly", recipe([
            ("Source", model.source), ("In timm", code(model.timm_name)), ("Revision", code(model.revision[:16])),
            ("Weights", code(model.weights_sha256[:16])), ("Read at", [code(model.node), f", {model.pooling}"]),
            ("Features", f"{model.embedding_dim:,}"),
            ("Parameters", f"{model.n_parameters:,} ({large(model.n_parameters)})"),
            ("Preprocessing", code(_preprocessing(model))), ("Added", moment(model.created_at)),
            *([("Tags", ", ".join(model.tags))] if model.tags else []),
        ])))
        if model.description:
            parts.append(panel("Description", html.P(model.description)))
    if entry is not None:
        counted = "" if entry.counted == "all" else f", {entry.counted}"
        parts.append(panel("In the published study", recipe([
            ("Called", code(entry.published_name)), ("Loader", entry.loader), ("Weights", code(entry.weights)),
            ("Network", entry.network), ("Read at", [code(entry.node), f", {entry.pooling}"]),
            ("Features", f"{entry.embedding_dim:,}"), ("Parameters", f"{entry.n_parameters:,}{counted}"),
            ("Trained on", entry.trained_on),
            *([("Sets", ", ".join(entry.tags))] if entry.tags else []),
        ])))
    return parts


def _attributes(covered: CoveredModel) -> html.Dl:
    """Attribute by attribute; what the audit changes by both labels."""
    entries: list[tuple[str, Any]] = []
    for attribute in MODEL_ATTRIBUTES:
        values = [_value(attribute, getattr(covered, attribute), "")]
        if attribute == "training_data" and covered.training_data_audited != covered.training_data:
            values = [_value(attribute, covered.training_data, "as published"),
                      _value(attribute, covered.training_data_audited, "as audited")]
        entries.append((ATTRIBUTE_TITLES[attribute], values))
    return recipe(entries)


def _value(attribute: str, slug: str, whose: str) -> html.Span:
    words = [html.Span(vocabulary(attribute).get(slug, slug)), html.Span(whose, className="dim") if whose else None]
    return html.Span([swatch(attribute, slug), *words], className="valued")


def _preprocessing(model: Model) -> str:
    """Size, interpolation and crop in short; the rest is in the API's answer."""
    given = model.preprocessing
    size = "×".join(str(part) for part in given.get("input_size", [])[1:])
    return " ".join(str(part) for part in (size, given.get("interpolation", ""), given.get("crop_pct", "")) if part)


def _unknown(name: str) -> html.Div:
    words = f"No model is called {name[:80]}, neither here nor in the published catalogue."
    return notice("There is no such model", words, [link_button("All models", "/models")])
