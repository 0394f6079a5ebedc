"""What stands beside a pair of models: the models, where each number comes from, pairs to look at next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from dash import dcc, html

from backend.contracts.metrics import MetricInfo
from backend.contracts.pairs import Disagreement, EmbeddingOrigin, MovingPairs, Pair, PairOnDataset
from frontend.components.facts import code, recipe
from frontend.components.legend import swatch
from frontend.figures.numbers import NOTHING, count, decimal, moment
from frontend.figures.pair_rows import BEYOND, NAN, UNKNOWN, WITHIN, PairRow
from frontend.pages.recipes import chance_entries
from frontend.pages.study import Study
from frontend.theme import ATTRIBUTE_TITLES, vocabulary
from frontend.urls import PairView, SimilarityView, dataset_link, job_link, link, model_link

COLUMNS = (
    "Dataset", "Value", "95 % interval", "τ", "p", "q", "Calibrated", "Less alike", "n", "Computed", "Comparison"
)

SHORT = {"objective": "Objective", "training_data": "Data"}


def rows_of(pair: Pair) -> list[PairRow]:
    """The rows of the figure, in the order of the API: by domain, then title."""
    return [
        PairRow(
            dataset=one.dataset, title=one.title, note=f"n = {one.n:,}" if one.value is not None else "not computed",
            quantiles=one.quantiles or [NAN] * 5, reason=one.reason,
            **{
                name: NAN if number is None else number
                for name, number in (
                    ("value", one.value), ("reverse", one.reverse), ("low", one.ci_low), ("high", one.ci_high),
                    ("null_mean", one.null_mean), ("null_sd", one.null_sd), ("tau", one.tau), ("q", one.q),
                    ("percentile", one.percentile),
                )
            },
        )
        for one in pair.datasets
    ]


def row_legend(rows: Sequence[PairRow]) -> html.Ul:
    """What the marks of the rows mean, of those that occur."""
    standing = {row.standing for row in rows if np.isfinite(row.value)}
    entries = [
        ("band", "all pairs: 5 to 95 %, 25 to 75 %, median", True),
        ("beyond", BEYOND, BEYOND in standing), ("within", WITHIN, WITHIN in standing),
        ("unknown", UNKNOWN, UNKNOWN in standing),
        ("reverse", "the other direction", any(np.isfinite(row.reverse) for row in rows)),
        ("interval", "95 % interval", any(np.isfinite(row.low) for row in rows)),
        ("chance", "chance, mean ± sd", any(np.isfinite(row.null_sd) for row in rows)),
        ("tau", "τ, which unrelated models pass with probability 0.05", any(np.isfinite(row.tau) for row in rows)),
    ]
    return html.Ul(
        [html.Li([html.Span(className=f"glyph glyph-{mark}"), words]) for mark, words, here in entries if here],
        className="row-legend",
    )


def about_models(study: Study, pair: Pair, metric: MetricInfo) -> html.Div:
    """The two models side by side, and the way to the heatmap with the pair pinned."""
    models = [study.models.get(name) for name in (pair.a, pair.b)]
    rows: list[Any] = []
    for attribute, title in ATTRIBUTE_TITLES.items():
        if attribute == "domain":
            continue
        words = vocabulary(attribute)
        slugs = [getattr(model, attribute) if model else "" for model in models]
        cells = [
            html.Td(html.Span([swatch(attribute, slug), words.get(slug, slug)]) if slug else NOTHING) for slug in slugs
        ]
        rows.append(html.Tr([html.Th(SHORT.get(attribute, title), scope="row"), *cells]))
    sizes = [f"{model.n_parameters:,}" if model else NOTHING for model in models]
    weights = [code(model.weights_sha256[:10]) if model else NOTHING for model in models]
    for title, found in (("Parameters", sizes), ("Weights", weights)):
        rows.append(html.Tr([html.Th(title, scope="row"), *[html.Td(cell) for cell in found]]))
    head = html.Thead(html.Tr([html.Td(""), *[html.Th(_model(study, name), scope="col") for name in (pair.a, pair.b)]]))
    shown = link("/similarity", SimilarityView(metric=pair.metric, pair=f"{pair.a},{pair.b}"))
    return html.Div(
        [
            html.Table([head, html.Tbody(rows)], className="two-models"),
            dcc.Link(f"Show the pair in the heatmap of {metric.title}", href=shown, className="small-link"),
        ]
    )


def _model(study: Study, name: str) -> Any:
    return dcc.Link(name, href=model_link(name)) if name in study.models else name


def moving_list(study: Study, moving: MovingPairs, pair: Pair) -> Any:
    """Pairs whose place among all pairs depends most on the dataset, as links to this page."""
    others = [one for one in moving.pairs if {one.a, one.b} != {pair.a, pair.b}]
    if not others:
        return html.P("No other pair has a place on two datasets yet.")
    items = [
        html.Li(
            [
                dcc.Link(
                    f"{one.a} and {one.b}",
                    href=link("/pair", PairView(a=one.a, b=one.b, metric=pair.metric, dataset=one.low_dataset)),
                ),
                html.Span(
                    f"{decimal(one.low_percentile, 0)} % on {study.title(one.low_dataset)}, "
                    f"{decimal(one.high_percentile, 0)} % on {study.title(one.high_dataset)}"
                ),
            ]
        )
        for one in others
    ]
    words = f"Of {count(moving.n_pairs, 'pair')}, those whose place depends most on the dataset"
    typical = f"; half of all pairs move by less than {moving.median_moves:.0f} points" if moving.median_moves else ""
    return html.Div([html.P(f"{words}{typical}.", className="dim"), html.Ul(items, className="gaps pair-moves")])


def origins_table(pair: Pair, metric: MetricInfo) -> html.Details:
    """Every number of the figure, and below each what it was computed from."""
    body = [row for one in pair.datasets for row in _origin_rows(pair, one)]
    table = html.Table(
        [
            html.Caption(f"{metric.title} of {pair.a} and {pair.b} on every dataset", className="sr-only"),
            html.Thead(html.Tr([html.Th(name, scope="col") for name in COLUMNS])), html.Tbody(body),
        ],
        className="grid-table origins",
    )
    return html.Details(
        [
            html.Summary("All numbers, and where each comes from"),
            html.P(
                ["Metric ", code(pair.metric), ", preprocessing ", code(pair.preprocess), f", told by Parallax "
                 f"{pair.code_version}. A number that was not computed is left out, never 0."],
                className="dim",
            ),
            html.Div(table, className="scroll-x"),
        ]
    )


def _origin_rows(pair: Pair, one: PairOnDataset) -> list[html.Tr]:
    title = dcc.Link(one.title, href=dataset_link(one.dataset))
    name = html.Th([title, html.Br(), code(f"{one.dataset}@{one.dataset_version}")], scope="row")
    if one.value is None:
        return [html.Tr([name, html.Td(one.reason, colSpan=len(COLUMNS) - 1, className="dim")])]
    interval = NOTHING if one.ci_low is None else f"{decimal(one.ci_low)} to {decimal(one.ci_high)}"
    value = decimal(one.value, 3) + (f" / {decimal(one.reverse, 3)}" if one.reverse is not None else "")
    percentile = NOTHING if one.percentile is None else f"{decimal(one.percentile, 0)} % of {one.n_pairs - 1:,}"
    cells = [
        value, interval, decimal(one.tau, 3), _small(one.p), _small(one.q), decimal(one.calibrated, 3), percentile,
        f"{one.n:,}", moment(one.computed_at), _job(one.job_id),
    ]
    made = [
        ("Manifest", code(one.dataset_hash[:12])), ("Metric version", str(one.metric_version or NOTHING)),
        *chance_entries(one.recipe, one.n),
        *((f"Embedding of {side.model}", _embedding(side)) for side in (one.embedding_a, one.embedding_b) if side),
    ]
    return [
        html.Tr([name, *[html.Td(cell) for cell in cells]]),
        html.Tr(
            html.Td(html.Details([html.Summary("Recipe"), recipe(made)]), colSpan=len(COLUMNS)), className="origin-row"
        ),
    ]


def _embedding(origin: EmbeddingOrigin) -> list[Any]:
    return [
        code(origin.key[:12]), f", {origin.d} features of the node {origin.node} ({origin.pooling}); weights ",
        code(origin.weights_sha256[:12]), ", revision ", code(origin.revision[:12]),
        f"; extractor {origin.extractor_version} on {origin.device_class}, batches of {origin.batch_size}; "
        f"{origin.library_versions}; {moment(origin.created_at)}, ", _job(origin.job_id),
    ]


def _job(job_id: int | None) -> Any:
    return NOTHING if job_id is None else dcc.Link(f"job {job_id}", href=job_link(job_id))


def _small(number: float | None) -> str:
    return NOTHING if number is None else f"{number:.2g}"


def recipe_of_stimuli(found: Disagreement) -> html.Dl:
    """Where the neighbours of a list of stimuli come from."""
    return recipe(
        [
            ("Neighbours", f"the {found.k} stimuli at the least angle between features, of {found.n:,}"),
            ("Order", f"by how many both models share; ties by the overlap of the first 1, 2, ... {found.depth}"),
            ("Dataset", [code(f"{found.dataset}@{found.dataset_version}"), f" {found.licence}"]),
            (f"Embedding of {found.a}", _embedding(found.embedding_a)),
            (f"Embedding of {found.b}", _embedding(found.embedding_b)),
            ("Lists made by", [_job(found.neighbours_job_a), ", ", _job(found.neighbours_job_b)]),
        ]
    )
