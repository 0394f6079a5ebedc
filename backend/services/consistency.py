"""Answers about consistency: the table of one model-set pair, all set pairs, two sets against each other.

Each is made once for each state of what it is computed from and kept as bytes: the ETag is known before a number is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel
from sqlalchemy import Engine

from backend.contracts.consistency import Consistency, Difference, SetPair, SetPairs, Stratum
from backend.db.engine import transaction
from backend.domain import consistency as statistics
from backend.domain.attributes import MODEL_ATTRIBUTES
from backend.domain.consistency import MIN_PAIRS, ModelSet, SetPairTable
from backend.domain.errors import InvalidInput
from backend.services import consistency_sentences as sentences
from backend.services.consistency_intervals import Intervals, draws_of, intervals_of, with_interval
from backend.services.consistency_scope import Asked, Question, check_attribute, choose, load, resolve
from backend.services.model_sets import naming
from backend.services.result_cache import ResultCache

CUSTOM = "custom"
MOST_SETS = 12


@dataclass(frozen=True)
class Answer:
    """An answer before it is made: its ETag, and its JSON when asked for."""

    key: str
    make: Callable[[], bytes]


def kept(cache: ResultCache, question: Question, what: Sequence[Any], make: Callable[[], BaseModel]) -> Answer:
    """The answer to a question; `what` names the endpoint and its own parameters."""
    key = question.key(*what)
    return Answer(key, lambda: cache.get(f"{what[0]} {key}", lambda: make().model_dump_json().encode()))


def table(
    engine: Engine, cache: ResultCache, asked: Asked, *, set_a: str, set_b: str, intervals: bool
) -> Answer:
    """Dataset x dataset correlations over the pairs of two model sets."""
    with transaction(engine) as connection:
        question = resolve(connection, asked)
        a, b = choose(connection, question, set_a, "set_a"), choose(connection, question, set_b, "set_b")

    def make() -> Consistency:
        study = load(engine, cache, question)
        pair = (study.set_of(a), study.set_of(b))
        (found,) = statistics.set_pair_consistency(study.values, [pair], question.method)
        drawn = intervals_of(study.values, [pair], question.method) if intervals else None
        low, high = drawn.interval(0) if drawn else (None, None)
        summary = set_pair(found, drawn, 0)
        return Consistency(
            metric=question.metric.id, preprocess=question.preprocess, method=question.method,
            datasets=study.datasets, domains=[row["domain"] for row in question.found], r=found.r.tolist(),
            n_pairs=found.n_pairs.tolist(), n_models=found.n_models.tolist(),
            ci_low=None if low is None else low.tolist(), ci_high=None if high is None else high.tolist(),
            set_a=a.predicate, set_b=b.predicate, median=summary.median, median_ci_low=summary.ci_low,
            median_ci_high=summary.ci_high, small=found.small, scope=with_interval(study.scope, drawn),
            sentence=sentences.table(summary, study),
        )

    return kept(cache, question, ("consistency", *((one.predicate, one.title) for one in (a, b)), intervals), make)


def set_pairs(
    engine: Engine, cache: ResultCache, asked: Asked, *, by: str, sets: str, intervals: bool
) -> Answer:
    """Every two sets of an attribute, or of custom ones, beside the baseline of all models."""
    if by != CUSTOM:
        check_attribute(by, "by", also=(CUSTOM,))
    given = [text.strip() for text in sets.split(";") if text.strip()]
    with naming("sets"):
        if (by == CUSTOM) != bool(given):
            raise InvalidInput(
                "Custom sets need predicates or names of sets." if by == CUSTOM else "Sets are given by the attribute.",
                "Write by=custom&sets=objective:ssl;objective:sup, or leave out `sets`.",
            )
        if len(given) > MOST_SETS:
            raise InvalidInput(f"{len(given)} sets are too many.", f"Give {MOST_SETS} at most.")
    with transaction(engine) as connection:
        question = resolve(connection, asked)
        custom = list(dict.fromkeys(choose(connection, question, text, "sets") for text in given))

    def make() -> SetPairs:
        study = load(engine, cache, question)
        chosen = (
            [study.set_of(one) for one in custom] if by == CUSTOM
            else statistics.sets_of(study.slugs(by), MODEL_ATTRIBUTES[by])
        )
        every = statistics.every(len(study.names))
        pairs = [(every, every), *statistics.pairs_of(chosen)]
        tables = statistics.set_pair_consistency(study.values, pairs, question.method)
        drawn = intervals_of(study.values, pairs, question.method) if intervals else None
        wire = [set_pair(found, drawn, number) for number, found in enumerate(tables)]
        ranked = sorted(range(1, len(wire)), key=lambda k: (wire[k].median is None, -(wire[k].median or 0.0)))
        return SetPairs(
            scope=with_interval(study.scope, drawn), by=by, dataset_pairs=study.dataset_pairs, baseline=wire[0],
            pairs=[wire[k] for k in ranked], sentence=sentences.set_pairs(wire, ranked, drawn, by, study),
        )

    return kept(cache, question, ("set-pairs", by, [(one.predicate, one.title) for one in custom], intervals), make)


def difference(
    engine: Engine, cache: ResultCache, asked: Asked, *, a: str, b: str, match: str
) -> Answer:
    """The pairs within one set against those within another, as they are or at an equal mix of attributes."""
    with transaction(engine) as connection:
        question = resolve(connection, asked)
        sets = [choose(connection, question, text, field) for text, field in ((a, "a"), (b, "b"))]
    matched = [name.strip() for name in match.split(",") if name.strip()]
    for name in matched:
        check_attribute(name, "match")
    if sets[0] == sets[1] or (sets[0].models and sets[0].models == sets[1].models):
        held = sentences.counted(len(sets[0].models), "model")
        with naming("b"):
            raise InvalidInput(
                f"Both sets hold the same {held}, so there is nothing to compare.",
                "Give two sets, such as objective:ssl and objective:sup.",
            )

    def make() -> Difference:
        study = load(engine, cache, question)
        first, second = (study.set_of(one) for one in sets)
        matching = (
            statistics.match({name: study.slugs(name) for name in matched}, first, second) if matched else None
        )
        draws = draws_of(study.values, [(first, first), (second, second)], question.method)
        compared = statistics.compare_sets(
            study.values, first, second, question.method, matching, resamples=draws
        )
        drawn = Intervals(compared.resampled, len(study.names))
        wire = [set_pair(found, drawn, number) for number, found in enumerate((compared.a, compared.b))]
        answer = Difference(
            scope=with_interval(study.scope, drawn), a=wire[0], b=wire[1], difference=compared.difference,
            ci_low=compared.low, ci_high=compared.high, verdict=compared.verdict, matched_by=matched,
            strata=[Stratum(values=s.values, n_a=s.n_a, n_b=s.n_b, used=s.used) for s in matching.strata]
            if matching else [],
            sentence="",
        )
        return answer.model_copy(update={"sentence": sentences.difference(answer, first.title, second.title)})

    return kept(cache, question, ("difference", *((one.predicate, one.title) for one in sets), matched), make)


def set_pair(found: SetPairTable, drawn: Intervals | None, number: int) -> SetPair:
    """One set pair on the wire; `number` is its place among those that were resampled."""
    above = np.triu_indices(len(found.r), 1)
    r = found.r[above]
    defined = r[np.isfinite(r)]
    q1, median, q3 = (float(q) for q in np.quantile(defined, [0.25, 0.5, 0.75])) if defined.size else (None,) * 3
    low, high = drawn.median_interval(number) if drawn and defined.size else (None, None)
    counts = found.n_pairs[above]
    return SetPair(
        set_a=found.a.name, set_b=found.b.name, title=title_of(found.a, found.b), n_models_a=found.n_models_a,
        n_models_b=found.n_models_b, n_pairs=int(counts.max(initial=0)), small=found.small, r=r.tolist(),
        median=median, q1=q1, q3=q3, ci_low=low, ci_high=high, n_dataset_pairs=int(defined.size), n=counts.tolist(),
        note=_note(found, int(counts.max(initial=0)), int(defined.size), r.size),
    )


def title_of(a: ModelSet, b: ModelSet) -> str:
    """`Supervised` within one set, `Self-Supervised × Supervised` between two."""
    return a.title if a.name == b.name else f"{a.title} × {b.title}"


def within(values: NDArray[np.floating], a: ModelSet, b: ModelSet) -> NDArray[np.floating]:
    """The values (D, M, M) of the pairs of a set pair, NaN everywhere else."""
    inside = (a.members[:, None] & b.members) | (b.members[:, None] & a.members)
    return np.where(inside, values, np.nan)


def _note(found: SetPairTable, n_pairs: int, n_defined: int, n_dataset_pairs: int) -> str:
    notes = []
    if n_dataset_pairs and n_pairs < MIN_PAIRS:
        notes.append(f"{sentences.counted(n_pairs, 'model pair')}: r needs {MIN_PAIRS}.")
    elif n_defined < n_dataset_pairs:
        notes.append(f"r is defined on {n_defined} of {n_dataset_pairs} dataset pairs.")
    if found.small and n_defined:
        sizes = [n for one, n in ((found.a, found.n_models_a), (found.b, found.n_models_b)) if not one.single]
        least = sentences.counted(min(sizes, default=1), "model")
        notes.append(f"Only {least} in a set: an interval is not to be relied on.")
    return " ".join(notes)
