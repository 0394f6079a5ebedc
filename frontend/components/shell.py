"""The frame around every page: rail, top bar, live region, and the stores that the browser's functions read."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from backend.contracts.jobs import JobCounts
from frontend.theme import mantine_theme, templates
from frontend.urls import schema

PULSE_MS = 2500
NAVIGATION = (
    ("Overview", "/", "overview"),
    ("Similarity", "/similarity", "similarity"),
    ("Consistency", "/consistency", "consistency"),
    ("Model map", "/map", "map"),
    ("Models", "/models", "models"),
    ("Datasets", "/datasets", "datasets"),
    ("Jobs", "/jobs", "jobs"),
)


def shell() -> dmc.MantineProvider:
    """The whole document's body. The page itself is put into `page` by its address."""
    return dmc.MantineProvider(
        [
            dcc.Location(id="url", refresh="callback-nav"),
            dcc.Interval(id="pulse", interval=PULSE_MS),
            dcc.Store(id="news", data={}),
            dcc.Store(id="revision", data=""),
            dcc.Store(id="appearance", data={"scheme": "light", "width": 1200}),
            dcc.Store(id="templates", data=templates()),
            dcc.Store(id="schema", data=schema()),
            dcc.Store(id="title", data="Parallax"),
            html.A("Skip to the content", href="#main", className="skip"),
            html.Div(
                [
                    _top_bar(),
                    _rail(),
                    html.Main(
                        [
                            html.Div(id="banner", role="status", **{"aria-live": "polite"}),
                            html.Div(id="page", className="page-slot"),
                        ],
                        id="main", tabIndex=-1,
                    ),
                ],
                className="frame",
            ),
        ],
        theme=mantine_theme(), defaultColorScheme="auto", id="mantine",
    )


def _top_bar() -> html.Header:
    return html.Header(
        [
            dcc.Link(
                [html.Span(className="logo", **{"aria-hidden": "true"}), html.Span("Parallax")],
                href="/", className="brand",
            ),
            html.Div("Does similarity between models survive a change of dataset?", className="strapline"),
            html.Div(id="live", className="live"),
            dmc.ColorSchemeToggle(
                lightIcon=_icon("sun"), darkIcon=_icon("moon"), variant="default", size="lg",
                **{"aria-label": "Switch between light and dark"},
            ),
        ],
        className="topbar",
    )


def _rail() -> html.Nav:
    entries: list[Any] = [
        dcc.Link([_icon(icon), html.Span(label)], href=href, className="rail-link", id=f"nav-{icon}")
        for label, href, icon in NAVIGATION
    ]
    submit = html.Span(["Submit", html.Span(" a model", className="rail-long")])
    entries.append(
        dcc.Link([_icon("plus"), submit], href="/submit", className="rail-link rail-submit", id="nav-submit")
    )
    return html.Nav(entries, className="rail", **{"aria-label": "Pages"})


def _icon(name: str) -> html.Span:
    """An icon of style.css, drawn in the colour of the text."""
    return html.Span(className=f"icon icon-{name}", **{"aria-hidden": "true"})


def live_badge(counts: JobCounts) -> dcc.Link | None:
    """What is running, in the top bar; nothing when nothing is."""
    running, queued = counts.states.get("running", 0), counts.states.get("queued", 0)
    if not running + queued:
        return None
    dot = html.Span(className="live-dot", **{"aria-hidden": "true"})
    rest = html.Span(f", {queued:,} queued" if queued else "", className="live-rest")
    words = html.Span([f"{running:,} running", rest])
    return dcc.Link([dot, words], href="/jobs", className="live-badge")


def trouble(newer_link: bool = False) -> html.Div:
    """The line above a page when something is wrong that does not hide the page."""
    if newer_link:
        words = "This link was made by a later version of Parallax; what it says beyond this version is left out."
    else:
        words = "The results cannot be reached at the moment. What you see may be old; this page tries again by itself."
    return html.Div(words, className="banner-line")
