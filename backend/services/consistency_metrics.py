"""Answers about similarities themselves: two metrics against each other, mean and spread over datasets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import Engine

from backend.contracts.consistency import MetricAgreement, Scope, Spread
from backend.db.engine import transaction
from backend.domain import consistency as statistics
from backend.domain.identity import order_hash
from backend.domain.metrics import parse_metric
from backend.services import consistency_sentences as sentences
from backend.services.consistency import Answer, kept
from backend.services.consistency_intervals import draws_of, with_words
from backend.services.consistency_scope import Asked, Study, load, resolve
from backend.services.model_sets import naming
from backend.services.result_cache import ResultCache


@dataclass(frozen=True)
class ArrayAnswer:
    """An array before it is made: its ETag; its bytes, shape and hash of the order of models when asked for."""

    key: str
    make: Callable[[], tuple[bytes, str, str]]


def metric_agreement(engine: Engine, cache: ResultCache, asked: Asked, *, other: str) -> Answer:
    """How far two metrics agree about the same models on the same datasets."""
    with naming("other"):
        parse_metric(other)
    with transaction(engine) as connection:
        question, second = resolve(connection, asked), resolve(connection, replace(asked, metric=other))

    def make() -> MetricAgreement:
        study, beside = _aligned(load(engine, cache, question), load(engine, cache, second))
        every = statistics.every(len(study.names))
        draws = draws_of(study.values, [(every, every)], question.method)
        found = statistics.metric_agreement(study.values, beside.values, question.method, resamples=draws)
        n = len(study.datasets)
        above = np.triu_indices(n, 1)
        answer = MetricAgreement(
            scope=with_words(study.scope, len(study.names), draws), other=second.metric.id, datasets=study.datasets,
            r=found.r.tolist(), ci_low=found.low.tolist(), ci_high=found.high.tolist(), n_pairs=found.n_pairs.tolist(),
            dataset_pairs=study.dataset_pairs, consistency=found.consistency_x[above].tolist(),
            consistency_other=found.consistency_y[above].tolist(),
            consistency_r=None if np.isnan(found.consistency_r) else found.consistency_r, sentence="",
        )
        return answer.model_copy(update={"sentence": sentences.agreement(answer)})

    return kept(cache, question, ("metrics", second.revision), make)


def spread(engine: Engine, cache: ResultCache, asked: Asked, *, with_values: bool) -> Answer:
    """Mean and standard deviation of every pair of models over datasets; without values, what is said of them."""
    with transaction(engine) as connection:
        question = resolve(connection, asked)

    def make() -> Spread:
        study = load(engine, cache, question)
        found = statistics.mean_and_spread(study.values)
        squares = {"mean": found.mean, "sd": found.sd, "n_datasets": found.n}
        return Spread(
            scope=study.scope, models=study.names, order_hash=order_hash(study.names),
            sentence=sentences.spread(found.mean, found.sd, study),
            **{name: values.tolist() if with_values else [] for name, values in squares.items()},
        )

    return kept(cache, question, ("spread", with_values), make)


def spread_bytes(engine: Engine, cache: ResultCache, asked: Asked) -> ArrayAnswer:
    """Mean, standard deviation and number of datasets as one array (3, M, M), little-endian float32."""
    with transaction(engine) as connection:
        question = resolve(connection, asked)
    key = question.key("spread", "bytes")

    def make() -> tuple[bytes, str, str]:
        study = load(engine, cache, question)
        stacked = np.stack(statistics.mean_and_spread(study.values)).astype("<f4")
        return stacked.tobytes(), ",".join(map(str, stacked.shape)), order_hash(study.names)

    return ArrayAnswer(key, lambda: cache.get(f"spread {key}", make, lambda made: len(made[0])))


def _aligned(first: Study, second: Study) -> tuple[Study, Study]:
    """Both studies over the datasets and models that both have."""
    datasets = [name for name in first.datasets if name in second.datasets]
    names = [name for name in first.names if name in second.names]
    scope = first.scope.model_copy(update={
        "datasets": datasets, "n_models": len(names), "notes": list(dict.fromkeys(
            [*first.scope.notes, *second.scope.notes]
        )),
    })
    return _part(first, datasets, names, scope), _part(second, datasets, names, scope)


def _part(study: Study, datasets: list[str], names: list[str], scope: Scope) -> Study:
    rows = [study.datasets.index(name) for name in datasets]
    at = [study.names.index(name) for name in names]
    return replace(
        study, names=names, datasets=datasets, described=[study.described[i] for i in at], scope=scope,
        values=study.values[np.ix_(rows, at, at)],
    )
