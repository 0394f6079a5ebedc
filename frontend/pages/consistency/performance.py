"""Behaviour: whether models that are more alike differ less in what can be read from them, dataset by dataset."""

from __future__ import annotations

from typing import Any

import numpy as np
from dash import Dash, Input, Output, State, html
from dash.exceptions import PreventUpdate

from backend.contracts.probes import GapLink, GapPairs
from frontend.components.callbacks import in_browser, in_thread
from frontend.figures.gap_scatter import GapData, gap_scatter
from frontend.figures.numbers import count, decimal
from frontend.figures.rows import ValueRow, ValueRows, value_rows
from frontend.pages.consistency.asking import asked
from frontend.pages.consistency.part import Drawn, part, register_part
from frontend.pages.consistency.scope import Scoped, floats, number, read_scope, scope_recipe
from frontend.pages.consistency.set_controls import of_dataset
from frontend.pages.layers import layer_direction
from frontend.theme import colour_of, symbol_of
from frontend.urls import ConsistencyView
from parallax.client import Client

LINKS, GAPS = "performance", "gaps"
GUIDES = (0.3, 0.5, 0.7)  # those of the published figure
HOW_TO_READ = (
    "On every dataset a linear probe is trained on each model's embedding. The similarity of two models is then "
    "correlated with the gap between their accuracies, over all pairs: a negative r means that models which are more "
    "alike differ less in what can be read from them. The interval resamples models."
)
ABOUT_POINTS = "One point is one pair of models. Click it to see that pair on every dataset."
SPLIT_WITHIN = (
    "On datasets where every label is one group of stimuli (patches of one picture), groups are on both sides of the "
    "split: there the probe says whether known pictures are told apart, not whether a label carries over to new ones."
)


def layout(view: ConsistencyView) -> list[html.Section]:
    """Both parts before their data."""
    return [
        part(LINKS, "Similarity and gaps in accuracy", "Correlation of similarity with the gap in accuracy, by dataset",
             words=HOW_TO_READ, after=html.Div(id="probes-asked", role="status")),
        part(GAPS, "The pairs of one dataset", "Scatter of similarity against the gap in accuracy", shape="square",
             controls=of_dataset(view), words=ABOUT_POINTS),
    ]


def register(app: Dash, client: Client) -> None:
    register_part(app, client, LINKS, make_links)
    register_part(app, client, GAPS, make_gaps)
    in_browser(
        app, "drawRows", Output("performance-graph", "figure"), Input("performance-data", "data"),
        Input("appearance", "data"), State("templates", "data"), State("performance-graph", "id"),
    )
    in_browser(
        app, "drawGaps", Output("gaps-graph", "figure"), Input("gaps-data", "data"), Input("appearance", "data"),
        State("templates", "data"), State("gaps-graph", "id"),
    )
    in_browser(
        app, "openPair", Input("gaps-graph", "clickData"), State("gaps-data", "data"), State("schema", "data"),
        prevent_initial_call=True,
    )

    @in_thread(
        app, Output("probes-asked", "children"), Input("probes-ask", "n_clicks"), State("url", "search"),
        prevent_initial_call=True,
    )
    def ask(clicks: int | None, search: str) -> Any:
        if not clicks:
            raise PreventUpdate

        def request() -> list[int]:
            scoped = read_scope(client, search)
            if scoped is None:
                return []
            links = client.performance(scoped.metric.id, **scoped.query).datasets
            return [client.request_probes(link.dataset).id for link in links if lacking(scoped, link)]

        return asked(request)


def lacking(scoped: Scoped, link: GapLink) -> bool:
    """Whether a dataset with labels has no probes."""
    known = scoped.study.datasets.get(link.dataset)
    return link.best is None and known is not None and known.n_labels > 1


def make_links(client: Client, scoped: Scoped) -> Drawn:
    found = client.performance(scoped.metric.id, **scoped.query)
    without = [link for link in found.datasets if lacking(scoped, link)]
    button = None
    if without:
        button = html.Div(
            [
                html.P(f"{count(len(without), 'dataset has', 'datasets have')} labels and no probes yet."),
                html.Button("Train the missing probes", id="probes-ask", className="button button-light"),
            ],
            className="ask-line",
        )
    notes = [*found.scope.notes, *_notes(found.datasets, scoped)]
    if found.median is None:
        return Drawn(None, found.sentence, notes=notes, below=button)
    titles = dict(zip(found.scope.datasets, scoped.titles(found.scope.datasets), strict=True))
    rows = [
        ValueRow(
            titles[link.dataset], number(link.r), number(link.ci_low), number(link.ci_high), note=_row_note(link),
            colour=colour_of("domain", link.domain), symbol=symbol_of("domain", link.domain), key=place,
        )
        for place, link in enumerate(found.datasets)
    ]
    figure = value_rows(ValueRows(
        rows, f"{scoped.words} with the gap in accuracy", reference=0.0,
    ))
    figure.layout.shapes += tuple(_guides(layer_direction(scoped.metric, found.scope.layer)))
    extra = [("Probes", f"protocol {found.protocol}, mean of three splits, top-1 accuracy")]
    return Drawn(figure, found.sentence, scope_recipe(scoped, found.scope, extra), notes=notes, below=button)


def make_gaps(client: Client, scoped: Scoped) -> Drawn:
    dataset = chosen_dataset(scoped)
    if not dataset:
        return Drawn(None, "No dataset has values by this metric.")
    found = client.gap_pairs(scoped.metric.id, dataset, **scoped.query)
    if not found.i:
        return Drawn(None, found.sentence, notes=found.scope.notes)
    figure = gap_scatter(GapData(
        models=found.models, i=np.array(found.i), j=np.array(found.j), similarity=floats(found.similarity),
        gap=floats(found.gap), accuracy=floats(found.accuracy), value_words=scoped.value_words,
    ))
    link = found.link
    extra: list[tuple[str, Any]] = [
        ("Accuracy", f"{decimal(link.worst)} to {decimal(link.best)}; chance {decimal(link.chance)}"),
    ]
    return Drawn(
        figure, found.sentence, scope_recipe(scoped, found.scope, extra),
        notes=[*found.scope.notes, *([SPLIT_WITHIN] if link.whole_groups is False else []), *_unlisted(found)],
        extra={"metric": scoped.metric.id, "a": dataset},
    )


def chosen_dataset(scoped: Scoped) -> str:
    """The dataset of the link, else the first that has the metric; empty where there is none."""
    having = scoped.study.datasets_of(scoped.metric.id)
    return scoped.view.dataset if scoped.view.dataset in having else next(iter(having), "")


def _row_note(link: GapLink) -> str:
    if link.r is None:
        return link.note
    few = ", few models" if link.small else ""
    return f"{link.n_models} models, accuracy {decimal(link.worst)} to {decimal(link.best)}{few}"


def _notes(links: list[GapLink], scoped: Scoped) -> list[str]:
    notes = []
    unlabelled = [scoped.study.title(link.dataset) for link in links if link.best is None and not lacking(scoped, link)]
    if unlabelled:
        notes.append(f"Without labels nothing can be probed: {', '.join(unlabelled)}.")
    if any(link.whole_groups is False for link in links):
        names = ", ".join(scoped.study.title(link.dataset) for link in links if link.whole_groups is False)
        notes.append(f"{SPLIT_WITHIN} These are {names}.")
    return notes


def _unlisted(found: GapPairs) -> list[str]:
    if len(found.i) >= found.link.n_pairs:
        return []
    return [f"{len(found.i):,} of {found.link.n_pairs:,} pairs are drawn; r is that of all of them."]


def _guides(direction: str) -> list[dict[str, Any]]:
    """Faint lines where the published figure has them: on the side on which more alike models differ less."""
    sign = -1 if direction == "similarity" else 1
    return [
        {
            "type": "line", "xref": "x", "yref": "paper", "x0": sign * at, "x1": sign * at, "y0": 0, "y1": 1,
            "layer": "below", "opacity": 0.45, "line": {"width": 1, "dash": "dot"},
        }
        for at in GUIDES
    ]
