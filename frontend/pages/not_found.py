"""The page for an address that leads nowhere."""

from __future__ import annotations

from dash import html

from frontend.components.states import READY, link_button, notice, state_class


def layout(pathname: str) -> html.Div:
    """What was asked for, and where to go instead."""
    return html.Div(
        [
            html.H1("There is no such page"),
            notice(
                "This address leads nowhere",
                f"Nothing is found at {pathname[:120]}. The link may be mistyped or from a later version.",
                [link_button("Overview", "/"), link_button("Similarity", "/similarity", "light")],
            ),
        ],
        className=state_class(READY, "not-found"),
    )
