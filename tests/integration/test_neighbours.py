"""Nearest neighbours of every stimulus, stored with each embedding and filled in for those of before."""

from __future__ import annotations

import numpy as np
import pytest

from backend.db.engine import transaction
from backend.db.repositories import embeddings
from backend.domain.disagreement import STORED
from backend.storage import load_array
from tests.support.extracting import only_embedding, submission
from tests.support.in_process import InProcess
from tests.support.tiny import archive
from workers.pipelines.neighbours import nearest

ROWS = "SELECT g.k, g.file_sha256, g.job_id, e.job_id AS made_by FROM embedding_neighbours g " \
    "JOIN embeddings e ON e.id = g.embedding_id"  # fmt: skip


def by_angle(embedding: np.ndarray, k: int) -> np.ndarray:
    """The definition: the k largest cosines of other rows."""
    unit = embedding.astype(np.float64) / np.linalg.norm(embedding.astype(np.float64), axis=1, keepdims=True)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -np.inf)
    return np.argsort(-cosines, axis=1, kind="stable")[:, :k]


def forget(worker: InProcess) -> None:
    worker.rows("ALTER TABLE embedding_neighbours DISABLE TRIGGER refuse_change")
    worker.rows("DELETE FROM embedding_neighbours")
    worker.rows("ALTER TABLE embedding_neighbours ENABLE TRIGGER refuse_change")


@pytest.mark.parametrize("n", [30, 10])
def test_an_embedding_comes_with_its_neighbours(worker: InProcess, n: int) -> None:
    worker.add_dataset(archive("noise", n))
    worker.submit(submission())
    (row,) = worker.rows(ROWS)
    assert row.k == min(STORED, n - 1) and row.job_id == row.made_by
    stored = load_array(worker.store, row.file_sha256)
    assert stored.dtype == np.int32
    np.testing.assert_array_equal(stored, by_angle(only_embedding(worker), row.k))


def test_an_embedding_of_before_gets_them_with_the_next_comparison(worker: InProcess) -> None:
    worker.add_dataset(archive("noise", 24))
    worker.submit(submission())
    (before,) = worker.rows(ROWS)
    forget(worker)
    worker.submit(submission("test_vit"))
    rows = worker.rows(ROWS + " ORDER BY g.embedding_id")
    assert len(rows) == 2 and rows[0].file_sha256 == before.file_sha256
    compares = {job.id for job in worker.jobs("compare")}
    assert rows[0].job_id in compares and rows[1].job_id == rows[1].made_by


def test_a_sweep_of_the_store_keeps_them(worker: InProcess) -> None:
    worker.add_dataset(archive("noise", 24))
    worker.submit(submission())
    (row,) = worker.rows(ROWS)
    with transaction(worker.engine) as connection:
        used = embeddings.files_in_use(connection)
    worker.store.sweep(used, older_than_s=0.0)
    assert load_array(worker.store, row.file_sha256).shape == (24, 23)


def test_rows_without_an_angle_have_no_neighbours() -> None:
    rows = np.random.default_rng(0).standard_normal((20, 5)).astype(np.float32)
    assert nearest(rows, "cpu") is not None
    broken = rows.copy()
    broken[7] = 0
    assert nearest(broken, "cpu") is None
    broken[7] = np.nan
    assert nearest(broken, "cpu") is None
    assert nearest(np.ones((20, 5), np.float32), "cpu") is None


def test_the_database_keeps_lists_as_they_are(worker: InProcess) -> None:
    worker.add_dataset(archive("noise", 12))
    worker.submit(submission())
    with pytest.raises(Exception, match="only grows"):
        worker.rows("UPDATE embedding_neighbours SET k = 3")
