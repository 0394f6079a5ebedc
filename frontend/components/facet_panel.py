"""Filters that hide nothing: the places of facets, chips and counts, and the data from which the browser draws them.

`assets/facets.js` fills them. What is chosen is in the link alone; without a choice everything is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import MATCH, Dash, Input, Output, State, dcc, html

from backend.domain.attributes import MODEL_ATTRIBUTES
from backend.domain.errors import InvalidInput
from backend.domain.predicates import ALIASES, VOCABULARIES, Subject, parse
from frontend.components.callbacks import in_thread
from frontend.components.controls import control_id
from frontend.theme import ATTRIBUTE_TITLES, colour_of, vocabulary

UNREAD, TROUBLE = "filter-unread", "filter-trouble"
FACETS: dict[Subject, tuple[str, ...]] = {"model": (*MODEL_ATTRIBUTES, "tag"), "dataset": ("domain",)}


def search_box(page: str, field: str, label: str, value: str) -> dmc.TextInput:
    """Words that must occur; the link follows a moment after the last key."""
    return dmc.TextInput(
        id=control_id(page, field), label=label, value=value, debounce=250, size="sm", placeholder="Name or title",
        autoComplete="off", spellCheck=False,
    )


def facet_panel(group_id: str, label: str) -> html.Details:
    """The place of the facets of one kind of thing; the browser closes it on a small screen, where it would hide what
    it filters."""
    place = html.Div(id=f"{group_id}-facets", className="facets", role="group", **{"aria-label": label})
    return html.Details([html.Summary(label), place], open=True, className="facet-box")


def facet_line(group_id: str, subject: Subject) -> html.Div:
    """The place of "n of m", the chips and the reset, and of what is wrong with a filter that cannot be read."""
    return html.Div(
        [
            html.Div(id=f"{group_id}-line", className="facet-line", role="status"),
            # The browser reads filters by itself and asks only about one that it cannot read.
            dcc.Store(id={"type": UNREAD, "of": subject}, data=""),
            html.P(id={"type": TROUBLE, "of": subject}, className="field-error filter-trouble", role="alert"),
        ]
    )


def register(app: Dash) -> None:
    """The callback of all of them."""

    @in_thread(
        app, Output({"type": TROUBLE, "of": MATCH}, "children"), Input({"type": UNREAD, "of": MATCH}, "data"),
        State({"type": UNREAD, "of": MATCH}, "id"), prevent_initial_call=True,
    )
    def said(text: str, asked: dict[str, str]) -> str:
        return filter_trouble(text, "dataset" if asked["of"] == "dataset" else "model")


def filter_trouble(text: str, subject: Subject) -> str:
    """What is wrong with the filter of a link, with its position; empty when it can be read."""
    try:
        parse(text, subject)
    except InvalidInput as error:
        return f"The filter of the link cannot be read, so all {subject}s are shown. {error.message} {error.hint}"
    return ""


def facet_group(
    group_id: str, subject: Subject, items: Sequence[dict[str, Any]], *, field: str, scope: str = "scope", q: str = "q"
) -> dict[str, Any]:
    """What the browser filters: `items` by `facet_item`, and the fields of the link that choose among them."""
    words = {name: _words(subject, name) for name in VOCABULARIES[subject]}
    facets = {
        name: {"title": ATTRIBUTE_TITLES.get(name, name.capitalize()),
               "colours": {slug: colour_of(name, slug) for slug in words[name] or {}}}
        for name in FACETS[subject]
    }
    return {"id": group_id, "noun": subject, "field": field, "scope": scope, "q": q, "items": list(items),
            "words": words, "facets": facets, "aliases": ALIASES}


def facet_item(
    name: str, text: str, here: bool, attributes: dict[str, str], tags: Sequence[str] = (),
    audited: dict[str, str] | None = None,
) -> dict[str, Any]:
    """One thing to be filtered. `audited` has the attributes that audited labels change."""
    return {"name": name, "text": text.lower(), "here": here, "attributes": attributes, "tags": list(tags)} | (
        {"audited": audited} if audited else {})


def _words(subject: Subject, attribute: str) -> dict[str, str] | None:
    known = vocabulary(attribute) if attribute in (*MODEL_ATTRIBUTES, "domain") else None
    return dict(known) if known else None
