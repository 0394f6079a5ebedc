"""The schema goes up, down and up again, agrees with the tables in the code, and refuses what must not be stored."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import IntegrityError

from backend.api.app import create_app
from backend.db.engine import make_engine, transaction
from backend.db.migrate import check, current_revision, downgrade, head_revision, upgrade
from backend.db.repositories import datasets, matrix_rows
from backend.settings import Settings
from tests.support.rows import add_dataset, add_embedding, add_matrix, add_model, new_job, similarities

METRIC = "cka.linear.unbiased"


def objects(url: str) -> set[tuple[str, str]]:
    """Everything of ours in a database: tables, views, indexes, functions, triggers, constraints."""
    engine = make_engine(url)
    with transaction(engine) as connection:
        found = connection.execute(text("""
            SELECT relkind::text, relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
            UNION SELECT 'function', proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
            UNION SELECT 'trigger', tgname FROM pg_trigger WHERE NOT tgisinternal
            UNION SELECT 'constraint', conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        """)).all()  # fmt: skip
    engine.dispose()
    return {(kind, name) for kind, name in found if not name.startswith("alembic_version")}


def test_up_down_up_and_the_code_agrees(empty_database_url: str) -> None:
    upgrade(empty_database_url)
    first = objects(empty_database_url)
    assert ("v", "similarity_pairs") in first and ("trigger", "guard_job") in first
    check(empty_database_url)
    downgrade(empty_database_url, "base")
    assert objects(empty_database_url) == set()
    upgrade(empty_database_url)
    assert objects(empty_database_url) == first
    check(empty_database_url)


def test_several_starts_migrate_at_once_without_harm(empty_database_url: str) -> None:
    with ThreadPoolExecutor(1) as pool:
        # Alembic keeps its context in globals of the process, so a second start is a second process.
        import subprocess
        import sys

        code = "import sys; from backend.db.migrate import upgrade; upgrade(sys.argv[1])"
        other = pool.submit(subprocess.run, [sys.executable, "-c", code, empty_database_url], check=True)
        upgrade(empty_database_url)
        other.result()
    engine = make_engine(empty_database_url)
    with transaction(engine) as connection:
        assert current_revision(connection) == head_revision()
    engine.dispose()


@pytest.fixture
def filled(engine: Engine) -> dict[str, Any]:
    """Two datasets, three models, a matrix on the first dataset; an embedding of each model on the second."""
    with transaction(engine) as connection:
        first, second = add_dataset(connection, "a"), add_dataset(connection, "b")
        models = [add_model(connection, name) for name in ("m0", "m1", "m2")]
        values = similarities(3, seed=0)
        matrix = add_matrix(connection, first, models, METRIC, values)
        foreign = add_embedding(connection, models[0], second)
        hashes = [datasets.get_by_id(connection, number)["dataset_hash"] for number in (first, second)]  # type: ignore[index]
    return {"matrix": matrix, "foreign": foreign, "hashes": hashes, "models": models, "values": values,
            "first": first, "second": second}  # fmt: skip


@pytest.mark.parametrize("which_hash", [0, 1])
def test_embeddings_of_different_datasets_cannot_meet_in_a_matrix(
    engine: Engine, filled: dict[str, Any], which_hash: int
) -> None:
    with pytest.raises(IntegrityError, match="fk_matrix_embeddings"), transaction(engine) as connection:
        connection.execute(
            text("""INSERT INTO matrix_embeddings (matrix_id, ord, embedding_id, model_id, dataset_hash, job_id)
                    VALUES (:matrix, 3, :foreign, :model, :hash, 1)"""),
            {"matrix": filled["matrix"], "foreign": filled["foreign"], "model": filled["models"][0],
             "hash": filled["hashes"][which_hash]},
        )  # fmt: skip


@pytest.mark.parametrize(("statement", "refusal"), [
    ("UPDATE similarity_rows SET vals = vals", "only grows"),
    ("DELETE FROM similarity_rows", "only grows"),
    ("UPDATE matrix_embeddings SET ord = ord + 10", "only grows"),
    ("DELETE FROM matrix_embeddings", "only grows"),
    ("UPDATE matrices SET metric = 'other'", "only grows"),
    ("UPDATE stimuli SET label = 'x'", "only grows"),
    ("UPDATE datasets SET title = 'x'", "only grows"),
    ("DELETE FROM datasets", "only grows"),
    ("INSERT INTO similarity_rows VALUES (1, 'value', 2, '')", "vals_length|pk_similarity_rows"),
    ("INSERT INTO similarity_rows VALUES (1, 'value', 7, decode(repeat('00', 32), 'hex'))", "fk_similarity_rows"),
    ("INSERT INTO similarity_rows VALUES (1, 'guess', 2, decode(repeat('00', 12), 'hex'))", "quantity_known"),
    ("UPDATE models SET name = 'Not A Slug'", "name_slug"),
    ("UPDATE models SET objective = 'guessing'", "objective_known"),
    ("UPDATE models SET revision = ''", "revision_pinned"),
    ("UPDATE embeddings SET file_sha256 = 'x'", "file_sha256_sha256"),
    ("UPDATE embeddings SET dataset_hash = repeat('0', 64)", "fk_"),
    ("UPDATE embeddings SET dtype = 'float16'", "dtype_known"),
])  # fmt: skip
def test_the_database_refuses(engine: Engine, filled: dict[str, Any], statement: str, refusal: str) -> None:
    with pytest.raises(IntegrityError, match=refusal), transaction(engine) as connection:
        connection.execute(text(statement))


def test_the_same_network_under_two_names_is_one_model(engine: Engine, filled: dict[str, Any]) -> None:
    with transaction(engine) as connection:
        row = connection.execute(text("SELECT weights_sha256 FROM models WHERE name = 'm0'")).scalar_one()
        assert add_model(connection, "another-name", weights_sha256=row) == filled["models"][0]


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e39])
def test_a_value_that_is_not_finite_is_never_stored(engine: Engine, filled: dict[str, Any], bad: float) -> None:
    from backend.db.repositories.matrix_rows import NewRow

    with pytest.raises(ValueError, match="not finite"), transaction(engine) as connection:
        embedding = add_embedding(connection, add_model(connection, "m3"), filled["first"])
        row = NewRow(embedding, 4, {"value": np.array([0.5, bad, 0.1, 1.0])})
        matrix_rows.append(
            connection, matrix_id=filled["matrix"], dataset_hash=filled["hashes"][0], first_ord=3, rows=[row],
            gaps=[], job_id=1,
        )  # fmt: skip


def test_rows_for_a_matrix_that_grew_meanwhile_are_refused_whole(
    connection: Connection, filled: dict[str, Any]
) -> None:
    before = connection.execute(text("SELECT count(*) FROM matrix_embeddings")).scalar()
    for stale in (0, 2, 4):
        assert not matrix_rows.append(
            connection, matrix_id=filled["matrix"], dataset_hash=filled["hashes"][0], first_ord=stale, rows=[],
            gaps=[(filled["foreign"], "reason")], job_id=1,
        )  # fmt: skip
    assert connection.execute(text("SELECT count(*) FROM matrix_embeddings")).scalar() == before
    assert connection.execute(text("SELECT count(*) FROM similarity_gaps")).scalar() == 0


def test_the_view_of_pairs_holds_the_numbers_of_the_matrix(
    engine: Engine, filled: dict[str, Any], module_database_url: str, tmp_path: Any
) -> None:
    with transaction(engine) as connection:
        pairs = {
            (row.model_a, row.model_b): row.value
            for row in connection.execute(text("SELECT * FROM similarity_pairs WHERE dataset = 'a'"))
        }
    with TestClient(create_app(Settings(DATABASE_URL=module_database_url, home=tmp_path))) as client:
        matrix = client.get("/api/v1/matrices", params={"dataset": "a", "metric": METRIC}).json()
    assert matrix["models"] == ["m0", "m1", "m2"]
    assert pairs == {
        (matrix["models"][row], matrix["models"][column]): pytest.approx(matrix["values"][row][column], rel=1e-7)
        for row in range(3) for column in range(row)
    }  # fmt: skip
    np.testing.assert_array_equal(np.array(matrix["values"], np.float32), filled["values"].astype(np.float32))


@pytest.mark.parametrize(
    "value", [0.0, 1.0, -1.0, 0.1, -0.3333333, 1e-30, 1e-42, -1e-45, 3.4e38, 1 / 3, np.inf, -np.inf]
)
def test_the_view_decodes_every_kind_of_float32_exactly(connection: Connection, value: float) -> None:
    stored = np.float32(value)
    for index in (0, 2):
        packed = np.array([7.0] * index + [stored, 9.0], dtype="<f4").tobytes()
        decoded = connection.execute(
            text("SELECT parallax_float4(:bytes, :index)"), {"bytes": packed, "index": index}
        ).scalar_one()
        assert np.float32(decoded) == stored


def test_every_table_has_a_primary_key_and_foreign_keys_are_named(engine: Engine) -> None:
    inspector = inspect(engine)
    for table in set(inspector.get_table_names()) - {"alembic_version"}:
        assert inspector.get_pk_constraint(table)["constrained_columns"], table
        assert all((key["name"] or "").startswith("fk_") for key in inspector.get_foreign_keys(table)), table


def test_a_job_cannot_be_queued_twice_for_the_same_work_even_by_plain_sql(engine: Engine) -> None:
    from backend.db.repositories import jobs

    with transaction(engine) as connection:
        jobs.enqueue(connection, [new_job()])
    columns = "kind, queue, spec, spec_hash, title, priority, max_attempts"
    with pytest.raises(IntegrityError, match="uq_jobs_queued_spec"), transaction(engine) as connection:
        connection.execute(text(f"INSERT INTO jobs ({columns}) SELECT {columns} FROM jobs"))
