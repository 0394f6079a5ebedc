"""One job: how far it is, what it opened, what happened, and what went wrong with what to do."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate

from backend.contracts.jobs import Job, JobEvent
from backend.domain.jobs import FINAL_STATES
from frontend.components.callbacks import in_thread
from frontend.components.controls import panel
from frontend.components.facts import code, recipe
from frontend.components.progress import KIND_WORDS, badge, bar, children_progress, elapsed, progress_words
from frontend.components.states import EMPTY, LOADING, READY, link_button, refused, skeleton_lines, state_class
from frontend.figures.numbers import count, moment
from frontend.urls import SimilarityView, job_id_of, job_link, link
from parallax.client import ApiError, Client

KEY = "job"
MOST_CHILDREN = 500


def layout(number: int) -> html.Div:
    """The page before its data."""
    return html.Div(
        [
            html.Div([html.H1(f"Job {number}"), skeleton_lines(2)], id="job-head"),
            html.Div(
                dmc.Button("Cancel this job", id="job-cancel", color="red", variant="light", size="sm"),
                id="job-cancel-box", hidden=True,
            ),
            html.Div(id="job-notice"),
            html.Div(
                [
                    html.Div(id="job-body", className="column"),
                    html.Aside(
                        [panel("Facts", html.Div(id="job-facts")), panel("What happened", html.Div(id="job-events"))],
                        className="details", **{"aria-label": "About this job"},
                    ),
                ],
                className="work work-two",
            ),
            dmc.Modal(
                [
                    dmc.Text(
                        "Work that has not been done yet is dropped. What is already computed is kept. A cancelled job "
                        "cannot be taken up again; submit it anew for that."
                    ),
                    dmc.Group(
                        [
                            dmc.Button("Keep it running", id="job-keep", variant="default"),
                            dmc.Button("Cancel the job", id="job-cancel-yes", color="red"),
                        ],
                        justify="flex-end", mt="lg",
                    ),
                ],
                id="job-modal", title="Cancel this job?", centered=True, opened=False,
            ),
        ],
        id="job-root", className=state_class(LOADING, KEY),
    )


def register(app: Dash, client: Client) -> None:
    """Callbacks of the page."""

    @in_thread(
        app,
        Output("job-head", "children"), Output("job-body", "children"), Output("job-facts", "children"),
        Output("job-events", "children"), Output("job-notice", "children"), Output("job-root", "className"),
        Output("job-cancel-box", "hidden"),
        Input("pulse", "n_intervals"), Input("job-modal", "opened"), State("url", "pathname"),
        State("job-root", "className"),
    )
    def load(beat: int | None, opened: bool, pathname: str, shown: str) -> list[Any]:
        number = job_id_of(pathname)
        if number is None:
            raise PreventUpdate
        try:
            job = client.job(number)
            children = client.jobs(parent=number, limit=MOST_CHILDREN).items
            events = client.job_events(number)
        except ApiError as error:
            if READY in shown:
                return [no_update] * 7
            head = html.H1(f"Job {number}")
            return [head, *[no_update] * 3, refused(error), state_class(EMPTY, KEY), True]
        final = job.state in FINAL_STATES
        work_left = not final or any(child.state not in FINAL_STATES for child in children)
        return [
            _head(job, children), _body(job, children), _facts(job), _events(events), None, state_class(READY, KEY),
            not work_left or job.cancel_requested,
        ]

    @in_thread(
        app, Output("job-modal", "opened"), Output("job-cancel-yes", "loading"),
        Input("job-cancel", "n_clicks"), Input("job-keep", "n_clicks"), Input("job-cancel-yes", "n_clicks"),
        State("url", "pathname"), prevent_initial_call=True,
    )
    def cancel(ask: int | None, keep: int | None, sure: int | None, pathname: str) -> tuple[bool, bool]:
        from dash import ctx

        number = job_id_of(pathname)
        if number is None or not (ask or keep or sure):
            raise PreventUpdate
        if ctx.triggered_id == "job-cancel-yes":
            try:
                client.cancel_job(number)
            except ApiError:
                # It ended in the meantime: the page shows its state anyway.
                return False, False
        return ctx.triggered_id == "job-cancel", False


def _head(job: Job, children: list[Job]) -> list[Any]:
    """Title, state and one bar for everything."""
    done, total = children_progress(job)
    parts: list[Any] = [
        html.Div([html.H1(job.title), badge(_state(job, children))], className="job-head")
    ]
    if total:
        parts += [bar(done, total, "Jobs done"), html.P(f"{done:,} of {count(total, 'job')} done", className="dim")]
    elif job.progress.total or job.state == "running":
        parts += [bar(job.progress.done, job.progress.total, job.progress.step or "Progress"),
                  html.P(progress_words(job) or "starting", className="dim")]
    if job.error:
        parts.append(_error(job))
    failed = [child for child in children if child.error]
    if failed:
        parts.append(_failed_children(failed))
    if _shown_in(job, children):
        parts.append(html.Div(_shown_in(job, children), className="actions"))
    return parts


def _state(job: Job, children: list[Job]) -> str:
    """The state in words. A submission has itself succeeded once its jobs are queued; it is shown as running until
    they have ended."""
    if job.cancel_requested and job.state not in FINAL_STATES:
        return "cancelling"
    if job.state == "succeeded" and any(child.state not in FINAL_STATES for child in children):
        return "running"
    return job.state


def _error(job: Job) -> html.Div:
    """Why it failed: whose fault, at which step, what to do."""
    error = job.error
    if error is None:
        return html.Div()
    whose = "Something in the input has to change" if error.cause == "user" else "The fault is ours"
    return html.Div(
        [
            html.Strong(f"{whose} (step: {error.step})" if error.step else whose),
            html.P(error.message),
            html.P(error.hint, className="hint") if error.hint else None,
        ],
        className="trouble-box", role="alert",
    )


def _failed_children(failed: list[Job]) -> html.Div:
    """The failures among the jobs it opened, each with a way to it."""
    return html.Div(
        [
            html.Strong(f"{count(len(failed), 'job')} of this one failed"),
            html.Ul(
                [
                    html.Li([
                        dcc.Link(child.title, href=job_link(child.id)),
                        html.P([child.error.message, " ", child.error.hint]) if child.error else None,
                    ])
                    for child in failed[:5]
                ]
            ),
        ],
        className="trouble-box", role="alert",
    )


def _shown_in(job: Job, children: list[Job]) -> list[Any]:
    """Ways to the heatmaps that have the new row, as soon as there is one."""
    compared = [child for child in children if child.kind == "compare" and child.state == "succeeded"]
    if job.kind == "compare" and job.state == "succeeded":
        compared = [job]
    if not compared and all(child.finished_at for child in children):
        # Its comparisons may belong to another submission that had asked for them already.
        compared = [child for child in children if child.kind == "extract" and child.state == "succeeded"]
    if not compared:
        return []
    return [link_button("See it in the heatmap", _heatmap_of(compared[0].dataset, compared[0].metric, job.model))]


def _heatmap_of(dataset: str | None, metric: str | None, model: str | None) -> str:
    """A link to a dataset's heatmap with the model's row marked."""
    return link("/similarity", SimilarityView(dataset=dataset or "", metric=metric or "", highlight=model or ""))


def _body(job: Job, children: list[Job]) -> Any:
    """The grid of what it opened: a row per dataset, a column per kind of work."""
    if not children:
        return None
    columns: dict[str, None] = {}
    cells: dict[tuple[str, str], Job] = {}
    for child in sorted(children, key=lambda child: child.id):
        column = "Embedding" if child.kind == "extract" else child.metric or KIND_WORDS.get(child.kind, child.kind)
        columns[column] = None
        cells[(child.dataset or "", column)] = child
    datasets = sorted({dataset for dataset, _ in cells})

    def cell(child: Job | None) -> html.Td:
        if child is None:
            return html.Td("")
        inside: list[Any] = [dcc.Link(badge(child.state), href=job_link(child.id), title=child.title)]
        if child.state == "running":
            inside.append(bar(child.progress.done, child.progress.total, child.title))
        return html.Td(inside)

    def name(dataset: str) -> Any:
        embedding = cells.get((dataset, "Embedding"))
        if embedding is None or embedding.state != "succeeded":
            return dataset
        return dcc.Link(dataset, href=_heatmap_of(dataset, None, job.model), title=f"The heatmap of {dataset}")

    head = html.Tr([html.Th("Dataset", scope="col"), *(html.Th(column, scope="col") for column in columns)])
    rows = [
        html.Tr([html.Th(name(dataset), scope="row"), *(cell(cells.get((dataset, column))) for column in columns)])
        for dataset in datasets
    ]
    return html.Div(
        html.Table([html.Thead(head), html.Tbody(rows)], className="grid-table"), className="scroll-x"
    )


def _facts(job: Job) -> html.Dl:
    entries: list[tuple[str, Any]] = [("Kind", KIND_WORDS.get(job.kind, job.kind))]
    entries += [(label, code(value)) for label, value in
                (("Model", job.model), ("Dataset", job.dataset), ("Metric", job.metric)) if value]
    if job.parent is not None:
        entries.append(("Part of", dcc.Link(f"job {job.parent}", href=job_link(job.parent))))
    entries += [("Accepted", moment(job.created_at)), ("Started", moment(job.started_at))]
    if elapsed(job):
        entries.append(("Took" if job.finished_at else "Running for", elapsed(job)))
    entries.append(("Attempt", f"{job.attempt} of at most {job.max_attempts}"))
    if job.worker:
        entries.append(("Worker", code(job.worker)))
    return recipe(entries)


def _events(events: list[JobEvent]) -> html.Ol:
    return html.Ol(
        [
            html.Li([
                badge(event.state), html.Span(event.detail),
                html.Time(moment(event.at, seconds=True), className="dim"),
            ])
            for event in events
        ],
        className="events",
    )
