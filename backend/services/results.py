"""Reading results: the shared order and the finding. Everything is computed from the values as stored, not
from calibrated ones; where a measure is not symmetric, a pair enters with the mean of its two directions.

Answers are cached in this process by the revision of what they were computed from, so nothing is serialised or computed
twice as long as no row is added.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, RowMapping

from backend.contracts.consistency import Finding
from backend.contracts.matrices import SharedOrder
from backend.db.repositories import datasets, matrices
from backend.domain import finding as findings
from backend.domain import ordering
from backend.domain.identity import key_of, order_hash
from backend.domain.metrics import DEFAULT_METRICS, Metric, parse_metric, parse_preprocess
from backend.services.consistency_scope import stacked
from backend.services.matrix_layers import revision, value_square
from backend.services.model_sets import describe_models
from backend.services.result_cache import ResultCache


def shared_order(connection: Connection, cache: ResultCache, *, metric: str, preprocess: str) -> tuple[str, bytes]:
    """ETag and JSON of one order of all models for all datasets: optimal leaf order of the mean over datasets."""
    parsed, found = _all_of_metric(connection, metric, preprocess)
    key = _combined(parsed, preprocess, found)

    def make() -> bytes:
        names, stack = _stack(connection, cache, found)
        order = ordering.cluster_order(
            ordering.mean_similarity(stack), names, direction=parsed.spec.direction
        ) if names else []
        ordered = [names[i] for i in order]
        return SharedOrder(
            metric=parsed.id, preprocess=preprocess, models=ordered, order_hash=order_hash(ordered),
            n_datasets=len(found),
        ).model_dump_json().encode()

    return f'"{key}-order"', cache.get(f"order {key}", make)


def finding(connection: Connection, cache: ResultCache, *, metric: str | None, preprocess: str) -> tuple[str, bytes]:
    """ETag and JSON of the sentence of the first page, by one metric (the first default one unless named)."""
    parsed, found = _all_of_metric(connection, metric or DEFAULT_METRICS[0].id, preprocess)
    key = _combined(parsed, preprocess, found)

    def make() -> bytes:
        objectives = {one.name: one.attributes["objective"] for one in describe_models(connection, "published")}
        titles = {row["name"]: row["title"] for row in datasets.list_page(connection, limit=100_000, after=None)[0]}
        names, stack = _stack(connection, cache, found)
        text = findings.finding(
            stack, [row["dataset"] for row in found], [objectives[name] for name in names], parsed.id,
            preprocess=preprocess, metric_title=parsed.title, dataset_titles=titles,
        )
        return Finding(sentence=text.sentence, numbers=text.numbers).model_dump_json().encode()

    return f'"{key}-finding"', cache.get(f"finding {key}", make)


def _all_of_metric(connection: Connection, metric: str, preprocess: str) -> tuple[Metric, Sequence[RowMapping]]:
    parsed = parse_metric(metric)
    return parsed, matrices.list_found(connection, metric=parsed.id, preprocess=parse_preprocess(preprocess).id)


def _combined(metric: Metric, preprocess: str, found: Sequence[RowMapping]) -> str:
    return key_of([metric.id, preprocess, *(revision(row) for row in found)])[:32]


def _stack(
    connection: Connection, cache: ResultCache, found: Sequence[RowMapping]
) -> tuple[list[str], NDArray[np.floating]]:
    return stacked([value_square(connection, cache, row) for row in found])
