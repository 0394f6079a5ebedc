"""Submissions that want the same work: each follows it, and none takes it from the other."""

from __future__ import annotations

from sqlalchemy import Connection

from backend.db.repositories import job_listing, jobs
from backend.db.repositories.expansion import expand
from tests.support.rows import add_dataset, add_model, new_job


def state(connection: Connection, job_id: int) -> str:
    row = job_listing.get(connection, job_id)
    assert row is not None
    return str(row["state"])


def test_cancelling_one_submission_leaves_what_another_wants(connection: Connection) -> None:
    dataset, model = add_dataset(connection, "a"), add_model(connection, "net")
    first, second = jobs.enqueue(connection, [new_job("register", 1), new_job("register", 2)])
    wanted = {"model_id": model, "model": "net", "dataset_ids": [dataset], "metrics": ["cka.linear.unbiased"],
              "preprocess": "l2", "extractor_version": 1, "owner": "local", "max_attempts": 3}  # fmt: skip
    (mine,) = expand(connection, parent_id=first, **wanted)
    assert expand(connection, parent_id=second, **wanted) == [mine], "the same work is joined"
    for submission in (first, second):
        rows, total = job_listing.list_page(connection, limit=9, before=None, state=None, kind=None, parent=submission)
        assert (total, rows[0]["id"]) == (1, mine)
        found = job_listing.get(connection, submission)
        assert found is not None and found["children"] == {"queued": 1}
    assert jobs.cancel(connection, first)
    assert (state(connection, first), state(connection, mine)) == ("cancelled", "queued")
    assert jobs.cancel(connection, second)
    assert state(connection, mine) == "cancelled"
