"""Influence: the median r over pairs of datasets without each dataset."""

from __future__ import annotations

from dash import Dash, Input, Output, State, html

from frontend.components.callbacks import in_browser
from frontend.figures.numbers import decimal
from frontend.figures.rows import ValueRows, interval_words, value_rows
from frontend.pages.consistency.contributions import ROW_PX, by_change, left_out_rows
from frontend.pages.consistency.part import Drawn, part, register_part
from frontend.pages.consistency.scope import Scoped, number, scope_recipe
from parallax.client import Client

NEED = "influence"


def layout() -> html.Section:
    return part(
        NEED, "The median r without each dataset", "Median r over pairs of datasets without each dataset",
        words="The dotted line is the median of all pairs of datasets. Datasets that change it most come first.",
    )


def register(app: Dash, client: Client) -> None:
    register_part(app, client, NEED, make)
    in_browser(
        app, "drawRows", Output("influence-graph", "figure"), Input("influence-data", "data"),
        Input("appearance", "data"), State("templates", "data"), State("influence-graph", "id"),
    )


def make(client: Client, scoped: Scoped) -> Drawn:
    found = client.influence(scoped.metric.id, **scoped.sets, **scoped.query)
    left = by_change(found.without_dataset)
    if found.median is None or not left:
        return Drawn(None, found.sentence or "Three datasets are needed to leave one out.", notes=found.scope.notes)
    names = [one.name for one in left]
    titles = dict(zip(names, scoped.titles(names), strict=True))
    figure = value_rows(
        ValueRows(
            left_out_rows(left, titles), f"median {scoped.words} without the dataset", number(found.median),
            "all datasets", bars=True, row_px=ROW_PX,
        )
    )
    most, least = left[0], left[-1]
    median = interval_words(found.median, number(found.ci_low), number(found.ci_high))
    words = (
        f"With all {len(left)} datasets the median {scoped.words} is {median}. "
        f"Without {titles[most.name]} it is {decimal(most.r)}, the largest change; "
        f"without {titles[least.name]} it is {decimal(least.r)}."
    )
    return Drawn(figure, words, scope_recipe(scoped, found.scope), notes=found.scope.notes)
