"""Answers about consistency as long tables: one row for each number, its keys beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

from pydantic import BaseModel

from backend.contracts.consistency import (
    Anchors,
    Consistency,
    DatasetPair,
    Difference,
    Influence,
    MetricAgreement,
    SetPairs,
    Spread,
)
from backend.contracts.probes import GapPairs, Performance, Sensitivity
from backend.services.tables_out import Columns

Row = Sequence[Any]


def columns_of(answer: BaseModel) -> Columns:
    """Column -> its values, in the order in which files have them."""
    names, rows = TABLES[type(answer)](answer)
    return {name: [row[k] for row in rows] for k, name in enumerate(names)}


def _consistency(answer: Consistency) -> tuple[Row, list[Row]]:
    low, high = answer.ci_low, answer.ci_high
    return ("dataset_a", "dataset_b", "set_a", "set_b", "n_pairs", "r", "ci_low", "ci_high"), [
        (answer.datasets[a], answer.datasets[b], answer.set_a, answer.set_b, answer.n_pairs[a][b], answer.r[a][b],
         low[a][b] if low else None, high[a][b] if high else None)
        for a, b in combinations(range(len(answer.datasets)), 2)
    ]


def _set_pairs(answer: SetPairs) -> tuple[Row, list[Row]]:
    return ("dataset_a", "dataset_b", "set_a", "set_b", "n_pairs", "r", "median", "median_ci_low", "median_ci_high"), [
        (*pair, one.set_a, one.set_b, n, r, one.median, one.ci_low, one.ci_high)
        for one in (answer.baseline, *answer.pairs)
        for pair, n, r in zip(answer.dataset_pairs, one.n, one.r, strict=True)
    ]


def _difference(answer: Difference) -> tuple[Row, list[Row]]:
    rows: list[Row] = [
        ("median r", one.set_a, one.n_models_a, one.n_pairs, one.median, one.ci_low, one.ci_high)
        for one in (answer.a, answer.b)
    ]
    rows.append((
        "difference", f"{answer.a.set_a} - {answer.b.set_a}", None, None, answer.difference, answer.ci_low,
        answer.ci_high,
    ))
    return ("number", "set", "n_models", "n_pairs", "value", "ci_low", "ci_high"), rows


def _dataset_pair(answer: DatasetPair) -> tuple[Row, list[Row]]:
    pairs = answer.pairs
    names = ("model_a", "model_b", "group", "similarity_a", "similarity_b", "contribution")
    groups = [answer.groups[k].title for k in pairs.group] if pairs.group else [""] * len(pairs.i)
    return names, [
        (pairs.models[i], pairs.models[j], group, x, y, part)
        for i, j, group, x, y, part in zip(
            pairs.i, pairs.j, groups, pairs.x, pairs.y, pairs.contribution, strict=True
        )
    ]


def _influence(answer: Influence) -> tuple[Row, list[Row]]:
    whole: Row = ("", answer.median, None, answer.ci_low, answer.ci_high)
    return ("without", "median_r", "change", "ci_low", "ci_high"), [
        whole, *((one.name, one.r, one.change, None, None) for one in answer.without_dataset)]


def _anchors(answer: Anchors) -> tuple[Row, list[Row]]:
    return ("dataset_a", "dataset_b", "anchor", "others", "n_models", "r", "median", "median_ci_low",
            "median_ci_high"), [
        (*pair, one.model, one.others, one.n_models, r, one.median, one.ci_low, one.ci_high)
        for one in answer.anchors for pair, r in zip(answer.dataset_pairs, one.r, strict=True)
    ]


def _agreement(answer: MetricAgreement) -> tuple[Row, list[Row]]:
    return ("dataset", "metric_a", "metric_b", "n_pairs", "r", "ci_low", "ci_high"), [
        (dataset, answer.scope.metric, answer.other, n, r, low, high)
        for dataset, n, r, low, high in zip(
            answer.datasets, answer.n_pairs, answer.r, answer.ci_low, answer.ci_high, strict=True
        )
    ]


def _spread(answer: Spread) -> tuple[Row, list[Row]]:
    return ("model_a", "model_b", "n_datasets", "mean", "sd"), [
        (answer.models[i], answer.models[j], answer.n_datasets[i][j], answer.mean[i][j], answer.sd[i][j])
        for i, j in combinations(range(len(answer.models)), 2)
    ]


def _performance(answer: Performance) -> tuple[Row, list[Row]]:
    names = ("dataset", "domain", "n_models", "n_pairs", "r", "ci_low", "ci_high", "best", "worst", "chance")
    return names, [tuple(getattr(link, name) for name in names) for link in answer.datasets]


def _gap_pairs(answer: GapPairs) -> tuple[Row, list[Row]]:
    return ("dataset", "model_a", "model_b", "accuracy_a", "accuracy_b", "similarity", "gap"), [
        (answer.dataset, answer.models[i], answer.models[j], answer.accuracy[i], answer.accuracy[j], similarity, gap)
        for i, j, similarity, gap in zip(answer.i, answer.j, answer.similarity, answer.gap, strict=True)
    ]


def _sensitivity(answer: Sensitivity) -> tuple[Row, list[Row]]:
    quantiles = ("difference_p5", "difference_p25", "difference_p50", "difference_p75", "difference_p95")
    return ("dataset", "divisor", "seed", "n", "n_models", "n_pairs", "r", *quantiles), [
        (answer.dataset, part.divisor, part.seed, part.n, part.n_models, part.n_pairs, part.r, *part.quantiles)
        for part in answer.parts
    ]


TABLES: dict[type[BaseModel], Callable[[Any], tuple[Row, list[Row]]]] = {
    Anchors: _anchors, Consistency: _consistency, DatasetPair: _dataset_pair, Difference: _difference,
    GapPairs: _gap_pairs, Influence: _influence, MetricAgreement: _agreement, Performance: _performance,
    Sensitivity: _sensitivity, SetPairs: _set_pairs, Spread: _spread,
}
