"""What a request for consistency is computed from: chosen datasets and models, their values, and what to say of them.

`resolve` looks at names and revisions alone, so that an unchanged answer costs no number; `read` reads the values.
A pair of a measure that is not symmetric enters with the mean of its two directions.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, RowMapping

from backend.contracts.consistency import Scope
from backend.db.engine import transaction
from backend.db.repositories import datasets, matrices
from backend.domain.attributes import DOMAINS, MODEL_ATTRIBUTES
from backend.domain.consistency import METHODS, Method, ModelSet
from backend.domain.errors import InvalidInput, nearest_hint
from backend.domain.identity import key_of
from backend.domain.metrics import Direction, Metric, parse_metric, parse_preprocess
from backend.domain.predicates import parse
from backend.domain.quantities import CALIBRATED, VALUE
from backend.services import model_sets
from backend.services.matrix_layers import layer_revision, layer_square, revision, value_square
from backend.services.model_sets import ALL, Chosen, Described, naming
from backend.services.result_cache import ResultCache

LAYERS = (VALUE, CALIBRATED)
NAMED_AT_MOST = 5  # names in one note


@dataclass(frozen=True)
class Asked:
    """The choices that all requests share, as they were given."""

    metric: str
    preprocess: str = "l2"
    layer: str = VALUE
    method: str = "pearson"
    models: str = ""
    datasets: str = ""
    labels: str = "published"


@dataclass(frozen=True)
class Question:
    """A request resolved against what there is. `found` are matrices by domain, then name; `without` names datasets
    that were meant and have no matrix; `revision` changes whenever an answer might."""

    metric: Metric
    preprocess: str
    layer: str
    method: Method
    labels: str
    chosen: Chosen
    described: dict[str, Described]
    found: list[RowMapping]
    without: list[str]
    revision: str

    @property
    def datasets(self) -> list[str]:
        return [row["dataset"] for row in self.found]

    @property
    def direction(self) -> Direction:
        """Calibrated values are similarities whatever the measure is."""
        return self.metric.spec.direction if self.layer == VALUE else "similarity"

    def key(self, *parameters: Any) -> str:
        """The identity of one answer to this question."""
        return key_of([self.revision, *parameters])[:32]


@dataclass(frozen=True)
class Study:
    """Values (D, M, M) float32 of the chosen datasets and models, NaN where nothing was computed, and the scope to be
    told with every answer."""

    names: list[str]
    datasets: list[str]
    values: NDArray[np.floating]
    described: list[Described]
    scope: Scope

    def slugs(self, attribute: str) -> list[str]:
        """Every model's value of an attribute."""
        return [one.attributes[attribute] for one in self.described]

    def set_of(self, chosen: Chosen) -> ModelSet:
        members = np.array([name in chosen.models for name in self.names], dtype=bool)
        single = len(chosen.models) == 1 and chosen.predicate.startswith("model:")
        return ModelSet(chosen.predicate, chosen.title, members, single)

    @property
    def dataset_pairs(self) -> list[tuple[str, str]]:
        """Every two different datasets, in the order of `numpy.triu_indices`."""
        rows, columns = np.triu_indices(len(self.datasets), 1)
        return [(self.datasets[a], self.datasets[b]) for a, b in zip(rows, columns, strict=True)]


def resolve(connection: Connection, asked: Asked) -> Question:
    """The question that a request asks. FieldErrors name the parameter that cannot be understood."""
    with naming("metric"):
        metric = parse_metric(asked.metric)
    with naming("preprocess"):
        preprocess = parse_preprocess(asked.preprocess).id
    with naming("layer"):
        _one_of(asked.layer, LAYERS, "layer")
    with naming("method"):
        method: Method = METHODS[_one_of(asked.method, METHODS, "method")]
    with naming("labels"):
        everyone = model_sets.describe_models(connection, asked.labels)
    with naming("models"):
        chosen = model_sets.choose(connection, asked.models, everyone)
    found = matrices.list_found(
        connection, metric=metric.id, preprocess=preprocess, filled=asked.layer == CALIBRATED
    )
    with naming("datasets"):
        wanted = _datasets(connection, asked.datasets)
    kept = sorted(
        (row for row in found if row["dataset"] in wanted),
        key=lambda row: (list(DOMAINS).index(row["domain"]), row["dataset"]),
    )
    of_layer = revision if asked.layer == VALUE else layer_revision
    return Question(
        metric=metric, preprocess=preprocess, layer=asked.layer, method=method, labels=asked.labels, chosen=chosen,
        described={one.name: one for one in everyone}, found=kept,
        without=sorted(wanted - {row["dataset"] for row in kept}),
        revision=key_of([
            metric.id, preprocess, asked.layer, method, asked.labels, chosen.predicate, sorted(wanted),
            [[of_layer(row), row["dataset"], row["domain"]] for row in kept],
            [[*one.attributes.values(), one.name in chosen.models] for one in everyone],
        ]),
    )


def choose(connection: Connection, question: Question, text: str, field: str) -> Chosen:
    """A model set of the question by predicate, name, or `all`; `field` is the parameter it was given as."""
    with naming(field):
        return model_sets.choose(connection, text, list(question.described.values()))


def check_attribute(by: str, field: str, also: Sequence[str] = ()) -> None:
    """Raises unless it is an attribute of models, or one of some other words."""
    with naming(field):
        _one_of(by, (*MODEL_ATTRIBUTES, *also), "attribute")


def read(connection: Connection, cache: ResultCache, question: Question) -> Study:
    """The values of a question: O(D M^2) once its matrices are at hand."""
    if question.layer == VALUE:
        squares = [value_square(connection, cache, row) for row in question.found]
    else:
        squares = [
            layer_square(connection, cache, row, question.metric.spec, question.layer) for row in question.found
        ]
    everyone = {name for square in squares for name in square.names}
    names, values = stacked(squares, question.chosen.models)
    return Study(
        names=names, datasets=question.datasets, values=values,
        described=[question.described[name] for name in names], scope=_scope(question, len(everyone), names, values),
    )


def load(engine: Engine, cache: ResultCache, question: Question) -> Study:
    """`read` in a transaction of its own: none is open while numbers are computed from it."""
    with transaction(engine) as connection:
        return read(connection, cache, question)


def stacked(
    squares: Sequence[matrices.StoredMatrix], chosen: Collection[str] | None = None
) -> tuple[list[str], NDArray[np.floating]]:
    """Models by name (of those chosen), and the matrices of several datasets over them: float32 (D, M, M) as stored,
    NaN where not computed."""
    everyone = {name for square in squares for name in square.names}
    names = sorted(everyone if chosen is None else everyone.intersection(chosen))
    stack = np.full((len(squares), len(names), len(names)), np.nan, dtype=np.float32)
    for layer, square in zip(stack, squares, strict=True):
        place = {name: i for i, name in enumerate(square.names)}
        here = [(to, place[name]) for to, name in enumerate(names) if name in place]
        to, at = np.array(here, dtype=np.intp).reshape(-1, 2).T
        layer[np.ix_(to, to)] = square.values[np.ix_(at, at)]
    return names, stack


def _one_of(given: str, known: Sequence[str], what: str) -> int:
    """The position of a word among those that are known."""
    if given not in known:
        raise InvalidInput(f"There is no {what} {given!r}.", f"Use one of {', '.join(known)}.")
    return list(known).index(given)


def _datasets(connection: Connection, text: str) -> set[str]:
    """Names of the datasets that a comma list or a predicate means; all of them for an empty text."""
    domains = datasets.domains(connection)
    if not text.strip():
        return set(domains)
    if set(text) & set(":&|!()"):
        predicate = parse(text, "dataset", list(domains))
        return {name for name, domain in domains.items() if predicate.holds({"domain": domain, "dataset": name})}
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise InvalidInput(f"{text!r} names no dataset.", "Leave it empty for all datasets.")
    unknown = [name for name in names if name not in domains]
    if unknown:
        raise InvalidInput(f"There is no dataset {unknown[0]!r}.", nearest_hint(unknown[0], list(domains), "datasets"))
    return set(names)


def _scope(question: Question, n_everyone: int, names: Sequence[str], values: NDArray[np.floating]) -> Scope:
    return Scope(
        metric=question.metric.id, preprocess=question.preprocess, layer=question.layer, method=question.method,
        labels=question.labels, models="" if question.chosen.predicate == ALL else question.chosen.predicate,
        n_models=len(names), n_models_of=n_everyone, datasets=question.datasets,
        notes=_notes(question, names, values),
    )


def _notes(question: Question, names: Sequence[str], values: NDArray[np.floating]) -> list[str]:
    """What is missing from the numbers, in words."""
    notes = []
    if not names:
        notes.append("No model that was chosen has values here.")
    if len(question.found) < 2:
        notes.append("Consistency needs two datasets or more.")
    meant = len(question.found) + len(question.without)
    if question.without:
        notes.append(
            f"{len(question.found)} of {meant} datasets have values by {question.metric.id} "
            f"({question.preprocess}); not computed: {listed(question.without)}."
        )
    lacking = sorted(question.chosen.models - set(names))
    if lacking:
        notes.append(
            f"{len(names)} of {len(question.chosen.models)} models have values here; not computed: {listed(lacking)}."
        )
    counts = _n_models(values)
    few = [
        f"{name} {count} of {len(names)}"
        for name, count in zip(question.datasets, counts, strict=True) if count < len(names)
    ]
    if few:
        notes.append(f"Fewer models on some datasets: {listed(few)}. Each two datasets use the pairs that both have.")
    equal = [name for name, layer in zip(question.datasets, values, strict=True) if _all_equal(layer)]
    if equal:
        notes.append(f"All values are equal on {listed(equal)}: no r is defined there.")
    if not question.metric.spec.symmetric:
        notes.append("The measure is not symmetric: a pair enters with the mean of its two directions.")
    return notes


def _n_models(values: NDArray[np.floating]) -> list[int]:
    """How many models have a value with another model, of each dataset."""
    counts = []
    for layer in values:
        present = np.isfinite(layer)
        np.fill_diagonal(present, False)
        counts.append(int(present.any(axis=1).sum()))
    return counts


def _all_equal(layer: NDArray[np.floating]) -> bool:
    """Whether two pairs of models or more have values and these do not vary."""
    values = layer[np.triu_indices(len(layer), 1)]
    values = values[np.isfinite(values)]
    return len(values) > 1 and bool(values.min() == values.max())


def listed(names: Sequence[str]) -> str:
    """`a, b and c`; of many the first few, and how many more."""
    if len(names) > NAMED_AT_MOST:
        return f"{', '.join(names[:NAMED_AT_MOST])} and {len(names) - NAMED_AT_MOST} more"
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)
