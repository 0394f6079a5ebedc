"""Asking for work from a part of the page: what came of it, with the jobs to follow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dash import dcc, html

from frontend.urls import job_link
from parallax.client import ApiError


def asked(request: Callable[[], Sequence[int]]) -> html.P:
    """Sends a request that answers its jobs, and says what came of it."""
    try:
        jobs = list(dict.fromkeys(request()))
    except ApiError as error:
        return html.P(" ".join(p for p in (str(error), error.problem.hint) if p), className="trouble-box")
    if not jobs:
        return html.P("Nothing is missing.", className="dim")
    return html.P(["Asked for. The picture changes by itself once it is done: ", *job_links(jobs), "."])


def job_links(jobs: Sequence[int]) -> list[Any]:
    """`job 12, job 13`, each a link."""
    parts: list[Any] = []
    for number in jobs:
        parts += [", " if parts else "", dcc.Link(f"job {number}", href=job_link(number))]
    return parts
