"""The catalogue of metrics: all of them with what is computed where, and one of them in full."""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate

from backend.contracts.metrics import MetricInfo
from backend.domain.errors import InvalidInput
from frontend.components.callbacks import in_thread
from frontend.components.controls import panel
from frontend.components.facts import code, recipe
from frontend.components.metric_facts import direction_mark, full_entries, range_of
from frontend.components.metric_picker import computed_words, grouped
from frontend.components.states import EMPTY, LOADING, READY, link_button, notice, refused, skeleton_lines, state_class
from frontend.figures.numbers import count
from frontend.pages.study import Study, fingerprint, read_study
from frontend.urls import MetricsView, SimilarityView, decode, link
from parallax.client import ApiError, Client

PATH = "/metrics"
KEY = "metrics"
LEAD = (
    "Each metric is another answer to “when are two models alike?”. Every one can be asked for on any dataset; its "
    "chance level is computed with it."
)


def layout(search: str) -> html.Div:
    """The page before its data."""
    return html.Div(
        [
            dcc.Store(id="metrics-key", data=""),
            html.Div(id="metrics-notice"),
            html.Div([html.H1("Metrics"), skeleton_lines(8)], id="metrics-body", className="work"),
        ],
        id="metrics-root", className=state_class(LOADING, KEY),
    )


def register(app: Dash, client: Client) -> None:
    """Callback of the page."""

    @in_thread(
        app,
        Output("metrics-body", "children"), Output("metrics-key", "data"), Output("metrics-notice", "children"),
        Output("metrics-root", "className"),
        Input("url", "search"), Input("revision", "data"), State("url", "pathname"), State("metrics-key", "data"),
    )
    def load(search: str, revision: str, pathname: str, known: str) -> list[Any]:
        if pathname != PATH:
            raise PreventUpdate
        wanted = decode(MetricsView, search).metric
        try:
            study = read_study(client)
        except ApiError as error:
            return [no_update] * 4 if known else [no_update, "", refused(error), state_class(EMPTY, KEY)]
        try:
            body = one(study, study.known_metric(wanted)) if wanted else every(study)
        except InvalidInput as error:
            unknown = notice(error.message, error.hint, [link_button("All metrics", PATH)])
            return [html.H1("Metrics", className="sr-only"), "", unknown, f"{state_class(EMPTY, KEY)} is-unknown"]
        key = fingerprint([wanted, [m.model_dump() for m in study.metrics.values()]])
        if key == known:
            return [no_update] * 4
        return [body, key, None, state_class(READY, KEY)]


def every(study: Study) -> list[Any]:
    """The whole catalogue by groups."""
    metrics = list(study.metrics.values())
    n_datasets = len(study.datasets)
    return [
        html.H1("Metrics"),
        html.P(LEAD, className="lead"),
        *[
            html.Section(
                [html.H2(title, className="group-title"), html.Ul([_row(m, n_datasets) for m in members])],
                className="metric-group",
            )
            for title, members in grouped(metrics).items()
        ],
    ]


def _row(metric: MetricInfo, n_datasets: int) -> html.Li:
    return html.Li(
        [
            html.Div(
                [dcc.Link(metric.title, href=link(PATH, MetricsView(metric.id)), className="metric-title"),
                 code(metric.id)],
                className="metric-name",
            ),
            html.P(gist(metric.explanation), className="metric-words"),
            html.Div(
                [
                    direction_mark(metric.direction), html.Span(range_of(metric)),
                    html.Span(computed_words(metric, n_datasets), className="done" if metric.computed_on else ""),
                ],
                className="metric-marks",
            ),
        ],
        className="metric-row",
    )


def gist(explanation: str) -> str:
    """The sentence of an explanation that says what the number is; the first one where none begins so."""
    sentences = explanation.split(". ")
    said = next((s for s in sentences if s.startswith(("The score is", "This distance"))), sentences[0])
    return f"{said.rstrip('.')}."


def one(study: Study, metric: MetricInfo) -> list[Any]:
    """One metric in full, and where it is computed."""
    computed = study.datasets_of(metric.id)
    here = [
        html.Li(
            [
                dcc.Link(study.title(name), href=link("/similarity", SimilarityView(dataset=name, metric=metric.id))),
                html.Span(count(summary.n_models, "model")),
            ]
        )
        for name in computed
        if (summary := study.summary(metric.id, name)) is not None
    ]
    missing = [name for name in study.compared() if name not in computed]
    ask: list[Any] = [
        html.Li(
            [
                dcc.Link(study.title(name), href=link("/similarity", SimilarityView(dataset=name, metric=metric.id))),
                html.Span("not computed, can be asked for"),
            ],
            className="dim",
        )
        for name in missing
    ]
    return [
        html.P(dcc.Link("← All metrics", href=PATH), className="back"),
        html.H1(metric.title),
        html.P(direction_mark(metric.direction), className="direction"),
        html.Div(
            [
                html.Div(
                    [panel("In plain words", html.P(metric.explanation, className="explanation")),
                     panel("In full", recipe(full_entries(metric)))],
                    className="column",
                ),
                html.Aside(
                    panel("Where it is computed", html.Ul([*here, *ask], className="gaps") if here or ask else html.P(
                        "Nothing is computed yet.", className="dim")),
                    className="details", **{"aria-label": "Where it is computed"},
                ),
            ],
            className="work-two split",
        ),
    ]
