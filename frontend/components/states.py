"""Designed states: nothing yet, something is wrong, waiting."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from parallax.client import ApiError

LOADING = "is-loading"
READY = "is-ready"
EMPTY = "is-empty"
MISSING = "is-missing"  # of a page whose controls stay and whose picture nobody has asked for


def state_class(state: str, page: str) -> str:
    """Class of a page's root: style.css shows the skeleton, the picture or the notice by it."""
    return f"page page-{page} {state}"


def notice(title: str, words: str, actions: list[Any] | None = None, tone: str = "quiet") -> html.Div:
    """A large calm message in place of the picture: what is so, why, what to do."""
    return html.Div(
        [
            html.Div(className="notice-mark", **{"aria-hidden": "true"}),
            html.H2(title, className="notice-title"),
            html.P(words, className="notice-words"),
            dmc.Group(actions or [], justify="center", gap="sm"),
        ],
        className=f"notice notice-{tone}",
        role="status",
    )


def unreachable() -> html.Div:
    """The API does not answer, and nothing is on screen yet."""
    return notice(
        "The results cannot be reached at the moment",
        "The service that holds them does not answer. It may be starting or restarting. This page tries again by "
        "itself every few seconds; nothing is lost. If it stays like this, look at the terminal where Parallax was "
        "started, or run the command parallax doctor.",
        tone="trouble",
    )


def refused(error: ApiError) -> html.Div:
    """The API answered with a refusal: its words and its hint."""
    if error.status in (0, 502, 503, 504):
        return unreachable()
    words = " ".join(part for part in (error.problem.detail, error.problem.hint) if part)
    return notice(error.problem.title, words or "No further details were given.", tone="trouble")


def replaced(asked: list[tuple[str, str, str]]) -> list[html.Strong]:
    """Says what a link asked for that has no results, and what is shown instead: (kind, asked, shown) each."""
    return [
        html.Strong(f"The link asks for the {kind} {wanted[:80]}, which has no results here; this is {shown}. ")
        for kind, wanted, shown in asked
        if wanted and wanted != shown
    ]


def nothing_yet() -> html.Div:
    """No dataset, no model, no job."""
    return notice(
        "Nothing has been computed yet",
        "Parallax compares models on datasets, and has neither so far. Start it with the command parallax demo to see "
        "a small study computed live, or submit a model of your own once a dataset is there.",
        [link_button("Submit a model", "/submit")],
    )


def computing(done: int, total: int) -> html.Div:
    """Jobs are running and no result is there yet."""
    return html.Div(
        notice(
            "The first results are being computed",
            f"{done:,} of {total:,} jobs are done. The picture appears here by itself as soon as one dataset has "
            "its similarities.",
            [link_button("Watch the jobs", "/jobs", "light")],
        ),
        className="notice-live",
    )


def link_button(label: str, href: str, variant: str = "filled") -> dcc.Link:
    """A link that looks like a button and moves between pages without reloading."""
    return dcc.Link(label, href=href, className=f"button button-{variant}")


def skeleton_lines(count: int) -> html.Div:
    """Grey lines in the place of text that is coming."""
    return html.Div([html.Div(className="skeleton skeleton-line") for _ in range(count)], className="skeleton-lines")
