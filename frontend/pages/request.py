"""Asking for a metric on a dataset from the Similarity page, and following the work until the picture is there.

What is wanted is in `similarity-want`; the jobs that do it are looked up by dataset and metric, so that progress
survives a reload and shows in every browser, and the server remembers nobody.
"""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate

from backend.contracts.jobs import Job
from backend.contracts.metrics import MetricInfo
from backend.domain.calibration import PERMUTATIONS
from backend.domain.jobs import FINAL_STATES
from backend.domain.metrics import MetricSpec, parse_metric
from frontend.components.callbacks import in_thread
from frontend.components.facts import recipe
from frontend.components.metric_facts import direction_mark
from frontend.components.progress import bar, progress_words
from frontend.figures.numbers import count
from frontend.pages.study import Study
from frontend.urls import job_link
from parallax.client import ApiError, Client

FEWEST, MOST = 2, 12  # models of a metric that is computed on request
NEWEST = 200  # comparisons among which one's own is looked for


def request_layout() -> html.Div:
    """The places that are filled when something is wanted."""
    return html.Div(
        [
            dcc.Store(id="similarity-want", data={}),
            html.Div(id="similarity-request"),
            html.Div(id="similarity-work", **{"aria-live": "polite"}),
        ],
        id="similarity-asking", className="asking",
    )


def not_computed(study: Study, metric: MetricInfo, dataset: str) -> html.Div:
    """The state in place of a picture that nobody has asked for: what it is, what it costs, the button."""
    spec = parse_metric(metric.id).spec
    title, models = study.title(dataset), study.n_models(dataset)
    newest = study.datasets.get(dataset)
    n = newest.n_stimuli if newest else 0
    least = parse_metric(metric.id).minimum_n
    if n < least:
        why = f"It needs at least {least:,} stimuli with these parameters; {title} has {n:,}."
        return _state(metric, title, [html.P(why, className="request-words")])
    pairs = models * (models - 1) // 2
    work = [
        ("To compare", f"{count(models, 'model')} on {n:,} stimuli: {count(pairs, 'pair')}, each with its chance level "
         "and interval" if not spec.on_request else f"the models you choose, on {n:,} stimuli"),
        ("Chance", _chance_cost(spec)),
        ("Cost", spec.cost),
    ]
    names = sorted(study.models)
    ask = [ask_form("Compute it", names if spec.on_request else [])]
    if spec.on_request:
        ask.insert(0, html.P("This metric is too costly for all pairs, so it is computed for models that you choose.",
                             className="request-words"))
    return _state(metric, title, [recipe(work), *ask])


def _chance_cost(spec: MetricSpec) -> str:
    if spec.on_request:
        return "not computed: it would take hundreds of times as long"
    if spec.null == "closed-form":
        return "in closed form: hardly more than the values themselves"
    return f"by {PERMUTATIONS} permutations of the stimuli: many times the work of the values"


def _state(metric: MetricInfo, title: str, parts: list[Any]) -> html.Div:
    return html.Div(
        [
            html.Div(className="notice-mark", **{"aria-hidden": "true"}),
            html.H2(f"Not computed on {title}", className="notice-title"),
            html.P([html.Strong(metric.title), " ", direction_mark(metric.direction)]),
            *parts,
        ],
        className="request request-missing",
    )


def not_calibrated(n_pairs: int, of: int) -> html.Div:
    """The line above a picture some of whose pairs have no null yet."""
    which = f"all {count(of, 'pair')}" if n_pairs == of else f"{n_pairs:,} of {count(of, 'pair')}"
    words = html.P(
        [html.Strong(f"Not calibrated yet: {which}. "), "Their chance level, p and q are not known."],
        className="request-words",
    )
    return html.Div([words, ask_form("Calibrate them", [])], className="request request-line")


def other_models(names: list[str]) -> html.Div:
    """The line above a picture of chosen models."""
    words = html.P("Computed for models that were asked for. Choose others to add them.", className="request-words")
    return html.Div([words, ask_form("Compute these", names)], className="request request-line")


def ask_form(label: str, models: list[str]) -> html.Div:
    """The button; with `models`, the choice among them."""
    return html.Div(
        [
            html.Div(
                dmc.MultiSelect(
                    id="similarity-models", label="Models", data=models, value=[], searchable=True, clearable=True,
                    description=f"{FEWEST} to {MOST}; every pair of them is compared", maxDropdownHeight=260,
                    hidePickedOptions=True, comboboxProps={"shadow": "md"}, nothingFoundMessage="No such model",
                ),
                hidden=not models, className="request-models",
            ),
            html.P(id="similarity-ask-error", className="field-error", role="alert"),
            dmc.Button(label, id="similarity-ask", size="sm"),
        ],
        className="request-form",
    )


def register(app: Dash, client: Client) -> None:
    """Callbacks of the request."""

    @in_thread(
        app,
        Output("similarity-models", "error"), Output("similarity-ask-error", "children"),
        Output("similarity-work", "children", allow_duplicate=True),
        Output("similarity-asking", "className", allow_duplicate=True),
        Input("similarity-ask", "n_clicks"), State("similarity-models", "value"), State("similarity-want", "data"),
        prevent_initial_call=True, running=[(Output("similarity-ask", "loading"), True, False)],
    )
    def ask(clicks: int | None, models: list[str] | None, want: dict[str, Any]) -> tuple[Any, Any, Any, Any]:
        if not clicks or not want:
            raise PreventUpdate
        wrong = model_problem(models or []) if want["choose"] else ""
        if wrong:
            return wrong, "", no_update, no_update
        try:
            job = client.compare(want["dataset"], want["metric"], models=(models if want["choose"] else None))
        except ApiError as error:
            return (*refusal(error), no_update, no_update)
        return None, "", working(job), "asking is-working"

    @in_thread(
        app, Output("similarity-work", "children"), Output("similarity-asking", "className"),
        Input("pulse", "n_intervals"), Input("similarity-want", "data"),
    )
    def follow(beat: int | None, want: dict[str, Any]) -> tuple[Any, str]:
        if not want:
            return None, "asking"
        try:
            job = newest(client.jobs(kind="compare", limit=NEWEST).items, want["dataset"], want["metric"])
        except ApiError:
            raise PreventUpdate from None
        if job is None or job.state in ("succeeded", "cancelled"):
            return None, "asking"
        return working(job), "asking" if job.state == "failed" else "asking is-working"


def model_problem(models: list[str]) -> str:
    """Why a choice of models cannot be compared; empty when it can."""
    if FEWEST <= len(models) <= MOST:
        return ""
    return f"Choose {FEWEST} to {MOST} models; {count(len(models), 'model')} chosen."


def refusal(error: ApiError) -> tuple[str | None, str]:
    """The API's refusal: what belongs to the models, and everything else, all at once."""
    said: dict[bool, list[str]] = {True: [], False: []}
    for problem in error.fields:
        said[problem.field.startswith("models")].append(f"{problem.message} {problem.hint}".strip())
    if not error.fields:
        parts = (error.problem.detail or error.problem.title, error.problem.hint)
        said[False].append(" ".join(part for part in parts if part))
    return " ".join(said[True]) or None, " ".join(said[False])


def newest(jobs: list[Job], dataset: str, metric: str) -> Job | None:
    """The latest comparison of a metric on a dataset."""
    mine = [job for job in jobs if job.metric == metric and (job.dataset or "").partition("@")[0] == dataset]
    return max(mine, key=lambda job: job.id, default=None)


def working(job: Job) -> html.Div:
    """How far the work is, with the way to its job; why it failed, if it did."""
    link = dcc.Link(f"Job {job.id}", href=job_link(job.id))
    if job.state == "failed" and job.error:
        return html.Div(
            [html.Strong("The last attempt failed"), html.P([job.error.message, " ", job.error.hint]), link],
            className="trouble-box", role="alert",
        )
    if job.state in FINAL_STATES:
        return html.Div([html.P("Done: the picture appears in a moment."), link], className="request-progress")
    words = progress_words(job) if job.state == "running" else "queued: it starts when a worker is free"
    return html.Div(
        [
            html.Strong("Computing"), bar(job.progress.done, job.progress.total, job.title),
            html.P(words or "starting", className="dim"), html.P(["The picture appears here by itself. ", link]),
        ],
        className="request-progress",
    )
