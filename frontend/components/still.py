"""Parts of a page that only show something: written by the server, put into the page by the browser in one go.

Dash keeps watch over every component that it makes, which takes a browser some 2 ms each. A list of pictures or a table
that no callback asks about does without.
"""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, State, dcc, html

from frontend.components.callbacks import in_browser


def place(name: str, waiting: Any = None) -> html.Div:
    """The place of such a part; `waiting` is what stands there until it has come."""
    return html.Div([dcc.Store(id=f"{name}-content"), html.Div(waiting, id=name)])


def content(name: str) -> Output:
    """Where a callback puts what the part shows: elements and links of Dash, none of them with an id."""
    return Output(f"{name}-content", "data")


def register(app: Dash, *names: str) -> None:
    """Callbacks of the parts of a page."""
    for name in names:
        in_browser(app, "putStill", Input(f"{name}-content", "data"), State(name, "id"))
