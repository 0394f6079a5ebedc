"""Similarity and behaviour: probes, similarity against the gap in accuracy, similarity on fewer stimuli.

Intervals resample models, as everywhere in consistency: a gap in accuracy belongs to two models as a similarity does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, RowMapping

from backend.contracts.consistency import Scope
from backend.contracts.probes import FewerStimuli, GapLink, GapPairs, Performance, Probe, ProbeRun, Sensitivity
from backend.db.repositories import datasets, probes, subsamples
from backend.domain import consistency as statistics
from backend.domain.consistency import Method
from backend.domain.errors import InvalidInput, nearest_hint
from backend.domain.groups import group_numbers
from backend.domain.probing import PROTOCOL
from backend.domain.quantities import VALUE
from backend.domain.subsets import SEEDS, nested_subsets
from backend.services import behaviour_sentences as sentences
from backend.services.catalogue import require_dataset
from backend.services.consistency import Answer, kept
from backend.services.consistency_intervals import SEED, draws_of, with_words
from backend.services.consistency_scope import Asked, Question, Study, read, resolve
from backend.services.model_sets import naming
from backend.services.result_cache import ResultCache

DRAWN_SEED = 0  # of the pairs that are listed where there are more than the limit
Float64 = NDArray[np.float64]


def list_probes(connection: Connection, reference: str) -> list[Probe]:
    """Probes of the current embeddings of a dataset, by model. A name without a version means the version that most
    models were embedded on."""
    dataset = datasets.most_embedded(connection, reference) or require_dataset(connection, reference)
    return _probes_of(connection, dataset["id"])


def performance(connection: Connection, cache: ResultCache, asked: Asked) -> Answer:
    """On every dataset: r over model pairs of their similarity with the gap between their accuracies."""
    question = resolve(connection, asked)

    def make() -> Performance:
        study = read(connection, cache, question)
        links = [
            _link(study, number, row, _probes_of(connection, row["dataset_id"]), question)
            for number, row in enumerate(question.found)
        ]
        defined = [link.r for link in links if link.r is not None]
        return Performance(
            scope=_with_words(study, question.method, links), protocol=PROTOCOL, datasets=links,
            median=float(np.median(defined)) if defined else None,
            sentence=sentences.performance(links, question.direction),
        )

    state = probes.revision(connection, [row["dataset_id"] for row in question.found])
    return kept(cache, question, ("performance", state), make)


def gap_pairs(connection: Connection, cache: ResultCache, asked: Asked, *, dataset: str, limit: int) -> Answer:
    """What lies behind the r of one dataset: its pairs of models, at most `limit` of them, drawn evenly."""
    question, number = _on_dataset(connection, asked, dataset)
    row = question.found[number]

    def make() -> GapPairs:
        study = read(connection, cache, question)
        known = _probes_of(connection, row["dataset_id"])
        link = _link(study, number, row, known, question)
        accuracy = _accuracies(study, known)
        i, j = np.triu_indices(len(study.names), 1)
        both = statistics.pair_values(statistics.with_gaps(study.values[number], accuracy))
        here = np.flatnonzero(np.isfinite(both).all(axis=0))
        if len(here) > limit:
            here = np.sort(np.random.default_rng(DRAWN_SEED).choice(here, limit, replace=False))
        return GapPairs(
            scope=_with_words(study, question.method, [link]), dataset=dataset, link=link, models=study.names,
            accuracy=accuracy.tolist(), i=i[here].tolist(), j=j[here].tolist(), similarity=both[0, here].tolist(),
            gap=both[1, here].tolist(), sentence=sentences.gap_pairs(link, question.direction),
        )

    return kept(cache, question, ("gap-pairs", dataset, limit, probes.revision(connection, [row["dataset_id"]])), make)


def sensitivity(connection: Connection, cache: ResultCache, asked: Asked, *, dataset: str) -> Answer:
    """One matrix from all stimuli against those from a half, a quarter and a tenth of them."""
    question, number = _on_dataset(connection, asked, dataset)
    with naming("layer"):
        if asked.layer != VALUE:
            raise InvalidInput(
                "On fewer stimuli similarities are computed without their null.", f"Ask for the layer `{VALUE}`."
            )
    row = question.found[number]
    dataset_id, matrix_id = row["dataset_id"], row["id"]
    stored = subsamples.latest(connection, matrix_id)
    working = subsamples.unfinished(connection, dataset_id, question.metric.id, question.preprocess)
    state = [[part.divisor, part.seed, len(part.embedding_ids)] for part in stored]

    def make() -> Sensitivity:
        study = read(connection, cache, question)
        names = subsamples.models_of(connection, sorted({one for part in stored for one in part.embedding_ids}))
        parts = []
        for part in stored:
            shown = _placed(part.values, [names[one] for one in part.embedding_ids], study.names)
            found = statistics.sensitivity(study.values[number], shown, question.method)
            parts.append(FewerStimuli(
                divisor=part.divisor, seed=part.seed, n=part.n, r=_known(found.r),
                quantiles=[_known(value) for value in found.quantiles.tolist()],
                n_pairs=found.n_pairs, n_models=int(np.isfinite(np.diagonal(shown)).sum()),
            ))
        return Sensitivity(
            scope=study.scope, dataset=dataset, n=row["n"], parts=parts, jobs=working,
            possible=_possible(connection, dataset_id, question), sentence=sentences.sensitivity(parts, row["n"]),
        )

    return kept(cache, question, ("sensitivity", dataset, state, working), make)


def _probe(dataset: RowMapping, runs: Sequence[RowMapping]) -> Probe:
    def mean(name: str) -> float:
        return float(np.mean([run[name] for run in runs]))

    last = max(runs, key=lambda run: run["created_at"])
    recipe: Mapping[str, Any] = last["recipe"]
    return Probe(
        model=last["model"], dataset=dataset["name"], dataset_version=dataset["version"], top1=mean("top1"),
        top1_sd=float(np.std([run["top1"] for run in runs], ddof=1)) if len(runs) > 1 else None, top5=mean("top5"),
        mean_class_recall=mean("mean_class_recall"),
        chance=float(np.mean([run["recipe"]["chance"] for run in runs])), n_labels=recipe["n_labels"],
        whole_groups=recipe["whole_groups"], protocol=last["protocol"], embedding_sha256=last["file_sha256"],
        job=last["job_id"], computed_at=last["created_at"],
        runs=[ProbeRun.model_validate({**run["recipe"], **run}) for run in runs],
    )


def _probes_of(connection: Connection, dataset_id: int) -> list[Probe]:
    dataset = datasets.get_by_id(connection, dataset_id)
    assert dataset is not None, "its matrix names it"
    return [
        _probe(dataset, list(runs))
        for _, runs in groupby(probes.list_on(connection, dataset_id), key=lambda row: row["model"])
    ]


def _on_dataset(connection: Connection, asked: Asked, dataset: str) -> tuple[Question, int]:
    """The question, and the place of a dataset in it."""
    question = resolve(connection, asked)
    with naming("dataset"):
        if dataset not in question.datasets:
            hint = nearest_hint(dataset, question.datasets, "datasets with values here")
            raise InvalidInput(f"There are no values by {question.metric.id} on a dataset {dataset!r}.", hint)
    return question, question.datasets.index(dataset)


def _accuracies(study: Study, known: Sequence[Probe]) -> Float64:
    """Top-1 accuracy of every model of a study; NaN without a probe."""
    of = {probe.model: probe.top1 for probe in known}
    return np.array([of.get(name, np.nan) for name in study.names], dtype=np.float64)


def _link(
    study: Study, number: int, row: RowMapping, known: Sequence[Probe], question: Question
) -> GapLink:
    """r of one dataset with its interval, over the models that have a probe."""
    accuracy = _accuracies(study, known)
    r, low, high, n_pairs, n_models = statistics.gap_correlation(
        study.values[number], accuracy, question.method, resamples=_draws(study, question.method), seed=SEED
    )
    probed = accuracy[np.isfinite(accuracy)]
    return GapLink(
        dataset=row["dataset"], title=row["title"], domain=row["domain"], r=_known(r), ci_low=_known(low),
        ci_high=_known(high), n_pairs=n_pairs, n_models=n_models, small=n_models < statistics.SMALL_MODELS,
        best=float(probed.max()) if len(probed) else None, worst=float(probed.min()) if len(probed) else None,
        chance=float(np.mean([probe.chance for probe in known])) if known else None,
        whole_groups=known[0].whole_groups if known else None,
        note=_note(len(probed), n_models, r),
    )


def _draws(study: Study, method: Method) -> int:
    every = statistics.every(len(study.names))
    return draws_of(study.values[:1], [(every, every)], method)


def _with_words(study: Study, method: Method, links: Sequence[GapLink]) -> Scope:
    """The scope, saying how intervals were found, where there are any."""
    if all(link.ci_low is None for link in links):
        return study.scope
    return with_words(study.scope, len(study.names), _draws(study, method))


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _note(n_probed: int, n_models: int, r: float) -> str:
    if not n_probed:
        return "No probe has been trained on this dataset."
    if np.isfinite(r):
        return ""
    if n_models < 3:
        return f"Only {n_models} models have both a similarity and a probe here."
    return "Either the similarities or the accuracies are all the same here, so r is not defined."


def _placed(values: NDArray[np.float32], of: Sequence[str], names: Sequence[str]) -> Float64:
    """A square in another order of models, NaN for those that it does not have."""
    square = np.full((len(names), len(names)), np.nan)
    place = {name: i for i, name in enumerate(names)}
    kept_rows = [k for k, name in enumerate(of) if name in place]
    at = [place[of[k]] for k in kept_rows]
    square[np.ix_(at, at)] = values[np.ix_(kept_rows, kept_rows)]
    return square


def _possible(connection: Connection, dataset_id: int, question: Question) -> dict[int, int]:
    stimuli = datasets.list_stimuli(connection, dataset_id)
    labels, groups = [row["label"] for row in stimuli], group_numbers([row["group"] for row in stimuli])
    found = nested_subsets(labels, groups, SEEDS[0], question.metric.minimum_n)
    return {divisor: len(rows) for divisor, rows in found.items()}
