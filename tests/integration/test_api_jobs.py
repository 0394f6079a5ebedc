"""The writing half of the API: submissions, their errors, idempotency, following and cancelling jobs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from backend.contracts.jobs import Job, JobCounts, JobEvent
from backend.db.engine import transaction
from backend.db.repositories import jobs, workers
from tests.support.problems import fields_of, refused
from tests.support.rows import add_dataset, add_model, new_job
from tests.support.tiny import timm_submission


@pytest.fixture(autouse=True)
def catalogue(engine: Engine) -> None:
    """Two datasets and a model."""
    with transaction(engine) as connection:
        add_dataset(connection, "digits")
        add_dataset(connection, "shapes")
        add_model(connection, "known-net")


def submit(client: TestClient, key: str | None = None, **changes: Any) -> Any:
    body = timm_submission("test_vit", 0, ["digits", "shapes"], name="new-net") | changes
    return client.post("/jobs", json=body, headers={"Idempotency-Key": key} if key else {})


def count(engine: Engine) -> int:
    with transaction(engine) as connection:
        return int(connection.execute(text("SELECT count(*) FROM jobs")).scalar_one())


def test_a_submission_is_accepted_with_the_job_to_follow(client: TestClient) -> None:
    answer = submit(client, metrics=["cka.rbf.unbiased"])
    assert answer.status_code == 202
    job = Job.model_validate(answer.json())
    assert (job.kind, job.state, job.attempt, job.children) == ("register", "queued", 0, {})
    assert "new-net" in job.title and answer.headers["Location"] == f"/api/v1/jobs/{job.id}"
    assert client.get(f"/jobs/{job.id}").json() == answer.json()
    events = [JobEvent.model_validate(item) for item in client.get(f"/jobs/{job.id}/events").json()["items"]]
    assert [event.state for event in events] == ["queued"]


def test_an_existing_model_is_computed_under_its_name(client: TestClient) -> None:
    job = submit(client, model={"source": "existing", "name": "known-net"}).json()
    assert job["kind"] == "register" and job["model"] == "known-net"


def test_everything_wrong_with_a_form_is_said_at_once(client: TestClient, engine: Engine) -> None:
    answer = client.post("/jobs", json={
        "model": {
            "source": "timm", "timm_name": "resnet18x", "pretrained": False, "name": "Bad Name!", "objective": "",
            "architecture": "round", "training_data": "imagenet", "tags": ["good", "No Good"],
        },
        "datasets": ["digits", "shape"], "metrics": ["cka.linear.unbiased", "cka.rbf.unbiased:sigma=-1", "zzz"],
    })  # fmt: skip
    said = fields_of(refused(answer, 422))
    assert set(said) == {
        "model.timm_name", "model.name", "model.objective", "model.architecture", "model.training_data", "model.tags.1",
        "datasets.1", "metrics.1", "metrics.2",
    }  # fmt: skip
    assert "resnet18" in said["model.timm_name"] and "shapes" in said["datasets.1"]
    assert "imagenet-1k" in said["model.training_data"] and "sigma" in said["metrics.1"]
    assert count(engine) == 0


@pytest.mark.parametrize(("body", "fields"), [
    ({}, {"model", "datasets"}),
    ({"model": {}, "datasets": []}, {"model"}),
    ({"model": {"source": "pickle"}, "datasets": []}, {"model"}),
    ({"model": {"source": "timm"}, "datasets": "digits"},
     {"model.timm_name", "model.objective", "model.architecture", "model.training_data", "datasets"}),
    ({"model": {"source": "existing", "name": "known-net", "file": "x"}, "datasets": ["digits"]}, {"model.file"}),
    ({"model": {"source": "existing", "name": "known-ne"}, "datasets": []}, {"model.name", "datasets"}),
    ({"model": {"source": "checkpoint", "checkpoint_sha256": "0" * 64}, "datasets": ["digits"]},
     {"model.checkpoint_sha256"}),
    ({"model": {"source": "checkpoint", "checkpoint_sha256": "../../etc/passwd"}, "datasets": ["digits"]},
     {"model.checkpoint_sha256"}),
    ({"model": {"source": "existing", "name": "known-net"}, "datasets": ["digits"], "priority": 0}, {"priority"}),
])  # fmt: skip
def test_a_body_of_the_wrong_shape_is_refused_field_by_field(
    client: TestClient, body: dict[str, Any], fields: set[str]
) -> None:
    assert set(fields_of(refused(client.post("/jobs", json=body), 422))) == fields


@pytest.mark.parametrize("body", [
    b"", b"{", b"null", b"[]", b"1", b'"x"', b"\xff\xfe", b"[" * 50_000, b'{"model":' * 2_000, b"{" + b" " * 10_000,
    b'{"model": {"source": "timm", "timm_name": "a\\ud800"}, "datasets": ["a"]}',
    b'{"model": {"source": "existing", "name": "a\\u0000"}, "datasets": ["b\\u0000"]}',
    b'{"model": {"source": "existing", "name": NaN}, "datasets": [1e999]}',
])  # fmt: skip
def test_what_is_not_a_submission_is_refused(client: TestClient, engine: Engine, body: bytes) -> None:
    answer = client.post("/jobs", content=body, headers={"Content-Type": "application/json"})
    refused(answer, answer.status_code)
    assert answer.status_code in (400, 422) and count(engine) == 0


@pytest.mark.parametrize(("changes", "field"), [
    ({"timm_name": "local-dir:/etc"}, "model.timm_name"),
    ({"timm_name": "hf-hub:someone/pickled@main"}, "model.timm_name"),
    ({"timm_name": "https://example.org/model.pt"}, "model.timm_name"),
    ({"timm_name": "../../resnet18"}, "model.timm_name"),
    ({"timm_name": "resnet18\n"}, ""),
    ({"timm_name": "ｒesnet18"}, "model.timm_name"),
    ({"timm_name": ""}, "model.timm_name"),
    ({"timm_name": "r" * 100_000}, "model.timm_name"),
    ({"seed": -1}, "model.seed"),
    ({"seed": 2**31}, "model.seed"),
    ({"seed": 1.5}, "model.seed"),
    ({"name": "x" * 121}, "model.name"),
    ({"name": "../up"}, "model.name"),
    ({"name": "<script>"}, "model.name"),
    ({"objective": "supervised"}, "model.objective"),
    ({"description": "a\0b"}, None),
])  # fmt: skip
def test_hostile_descriptions_of_a_model(client: TestClient, changes: dict[str, Any], field: str | None) -> None:
    body = timm_submission("test_vit", 0, ["digits"], name="new-net")
    body["model"] |= changes
    answer = client.post("/jobs", json=body)
    if field == "":
        assert answer.status_code == 202, "blanks around a name are forgiven"
    else:
        problem = refused(answer, 422)
        assert field is None or field in fields_of(problem)


def test_the_same_key_with_the_same_body_is_the_same_job(client: TestClient, engine: Engine) -> None:
    first = submit(client, "key-1")
    again = submit(client, "key-1")
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"] and count(engine) == 1
    problem = refused(submit(client, "key-1", datasets=["digits"]), 422)
    assert "Idempotency-Key" in problem.detail
    with transaction(engine) as connection:
        claimed = jobs.claim(connection, worker="w", lease_s=30, patience_s=0)
        assert claimed is not None
        jobs.fail(connection, claimed, {"cause": "ours", "step": "s", "message": "m", "hint": "h"})
    assert submit(client, "key-1").json()["state"] == "failed", "also after the job has ended"


def test_one_key_sent_many_times_at_once_makes_one_job(client: TestClient, engine: Engine) -> None:
    for attempt in range(5):
        name = f"net-{attempt}"
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(
                lambda _, n=name: client.post(
                    "/jobs", json=timm_submission("test_vit", 0, ["digits"], name=n), headers={"Idempotency-Key": n}
                ),
                range(8),
            ))  # fmt: skip
        assert {answer.status_code for answer in answers} == {202}, [answer.text for answer in answers]
        assert len({answer.json()["id"] for answer in answers}) == 1
    assert count(engine) == 5


def test_one_key_with_two_bodies_at_once_is_refused_for_one_of_them(client: TestClient) -> None:
    def send(number: int) -> int:
        body = timm_submission("test_vit", number, ["digits"], name=f"net-{number}")
        return client.post("/jobs", json=body, headers={"Idempotency-Key": "shared"}).status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(send, range(4))) == [202, 422, 422, 422]


def test_a_name_that_is_taken_or_being_taken_is_a_conflict(client: TestClient) -> None:
    assert "known-net" in refused(submit(client, model=_timm("known-net", seed=7)), 409).detail
    job = submit(client).json()
    assert str(job["id"]) in refused(submit(client, model=_timm("new-net", seed=7)), 409).detail


def _timm(name: str, seed: int) -> dict[str, Any]:
    model: dict[str, Any] = timm_submission("test_vit", seed, [], name=name)["model"]
    return model


def test_the_queue_of_one_owner_is_bounded(client: TestClient, engine: Engine) -> None:
    with transaction(engine) as connection:
        jobs.enqueue(connection, [new_job(key=i) for i in range(50)])
    answer = submit(client)
    refused(answer, 429)
    assert answer.headers["Retry-After"]


def test_jobs_are_listed_newest_first_and_filtered(client: TestClient, engine: Engine) -> None:
    with transaction(engine) as connection:
        (parent,) = jobs.enqueue(connection, [new_job("register")])
        jobs.enqueue(connection, [new_job("extract", i, parent_id=parent) for i in range(5)])
        jobs.claim(connection, worker="w", lease_s=30, patience_s=0)
        jobs.cancel(connection, parent + 1)
    listed = client.get("/jobs").json()
    assert [job["id"] for job in listed["items"]] == list(range(parent + 5, parent - 1, -1)) and listed["total"] == 6
    assert listed["items"][-1]["children"] == {"queued": 4, "cancelled": 1}
    for params, expected in (
        ({"state": "running"}, [parent]), ({"state": "cancelled"}, [parent + 1]), ({"kind": "register"}, [parent]),
        ({"parent": parent, "state": "queued"}, list(range(parent + 5, parent + 1, -1))), ({"parent": 999}, []),
    ):  # fmt: skip
        page = client.get("/jobs", params=params).json()
        assert [job["id"] for job in page["items"]] == expected and page["total"] == len(expected)
    seen, cursor = [], None
    while True:
        page = client.get("/jobs", params={"limit": 4} | ({"cursor": cursor} if cursor else {})).json()
        seen += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == listed["items"]


def test_counts_of_jobs_and_workers(client: TestClient, engine: Engine) -> None:
    with transaction(engine) as connection:
        jobs.enqueue(connection, [new_job(key=i) for i in range(3)])
        jobs.claim(connection, worker="w", lease_s=30, patience_s=0)
        workers.seen(connection, "w", started=True)
    counts = JobCounts.model_validate(client.get("/job-counts").json())
    assert counts.states == {"queued": 2, "running": 1, "succeeded": 0, "failed": 0, "cancelled": 0}
    assert counts.workers == 1


def test_cancelling(client: TestClient, engine: Engine) -> None:
    job = submit(client).json()
    cancelled = client.post(f"/jobs/{job['id']}:cancel")
    assert cancelled.status_code == 200 and cancelled.json()["state"] == "cancelled"
    assert "cancelled already" in refused(client.post(f"/jobs/{job['id']}:cancel"), 409).detail
    running = submit(client).json()
    with transaction(engine) as connection:
        jobs.claim(connection, worker="w", lease_s=30, patience_s=0)
    answer = client.post(f"/jobs/{running['id']}:cancel").json()
    assert answer["state"] == "running" and answer["cancel_requested"]


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", str(2**63), "999", "1e3"])
def test_a_job_that_does_not_exist(client: TestClient, number: str) -> None:
    for method, path in (
        ("GET", f"/jobs/{number}"),
        ("GET", f"/jobs/{number}/events"),
        ("POST", f"/jobs/{number}:cancel"),
    ):
        answer = client.request(method, path)
        refused(answer, 404 if number == "999" else 422)


def test_a_failed_job_says_why(client: TestClient, engine: Engine) -> None:
    job = submit(client).json()
    with transaction(engine) as connection:
        claimed = jobs.claim(connection, worker="w", lease_s=30, patience_s=0)
        assert claimed is not None
        jobs.fail(connection, claimed, {"cause": "user", "step": "load", "message": "no such", "hint": "try"})
    failed = Job.model_validate(client.get(f"/jobs/{job['id']}").json())
    assert failed.state == "failed" and failed.error is not None
    assert failed.error.model_dump() == {"cause": "user", "step": "load", "message": "no such", "hint": "try"}
    assert client.get(f"/jobs/{job['id']}/events").json()["items"][-1]["detail"] == "no such"
