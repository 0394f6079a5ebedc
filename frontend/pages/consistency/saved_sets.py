"""Named model sets: those there are, whom they hold, and a form for a new one that says everything that is wrong at
once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, Dash, Input, Output, State, ctx, html, no_update
from dash.exceptions import PreventUpdate

from backend.contracts.consistency import ModelSet
from backend.domain.attributes import is_slug
from backend.domain.predicates import BadPredicate, parse
from frontend.components.callbacks import in_browser, in_thread
from frontend.components.facts import code
from frontend.figures.numbers import count
from frontend.pages.consistency.part import ask_id
from parallax.client import ApiError, Client

NEED = "named"
FORM = ("name", "title", "predicate")


def layout() -> html.Section:
    """The list and the form."""
    return html.Section(
        [
            html.H2("Named sets"),
            html.P("Compare them above as custom sets, or narrow the whole page to one.", className="part-words"),
            html.Div(id="sets-list"),
            html.Details(
                [
                    html.Summary("Name a set"),
                    html.Div(
                        [
                            dmc.TextInput(id="set-name", label="Name", placeholder="small-ssl", size="sm",
                                          description="Small letters, digits, hyphens: it stands in links."),
                            dmc.TextInput(id="set-title", label="Title", placeholder="Small self-supervised", size="sm",
                                          description="What it is called on screen; empty: its name."),
                            dmc.TextInput(id="set-predicate", label="Predicate", size="sm", className="wide",
                                          placeholder="objective:self-supervised & size:small",
                                          description="attribute:value joined by &, |, ! and parentheses."),
                            dmc.Button("Save the set", id="set-save", n_clicks=0),
                            html.Div(id="set-saved", role="status", className="dim", **{"aria-live": "polite"}),
                        ],
                        className="filter-fields",
                    ),
                ]
            ),
        ],
        className="part panel-part", id="named-panel",
    )


def register(app: Dash, client: Client) -> None:
    # What the page offers to choose from has changed as well.
    in_browser(
        app, "setsChanged", Output(ask_id("choices"), "data", allow_duplicate=True),
        Output(ask_id("frame"), "data", allow_duplicate=True), Input("set-saved", "children"),
        State(ask_id("choices"), "data"), State(ask_id("frame"), "data"), prevent_initial_call=True,
    )

    @in_thread(
        app, Output("sets-list", "children"), Input(ask_id(NEED), "data"), Input("set-saved", "children"),
    )
    def show(ask: dict[str, Any] | None, saved: Any) -> Any:
        if not ask:
            raise PreventUpdate
        try:
            return set_table(client.model_sets(ask["fields"].get("labels") or "published"))
        except ApiError as error:
            return html.P(error.problem.hint or error.problem.title, className="dim")

    @in_thread(
        app,
        *[Output(f"set-{field}", "error") for field in FORM], Output("set-saved", "children"),
        Input("set-save", "n_clicks"), *[State(f"set-{field}", "value") for field in FORM],
        prevent_initial_call=True,
    )
    def save(clicks: int, name: str | None, title: str | None, predicate: str | None) -> list[Any]:
        if not clicks:
            raise PreventUpdate
        name, title, predicate = (name or "").strip(), (title or "").strip(), (predicate or "").strip()
        try:
            wrong = problems(name, title, predicate, {s.name for s in client.model_sets()})
            if wrong:
                return [*[wrong.get(field, "") for field in FORM], "Not saved yet."]
            made = client.save_model_set(name, predicate, title)
        except ApiError as error:
            wrong = {p.field: " ".join(part for part in (p.message, p.hint) if part) for p in error.fields}
            left = "" if set(wrong) & set(FORM) else f"{error.problem.detail} {error.problem.hint}"
            return [*[wrong.get(field, "") for field in FORM], left or "Not saved yet."]
        return ["", "", "", f"Saved: {made.title} holds {count(len(made.models), 'model')}."]

    @in_thread(
        app, Output("set-saved", "children", allow_duplicate=True),
        Input({"type": "set-delete", "name": ALL}, "n_clicks"), prevent_initial_call=True,
    )
    def delete(clicks: list[int | None]) -> Any:
        if not any(clicks) or not ctx.triggered_id:
            return no_update
        name = ctx.triggered_id["name"]
        try:
            client.delete_model_set(name)
        except ApiError as error:
            return f"{error.problem.detail} {error.problem.hint}"
        return f"The set {name} is deleted."


def problems(name: str, title: str, predicate: str, taken: Collection[str]) -> dict[str, str]:
    """Field of the form -> what is wrong with it; everything at once."""
    wrong: dict[str, str] = {}
    if not name:
        wrong["name"] = "Give the set a name, for example small-ssl."
    elif not is_slug(name):
        wrong["name"] = "A name has small letters, digits, dots, hyphens and underscores."
    elif name in taken or name == "all":
        wrong["name"] = f"There is already a set called {name}. Choose another name, or delete that one first."
    if len(title) > 120:
        wrong["title"] = "A title has up to 120 characters."
    if not predicate:
        wrong["predicate"] = "Say whom the set holds, for example objective:self-supervised."
    else:
        try:
            parse(predicate)
        except BadPredicate as error:
            wrong["predicate"] = f"{error.message} {error.hint}".strip()
    return wrong


def set_table(sets: Sequence[ModelSet]) -> html.Div:
    """Every named set with its predicate and whom it holds; a set of somebody's own can be deleted."""
    head = html.Tr([html.Th(text, scope="col") for text in ("Set", "Predicate", "Holds", "")])
    return html.Div(
        html.Table([html.Thead(head), html.Tbody([_row(one) for one in sets])], className="coverage set-table"),
        className="scroll-x", tabIndex=0, role="region", **{"aria-label": "Named sets"},
    )


def _row(one: ModelSet) -> html.Tr:
    held = html.Details(
        [html.Summary(count(len(one.models), "model")), html.P(", ".join(one.models), className="dim")]
    ) if one.models else "no model here"
    if one.published:
        last: Any = html.Span("published", className="dim")
    else:
        last = html.Details(
            [
                html.Summary("Delete"),
                html.Button(
                    f"Delete {one.name} for good", id={"type": "set-delete", "name": one.name}, type="button",
                    className="chip",
                ),
            ]
        )
    return html.Tr(
        [html.Th([one.title, html.Br(), code(one.name)], scope="row"), html.Td(code(one.predicate)), html.Td(held),
         html.Td(last)]
    )
