"""Answers that look inside r: the scatter of two datasets, the influence of each dataset, single models as anchors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine

from backend.contracts.consistency import (
    Anchor,
    Anchors,
    DatasetPair,
    GroupOfPairs,
    Influence,
    LeftOut,
    PairsOfModels,
)
from backend.db.engine import transaction
from backend.domain import consistency as statistics
from backend.domain.attributes import MODEL_ATTRIBUTES
from backend.domain.consistency import Method, ModelSet
from backend.domain.errors import InvalidInput, nearest_hint
from backend.services import consistency_sentences as sentences
from backend.services.consistency import Answer, kept, set_pair, title_of, within
from backend.services.consistency_intervals import Intervals, intervals_of, with_interval
from backend.services.consistency_scope import Asked, Study, check_attribute, choose, load, resolve
from backend.services.model_sets import naming
from backend.services.result_cache import ResultCache

MOST_ANCHORS = 24
SEED = 0
Float64 = NDArray[np.float64]
Values = NDArray[np.floating]
SetPairOf = tuple[ModelSet, ModelSet]


def dataset_pair(
    engine: Engine, cache: ResultCache, asked: Asked, *, a: str, b: str, set_a: str, set_b: str, by: str,
    limit: int,
) -> Answer:
    """Two datasets: every pair of models with its contribution, each model left out, the lines of all set pairs."""
    with transaction(engine) as connection:
        question = resolve(connection, asked)
        sets = choose(connection, question, set_a, "set_a"), choose(connection, question, set_b, "set_b")
    for name, field in ((a, "a"), (b, "b")):
        with naming(field):
            if name not in question.datasets:
                hint = nearest_hint(name, question.datasets, "datasets with values here")
                raise InvalidInput(f"There are no values by {question.metric.id} on a dataset {name!r}.", hint)
    with naming("b"):
        if a == b:
            raise InvalidInput("Both datasets are the same.", "Give two datasets.")
    if by:
        check_attribute(by, "by")
    with transaction(engine) as connection:
        question = resolve(connection, replace(asked, datasets=f"{a},{b}"))  # what is told is of these two alone

    def make() -> DatasetPair:
        study = load(engine, cache, question)
        pair = study.set_of(sets[0]), study.set_of(sets[1])
        # Outside the set pair nothing counts, whatever the grouping.
        two = within(study.values[[study.datasets.index(name) for name in (a, b)]], *pair)
        groups = [] if not by else statistics.pairs_of(statistics.sets_of(study.slugs(by), MODEL_ATTRIBUTES[by]))
        drawn = intervals_of(two, [pair, *groups], question.method)
        whole = _group(two, pair, 0, drawn, question.method)
        pairs, n_pairs = _pairs(study, two, groups, question.method, limit)
        left_out = _without_models(study, two, question.method, whole.r)
        return DatasetPair(
            scope=with_interval(study.scope, drawn), dataset_a=a, dataset_b=b, r=whole.r, ci_low=whole.ci_low,
            ci_high=whole.ci_high, n_pairs=n_pairs, n_models=whole.n_models, small=whole.small, slope=whole.slope,
            intercept=whole.intercept, by=by,
            groups=[_group(two, one, number, drawn, question.method) for number, one in enumerate(groups, 1)],
            pairs=pairs, n_listed=len(pairs.i), without_model=left_out,
            sentence=sentences.dataset_pair(whole, a, b, left_out, study),
        )

    what = ("dataset-pair", a, b, *((one.predicate, one.title) for one in sets), by, limit)
    return kept(cache, question, what, make)


def influence(engine: Engine, cache: ResultCache, asked: Asked, *, set_a: str, set_b: str) -> Answer:
    """The median r over dataset pairs without each dataset."""
    with transaction(engine) as connection:
        question = resolve(connection, asked)
        sets = choose(connection, question, set_a, "set_a"), choose(connection, question, set_b, "set_b")

    def make() -> Influence:
        study = load(engine, cache, question)
        pair = study.set_of(sets[0]), study.set_of(sets[1])
        (table,) = statistics.set_pair_consistency(study.values, [pair], question.method)
        median = statistics.median_r(table.r)
        drawn = intervals_of(study.values, [pair], question.method)
        low, high = drawn.median_interval(0) if drawn and median is not None else (None, None)
        without = _left_out(study.datasets, statistics.dataset_influence(table.r), median)
        return Influence(
            scope=with_interval(study.scope, drawn), median=median, ci_low=low, ci_high=high, without_dataset=without,
            sentence=sentences.influence(median, without, study, sentences.interval(low, high)),
        )

    return kept(cache, question, ("influence", *((one.predicate, one.title) for one in sets)), make)


def anchors(
    engine: Engine, cache: ResultCache, asked: Asked, *, anchors: str, by: str, intervals: bool
) -> Answer:
    """Single models against all others, and against the others of each value of an attribute."""
    with transaction(engine) as connection:
        question = resolve(connection, asked)
    names = list(dict.fromkeys(name.strip() for name in anchors.split(",") if name.strip()))
    with naming("anchors"):
        if not 1 <= len(names) <= MOST_ANCHORS:
            raise InvalidInput(f"{len(names)} anchors were given.", f"Name 1 to {MOST_ANCHORS} models.")
        for name in names:
            if name not in question.chosen.models:
                known = sorted(question.chosen.models)
                raise InvalidInput(f"No model {name!r} is among those chosen.", nearest_hint(name, known, "models"))
    if by:
        check_attribute(by, "by")

    def make() -> Anchors:
        study = load(engine, cache, question)
        others = [statistics.every(len(study.names))]
        if by:
            others += statistics.sets_of(study.slugs(by), MODEL_ATTRIBUTES[by])
        pairs = [_anchored(study, name, other) for name in names for other in others]
        tables = statistics.set_pair_consistency(study.values, pairs, question.method)
        drawn = intervals_of(study.values, pairs, question.method) if intervals else None
        wire = [set_pair(table, drawn, number) for number, table in enumerate(tables)]
        found = [
            Anchor(
                model=one.set_a, others=one.set_b, n_models=one.n_models_b, r=one.r, median=one.median, q1=one.q1,
                q3=one.q3, ci_low=one.ci_low, ci_high=one.ci_high, small=one.small,
            )
            for one in wire
        ]
        return Anchors(
            scope=with_interval(study.scope, drawn), by=by, dataset_pairs=study.dataset_pairs, anchors=found,
            sentence=sentences.anchors(found, drawn),
        )

    return kept(cache, question, ("anchors", names, by, intervals), make)


def _anchored(study: Study, anchor: str, others: ModelSet) -> SetPairOf:
    """One model and the others of a set, itself excluded."""
    alone = statistics.anchor(anchor, study.names)
    return alone, others._replace(members=others.members & ~alone.members)


def _group(two: Values, pair: SetPairOf, number: int, drawn: Intervals | None, method: Method) -> GroupOfPairs:
    """r and line of one set pair on two datasets (2, M, M); `number` is its place among those resampled."""
    (table,) = statistics.set_pair_consistency(two, [pair], method)
    x, y = statistics.pair_values(within(two, *pair))
    line = statistics.regression_line(x, y)
    low, high = drawn.interval(number) if drawn else (None, None)
    return GroupOfPairs(
        set_a=pair[0].name, set_b=pair[1].name, title=title_of(*pair), n_pairs=int(table.n_pairs[0, 1]),
        n_models=int(table.n_models[0, 1]), r=_number(table.r[0, 1]),
        ci_low=None if low is None else _number(low[0, 1]), ci_high=None if high is None else _number(high[0, 1]),
        slope=None if line is None else line.slope, intercept=None if line is None else line.intercept,
        small=table.small,
    )


def _pairs(
    study: Study, two: Values, groups: list[SetPairOf], method: Method, limit: int
) -> tuple[PairsOfModels, int]:
    """The pairs that both datasets have, `limit` of them at most, and how many there are."""
    x, y = statistics.pair_values(two)
    parts = statistics.contributions(x, y, method)
    rows, columns = np.triu_indices(len(study.names), 1)
    group = np.zeros(len(x), dtype=np.int64)
    for number, pair in enumerate(groups):
        group[statistics.pair_mask(*pair)] = number
    used = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    n_pairs = len(used)
    if n_pairs > limit:
        used = _sample(used, parts, limit)
        study.scope.notes.append(
            f"{limit} of {n_pairs} pairs are listed: the {limit // 10} that add or take most, and others at random "
            f"(seed {SEED}). All numbers are of all pairs."
        )
    return PairsOfModels(
        models=study.names, i=rows[used].tolist(), j=columns[used].tolist(), x=x[used].tolist(), y=y[used].tolist(),
        contribution=[_number(part) for part in parts[used]],
        group=group[used].tolist() if groups else [],
    ), n_pairs


def _sample(used: NDArray[np.intp], parts: Float64, limit: int) -> NDArray[np.intp]:
    """`limit` of the pairs: a tenth of them those of the largest |contribution|, the others at random."""
    ranked = used[np.argsort(-np.abs(np.nan_to_num(parts[used])), kind="stable")]
    most = limit // 10
    drawn = np.random.default_rng(SEED).choice(ranked[most:], limit - most, replace=False)
    chosen: NDArray[np.intp] = np.sort(np.concatenate([ranked[:most], drawn]))
    return chosen


def _without_models(study: Study, two: Values, method: Method, r: float | None) -> list[LeftOut]:
    """What r becomes without each model, the largest change first."""
    without = statistics.leave_one_model_out(two[0], two[1], method)
    return _left_out(study.names, without, r)


def _left_out(names: list[str], without: Float64, r: float | None) -> list[LeftOut]:
    found = [
        LeftOut(name=name, r=_number(value), change=None if r is None or np.isnan(value) else float(value) - r)
        for name, value in zip(names, without, strict=True)
    ]
    return sorted(found, key=lambda one: (one.change is None, -abs(one.change or 0.0), one.name))


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
