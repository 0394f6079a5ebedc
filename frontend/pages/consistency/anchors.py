"""Anchors: single models against all others, and whether their ranking of them survives a change of dataset."""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, State, html

from backend.contracts.consistency import Anchor
from backend.domain.attributes import MODEL_ATTRIBUTES
from frontend.components.callbacks import in_browser
from frontend.figures.numbers import count
from frontend.figures.spreads import SpreadData, SpreadRow, spread_figure
from frontend.pages.consistency.part import Drawn, part, register_part
from frontend.pages.consistency.scope import ALL, Scoped, floats, marks_of, number, scope_recipe
from parallax.client import Client

NEED = "anchors"
MOST = 12
# Where the link names no anchors: the first model of each objective, so that the picture opens on a contrast.
PUBLISHED = "anchors"


def layout(controls: Any = None) -> html.Section:
    return part(
        NEED, "One model against the others", "Distributions of r of single models against the others",
        controls=controls,
        words="An anchor's similarities to the other models on one dataset are correlated with those on another. The "
        "interval resamples the other models.",
    )


def register(app: Dash, client: Client) -> None:
    register_part(app, client, NEED, make)
    in_browser(
        app, "drawRows", Output("anchors-graph", "figure"), Input("anchors-data", "data"),
        Input("appearance", "data"), State("templates", "data"), State("anchors-graph", "id"),
    )


def make(client: Client, scoped: Scoped) -> Drawn:
    view = scoped.view
    names = [name for name in view.anchors.split(",") if name][:MOST] or default_anchors(client, scoped)
    if not names:
        return Drawn(None, "Choose at least one model above.")
    by = "" if view.by == "custom" else view.by
    found = client.anchors(scoped.metric.id, names, by=by, intervals=True, **scoped.query)
    rows = [anchor_row(by, anchor) for anchor in found.anchors]
    if not any(row.defined for row in rows):
        return Drawn(None, found.sentence, notes=found.scope.notes)
    data = SpreadData(rows, scoped.pair_titles(found.dataset_pairs), scoped.words)
    return Drawn(spread_figure(data), found.sentence, scope_recipe(scoped, found.scope), notes=found.scope.notes)


def default_anchors(client: Client, scoped: Scoped) -> list[str]:
    """The published anchors where they are here, else one model of each objective."""
    published = next((s.models for s in client.model_sets(scoped.view.labels) if s.name == PUBLISHED), [])
    if published:
        return published[:MOST]
    first: dict[str, str] = {}
    for name in sorted(scoped.study.models):
        first.setdefault(scoped.study.models[name].objective, name)
    return [first[slug] for slug in MODEL_ATTRIBUTES["objective"] if slug in first]


def anchor_row(by: str, anchor: Anchor) -> SpreadRow:
    """An anchor of the wire as a row, its strata named below."""
    every = anchor.others == ALL
    words = MODEL_ATTRIBUTES.get(by, {}).get(anchor.others, anchor.others)
    note = f"with {count(anchor.n_models, 'other model' if every else f'{words} model')}"
    if anchor.small:
        note += " · few models"
    return SpreadRow(
        anchor.model, floats(anchor.r), number(anchor.median), number(anchor.q1), number(anchor.q3),
        number(anchor.ci_low), number(anchor.ci_high), note,
        () if every else marks_of(by, anchor.others, anchor.others),
    )
