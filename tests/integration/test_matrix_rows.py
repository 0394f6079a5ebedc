"""Rows of matrices in the database: quantities are added, never changed; all rows of a matrix share one recipe."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import IntegrityError

from backend.db.engine import transaction
from backend.db.migrate import check, downgrade, upgrade
from backend.db.repositories import embeddings, matrices, matrix_rows
from backend.domain.errors import Conflict
from backend.domain.quantities import REVERSE, STORED, stored_of
from tests.support.rows import add_dataset, add_embedding, add_matrix, add_model, similarities

METRIC = "cka.linear.unbiased"
RECIPE = {"route": "cyclic", "seed": 0, "alpha": 0.05, "ci_method": "jackknife"}


@pytest.fixture
def matrix(engine: Engine) -> int:
    """A matrix of three models without nulls."""
    with transaction(engine) as connection:
        models = [add_model(connection, f"m{i}") for i in range(3)]
        return add_matrix(connection, add_dataset(connection, "a"), models, METRIC, similarities(3, 0))


def rows_of(connection: Connection) -> dict[tuple[str, int], bytes]:
    found = connection.execute(text("SELECT quantity, ord, vals FROM similarity_rows"))
    return {(row.quantity, row.ord): bytes(row.vals) for row in found}


def test_what_is_stored_of_a_similarity() -> None:
    assert stored_of(symmetric=True, calibrated=True, interval=True) == STORED
    assert stored_of(symmetric=True, calibrated=False, interval=True) == ("value", "ci_low", "ci_high")
    assert stored_of(symmetric=True, calibrated=False, interval=False) == ("value",)
    both = {*STORED, *(name + REVERSE for name in STORED)}
    assert set(stored_of(symmetric=False, calibrated=True, interval=True)) == both


def test_filling_adds_what_is_missing_and_changes_nothing(connection: Connection, matrix: int) -> None:
    before = rows_of(connection)
    rows = {row: {name: np.full(row + 1, 0.125) for name in STORED} for row in range(3)}
    assert matrix_rows.stored_quantities(connection, matrix) == {row: {"value"} for row in range(3)}
    matrix_rows.fill(connection, matrix_id=matrix, rows={1: rows[1]}, recipe=RECIPE)
    assert matrix_rows.stored_quantities(connection, matrix) == {0: {"value"}, 1: set(STORED), 2: {"value"}}
    for _ in range(2):
        matrix_rows.fill(connection, matrix_id=matrix, rows=rows, recipe=RECIPE)
        after = rows_of(connection)
        assert len(after) == 3 * len(STORED) and before.items() <= after.items()
    other = {2: {name: np.full(3, 0.5) for name in STORED}}
    matrix_rows.fill(connection, matrix_id=matrix, rows=other, recipe=RECIPE)
    assert rows_of(connection) == after


def test_all_rows_of_a_matrix_have_one_recipe(connection: Connection, matrix: int) -> None:
    def stored() -> Any:
        return connection.execute(text("SELECT recipe FROM matrices")).scalar_one()

    values = {0: {"value": np.ones(1)}}
    matrix_rows.fill(connection, matrix_id=matrix, rows=values, recipe=RECIPE)
    assert stored() is None, "values alone have no recipe"
    first = {0: {"p": np.ones(1)}}
    matrix_rows.fill(connection, matrix_id=matrix, rows=first, recipe=RECIPE)
    assert stored() == RECIPE
    matrix_rows.fill(connection, matrix_id=matrix, rows={1: {"p": np.ones(2)}}, recipe=dict(reversed(RECIPE.items())))
    before = rows_of(connection)
    with pytest.raises(Conflict, match=r"cyclic.*permutation"):
        matrix_rows.fill(
            connection, matrix_id=matrix, rows={2: {"p": np.ones(3)}}, recipe=RECIPE | {"route": "permutation"}
        )
    assert rows_of(connection) == before and stored() == RECIPE


@pytest.mark.parametrize(("statement", "refusal"), [
    ("UPDATE matrices SET recipe = '{}'", "only grows"),
    ("UPDATE matrices SET recipe = NULL", "only grows"),
    ("DELETE FROM matrices", "only grows"),
    ("UPDATE embedding_diagnostics SET value = 2", "only grows"),
    ("DELETE FROM embedding_diagnostics", "only grows"),
    ("INSERT INTO embedding_diagnostics VALUES (1, 'effective_rank', 'NaN')", "value_finite"),
    ("INSERT INTO embedding_diagnostics VALUES (1, 'effective_rank', 'Infinity')", "value_finite"),
    ("INSERT INTO embedding_diagnostics VALUES (1, 'guess', 1)", "name_known"),
    ("INSERT INTO embedding_diagnostics VALUES (77, 'effective_rank', 1)", "fk_embedding_diagnostics"),
    ("INSERT INTO similarity_rows VALUES (1, 'z', 0, decode('00000000', 'hex'))", "quantity_known"),
])  # fmt: skip
def test_the_database_refuses(engine: Engine, matrix: int, statement: str, refusal: str) -> None:
    with transaction(engine) as connection:
        matrix_rows.fill(connection, matrix_id=matrix, rows={0: {"p": np.ones(1)}}, recipe=RECIPE)
        embeddings.add_diagnostics(connection, 1, {"participation_ratio": 1.0})
    with pytest.raises(IntegrityError, match=refusal), transaction(engine) as connection:
        connection.execute(text(statement))


def test_only_the_recipe_of_a_matrix_can_be_set_and_only_together_with_nothing_else(
    engine: Engine, matrix: int
) -> None:
    with pytest.raises(IntegrityError, match="only grows"), transaction(engine) as connection:
        connection.execute(text("UPDATE matrices SET recipe = '{}', metric = 'other'"))
    with transaction(engine) as connection:
        connection.execute(text("UPDATE matrices SET recipe = '{\"seed\": 1}'"))
        assert connection.execute(text("SELECT recipe ->> 'seed' FROM matrices")).scalar_one() == "1"


def test_diagnostics_are_those_of_the_current_embedding(connection: Connection) -> None:
    dataset, model = add_dataset(connection, "a"), add_model(connection, "net")
    numbers = {"participation_ratio": 2.5, "effective_rank": 3.5, "outlier_dominance": 0.25}
    first = add_embedding(connection, model, dataset)
    assert embeddings.diagnostics(connection, dataset) == {}
    embeddings.add_diagnostics(connection, first, numbers)
    embeddings.add_diagnostics(connection, first, {"effective_rank": 9.0})
    assert embeddings.diagnostics(connection, dataset) == {"net": numbers}
    second = add_embedding(connection, model, dataset, extractor_version=9)
    assert embeddings.diagnostics(connection, dataset) == {}
    embeddings.add_diagnostics(connection, second, dict.fromkeys(numbers, 1.0))
    assert embeddings.diagnostics(connection, dataset) == {"net": dict.fromkeys(numbers, 1.0)}


def test_values_from_before_survive_the_way_up_and_down(empty_database_url: str) -> None:
    from backend.db.engine import make_engine

    # Rows are written by the code as it is, which knows the newest schema alone.
    upgrade(empty_database_url)
    engine = make_engine(empty_database_url)
    try:
        with transaction(engine) as connection:
            models = [add_model(connection, f"m{i}") for i in range(3)]
            matrix = add_matrix(connection, add_dataset(connection, "a"), models, METRIC, similarities(3, 0))
        downgrade(empty_database_url, "20261122_0001")
        with transaction(engine) as connection:
            before = rows_of(connection)
            pairs = connection.execute(text("SELECT model_a, model_b, value FROM similarity_pairs")).all()
        upgrade(empty_database_url)
        check(empty_database_url)
        with transaction(engine) as connection:
            assert rows_of(connection) == before
            seen = connection.execute(text("SELECT model_a, model_b, value, p FROM similarity_pairs")).all()
            assert sorted(seen) == sorted((*pair, None) for pair in pairs)
            matrix_rows.fill(connection, matrix_id=matrix, rows={1: {"p": np.ones(2)}}, recipe=RECIPE)
        downgrade(empty_database_url, "20261122_0001")
        with transaction(engine) as connection:
            assert rows_of(connection) == before
            assert connection.execute(text("SELECT model_a, model_b, value FROM similarity_pairs")).all() == pairs
        for statement in ("UPDATE matrices SET metric = 'x'", "DELETE FROM similarity_rows"):
            with pytest.raises(IntegrityError, match="only grows"), transaction(engine) as connection:
                connection.execute(text(statement))
        upgrade(empty_database_url)
        with transaction(engine) as connection:
            found = matrices.find(connection, dataset="a", version=None, metric=METRIC, preprocess="l2")
            assert found is not None and found["recipe"] is None and (found["n_rows"], found["n_filled"]) == (3, 0)
    finally:
        engine.dispose()
