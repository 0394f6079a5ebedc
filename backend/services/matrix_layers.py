"""Reading matrices: each stored quantity is a layer, and so is what follows from the stored ones. As JSON or as bytes.

A layer is derived from what is stored, in float64, over the whole matrix: q counts every pair of models, whichever of
them are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import orjson
from numpy.typing import NDArray
from sqlalchemy import Connection, RowMapping

from backend.contracts.matrices import MatrixSummary, Recipe
from backend.db.repositories import datasets, matrices
from backend.domain import calibration
from backend.domain.errors import InvalidInput, NotFound, nearest_hint
from backend.domain.identity import key_of, order_hash
from backend.domain.metrics import Metric, MetricSpec, parse_metric, parse_preprocess
from backend.domain.quantities import ARI, CALIBRATED, NULL_MEAN, NULL_SD, TAU, VALUE, P, Q, Z
from backend.services.result_cache import ResultCache

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class EncodedMatrix:
    """A matrix as bytes of one media type, with what the headers say. No body: the caller has it."""

    etag: str
    order_hash: str = ""
    n_models: int = 0
    body: bytes | None = None


# Layer -> the stored quantities it is derived from, and how. Squares of (models, models) in and out.
DERIVED: dict[str, tuple[tuple[str, ...], Callable[..., Float64]]] = {
    Z: ((VALUE, NULL_MEAN, NULL_SD), lambda spec, value, mean, sd: calibration.z_score(value, mean, sd)),
    ARI: ((VALUE, NULL_MEAN), lambda spec, value, mean: calibration.adjusted(value, mean, spec.best)),
    CALIBRATED: ((VALUE, TAU), lambda spec, value, tau: calibration.calibrated(value, tau, spec.best)),
    Q: ((P,), lambda spec, p: calibration.adjusted_p(p)),
}


def revision(found: RowMapping) -> str:
    """Changes whenever the values of a matrix do: rows and gaps are only ever added."""
    # With the moment it was made, so that two installations never mean different matrices by one revision.
    return key_of([found["id"], found["created_at"].isoformat(), found["n_rows"], found["n_gaps"]])[:32]


def layer_revision(found: RowMapping) -> str:
    """Changes whenever anything that is stored of a matrix does: rows of before may get their null later."""
    return key_of([revision(found), found["n_filled"]])[:32]


def encoded_matrix(
    connection: Connection, cache: ResultCache, *, dataset: str, metric: str, preprocess: str, layer: str,
    chosen: Sequence[str] | None, binary: bool, with_values: bool, is_known: Callable[[str], bool],
) -> EncodedMatrix:
    """A layer of a matrix as JSON or as float32 bytes; without a body when `is_known` says of its ETag that the caller
    has it.

    `chosen` picks models, in that order; `with_values` false leaves the numbers out of the JSON. NotFound if nothing
    was computed; InvalidInput for unknown names.
    """
    parsed = parse_metric(metric)
    found = _find(connection, dataset, parsed, preprocess)
    form = "f32" if binary else "json" if with_values else "head"
    etag = f'"{layer_revision(found)}-{layer}-{form}{"-" + order_hash(chosen) if chosen else ""}"'
    if is_known(etag):
        return EncodedMatrix(etag)

    def make() -> EncodedMatrix:
        square = layer_square(connection, cache, found, parsed.spec, layer)
        names, values = _choose(square, chosen)
        if binary:
            body = np.ascontiguousarray(values, dtype="<f4").tobytes()
        else:
            body = _json(found, square, parsed.spec, layer, names, values if with_values else values[:0])
        return EncodedMatrix(etag, order_hash(names), len(names), body)

    if chosen:
        return make()  # there are too many choices of models to keep them all
    encoded: EncodedMatrix = cache.get(f"matrix {etag}", make, lambda made: len(made.body))
    return encoded


def list_matrices(connection: Connection) -> list[MatrixSummary]:
    """Every matrix that has values."""
    return [
        MatrixSummary(dataset=row["dataset"], metric=row["metric"], preprocess=row["preprocess"], n=row["n"],
                      n_models=row["n_models"], n_calibrated=row["n_calibrated"], updated_at=row["updated_at"])
        for row in matrices.coverage(connection)
    ]


def value_square(connection: Connection, cache: ResultCache, found: RowMapping) -> matrices.StoredMatrix:
    """The similarities themselves."""
    return _stored(connection, cache, found, VALUE, revision(found))


def _find(connection: Connection, dataset: str, metric: Metric, preprocess: str) -> RowMapping:
    steps = parse_preprocess(preprocess)
    name, _, version = dataset.partition("@")
    # Asked first, since it nearly always is there: what is wrong with a request is looked for when it is not.
    if not version or (version.isascii() and version.isdigit() and len(version) <= 6):
        found = matrices.find(
            connection, dataset=name, version=int(version) if version else None, metric=metric.id,
            preprocess=steps.id,
        )
        if found is not None:
            return found
    if datasets.get(connection, dataset) is None:
        hint = nearest_hint(dataset, datasets.list_names(connection), "datasets")
        raise NotFound(f"There is no dataset {dataset!r}.", hint)
    raise NotFound(
        f"{metric.id} ({steps.id}) was not computed on {dataset} yet.",
        "Submit a model for this dataset and metric or ask for the comparison (POST /comparisons), or wait until the "
        "running jobs are done.",
    )


def _stored(
    connection: Connection, cache: ResultCache, found: RowMapping, quantity: str, state: str
) -> matrices.StoredMatrix:
    square: matrices.StoredMatrix = cache.get(
        f"square {state} {quantity}", lambda: matrices.load(connection, found, quantity),
        lambda made: made.values.nbytes,
    )
    return square


def layer_square(
    connection: Connection, cache: ResultCache, found: RowMapping, spec: MetricSpec, layer: str
) -> matrices.StoredMatrix:
    """A stored or derived layer; NaN where it was not computed."""
    state = layer_revision(found)
    values = value_square(connection, cache, found)
    if layer == VALUE:
        return values
    if layer not in DERIVED:
        return _stored(connection, cache, found, layer, state)

    def make() -> matrices.StoredMatrix:
        quantities, derive = DERIVED[layer]
        squares = [
            (values if name == VALUE else _stored(connection, cache, found, name, state)).values.astype(np.float64)
            for name in quantities
        ]
        return replace(values, values=derive(spec, *squares).astype(np.float32))

    derived: matrices.StoredMatrix = cache.get(f"square {state} {layer}", make, lambda made: made.values.nbytes)
    return derived


def _choose(
    square: matrices.StoredMatrix, chosen: Sequence[str] | None
) -> tuple[list[str], NDArray[np.float32]]:
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


def _json(
    found: RowMapping, square: matrices.StoredMatrix, spec: MetricSpec, layer: str, names: list[str],
    values: NDArray[np.float32],
) -> bytes:
    return orjson.dumps(
        {
            "dataset": square.dataset, "dataset_version": square.dataset_version, "metric": square.metric,
            "metric_version": square.metric_version, "preprocess": square.preprocess, "n": square.n, "models": names,
            "order_hash": order_hash(names), "layer": layer, "direction": spec.direction,
            "symmetric": spec.symmetric, "recipe": Recipe.model_validate(found["recipe"] or {}).model_dump(),
            # orjson writes NaN as null, which is what "not computed" is on the wire.
            "values": np.ascontiguousarray(values), "computed": np.ascontiguousarray(np.isfinite(values)),
            "gaps": [{"model": model, "reason": reason} for model, reason in square.gaps],
            "updated_at": square.updated_at,
        },
        option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_UTC_Z,
    )
