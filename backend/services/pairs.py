"""Two models on every dataset: value, chance, place among all pairs, and where each number comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, RowMapping

from backend.contracts.matrices import Recipe
from backend.contracts.pairs import QUANTILES, EmbeddingOrigin, MovingPair, MovingPairs, Pair, PairOnDataset
from backend.db.repositories import datasets, matrices, matrix_rows, models, neighbours
from backend.domain.attributes import DOMAINS
from backend.domain.calibration import ALPHA, calibrated, z_score
from backend.domain.consistency import pair_values
from backend.domain.errors import FieldError, FieldErrors, NotFound, nearest_hint
from backend.domain.identity import key_of
from backend.domain.metrics import Metric, parse_metric, parse_preprocess
from backend.domain.quantities import CI_HIGH, CI_LOW, NULL_MEAN, NULL_SD, REVERSE, TAU, VALUE, P, Q
from backend.domain.standing import moves, percentile
from backend.services.consistency_scope import stacked
from backend.services.matrix_layers import layer_revision, layer_square, revision, value_square
from backend.services.result_cache import ResultCache

BESIDE = (CI_LOW, CI_HIGH, NULL_MEAN, NULL_SD, TAU, P)
Cell = Mapping[str, float]


def check_pair(connection: Connection, a: str, b: str) -> None:
    """Raises unless these are two different models: NotFound with the nearest name, FieldErrors for one name twice."""
    if a == b:
        raise FieldErrors([FieldError("b", f"{b!r} is the first model, too.", "Give two different models.")])
    for name in (a, b):
        if models.get(connection, name) is None:
            hint = nearest_hint(name, models.list_names(connection), "models")
            raise NotFound(f"There is no model {name!r}.", hint)


def pair(
    connection: Connection, cache: ResultCache, *, a: str, b: str, metric: str, preprocess: str
) -> tuple[str, bytes]:
    """ETag and JSON of one pair by one metric on every dataset; datasets without its value say why."""
    check_pair(connection, a, b)
    parsed, steps = parse_metric(metric), parse_preprocess(preprocess).id
    found = {
        row["dataset"]: row for row in matrices.list_found(connection, metric=parsed.id, preprocess=steps, filled=True)
    }
    origins = neighbours.of_matrices(connection, [row["id"] for row in found.values()], [a, b])
    described = datasets.list_page(connection, limit=100_000, after=None)[0]
    state = [
        [layer_revision(row) for row in found.values()],
        [[*place, origin["has_neighbours"]] for place, origin in origins.items()],
        [[row["dataset_hash"], row["shows_stimuli"]] for row in described],
    ]
    key = key_of([parsed.id, steps, a, b, state, version("parallax")])[:32]

    def make() -> bytes:
        newest = {row["name"]: row for row in described}
        versions = {(row["name"], row["version"]): row for row in described}
        cells = matrix_rows.cells(connection, {
            row["id"]: (origins[row["id"], a]["ord"], origins[row["id"], b]["ord"])
            for row in found.values() if {(row["id"], a), (row["id"], b)} <= set(origins)
        })
        listed = []
        for name in newest:
            row = found.get(name)
            dataset = versions[name, row["dataset_version"]] if row else newest[name]
            made_from = [origins.get((row["id"], model)) if row else None for model in (a, b)]
            cell = cells.get(row["id"], {}) if row else {}
            listed.append(_on_dataset(connection, cache, parsed, dataset, row, (a, b), made_from, cell))
        listed.sort(key=lambda one: (list(DOMAINS).index(one.domain), one.title.casefold(), one.dataset))
        return Pair(
            a=a, b=b, metric=parsed.id, preprocess=steps, direction=parsed.spec.direction,
            symmetric=parsed.spec.symmetric, code_version=version("parallax"), datasets=listed,
            sentence=_sentence(a, b, parsed, listed),
        ).model_dump_json().encode()

    return f'"{key}-pair"', cache.get(f"pair {key}", make)


def moving_pairs(
    connection: Connection, cache: ResultCache, *, metric: str, preprocess: str, limit: int
) -> tuple[str, bytes]:
    """ETag and JSON of the pairs whose place among all pairs moves most between datasets."""
    parsed, steps = parse_metric(metric), parse_preprocess(preprocess).id
    found = matrices.list_found(connection, metric=parsed.id, preprocess=steps)
    key = key_of([parsed.id, steps, limit, [revision(row) for row in found]])[:32]

    def make() -> bytes:
        names, stack = stacked([value_square(connection, cache, row) for row in found])
        moved = moves(stack.astype(np.float64), parsed.spec.direction)
        rows, columns = np.triu_indices(len(names), 1)
        # Names break ties, so that the same values always give the same list.
        order = np.lexsort((moved.which, -np.round(moved.distance, 9)))[:limit]
        return MovingPairs(
            metric=parsed.id, preprocess=steps, n_pairs=len(moved.which), n_datasets=len(found),
            median_moves=float(np.median(moved.distance)) if len(moved.which) else None,
            pairs=[
                MovingPair(
                    a=names[rows[moved.which[i]]], b=names[columns[moved.which[i]]],
                    low_dataset=found[moved.low[i]]["dataset"], low_percentile=float(moved.low_percentile[i]),
                    high_dataset=found[moved.high[i]]["dataset"], high_percentile=float(moved.high_percentile[i]),
                    moves=float(moved.distance[i]),
                )
                for i in order
            ],
        ).model_dump_json().encode()

    return f'"{key}-moving"', cache.get(f"moving {key}", make)


def _on_dataset(
    connection: Connection, cache: ResultCache, metric: Metric, dataset: RowMapping, found: RowMapping | None,
    names: tuple[str, str], made_from: Sequence[RowMapping | None], cell: Cell,
) -> PairOnDataset:
    """The pair on one dataset, or why it has no value there."""
    told: dict[str, Any] = {
        "dataset": dataset["name"], "dataset_version": dataset["version"], "dataset_hash": dataset["dataset_hash"],
        "title": dataset["title"], "domain": dataset["domain"], "n": dataset["n_stimuli"],
        "shows_stimuli": dataset["shows_stimuli"],
    }
    if found is None:
        return PairOnDataset(**told, reason=f"{metric.id} has not been computed on this dataset.")
    square = value_square(connection, cache, found)
    told |= {
        "metric_version": found["metric_version"], "recipe": Recipe.model_validate(found["recipe"] or {}),
        **{
            f"embedding_{side}": EmbeddingOrigin.model_validate(dict(one)) if one else None
            for side, one in zip("ab", made_from, strict=True)
        },
    }
    missing = [name for name in names if name not in square.names]
    if missing:
        why = dict.fromkeys(missing, "not compared on this dataset yet") | dict(square.gaps)
        return PairOnDataset(**told, reason="; ".join(f"{name}: {why[name]}" for name in missing))
    i, j = (square.names.index(name) for name in names)
    values, quantiles = _all_pairs(connection, cache, found)
    last = max((one for one in made_from if one), key=lambda one: int(one["ord"]))
    told |= _numbers(cell, metric)
    return PairOnDataset(
        **told,
        q=_number(layer_square(connection, cache, found, metric.spec, Q).values[i, j]),
        percentile=_number(percentile(values, _place(i, j, len(square.names)), metric.spec.direction)),
        n_pairs=int(np.isfinite(values).sum()), quantiles=quantiles,
        has_neighbours=all(one is not None and one["has_neighbours"] for one in made_from),
        job_id=last["compared_by"], computed_at=last["compared_at"],
    )


def _numbers(cell: Cell, metric: Metric) -> dict[str, float | None]:
    """The numbers of one cell, and what follows from them."""
    value, mean, sd, tau = (np.array(cell.get(name, np.nan)) for name in (VALUE, NULL_MEAN, NULL_SD, TAU))
    return {
        "value": _number(value), "reverse": None if metric.spec.symmetric else _number(cell[VALUE + REVERSE]),
        **{name: _number(cell.get(name, np.nan)) for name in BESIDE},
        "z": _number(z_score(value, mean, sd)), "calibrated": _number(calibrated(value, tau, metric.spec.best)),
    }


def _all_pairs(
    connection: Connection, cache: ResultCache, found: RowMapping
) -> tuple[NDArray[np.float64], list[float]]:
    """The values of all pairs of a matrix, and their quantiles."""

    def make() -> tuple[NDArray[np.float64], list[float]]:
        (values,) = pair_values(value_square(connection, cache, found).values[None])
        here = values[np.isfinite(values)]
        return values, [float(q) for q in np.quantile(here, QUANTILES)] if len(here) else []

    made: tuple[NDArray[np.float64], list[float]] = cache.get(
        f"all pairs {revision(found)}", make, lambda made: made[0].nbytes
    )
    return made


def _place(i: int, j: int, m: int) -> int:
    """Where the pair of models i and j stands in the order of `triu_indices(m, 1)`."""
    i, j = min(i, j), max(i, j)
    return i * m - i * (i + 1) // 2 + j - i - 1


def _number(value: float | np.floating | NDArray[Any]) -> float | None:
    return float(value) if np.isfinite(value) else None


def _sentence(a: str, b: str, metric: Metric, listed: Sequence[PairOnDataset]) -> str:
    placed = [one for one in listed if one.value is not None and one.percentile is not None]
    if not placed:
        return f"{a} and {b} have no {metric.title} beside that of other pairs on any dataset yet."
    most = max(placed, key=lambda one: one.percentile or 0.0)
    least = min(placed, key=lambda one: one.percentile or 0.0)

    def standing(one: PairOnDataset) -> str:
        return f"{one.title} ({one.value:.2f}, more alike than {one.percentile:.0f} % of pairs)"

    tested = [one for one in placed if one.q is not None]
    within = [one.title for one in tested if one.q is not None and one.q > ALPHA]
    chance = f" Not told from chance on {', '.join(within)}." if within else (
        f" Beyond chance on {'all' if len(tested) == len(placed) else len(tested)} of them." if tested else ""
    )
    if len(placed) == 1:
        return f"{a} and {b} have been compared on one dataset, {standing(most)}."
    return (
        f"Of {len(placed)} datasets {a} and {b} stand highest on {standing(most)} and lowest on {standing(least)}."
        f"{chance}"
    )
