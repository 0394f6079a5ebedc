"""A pair of models: how alike they are on every dataset, where each number comes from, and the stimuli on which they
part, with the neighbours both give them side by side."""

from __future__ import annotations

import json
from typing import Any

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate

from backend.contracts.metrics import MetricInfo
from backend.contracts.pairs import Disagreement, MovingPairs, Pair
from frontend.components import still
from frontend.components.callbacks import in_browser, in_thread
from frontend.components.chart import chart
from frontend.components.controls import control_id, options, panel, picker, switcher
from frontend.components.seen import seen_list, shared_bars
from frontend.components.states import EMPTY, LOADING, READY, notice, refused, replaced, skeleton_lines, state_class
from frontend.figures.numbers import decimal
from frontend.figures.pair_rows import PairRow, pair_rows
from frontend.pages.pair_facts import (
    about_models,
    moving_list,
    origins_table,
    recipe_of_stimuli,
    row_legend,
    rows_of,
)
from frontend.pages.similarity import waiting
from frontend.pages.study import Study, fingerprint, read_study
from frontend.urls import PairView, decode
from parallax.client import ApiError, Client

PATH = "/pair"
KEY = "pair"
FIELDS = ("a", "b", "metric", "dataset", "order")
ITEMS = 8
LABEL = "The similarity of the two models on every dataset, beside chance and beside all other pairs"
ORDERS = [("disagreement", "Disagree most"), ("agreement", "Agree most")]
HOW_TO_READ = (
    "Each row is a dataset. The dot is this pair with its 95 % interval over stimuli; the grey band is where all pairs "
    "of models lie there, so a dot at its end is an unusual pair. Red below it: what chance gives. At the right: how "
    "many per cent of the other pairs are less alike, which can be compared between datasets as values cannot. Click a "
    "row to see its stimuli."
)


def layout(search: str) -> html.Div:
    """The page before its data."""
    view = decode(PairView, search)
    return html.Div(
        [
            dcc.Store(id="pair-data"),
            dcc.Store(id="pair-view"),
            dcc.Store(id="pair-key", data=""),
            html.Div(html.H1("A pair of models on every dataset"), id="pair-head"),
            html.Div(id="pair-notice"),
            html.Div(
                [
                    html.Div(
                        [picker(KEY, "a", "First model"), picker(KEY, "b", "Second model"),
                         picker(KEY, "metric", "Metric")],
                        className="controls controls-row", role="group", **{"aria-label": "What is shown"},
                    ),
                    html.Div(
                        [
                            html.Div(
                                [
                                    chart("pair-graph", LABEL, shape="rows"),
                                    html.Div(still.place("pair-origins"), className="pair-origins"),
                                    panel("Pairs that move most", still.place("pair-moving", skeleton_lines(6))),
                                ],
                                className="column",
                            ),
                            html.Aside(
                                [panel("How to read it", html.P(HOW_TO_READ)),
                                 panel("The two models", still.place("pair-models", skeleton_lines(6)))],
                                className="details", **{"aria-label": "About this pair"},
                            ),
                        ],
                        className="work-two pair-two",
                    ),
                    html.Section(
                        [
                            html.H2("Stimuli that the two models see differently", id="pair-stimuli-title"),
                            html.Div(
                                [picker(KEY, "dataset", "Dataset"),
                                 switcher(KEY, "order", "First come those on which they", options(ORDERS), view.order)],
                                className="controls controls-row", role="group",
                                **{"aria-label": "Which stimuli are shown"},
                            ),
                            still.place("pair-stimuli", skeleton_lines(5)),
                        ],
                        className="pair-section", **{"aria-labelledby": "pair-stimuli-title"},
                    ),
                ],
                className="work",
            ),
        ],
        id="pair-root", className=state_class(LOADING, KEY),
    )


def register(app: Dash, client: Client) -> None:
    """Callbacks of the page."""

    @in_thread(
        app,
        Output("pair-data", "data"), Output("pair-key", "data"), Output("pair-notice", "children"),
        Output("pair-root", "className"), Output("pair-head", "children"), Output("pair-graph-caption", "children"),
        still.content("pair-models"), still.content("pair-moving"), still.content("pair-origins"),
        Input("url", "search"), Input("revision", "data"), State("url", "pathname"), State("pair-key", "data"),
    )
    def load(search: str, revision: str, pathname: str, known: str) -> list[Any]:
        if pathname != PATH:
            raise PreventUpdate
        keep = [no_update] * 9
        try:
            study = read_study(client)
            view = decode(PairView, search)
            metric = study.metric(view.metric)
            if metric is None:
                return [no_update, "", waiting(client), state_class(EMPTY, KEY), *keep[:5]]
            moving = client.moving_pairs(metric.id, limit=7)
            chosen = choose(study, moving, view)
            if chosen is None:
                return [no_update, "", _one_model(), state_class(EMPTY, KEY), *keep[:5]]
            pair = client.pair(*chosen, metric.id)
        except ApiError as error:
            # What is already on screen stays; the banner at the top says what is wrong.
            return keep if known else [no_update, "", refused(error), state_class(EMPTY, KEY), *keep[:5]]
        rows = rows_of(pair)
        payload = _payload(study, metric, pair, rows, view)
        key = fingerprint(payload)
        if key == known:
            return keep
        instead = replaced([("model", view.a, pair.a), ("model", view.b, pair.b), ("metric", view.metric, metric.id)])
        return [
            payload, key, None, state_class(READY, KEY), _head(pair, metric),
            [*instead, _caption(pair), row_legend(rows)],
            about_models(study, pair, metric), moving_list(study, moving, pair), origins_table(pair, metric),
        ]

    @in_thread(
        app, still.content("pair-stimuli"), Input("pair-view", "data"), Input("pair-key", "data"),
        State("url", "pathname"),
    )
    def load_stimuli(search: str | None, key: str, pathname: str) -> Any:
        view = decode(PairView, search)
        if pathname != PATH or not key or not (view.a and view.b and view.dataset):
            raise PreventUpdate
        try:
            found = client.disagreement(view.a, view.b, view.dataset, limit=ITEMS, order=view.order)  # type: ignore[arg-type]
        except ApiError as error:
            if error.status == 0:
                raise PreventUpdate from error
            words = f"{error.problem.detail} {error.problem.hint}".strip()
            return notice("There is nothing to compare here yet", words)
        return _stimuli(found)

    in_browser(
        app, "sync", Output("pair-view", "data"),
        Input("pair-data", "data"), Input("url", "search"), State("schema", "data"),
    )
    in_browser(
        app, "drawPair", Output("pair-graph", "figure"),
        Input("pair-data", "data"), Input("url", "search"), Input("appearance", "data"), State("templates", "data"),
        State("pair-graph", "id"),
    )
    in_browser(
        app, "navigate", *[Input(control_id(KEY, field), "value") for field in FIELDS],
        State("schema", "data"), prevent_initial_call=True,
    )
    in_browser(
        app, "openPairRow", Input("pair-graph", "clickData"), State("pair-data", "data"), State("schema", "data"),
        prevent_initial_call=True,
    )
    still.register(app, "pair-models", "pair-moving", "pair-origins", "pair-stimuli")


def choose(study: Study, moving: MovingPairs, view: PairView) -> tuple[str, str] | None:
    """The two models of a link, as far as they exist and differ; else the pair that moves most, or one that holds the
    model that was given. None where there are not two models."""
    names = sorted(study.models)
    given = [name if name in study.models else "" for name in (view.a, view.b)]
    if given[0] == given[1]:
        given[1] = ""
    if not any(given) and moving.pairs:
        return moving.pairs[0].a, moving.pairs[0].b
    partners = [name for pair in moving.pairs for name in (pair.a, pair.b)] + names
    for place in (0, 1):
        given[place] = given[place] or next((name for name in partners if name not in given), "")
    return (given[0], given[1]) if all(given) else None


def default_dataset(pair: Pair) -> str:
    """Where the pair stands lowest, among the datasets whose neighbours are stored; else where it has a value."""
    placed = [one for one in pair.datasets if one.value is not None]
    kept = [one for one in placed if one.has_neighbours] or placed
    return min(kept, key=lambda one: 50.0 if one.percentile is None else one.percentile).dataset if kept else ""


def _payload(
    study: Study, metric: MetricInfo, pair: Pair, rows: list[PairRow], view: PairView
) -> dict[str, Any]:
    names = sorted(study.models)
    datasets = [(one.dataset, one.title) for one in pair.datasets if one.value is not None]
    dataset = view.dataset if view.dataset in dict(datasets) else default_dataset(pair)

    def models(other: str) -> list[dict[str, str]]:
        return options([(name, name) for name in names if name != other])

    return {
        "path": PATH,
        "resolved": {"a": pair.a, "b": pair.b, "metric": metric.id, "dataset": dataset},
        "figure": json.loads(pair_rows(rows, metric.title).to_json()),
        "controls": {
            control_id(KEY, "a"): {"field": "a", "data": models(pair.b)},
            control_id(KEY, "b"): {"field": "b", "data": models(pair.a)},
            control_id(KEY, "metric"): {
                "field": "metric", "data": options([(m.id, m.title) for m in study.computed_metrics()]),
            },
            control_id(KEY, "dataset"): {"field": "dataset", "data": options(datasets)},
            control_id(KEY, "order"): {"field": "order"},
        },
    }


def _head(pair: Pair, metric: MetricInfo) -> list[Any]:
    return [
        html.H1([pair.a, html.Span(" and ", className="and"), pair.b]),
        html.P(f"{pair.sentence} By {metric.title}.", className="lead"),
    ]


def _caption(pair: Pair) -> str:
    here = [one for one in pair.datasets if one.value is not None]
    alike = [one.percentile for one in here if one.percentile is not None]
    missing = f" On {len(pair.datasets) - len(here)} it is not computed." if len(here) < len(pair.datasets) else ""
    if len(alike) < 2:
        return f"The pair has a value on {len(here)} of {len(pair.datasets)} datasets.{missing}"
    return (
        f"The pair has a value on {len(here)} of {len(pair.datasets)} datasets; its place among all pairs runs from "
        f"{decimal(min(alike), 0)} to {decimal(max(alike), 0)} per cent.{missing}"
    )


def _stimuli(found: Disagreement) -> html.Div:
    of = "|".join((found.a, found.b, found.dataset, found.order))
    words = [found.sentence]
    if found.label_share_a is not None and found.label_share_b is not None:
        words.append(
            f" To {found.a}, {100 * found.label_share_a:.0f} % of all neighbours have their stimulus's label; to "
            f"{found.b}, {100 * found.label_share_b:.0f} %."
        )
    made = html.Details([html.Summary("Recipe of these lists"), recipe_of_stimuli(found)], className="seen-recipe")
    return html.Div(
        [
            html.Div([html.P(words, className="seen-sentence"), shared_bars(found)], className="seen-top"),
            seen_list(found),
            made,
        ],
        **{"data-of": of},
    )


def _one_model() -> html.Div:
    return notice("A pair needs two models", "Fewer than two models are known so far. Submit another one.")
