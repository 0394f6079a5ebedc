"""What is left out, and how much is left: a predicate of models, datasets, chips that switch common choices on and off,
and a reset that takes all of them away. Nothing is left out unless the link says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, Dash, Input, State, html

from backend.contracts.consistency import Consistency, ModelSet
from backend.domain.predicates import BadPredicate, Joined, parse
from frontend.components.callbacks import in_browser
from frontend.components.controls import control_id
from frontend.figures.numbers import count
from frontend.pages.consistency.scope import Scoped
from frontend.urls import ConsistencyView

KEY = "consistency"
WITHOUT_MAE = "!tag:mae"  # the exclusion set of the published analysis
WITHOUT_UNTRAINED = "!objective:untrained"
NATURAL = "domain:natural-multi,natural-single"
OTHER = "domain:specialized,structured"


def layout(view: ConsistencyView) -> html.Div:
    """The two fields and the place of the chips."""
    return html.Div(
        [
            html.Div(id="consistency-filters", className="chips"),
            html.Details(
                [
                    html.Summary("Choose models and datasets"),
                    html.Div(
                        [
                            dmc.TextInput(
                                id=control_id(KEY, "models"), label="Models", value=view.models, debounce=True,
                                placeholder="objective:self-supervised & !size:large", size="sm",
                                description="A predicate or the name of a set; Enter takes it. Empty: all models.",
                            ),
                            dmc.MultiSelect(
                                id=control_id(KEY, "datasets"), label="Datasets", data=[], value=[], size="sm",
                                searchable=True, clearable=True, placeholder="all datasets",
                                description="Two or more; none chosen: all.",
                                comboboxProps={"shadow": "md", "withinPortal": True},
                            ),
                        ],
                        className="filter-fields",
                    ),
                ],
                open=bool(view.models or view.datasets),
            ),
        ],
        className="filters", role="group", **{"aria-label": "Which models and datasets"},
    )


def register(app: Dash) -> None:
    """Chips change the link in the browser."""
    in_browser(
        app, "chip", Input({"type": "consistency-chip", "field": ALL, "value": ALL}, "n_clicks"),
        State("schema", "data"), prevent_initial_call=True,
    )


def chips(scoped: Scoped, sets: Sequence[ModelSet], table: Consistency | None) -> list[Any]:
    """How many models and datasets are left of how many, the chips, and the reset."""
    view, study = scoped.view, scoped.study
    terms = top_terms(view.models)
    every = max(table.scope.n_models_of if table and table.scope else 0, 1)
    mae = next((len(s.models) for s in sets if s.name == "without-mae"), every)
    untrained = sum(model.objective == "untrained" for model in study.models.values())
    made = [
        _chip("models", toggled(terms, WITHOUT_MAE), f"Without MAE ({_fewer(max(len(study.models) - mae, 0))})",
              WITHOUT_MAE in terms),
        _chip("models", toggled(terms, WITHOUT_UNTRAINED), f"Without untrained ({_fewer(untrained)})",
              WITHOUT_UNTRAINED in terms),
        *[
            _chip("models", "" if view.models == s.name else s.name, f"Only {s.title} ({len(s.models)})",
                  view.models == s.name)
            for s in sets if s.models and not s.published
        ],
        _chip("datasets", "" if view.datasets == NATURAL else NATURAL, "Natural datasets", view.datasets == NATURAL),
        _chip("datasets", "" if view.datasets == OTHER else OTHER, "Other datasets", view.datasets == OTHER),
    ]
    if view.models or view.datasets:
        made.append(
            html.Button(
                "Reset", className="chip chip-reset", type="button",
                id={"type": "consistency-chip", "field": "reset", "value": ""},
            )
        )
    return [html.Span(amount(scoped, table), className="amount", role="status"), *made]


def amount(scoped: Scoped, table: Consistency | None) -> str:
    """`26 of 27 models · 7 of 7 datasets`."""
    every = scoped.study.datasets_of(scoped.metric.id)
    if table is None or table.scope is None:
        return f"{count(len(scoped.study.models), 'model')} · {count(len(every), 'dataset')}"
    scope = table.scope
    return (
        f"{scope.n_models:,} of {count(scope.n_models_of, 'model')} · "
        f"{len(table.datasets):,} of {count(len(every), 'dataset')}"
    )


def top_terms(text: str) -> list[str]:
    """The parts of a predicate that are joined by `&`, in canonical form; a text that cannot be read is one part."""
    try:
        found = parse(text)
    except BadPredicate:
        return [text] if text else []
    if isinstance(found, Joined) and found.sign == "&":
        return [f"({part})" if isinstance(part, Joined) else str(part) for part in found.parts]
    return [str(found)] if str(found) else []


def toggled(terms: Sequence[str], term: str) -> str:
    """The predicate with a part more, or with that part less. The name of a set cannot be joined: it makes way."""
    terms = [part for part in terms if ":" in part]
    if term in terms:
        return " & ".join(part for part in terms if part != term)
    # A part with `|` on its own needs parentheses before another is joined to it.
    return " & ".join([*(f"({p})" if "|" in p and not p.startswith(("(", "!(")) else p for p in terms), term])


def _fewer(number: int) -> str:
    return f"{number} fewer" if number else "none here"


def _chip(field: str, value: str, label: str, pressed: bool) -> html.Button:
    """A choice that is on or off; pressing it writes `value` into the field."""
    return html.Button(
        label, className="chip", type="button", id={"type": "consistency-chip", "field": field, "value": value},
        **{"aria-pressed": "true" if pressed else "false"},
    )
