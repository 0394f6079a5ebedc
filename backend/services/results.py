"""Reading results: matrices, the shared order, consistency, the finding. Everything is computed from stored rows.

Answers are cached in this process by the revision of what they were computed from, so nothing is serialised or computed
twice as long as no row is added.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray
from sqlalchemy import Connection, RowMapping

from backend.contracts.consistency import Consistency, Finding
from backend.contracts.matrices import MatrixSummary, SharedOrder
from backend.db.repositories import datasets, matrices, models
from backend.domain import consistency as statistics
from backend.domain import finding as findings
from backend.domain import ordering
from backend.domain.attributes import DOMAINS
from backend.domain.errors import InvalidInput, NotFound, nearest_hint
from backend.domain.identity import key_of, order_hash
from backend.domain.metrics import DEFAULT_METRICS, Metric, parse_metric, parse_preprocess


class ResultCache:
    """Encoded answers and square matrices by revision, up to a number of bytes; the least recently used are dropped."""

    def __init__(self, max_bytes: int = 512 * 1024**2) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._values: OrderedDict[str, tuple[Any, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: str, make: Callable[[], Any], size_of: Callable[[Any], int] = len) -> Any:
        """The value of a key, made if it is not there. Two threads may make the same value; both get a right one."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key][0]
        value = make()
        with self._lock:
            self._bytes += size_of(value) - self._values.pop(key, (None, 0))[1]
            self._values[key] = (value, size_of(value))
            while self._bytes > self._max_bytes:
                self._bytes -= self._values.popitem(last=False)[1][1]
        return value


@dataclass(frozen=True)
class EncodedMatrix:
    """A matrix as bytes of one media type, with what the headers say. No body: the caller has it."""

    etag: str
    order_hash: str = ""
    n_models: int = 0
    body: bytes | None = None


@dataclass(frozen=True)
class _Square:
    names: list[str]
    values: NDArray[np.float32]
    found: matrices.StoredMatrix


def revision(found: RowMapping) -> str:
    """Changes whenever the content of a matrix does: rows and gaps are only ever added."""
    # With the moment it was made, so that two installations never mean different matrices by one revision.
    return key_of([found["id"], found["created_at"].isoformat(), found["n_rows"], found["n_gaps"]])[:32]


def encoded_matrix(
    connection: Connection, cache: ResultCache, *, dataset: str, metric: str, preprocess: str,
    chosen: Sequence[str] | None, binary: bool, is_known: Callable[[str], bool],
) -> EncodedMatrix:
    """A matrix as JSON or as float32 bytes; without a body when `is_known` says of its ETag that the caller has it.

    `chosen` picks models, in that order. NotFound if nothing was computed; InvalidInput for unknown names.
    """
    found = _find(connection, dataset, metric, preprocess)
    etag = f'"{revision(found)}-{"f32" if binary else "json"}{"-" + order_hash(chosen) if chosen else ""}"'
    if is_known(etag):
        return EncodedMatrix(etag)

    def make() -> EncodedMatrix:
        square = _square(connection, cache, found)
        names, values = _choose(square, chosen)
        if binary:
            body = np.ascontiguousarray(values, dtype="<f4").tobytes()
        else:
            body = _json(square.found, names, values)
        return EncodedMatrix(etag, order_hash(names), len(names), body)

    if chosen:
        return make()  # there are too many choices of models to keep them all
    encoded: EncodedMatrix = cache.get(f"matrix {etag}", make, lambda made: len(made.body))
    return encoded


def list_matrices(connection: Connection) -> list[MatrixSummary]:
    """Every matrix that has values."""
    return [
        MatrixSummary(dataset=row["dataset"], metric=row["metric"], preprocess=row["preprocess"], n=row["n"],
                      n_models=row["n_models"], updated_at=row["updated_at"])
        for row in matrices.list_found(connection)
    ]


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


def consistency(
    connection: Connection, cache: ResultCache, *, metric: str, preprocess: str, method: str
) -> tuple[str, bytes]:
    """ETag and JSON of the dataset x dataset correlations over model pairs."""
    if method not in statistics.METHODS:
        raise InvalidInput(f"There is no method {method!r}.", f"Use one of {', '.join(statistics.METHODS)}.")
    parsed, found = _all_of_metric(connection, metric, preprocess)
    key = _combined(parsed, preprocess, found)

    def make() -> bytes:
        domains = {row["name"]: row["domain"] for row in datasets.list_page(connection, limit=100_000, after=None)[0]}
        # Datasets are listed by domain, then name, as the published matrices are.
        ordered = sorted(found, key=lambda row: (list(DOMAINS).index(domains[row["dataset"]]), row["dataset"]))
        _, stack = _stack(connection, cache, ordered)
        table = statistics.consistency(stack, method)
        return Consistency(
            metric=parsed.id, preprocess=preprocess, method=method, datasets=[row["dataset"] for row in ordered],
            domains=[domains[row["dataset"]] for row in ordered], r=_nullable(table.r),
            n_pairs=table.n_pairs.tolist(), n_models=table.n_models.tolist(),
        ).model_dump_json().encode()

    return f'"{key}-{method}"', cache.get(f"consistency {method} {key}", make)


def finding(connection: Connection, cache: ResultCache, *, metric: str | None, preprocess: str) -> tuple[str, bytes]:
    """ETag and JSON of the sentence of the first page, by one metric (the first default one unless named)."""
    parsed, found = _all_of_metric(connection, metric or DEFAULT_METRICS[0].id, preprocess)
    key = _combined(parsed, preprocess, found)

    def make() -> bytes:
        objectives = models.objectives(connection)
        titles = {row["name"]: row["title"] for row in datasets.list_page(connection, limit=100_000, after=None)[0]}
        names, stack = _stack(connection, cache, found)
        text = findings.finding(
            stack, [row["dataset"] for row in found], [objectives[name] for name in names], parsed.id,
            preprocess=preprocess, metric_title=parsed.title, dataset_titles=titles,
        )
        return Finding(sentence=text.sentence, numbers=text.numbers).model_dump_json().encode()

    return f'"{key}-finding"', cache.get(f"finding {key}", make)


def _find(connection: Connection, dataset: str, metric: str, preprocess: str) -> RowMapping:
    parsed, steps = parse_metric(metric), parse_preprocess(preprocess)
    name, _, version = dataset.partition("@")
    # The one query of the usual case; why nothing was found is asked only then.
    if not version or (version.isascii() and version.isdigit() and len(version) <= 6):
        found = matrices.find(
            connection, dataset=name, version=int(version) if version else None, metric=parsed.id, preprocess=steps.id
        )
        if found is not None:
            return found
    if datasets.get(connection, dataset) is None:
        hint = nearest_hint(dataset, datasets.list_names(connection), "datasets")
        raise NotFound(f"There is no dataset {dataset!r}.", hint)
    raise NotFound(
        f"{parsed.id} ({steps.id}) was not computed on {dataset} yet.",
        "Submit a model for this dataset and metric, or wait until the running jobs are done.",
    )


def _all_of_metric(connection: Connection, metric: str, preprocess: str) -> tuple[Metric, Sequence[RowMapping]]:
    parsed = parse_metric(metric)
    return parsed, matrices.list_found(connection, metric=parsed.id, preprocess=parse_preprocess(preprocess).id)


def _combined(metric: Metric, preprocess: str, found: Sequence[RowMapping]) -> str:
    return key_of([metric.id, preprocess, *(revision(row) for row in found)])[:32]


def _square(connection: Connection, cache: ResultCache, found: RowMapping) -> _Square:
    def make() -> _Square:
        stored = matrices.load(connection, found)
        names, values = stored.square()
        return _Square(names, values, stored)

    square: _Square = cache.get(
        f"square {revision(found)}", make, lambda made: made.values.nbytes + len(made.found.packed)
    )
    return square


def _stack(
    connection: Connection, cache: ResultCache, found: Sequence[RowMapping]
) -> tuple[list[str], NDArray[np.float64]]:
    """All models by name, and the matrices of several datasets over them: float64 (D, M, M), NaN where not computed."""
    squares = [_square(connection, cache, row) for row in found]
    names = sorted({name for square in squares for name in square.names})
    position = {name: i for i, name in enumerate(names)}
    stack = np.full((len(squares), len(names), len(names)), np.nan)
    for layer, square in zip(stack, squares, strict=True):
        at = [position[name] for name in square.names]
        layer[np.ix_(at, at)] = square.values
    return names, stack


def _choose(square: _Square, chosen: Sequence[str] | None) -> tuple[list[str], NDArray[np.float32]]:
    if not chosen:
        return square.names, square.values
    position = {name: i for i, name in enumerate(square.names)}
    unknown = [name for name in chosen if name not in position]
    if unknown or len(set(chosen)) < len(chosen):
        problem = f"has no values for {unknown[0]!r}" if unknown else "was asked for the same model twice"
        hint = nearest_hint(unknown[0] if unknown else "", square.names, "models")
        raise InvalidInput(f"The matrix {problem}.", hint)
    at = [position[name] for name in chosen]
    return list(chosen), square.values[np.ix_(at, at)]


def _json(found: matrices.StoredMatrix, names: list[str], values: NDArray[np.float32]) -> bytes:
    computed = np.isfinite(values)
    return orjson.dumps(
        {
            "dataset": found.dataset, "dataset_version": found.dataset_version, "metric": found.metric,
            "metric_version": found.metric_version, "preprocess": found.preprocess, "n": found.n, "models": names,
            "order_hash": order_hash(names),
            # orjson writes NaN as null, which is what "not computed" is on the wire.
            "values": np.ascontiguousarray(values), "computed": np.ascontiguousarray(computed),
            "gaps": [{"model": model, "reason": reason} for model, reason in found.gaps],
            "updated_at": found.updated_at,
        },
        option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_UTC_Z,
    )


def _nullable(array: NDArray[np.float64]) -> list[list[float | None]]:
    return [[None if np.isnan(value) else float(value) for value in row] for row in array]
