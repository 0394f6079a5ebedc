"""The frame of the page: the controls that all sections share, the sections, and which of them is open."""

from __future__ import annotations

from typing import Any

from dash import ALL, Dash, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate

from backend.contracts.consistency import Consistency
from frontend.components.callbacks import in_browser, in_thread
from frontend.components.controls import control_id, label_switcher, options, picker, switcher
from frontend.components.states import EMPTY, LOADING, MISSING, refused, state_class
from frontend.pages.consistency import filters, sections, set_controls
from frontend.pages.consistency.part import NEEDS, ask_id, asks
from frontend.pages.consistency.scope import Scoped, read_scope, resolved_pair
from frontend.pages.similarity import waiting
from frontend.pages.study import fingerprint
from frontend.urls import ConsistencyView, decode
from parallax.client import ApiError, Client

PATH = "/consistency"
KEY = "consistency"
SHOWN = "is-shown"  # the controls are there; every part says by itself whether it is ready
REFUSED = f"{MISSING} is-refused"  # the choice of models or datasets cannot be understood: the controls stay alone

EVERY_ASK = {"type": "ask", "need": ALL}
_ASKING = (
    State("consistency-data", "data"), State("consistency-needs", "data"), State(EVERY_ASK, "data"),
    State(EVERY_ASK, "id"), State("schema", "data"),
)


def layout(search: str) -> html.Div:
    """The page before its data, with the section of the link."""
    view = decode(ConsistencyView, search)
    return html.Div(
        [
            dcc.Store(id="consistency-data"),
            dcc.Store(id="consistency-view"),
            dcc.Store(id="consistency-key", data=""),
            dcc.Store(id="consistency-needs", data=NEEDS),
            dcc.Store(id="consistency-section", data=view.section),
            *asks(),
            *set_controls.stores(),
            html.H1("Consistency of similarity across datasets"),
            html.Div(id="consistency-notice"),
            html.Div(
                [
                    html.Div(
                        [
                            picker(KEY, "metric", "Metric"),
                            switcher(
                                KEY, "method", "Correlation",
                                options([("pearson", "Pearson"), ("spearman", "Spearman")]), view.method,
                            ),
                            switcher(
                                KEY, "layer", "Values",
                                options([("value", "Raw"), ("calibrated", "Calibrated")]), view.layer,
                            ),
                            label_switcher(KEY, view.labels),
                        ],
                        className="controls controls-row", role="group", **{"aria-label": "What is correlated"},
                    ),
                    filters.layout(view),
                    sections.tabs(view.section),
                    html.Div(sections.body(view), id="consistency-body"),
                ],
                className="work work-consistency",
            ),
        ],
        id="consistency-root", className=state_class(LOADING, KEY),
    )


def register(app: Dash, client: Client) -> None:
    """Callbacks of the page and of all its sections."""

    @in_thread(
        app,
        Output("consistency-data", "data"), Output("consistency-key", "data"),
        Output("consistency-notice", "children"), Output("consistency-root", "className"),
        Output("consistency-filters", "children"), Output(control_id(KEY, "models"), "error"),
        Output(control_id(KEY, "datasets"), "error"),
        Input(ask_id("frame"), "data"), State("consistency-key", "data"),
    )
    def load(ask: dict[str, Any] | None, known: str) -> list[Any]:
        if not ask:
            raise PreventUpdate
        keep = [no_update] * 7
        table, wrong = None, {}
        try:
            scoped = read_scope(client, ask["search"])
            if scoped is None:
                return [no_update, "", waiting(client), state_class(EMPTY, KEY), None, "", ""]
            sets = client.model_sets(scoped.view.labels)
            try:
                table = client.consistency(scoped.metric.id, **scoped.query)
            except ApiError as error:
                wrong = _field_errors(error)
        except ApiError as error:
            return keep if known else [no_update, "", refused(error), state_class(EMPTY, KEY), None, "", ""]
        payload = {"path": PATH, "resolved": _resolved(scoped, table), "names": table.datasets if table else [],
                   "controls": _controls(scoped)}
        chips = filters.chips(scoped, sets, table)
        key = fingerprint([payload, str(chips), wrong])
        if key == known:
            return keep
        state = state_class(REFUSED if wrong else SHOWN, KEY)
        return [payload, key, None, state, chips, wrong.get("models", ""), wrong.get("datasets", "")]

    @in_thread(
        app, Output("consistency-body", "children"), Input("consistency-section", "data"), State("url", "search"),
        prevent_initial_call=True,
    )
    def open_section(section: str, search: str) -> Any:
        return sections.body(decode(ConsistencyView, search))

    in_browser(
        app, "sync", Output("consistency-view", "data"),
        Input("consistency-data", "data"), Input("url", "search"), State("schema", "data"),
    )
    # A change of address asks only what it concerns; new results ask everything again.
    in_browser(
        app, "consistencyAsk", Output(EVERY_ASK, "data"), Input("url", "search"), State("revision", "data"), *_ASKING,
    )
    in_browser(
        app, "consistencyRenew", Output(EVERY_ASK, "data", allow_duplicate=True), Input("revision", "data"),
        State("url", "search"), *_ASKING, prevent_initial_call=True,
    )
    in_browser(
        app, "openSection", Output("consistency-section", "data"), Input("url", "search"),
        Input("consistency-view", "data"), State("consistency-section", "data"), State("schema", "data"),
    )
    fields = ("metric", "method", "layer", "labels", "models", "datasets")
    in_browser(
        app, "navigate", *(Input(control_id(KEY, field), "value") for field in fields), State("schema", "data"),
        prevent_initial_call=True,
    )
    filters.register(app)
    sections.register(app, client)


def _resolved(scoped: Scoped, table: Consistency | None) -> dict[str, str]:
    """What the link left open."""
    found = {"metric": scoped.metric.id, "method": scoped.view.method, "layer": scoped.view.layer}
    if table is not None and len(table.datasets) > 1:
        found["a"], found["b"] = resolved_pair(table, scoped.view)
    return found


def _controls(scoped: Scoped) -> dict[str, Any]:
    study = scoped.study
    metrics = options([(m.id, m.title) for m in study.computed_metrics()])
    datasets = options([(name, study.title(name)) for name in study.datasets_of(scoped.metric.id)])
    return {
        control_id(KEY, "metric"): {"field": "metric", "data": metrics},
        **{control_id(KEY, field): {"field": field} for field in ("method", "layer", "labels", "models")},
        control_id(KEY, "datasets"): {
            "field": "datasets", "list": ",", "data": datasets,
        },
    }


def _field_errors(error: ApiError) -> dict[str, str]:
    """Field -> what is wrong with it, of those that stand in the frame. Raises the error again if it is about
    something else."""
    found: dict[str, str] = {}
    for problem in error.fields:
        words = " ".join(part for part in (problem.message, problem.hint) if part)
        found[problem.field.rpartition(".")[2]] = words
    if not set(found) & {"models", "datasets"}:
        raise error
    return found



