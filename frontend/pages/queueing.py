"""Asking for embeddings that are missing: one question before anything is queued, then the way to the job.

The browser opens the question by writing `queue-want`: `{"models": [...], "datasets": [...], "title", "words"}`; every
model is asked for on every dataset.
"""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html
from dash.exceptions import PreventUpdate

from frontend.components.callbacks import in_browser, in_thread
from frontend.figures.numbers import count
from frontend.urls import job_link
from parallax.client import ApiError, Client


def queue_layout() -> html.Div:
    """The question, closed, and the place of the answer."""
    return html.Div(
        [
            dcc.Store(id="queue-want", data={}),
            dcc.Store(id="queue-done", data=0),
            dmc.Modal(
                [
                    dmc.Text(id="queue-words"),
                    html.P(id="queue-error", className="field-error", role="alert"),
                    dmc.Group(
                        [dmc.Button("Not now", id="queue-no", variant="default"),
                         dmc.Button("Queue it", id="queue-yes")],
                        justify="flex-end", mt="lg",
                    ),
                ],
                id="queue-modal", title="", centered=True, opened=False,
            ),
            html.Div(id="queue-answer", className="queue-answer", role="status"),
        ]
    )


def register(app: Dash, client: Client) -> None:
    """Callbacks of the question."""

    @in_thread(
        app, Output("queue-answer", "children"), Output("queue-error", "children"), Output("queue-modal", "opened"),
        Output("queue-done", "data"),
        Input("queue-yes", "n_clicks"), State("queue-want", "data"), State("queue-done", "data"),
        prevent_initial_call=True, running=[(Output("queue-yes", "loading"), True, False)],
    )
    def ask(clicks: int | None, want: dict[str, Any], done: int) -> tuple[Any, str, bool, int]:
        if not clicks or not want:
            raise PreventUpdate
        jobs = []
        try:
            for model in want["models"]:
                jobs.append(client.request_embeddings(model, want["datasets"]))
        except ApiError as error:
            said = [f"{problem.message} {problem.hint}" for problem in error.fields]
            words = " ".join(said) or f"{error.problem.detail or error.problem.title} {error.problem.hint}"
            queued = f"{count(len(jobs), 'request')} queued before it. " if jobs else ""
            return None, f"{queued}{words}".strip(), True, done + 1
        link = dcc.Link(f"Follow job {jobs[0].id}", href=job_link(jobs[0].id)) if len(jobs) == 1 else dcc.Link(
            "Follow them", href="/jobs")
        return [html.Span(f"Queued: {jobs[0].title if len(jobs) == 1 else count(len(jobs), 'model')}. "), link], "", (
            False), done + 1

    in_browser(app, "askQueue", Input("queue-want", "data"), prevent_initial_call=True)
    in_browser(app, "closeQueue", Input("queue-no", "n_clicks"), prevent_initial_call=True)
