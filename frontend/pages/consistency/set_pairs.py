"""Model-set pairs: the distribution of r over the pairs of datasets, beside the baseline of all pairs of models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import Dash, Input, Output, State, html

from backend.contracts.consistency import SetPair
from frontend.components.callbacks import in_browser
from frontend.figures.numbers import decimal
from frontend.figures.spreads import SpreadData, SpreadRow, spread_figure
from frontend.pages.consistency.part import Drawn, part, register_part
from frontend.pages.consistency.scope import Scoped, floats, marks_of, number, scope_recipe, size_note
from frontend.pages.consistency.table import as_table, interval_cell
from parallax.client import Client

NEED = "sets"
HOW_TO_READ = (
    "A row takes the pairs of models of two sets. Its dots are the pairs of datasets, its box their middle half, the "
    "diamond the median with the interval that resamples models. The dotted line and the band behind are the median "
    "and middle half of all pairs of models."
)


def layout(controls: Any = None) -> html.Section:
    return part(
        NEED, "Model-set pairs, the steadiest first", "Distributions of r over pairs of datasets for each set pair",
        controls=controls, words=HOW_TO_READ,
    )


def register(app: Dash, client: Client) -> None:
    register_part(app, client, NEED, make)
    in_browser(
        app, "drawRows", Output("sets-graph", "figure"), Input("sets-data", "data"), Input("appearance", "data"),
        State("templates", "data"), State("sets-graph", "id"),
    )


def make(client: Client, scoped: Scoped) -> Drawn:
    view = scoped.view
    sets = [text for text in view.sets.split(";") if text.strip()]
    if view.by == "custom" and not sets:
        return Drawn(
            None, "Custom sets: name at least one above, as a predicate such as objective:self-supervised or by the "
            "name of a saved set.",
        )
    found = client.set_pairs(
        scoped.metric.id, view.by, sets=sets if view.by == "custom" else (), intervals=True, **scoped.query
    )
    rows = [spread_row(view.by, pair) for pair in found.pairs]
    baseline = spread_row("", found.baseline)
    notes = list(dict.fromkeys([*found.scope.notes, *(f"{p.title}: {p.note}" for p in found.pairs if p.note)]))
    if not any(row.defined for row in [*rows, baseline]):
        return Drawn(None, found.sentence, notes=notes)
    data = SpreadData(
        [*rows, baseline], scoped.pair_titles(found.dataset_pairs), scoped.words, baseline=baseline,
    )
    table = set_table(scoped, [*found.pairs, found.baseline])
    return Drawn(spread_figure(data), found.sentence, scope_recipe(scoped, found.scope), notes=notes, below=table)


def set_table(scoped: Scoped, pairs: Sequence[SetPair]) -> html.Details:
    """The rows of the picture as numbers."""
    rows = [
        [
            pair.title, decimal(pair.median), interval_cell(pair.ci_low, pair.ci_high),
            f"{decimal(pair.q1)} to {decimal(pair.q3)}" if pair.q1 is not None else "not defined",
            f"{pair.n_dataset_pairs}", size_note(pair),
        ]
        for pair in pairs
    ]
    head = ["Set pair", f"Median {scoped.words}", "95 % interval", "Middle half", "Dataset pairs", "Model pairs"]
    return as_table(head, rows)


def spread_row(by: str, pair: SetPair) -> SpreadRow:
    """A set pair of the wire as a row."""
    note = size_note(pair) if pair.median is not None else f"{size_note(pair)} · not defined"
    return SpreadRow(
        pair.title, floats(pair.r), number(pair.median), number(pair.q1), number(pair.q3), number(pair.ci_low),
        number(pair.ci_high), note, marks_of(by, pair.set_a, pair.set_b),
    )
