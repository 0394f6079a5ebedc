"""Submissions that want the same work: each follows it, and none takes it from the other."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text

from backend.db.repositories import job_listing, jobs
from backend.db.repositories.expansion import expand
from backend.db.repositories.jobs import ClaimedJob
from tests.support.rows import add_dataset, add_embedding, add_model, new_job


def state(connection: Connection, job_id: int) -> str:
    row = job_listing.get(connection, job_id)
    assert row is not None
    return str(row["state"])


def must_claim(connection: Connection) -> ClaimedJob:
    job = jobs.claim(connection, worker="w", lease_s=30.0, patience_s=100.0)
    assert job is not None
    return job


def test_expansion_wants_what_is_missing_and_relies_on_what_runs(connection: Connection) -> None:
    model, dataset, other = add_model(connection, "m"), add_dataset(connection, "a"), add_dataset(connection, "b")
    add_embedding(connection, model, other)
    connection.execute(text("UPDATE jobs SET state = 'cancelled', finished_at = now()"))
    wanted: dict[str, Any] = {
        "model_id": model, "model": "m", "dataset_ids": [dataset, other], "metrics": ["cka.linear.unbiased"],
        "preprocess": "l2", "extractor_version": 1, "parent_id": None, "owner": "local", "max_attempts": 3,
    }  # fmt: skip
    extraction, comparison = expand(connection, **wanted)
    kinds = {number: job_listing.get(connection, number)["kind"] for number in (extraction, comparison)}  # type: ignore[index]
    assert kinds == {extraction: "extract", comparison: "compare"}
    assert expand(connection, **wanted) == [extraction, comparison]
    assert must_claim(connection).id == comparison and must_claim(connection).id == extraction
    again = expand(connection, **wanted)
    assert again[0] == extraction, "an extraction that runs will queue the comparisons"
    assert again[1] != comparison, "a comparison that runs has listed its pairs already"


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
