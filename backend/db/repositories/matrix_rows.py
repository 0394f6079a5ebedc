"""SQL that adds to matrices: rows of new members, and quantities that rows of old members do not have yet. Nothing is
ever changed; every writer locks the matrix first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from backend.db.tables import matrices, matrix_embeddings, similarity_gaps, similarity_rows
from backend.domain.errors import Conflict
from backend.domain.quantities import INTERVAL, REVERSE, VALUE

Quantities = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class NewRow:
    """A row to append: what belongs to a new member and each member before it, itself last: by the names of
    backend.domain.quantities, `value` always, float64 of shape (ord + 1,) each."""

    embedding_id: int
    model_id: int
    quantities: Quantities


def stored_quantities(connection: Connection, matrix_id: int) -> dict[int, set[str]]:
    """Row number -> the quantities that are stored of it, for every row of a matrix, ascending."""
    rows = connection.execute(
        text("""
            SELECT ord, array_agg(quantity) AS quantities FROM similarity_rows WHERE matrix_id = :matrix
            GROUP BY ord ORDER BY ord
        """),
        {"matrix": matrix_id},
    )
    return {row.ord: set(row.quantities) for row in rows}


def cells(connection: Connection, wanted: Mapping[int, tuple[int, int]]) -> dict[int, dict[str, float]]:
    """Matrix -> every quantity that is stored of one of its cells, from the model of the first row number to that of
    the second. One number of each row is read, so the cost does not grow with the matrices."""
    ids, first, second = [], [], []
    for matrix_id, (a, b) in wanted.items():
        ids, first, second = [*ids, matrix_id], [*first, max(a, b)], [*second, min(a, b)]
    rows = connection.execute(
        text("""
            SELECT r.matrix_id, r.quantity, substring(r.vals FROM 4 * w.behind + 1 FOR 4) AS cell
            FROM unnest(CAST(:ids AS bigint[]), CAST(:first AS integer[]), CAST(:second AS integer[]))
                AS w(matrix_id, ord, behind)
            JOIN similarity_rows r ON r.matrix_id = w.matrix_id AND r.ord = w.ord
        """),
        {"ids": ids, "first": first, "second": second},
    )
    found: dict[int, dict[str, float]] = {matrix_id: {} for matrix_id in wanted}
    for row in rows:
        found[row.matrix_id][row.quantity] = float(np.frombuffer(bytes(row.cell), dtype="<f4")[0])
    return {matrix_id: _directed(cell, *wanted[matrix_id]) for matrix_id, cell in found.items()}


def _directed(cell: dict[str, float], a: int, b: int) -> dict[str, float]:
    """A cell as stored, from the later model to the earlier, told from a to b. A symmetric measure has no reverse."""
    forth = {name: number for name, number in cell.items() if not name.endswith(REVERSE)}
    back = {name: cell.get(name + REVERSE, number) for name, number in forth.items()}
    told, other = (forth, back) if a > b else (back, forth)
    return told | {name + REVERSE: number for name, number in other.items()}


def append(
    connection: Connection, *, matrix_id: int, dataset_hash: str, first_ord: int, rows: Sequence[NewRow],
    gaps: Sequence[tuple[int, str]], job_id: int, recipe: Mapping[str, Any] | None = None,
) -> bool:
    """Appends rows computed against the first `first_ord` members. False if the matrix has grown since (nothing
    written).

    Locks the matrix, so two writers cannot interleave and no pair is lost. `recipe` says how null and interval of the
    rows were found; Conflict if those of the matrix were found in another way.
    """
    _lock(connection, matrix_id)
    length = connection.execute(
        text("SELECT count(*) FROM matrix_embeddings WHERE matrix_id = :matrix"), {"matrix": matrix_id}
    ).scalar_one()
    if length != first_ord:
        return False
    if rows:
        connection.execute(insert(matrix_embeddings), [
            {"matrix_id": matrix_id, "ord": first_ord + i, "embedding_id": row.embedding_id,
             "model_id": row.model_id, "dataset_hash": dataset_hash, "job_id": job_id}
            for i, row in enumerate(rows)
        ])
        _insert(connection, matrix_id, {first_ord + i: row.quantities for i, row in enumerate(rows)}, recipe)
    if gaps:
        connection.execute(upsert(similarity_gaps).on_conflict_do_nothing(), [
            {"matrix_id": matrix_id, "embedding_id": embedding, "dataset_hash": dataset_hash, "reason": reason,
             "job_id": job_id}
            for embedding, reason in gaps
        ])
    return True


def fill(
    connection: Connection, *, matrix_id: int, rows: Mapping[int, Quantities], recipe: Mapping[str, Any] | None
) -> None:
    """Adds quantities to rows that are there; what a row has already stays as it is. Conflict as for `append`."""
    _lock(connection, matrix_id)
    _insert(connection, matrix_id, rows, recipe)


def _lock(connection: Connection, matrix_id: int) -> None:
    connection.execute(select(matrices.c.id).where(matrices.c.id == matrix_id).with_for_update())


def _insert(
    connection: Connection, matrix_id: int, rows: Mapping[int, Quantities], recipe: Mapping[str, Any] | None
) -> None:
    values = [
        {"matrix_id": matrix_id, "quantity": name, "ord": number, "vals": _encode(name, numbers)}
        for number, quantities in rows.items() for name, numbers in quantities.items()
    ]
    if recipe and any(name != VALUE for quantities in rows.values() for name in quantities):
        _agree(connection, matrix_id, dict(recipe))
    if values:
        connection.execute(upsert(similarity_rows).on_conflict_do_nothing(), values)


def _agree(connection: Connection, matrix_id: int, recipe: dict[str, Any]) -> None:
    """Sets the recipe of a matrix that has none; Conflict if it has another. The matrix is locked."""
    known = connection.execute(select(matrices.c.recipe).where(matrices.c.id == matrix_id)).scalar_one()
    if known is None:
        connection.execute(matrices.update().where(matrices.c.id == matrix_id).values(recipe=recipe))
    elif known != recipe:
        raise Conflict(
            f"The null of this matrix was found by {known}, and that of the new rows by {recipe}.",
            "Rows of one matrix must be comparable: a metric whose numbers change needs a new version.",
        )


def _encode(name: str, values: NDArray[np.float64]) -> bytes:
    with np.errstate(over="ignore"):
        packed = values.astype("<f4")
    # An interval may be open, where leaving stimuli out leaves an unbounded measure without a value.
    if not np.isfinite(packed).all() and (name.removesuffix(REVERSE) not in INTERVAL or np.isnan(packed).any()):
        raise ValueError("A similarity that is not finite must be a gap with its reason, never a stored value.")
    return packed.tobytes()
