"""A part of the page: one picture with its sentence and recipe, read when the fields of the link that it needs change.

Which fields those are is said by `NEEDS`; the browser compares them (`consistencyAsk`) and writes what is asked into
the store `{"type": "ask", "need": NEED}`, so that a change of anything else costs no request. What has been read is
sent again only when it differs.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate

from frontend.components.callbacks import in_browser, in_thread
from frontend.components.chart import chart
from frontend.components.states import LOADING, READY
from frontend.pages.consistency.scope import Scoped, read_scope
from frontend.pages.study import fingerprint
from parallax.client import ApiError, Client

COMMON = ("metric", "method", "layer", "labels", "models", "datasets")
NEEDS: dict[str, tuple[str, ...]] = {
    "frame": COMMON,
    "choices": ("metric", "labels"),
    "named": ("labels",),
    "map": (*COMMON, "set_a", "set_b"),
    "scatter": (*COMMON, "set_a", "set_b", "by", "a", "b"),
    "sets": (*COMMON, "by", "sets"),
    "compare": (*COMMON, "first", "second", "match"),
    "pairs": (*COMMON, "set_a", "set_b", "a", "b"),
    "without": (*COMMON, "set_a", "set_b", "a", "b"),
    "influence": (*COMMON, "set_a", "set_b"),
    "anchors": (*COMMON, "anchors", "by"),
    "agreement": (*COMMON, "other"),
    "twins": (*COMMON, "other"),
    "performance": COMMON,
    "gaps": (*COMMON, "dataset"),
    "sensitivity": (*COMMON, "dataset"),
}
NOTHING = "is-empty"


@dataclass(frozen=True)
class Drawn:
    """What a part shows: its figure with what the browser needs beside it, a sentence, the recipe, notes about what is
    missing, and anything that stands below. Without a figure the sentence stands alone."""

    figure: Any
    sentence: Any
    recipe: Any = None
    notes: list[str] = field(default_factory=list)
    below: Any = None
    extra: dict[str, Any] = field(default_factory=dict)


def ask_id(need: str) -> dict[str, str]:
    return {"type": "ask", "need": need}


def asks() -> list[dcc.Store]:
    """The stores through which the browser asks."""
    return [dcc.Store(id=ask_id(need)) for need in NEEDS]


def part(
    need: str, title: str, label: str, *, shape: str = "rows", controls: Any = None, card: bool = False,
    words: str = "", after: Any = None,
) -> html.Section:
    """A part before its data. `label` names the picture for screen readers, `words` say how to read it, `after` stands
    below the picture and does not wait for data."""
    return html.Section(
        [
            dcc.Store(id=f"{need}-data"),
            dcc.Store(id=f"{need}-key", data=""),
            html.Div([html.H2(title), html.Div(controls, className="part-controls")], className="part-head"),
            html.P(words, className="part-words") if words else None,
            chart(f"{need}-graph", label, shape=shape, card=f"{need}-card" if card else ""),
            after,
            html.Div(id=f"{need}-below", className="part-below"),
        ],
        id=f"{need}-panel", className=part_class(LOADING),
    )


def part_class(state: str) -> str:
    return f"part {state}"


def register_part(app: Dash, client: Client, need: str, make: Callable[[Client, Scoped], Drawn]) -> None:
    """The callbacks of a part. `make` reads and draws; it may raise ApiError."""
    in_browser(app, "partFresh", Input(f"{need}-key", "data"), State(f"{need}-panel", "id"))

    @in_thread(
        app,
        Output(f"{need}-data", "data"), Output(f"{need}-key", "data"), Output(f"{need}-graph-caption", "children"),
        Output(f"{need}-below", "children"), Output(f"{need}-panel", "className"),
        Input(ask_id(need), "data"), State(f"{need}-key", "data"),
    )
    def load(ask: dict[str, Any] | None, known: str) -> list[Any]:
        if not ask:
            raise PreventUpdate
        try:
            scoped = read_scope(client, ask["search"])
            if scoped is None:
                # The page says that there is nothing yet.
                return [None, "", "", None, part_class(NOTHING)]
            drawn = make(client, scoped)
        except ApiError as error:
            if known and error.status == 0:
                # What is on screen stays; the line at the top of the page says what is wrong.
                return [no_update, known, *[no_update] * 3]
            problem = error.problem
            words = " ".join(text for text in (problem.detail, problem.hint) if text) or problem.title
            return [None, "", words, None, part_class(NOTHING)]
        figure = None if drawn.figure is None else json.loads(drawn.figure.to_json())
        payload = {"figure": figure, **drawn.extra}
        key = fingerprint([payload, str(drawn.sentence), str(drawn.below), str(drawn.recipe), drawn.notes])
        if key == known:
            # The key is sent again, so that the browser knows that what is shown is what was asked for.
            return [no_update, key, *[no_update] * 3]
        state = NOTHING if figure is None else READY
        return [payload, key, drawn.sentence, _below(drawn), part_class(state)]


def _below(drawn: Drawn) -> list[Any]:
    parts: list[Any] = []
    if drawn.notes:
        parts.append(html.Ul([html.Li(note) for note in drawn.notes], className="part-notes"))
    # A list inside a list of children is nothing that can be shown.
    parts += drawn.below if isinstance(drawn.below, list) else [drawn.below]
    if drawn.recipe is not None:
        parts.append(html.Details([html.Summary("Recipe"), drawn.recipe], className="part-recipe"))
    return parts
