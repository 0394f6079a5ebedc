"""Jobs: the live list, by state, with counts and workers."""

from __future__ import annotations

from typing import Any

import dash_ag_grid as dag
import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, html, no_update
from dash.exceptions import PreventUpdate

from backend.contracts.jobs import Job, JobCounts
from backend.domain.jobs import STATES
from frontend.components.callbacks import in_browser, in_thread
from frontend.components.controls import control_id, options
from frontend.components.facts import tile
from frontend.components.progress import KIND_WORDS, elapsed
from frontend.components.states import EMPTY, LOADING, READY, link_button, notice, refused, state_class
from frontend.figures.numbers import count, moment
from frontend.urls import JobsView, decode
from parallax.client import ApiError, Client

PATH = "/jobs"
KEY = "jobs"
MOST_LISTED = 500
COLUMNS = [
    {"field": "id", "headerName": "Job", "width": 84, "cellRenderer": "JobLink", "type": "rightAligned"},
    {"field": "state", "headerName": "State", "width": 140, "cellRenderer": "JobState"},
    {"field": "title", "headerName": "What", "flex": 3, "minWidth": 220, "cellRenderer": "JobLink"},
    {"field": "done", "headerName": "Progress", "width": 160, "cellRenderer": "JobBar"},
    {"field": "kind", "headerName": "Kind", "width": 130},
    {"field": "elapsed", "headerName": "Time", "width": 110, "type": "rightAligned"},
    {"field": "created", "headerName": "Accepted", "width": 208},
]


def layout(search: str) -> html.Div:
    """The page before its data."""
    view = decode(JobsView, search)
    states = [("all", "All"), *((state, state.capitalize()) for state in STATES)]
    return html.Div(
        [
            html.H1("Jobs"),
            html.Div(id="jobs-tiles", className="tiles tiles-six"),
            html.Div(
                dmc.SegmentedControl(
                    id=control_id(KEY, "state"), data=options(states), value=view.state, size="sm",
                    **{"aria-label": "State of the jobs listed"},
                ),
                className="scroll-x",
            ),
            html.Div(id="jobs-notice"),
            html.Div(
                [
                    dag.AgGrid(
                        id="jobs-grid", columnDefs=COLUMNS, rowData=[], getRowId="params.data.key",
                        defaultColDef={"sortable": True, "resizable": True},
                        dashGridOptions={
                            "animateRows": False, "rowHeight": 44, "headerHeight": 42,
                            "theme": {"function": "parallaxTheme(themeQuartz)"},
                        },
                        className="jobs-grid", style={"height": None},
                    ),
                    html.P(id="jobs-total", className="dim"),
                ],
                className="work",
            ),
        ],
        id="jobs-root", className=state_class(LOADING, KEY),
    )


def register(app: Dash, client: Client) -> None:
    """Callbacks of the page."""

    @in_thread(
        app,
        Output("jobs-grid", "rowData"), Output("jobs-tiles", "children"), Output("jobs-total", "children"),
        Output("jobs-notice", "children"), Output("jobs-root", "className"),
        Input("pulse", "n_intervals"), Input("url", "search"),
        State("url", "pathname"), State("jobs-root", "className"),
    )
    def load(beat: int | None, search: str, pathname: str, shown: str) -> list[Any]:
        if pathname != PATH:
            raise PreventUpdate
        view = decode(JobsView, search)
        try:
            counts = client.job_counts()
            page = client.jobs(state=None if view.state == "all" else view.state, limit=MOST_LISTED)
        except ApiError as error:
            if READY in shown:
                return [no_update] * 5
            return [no_update, no_update, no_update, refused(error), state_class(EMPTY, KEY)]
        if not sum(counts.states.values()):
            return [[], None, "", _no_jobs(), state_class(EMPTY, KEY)]
        listed = f"{len(page.items):,} of {count(page.total, 'job')}"
        words = f"Newest {listed}." if page.total > len(page.items) else f"{count(page.total, 'job')}."
        return [[row(job) for job in page.items], _tiles(counts), words, None, state_class(READY, KEY)]

    in_browser(app, "navigate", Input(control_id(KEY, "state"), "value"), State("schema", "data"),
               prevent_initial_call=True)
    in_browser(app, "followState", Output(control_id(KEY, "state"), "value"), Input("url", "search"),
               prevent_initial_call=True)


def row(job: Job) -> dict[str, Any]:
    """One row of the list. Progress of a submission is that of its jobs."""
    done, total = job.progress.done, job.progress.total
    if job.children:
        total = sum(job.children.values())
        done = sum(job.children.get(state, 0) for state in ("succeeded", "failed", "cancelled"))
    return {
        "key": str(job.id), "id": job.id, "title": job.title, "state": job.state,
        "kind": KIND_WORDS.get(job.kind, job.kind),
        "done": done / total if total else (1.0 if job.state == "succeeded" else 0.0),
        "elapsed": elapsed(job), "created": moment(job.created_at),
        "error": job.error.message if job.error else "",
    }


def _tiles(counts: JobCounts) -> list[html.Div]:
    workers = tile(f"{counts.workers:,}", "Workers", "in the last minute")
    return [*(tile(f"{counts.states.get(state, 0):,}", state.capitalize()) for state in STATES), workers]


def _no_jobs() -> html.Div:
    return notice(
        "No work has been asked for yet",
        "Everything that Parallax computes is a job: adding a dataset, embedding it with a model, comparing models.",
        [link_button("Submit a model", "/submit")],
    )
