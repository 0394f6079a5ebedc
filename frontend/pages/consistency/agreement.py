"""Metrics: whether a second metric tells the same story, on each dataset and about consistency itself."""

from __future__ import annotations

import numpy as np
from dash import Dash, Input, Output, State, html

from backend.contracts.consistency import MetricAgreement
from frontend.components.callbacks import in_browser
from frontend.figures.metric_twins import TwinsData, metric_twins
from frontend.figures.numbers import count, decimal
from frontend.figures.rows import ValueRow, ValueRows, value_rows
from frontend.pages.consistency.part import Drawn, part, register_part
from frontend.pages.consistency.scope import Scoped, floats, number, scope_recipe
from frontend.theme import colour_of, symbol_of
from parallax.client import Client

DATASETS, TWINS = "agreement", "twins"
ONE_METRIC = "Only one metric is computed here; a second one can be asked for on the Similarity page."


def layout_datasets() -> html.Section:
    return part(
        DATASETS, "Dataset by dataset", "Agreement of two metrics on every dataset",
        words="The values of all pairs of models by one metric are correlated with those by the other. The interval "
        "resamples models.",
    )


def layout_twins() -> html.Section:
    return part(
        TWINS, "About consistency", "Consistency by one metric against that by the other", shape="square",
        words="One point is one pair of datasets; on the dashed line both metrics give it the same r.",
    )


def register(app: Dash, client: Client) -> None:
    register_part(app, client, DATASETS, make_datasets)
    register_part(app, client, TWINS, make_twins)
    in_browser(
        app, "drawRows", Output("agreement-graph", "figure"), Input("agreement-data", "data"),
        Input("appearance", "data"), State("templates", "data"), State("agreement-graph", "id"),
    )
    in_browser(
        app, "drawTwins", Output("twins-graph", "figure"), Input("twins-data", "data"), Input("appearance", "data"),
        State("templates", "data"), State("twins-graph", "id"),
    )


def read_agreement(client: Client, scoped: Scoped) -> MetricAgreement | None:
    """The agreement with the link's second metric, else with the first other one; None where there is no other."""
    known = [metric.id for metric in scoped.study.computed_metrics() if metric.id != scoped.metric.id]
    if not known:
        return None
    other = scoped.view.other if scoped.view.other in known else known[0]
    return client.metric_agreement(scoped.metric.id, other, **scoped.query)


def make_datasets(client: Client, scoped: Scoped) -> Drawn:
    found = read_agreement(client, scoped)
    if found is None:
        return Drawn(None, ONE_METRIC)
    if not any(r is not None for r in found.r):
        return Drawn(None, found.sentence, notes=found.scope.notes)
    titles = scoped.titles(found.datasets)
    rows = [
        ValueRow(
            titles[k], number(found.r[k]), number(found.ci_low[k]), number(found.ci_high[k]),
            note=count(found.n_pairs[k], "pair"), colour=colour_of("domain", _domain(scoped, name)),
            symbol=symbol_of("domain", _domain(scoped, name)), key=k,
        )
        for k, name in enumerate(found.datasets)
    ]
    rows.sort(key=lambda row: -row.value if np.isfinite(row.value) else np.inf)
    figure = value_rows(ValueRows(rows, f"{scoped.words} of the two metrics over pairs of models"))
    known = [row for row in rows if np.isfinite(row.value)]
    words = (
        f"{scoped.metric.title} and {scoped.study.metrics[found.other].title} agree most on {known[0].title} "
        f"({decimal(known[0].value)}) and least on {known[-1].title} ({decimal(known[-1].value)}); the median over "
        f"{count(len(known), 'dataset')} is {decimal(float(np.median([row.value for row in known])))}."
    )
    return Drawn(
        figure, words, scope_recipe(scoped, found.scope, [("Second metric", found.other)]),
        notes=found.scope.notes,
    )


def make_twins(client: Client, scoped: Scoped) -> Drawn:
    found = read_agreement(client, scoped)
    if found is None:
        return Drawn(None, ONE_METRIC)
    x, y = floats(found.consistency), floats(found.consistency_other)
    both = np.isfinite(x) & np.isfinite(y)
    if not both.any():
        return Drawn(None, "No pair of datasets has an r by both metrics.", notes=found.scope.notes)
    other = scoped.study.metrics[found.other].title
    figure = metric_twins(
        TwinsData(
            x, y, scoped.pair_titles(found.dataset_pairs), f"{scoped.words} by {scoped.metric.title}",
            f"{scoped.words} by {other}",
        )
    )
    higher = int((y[both] > x[both]).sum())
    said = (
        f"r of the two = {decimal(found.consistency_r)} over {count(int(both.sum()), 'pair')} of datasets"
        if found.consistency_r is not None else "The two cannot be correlated: there are too few pairs of datasets"
    )
    sentence = f"{said}; {other} gives {higher} of them the higher consistency."
    return Drawn(
        figure, sentence, scope_recipe(scoped, found.scope, [("Second metric", found.other)]), notes=found.scope.notes
    )


def _domain(scoped: Scoped, name: str) -> str:
    known = scoped.study.datasets.get(name)
    return known.domain if known else ""
