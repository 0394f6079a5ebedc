"""Which pairs of models make or break r between two datasets, and what r becomes without each model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from dash import Dash, Input, Output, State, dcc, html

from backend.contracts.consistency import DatasetPair, LeftOut
from frontend.components.callbacks import in_browser
from frontend.figures.numbers import count, decimal
from frontend.figures.rows import ValueRow, ValueRows, value_rows
from frontend.pages.consistency.part import Drawn, part, register_part
from frontend.pages.consistency.scatter import read_pair
from frontend.pages.consistency.scope import Scoped, number, scope_recipe
from frontend.pages.consistency.table import as_table
from frontend.theme import OKABE_ITO
from frontend.urls import PairView, link
from parallax.client import Client

PAIRS, WITHOUT = "pairs", "without"
MOST = 10  # pairs at each end
MOST_MODELS = 24
ROW_PX, PAIR_PX = 30, 46


def layout_pairs() -> html.Section:
    return part(
        PAIRS, "Pairs that make and break r", "Contributions of pairs of models to r",
        words="r is a sum with one term for every pair of models. These are the largest and the smallest terms. "
        "Click one to see that pair on every dataset.",
    )


def layout_without() -> html.Section:
    return part(
        WITHOUT, "r without each model", "What r becomes without each model",
        words="The dotted line is r of all models. Models that change it most come first.",
    )


def register(app: Dash, client: Client) -> None:
    for need, make in ((PAIRS, make_pairs), (WITHOUT, make_without)):
        register_part(app, client, need, make)
        in_browser(
            app, "drawRows", Output(f"{need}-graph", "figure"), Input(f"{need}-data", "data"),
            Input("appearance", "data"), State("templates", "data"), State(f"{need}-graph", "id"),
        )
    in_browser(
        app, "openPair", Input("pairs-graph", "clickData"), State("pairs-data", "data"), State("schema", "data"),
        prevent_initial_call=True,
    )


def make_pairs(client: Client, scoped: Scoped) -> Drawn:
    pair = read_pair(client, scoped)
    if pair is None or pair.r is None or not pair.pairs.x:
        return Drawn(None, _too_little(pair), notes=pair.scope.notes if pair else [])
    chosen = extremes(np.array(pair.pairs.contribution))
    columns = pair.pairs
    rows = [
        ValueRow(
            columns.models[columns.i[k]], columns.contribution[k], note=columns.models[columns.j[k]],
            colour=OKABE_ITO["blue"] if columns.contribution[k] >= 0 else OKABE_ITO["orange"],
            symbol="circle" if columns.contribution[k] >= 0 else "diamond", key=k,
        )
        for k in chosen
    ]
    figure = value_rows(ValueRows(rows, f"term of {scoped.words}", 0.0, bars=True, row_px=PAIR_PX))
    return Drawn(
        figure, contribution_sentence(scoped, pair), scope_recipe(scoped, pair.scope), notes=pair.scope.notes,
        below=pair_table(scoped, pair, chosen),
        extra={
            "metric": scoped.metric.id, "a": pair.dataset_a, "b": pair.dataset_b,
            "keys": {k: [columns.models[columns.i[k]], columns.models[columns.j[k]]] for k in chosen},
        },
    )


def _too_little(pair: DatasetPair | None) -> str:
    """Why there is nothing to draw."""
    if pair is None:
        return "Two datasets with values are needed."
    return pair.sentence or "r is not defined: fewer than three pairs of these models have values on both datasets."


def pair_table(scoped: Scoped, pair: DatasetPair, chosen: Sequence[int]) -> html.Details:
    """The pairs of the picture, each a way to its page."""
    columns = pair.pairs
    first, second = scoped.titles([pair.dataset_a, pair.dataset_b])

    def cells(k: int) -> list[Any]:
        a, b = columns.models[columns.i[k]], columns.models[columns.j[k]]
        view = PairView(a=a, b=b, metric=scoped.metric.id, dataset=pair.dataset_a)
        return [
            dcc.Link(f"{a} and {b}", href=link("/pair", view)), f"{decimal(columns.contribution[k], 4)}",
            decimal(columns.x[k]), decimal(columns.y[k]),
        ]

    return as_table(["Pair of models", f"Adds to {scoped.words}", first, second], [cells(k) for k in chosen])


def extremes(contribution: np.ndarray) -> list[int]:
    """Positions of the largest contributions and of the smallest, from large to small, each once."""
    order = np.argsort(-contribution, kind="stable")
    if len(order) <= 2 * MOST:
        return [int(k) for k in order]
    return [int(k) for k in [*order[:MOST], *order[-MOST:]]]


def contribution_sentence(scoped: Scoped, pair: DatasetPair) -> list[Any]:
    """How concentrated r is: what the strongest tenth of the pairs adds."""
    terms = np.array(pair.pairs.contribution)
    against = int((terms < 0).sum())
    tenth = max(1, len(terms) // 10)
    share = np.sort(terms)[::-1][:tenth].sum()
    first, second = scoped.titles([pair.dataset_a, pair.dataset_b])
    return [
        html.Strong(f"{scoped.words} = {decimal(pair.r)}"),
        f" between {first} and {second}: the {count(tenth, 'pair')} with the largest terms add {decimal(share)}, and "
        f"{count(against, 'pair')} of {len(terms):,} pull it down.",
    ]


def make_without(client: Client, scoped: Scoped) -> Drawn:
    pair = read_pair(client, scoped)
    if pair is None or pair.r is None:
        return Drawn(None, _too_little(pair), notes=pair.scope.notes if pair else [])
    left = by_change(pair.without_model)
    if not left:
        return Drawn(None, "r without a model is not defined: there are too few models.", notes=pair.scope.notes)
    rows = left_out_rows(left[:MOST_MODELS], {})
    figure = value_rows(
        ValueRows(rows, f"{scoped.words} without the model", number(pair.r), "all models", bars=True, row_px=ROW_PX)
    )
    most = left[0]
    notes = list(pair.scope.notes)
    if len(left) > MOST_MODELS:
        notes.append(f"The {MOST_MODELS} of {len(left)} models that change r most are shown.")
    sentence = [
        f"Without {most.name}, the model that matters most here, {scoped.words} goes from {decimal(pair.r)} to "
        f"{decimal(most.r)}; over all models it stays between {decimal(min(number(m.r) for m in left))} and "
        f"{decimal(max(number(m.r) for m in left))}."
    ]
    return Drawn(figure, sentence, scope_recipe(scoped, pair.scope), notes=notes)


def by_change(left: list[LeftOut]) -> list[LeftOut]:
    """Those with a defined r, the largest change first."""
    return sorted((one for one in left if one.r is not None), key=lambda one: (-abs(one.change or 0.0), one.name))


def left_out_rows(left: list[LeftOut], titles: dict[str, str]) -> list[ValueRow]:
    """One row for each, blue where r rises without it, orange where it falls."""
    return [
        ValueRow(
            titles.get(one.name, one.name), number(one.r),
            colour=OKABE_ITO["blue"] if (one.change or 0.0) >= 0 else OKABE_ITO["orange"],
            symbol="circle" if (one.change or 0.0) >= 0 else "diamond", key=place,
        )
        for place, one in enumerate(left)
    ]
