"""Each rule of the job system by itself, in SQL on a real Postgres."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import IntegrityError

from backend.db.engine import transaction
from backend.db.repositories import job_listing, jobs, workers
from backend.db.repositories.jobs import ClaimedJob
from tests.support.rows import add_dataset, new_job

ERROR = {"cause": "user", "step": "load", "message": "no", "hint": "yes"}
SHA = "0" * 64


def claim(
    connection: Connection, worker: str = "w", patience_s: float = 100.0, lease_s: float = 30.0
) -> ClaimedJob | None:
    return jobs.claim(connection, worker=worker, lease_s=lease_s, patience_s=patience_s)


def must_claim(connection: Connection, **options: Any) -> ClaimedJob:
    job = claim(connection, **options)
    assert job is not None
    return job


def beat(connection: Connection, job: ClaimedJob, **progress: Any) -> jobs.Beat:
    return jobs.beat(connection, job, lease_s=30.0, progress=progress, worker="w")


def expire(connection: Connection, job: ClaimedJob) -> None:
    connection.execute(text("UPDATE jobs SET lease_until = now() - interval '1 s' WHERE id = :id"), {"id": job.id})


def state(connection: Connection, job_id: int) -> str:
    row = job_listing.get(connection, job_id)
    assert row is not None
    return str(row["state"])


def history(connection: Connection, job_id: int) -> list[tuple[str, int]]:
    return [(event["state"], event["attempt"]) for event in job_listing.events(connection, job_id)]


def due_now(connection: Connection) -> None:
    connection.execute(text("UPDATE jobs SET not_before = now() WHERE state = 'queued'"))


def test_a_job_goes_from_queued_over_running_to_succeeded_once(connection: Connection) -> None:
    (number,) = jobs.enqueue(connection, [new_job()])
    job = must_claim(connection)
    assert (job.id, job.attempt, job.spec) == (number, 1, {"key": 0})
    assert beat(connection, job, step="embed", done=1, total=2) == jobs.Beat(lost=False)
    row = job_listing.get(connection, number)
    assert row is not None and row["progress"] == {"step": "embed", "done": 1, "total": 2}
    assert jobs.hold(connection, job)
    assert jobs.finish(connection, job, SHA)
    assert not jobs.finish(connection, job, SHA)
    assert not jobs.fail(connection, job, ERROR)
    assert not jobs.hold(connection, job)
    assert beat(connection, job).lost
    assert jobs.is_succeeded(connection, job)
    assert history(connection, number) == [("queued", 0), ("running", 1), ("succeeded", 1)]


def test_nothing_is_claimed_twice_and_nothing_before_its_time(connection: Connection) -> None:
    assert claim(connection) is None
    jobs.enqueue(connection, [new_job()])
    connection.execute(text("UPDATE jobs SET not_before = now() + interval '1 h'"))
    assert claim(connection) is None and jobs.due(connection) == 0
    due_now(connection)
    assert jobs.due(connection) == 1
    must_claim(connection)
    assert claim(connection) is None and jobs.due(connection) == 0


def test_many_workers_claim_every_job_exactly_once(engine: Engine) -> None:
    with transaction(engine) as connection:
        jobs.enqueue(connection, [new_job(key=i) for i in range(60)])

    def work(number: int) -> list[int]:
        claimed = []
        while True:
            with transaction(engine) as connection:
                job = claim(connection, worker=f"w{number}")
            if job is None:
                return claimed
            claimed.append(job.id)

    with ThreadPoolExecutor(6) as pool:
        taken = [number for part in pool.map(work, range(6)) for number in part]
    assert len(taken) == len(set(taken)) == 60


def test_order_is_priority_then_age(connection: Connection) -> None:
    dataset = add_dataset(connection, "d")
    wanted = [new_job("extract", 1), new_job("compare", 2, dataset_id=dataset, metric="m"), new_job("register", 3),
              new_job("ingest", 4), new_job("extract", 5)]  # fmt: skip
    jobs.enqueue(connection, wanted)
    assert [must_claim(connection).spec["key"] for _ in wanted] == [4, 3, 2, 1, 5]


def test_the_owner_with_fewest_running_jobs_goes_first(connection: Connection) -> None:
    jobs.enqueue(connection, [new_job(key=i, owner="greedy") for i in range(5)])
    jobs.enqueue(connection, [new_job(key=i, owner="modest") for i in range(5, 7)])
    assert [must_claim(connection).owner for _ in range(5)] == ["greedy", "modest", "greedy", "modest", "greedy"]


def test_a_comparison_waits_for_the_extractions_of_its_dataset_but_not_for_ever(connection: Connection) -> None:
    first, second = add_dataset(connection, "a"), add_dataset(connection, "b")
    jobs.enqueue(connection, [new_job("extract", 1, dataset_id=first), new_job("extract", 2, dataset_id=first)])
    jobs.enqueue(connection, [new_job("compare", 3, dataset_id=first, metric="m")])
    jobs.enqueue(connection, [new_job("compare", 4, dataset_id=second, metric="m")])
    assert must_claim(connection).spec["key"] == 4, "nothing is being extracted on its dataset"
    extractions = [must_claim(connection), must_claim(connection)]
    assert [job.kind for job in extractions] == ["extract", "extract"]
    jobs.finish(connection, extractions[0], SHA)
    assert claim(connection) is None, "the other extraction is running"
    connection.execute(text("UPDATE jobs SET created_at = now() - interval '9 s' WHERE kind = 'compare'"))
    assert claim(connection, patience_s=10) is None
    comparison = must_claim(connection, patience_s=8)
    assert comparison.spec["key"] == 3


def test_extractions_go_dataset_by_dataset(connection: Connection) -> None:
    first, second = add_dataset(connection, "a"), add_dataset(connection, "b")
    for key, dataset in ((1, first), (2, second), (3, first), (4, second)):
        jobs.enqueue(connection, [new_job("extract", key, dataset_id=dataset)])
    assert [must_claim(connection).spec["key"] for _ in range(4)] == [1, 3, 2, 4]


def test_a_slow_comparison_waits_longer_than_its_patience(connection: Connection) -> None:
    dataset = add_dataset(connection, "a")
    jobs.enqueue(connection, [new_job("compare", 1, dataset_id=dataset, metric="m")])
    past = must_claim(connection)
    connection.execute(text("UPDATE jobs SET started_at = now() - interval '3 s' WHERE id = :id"), {"id": past.id})
    jobs.finish(connection, past, SHA)
    jobs.enqueue(connection, [new_job("extract", 2, dataset_id=dataset)])
    must_claim(connection)
    jobs.enqueue(connection, [new_job("compare", 3, dataset_id=dataset, metric="m")])
    connection.execute(text("UPDATE jobs SET created_at = now() - interval '59 s' WHERE state = 'queued'"))
    assert claim(connection, patience_s=10) is None, "the last pass took 3 s: 60 s of waiting keep it to a twentieth"
    connection.execute(text("UPDATE jobs SET created_at = now() - interval '61 s' WHERE state = 'queued'"))
    assert must_claim(connection, patience_s=10).spec["key"] == 3


def test_the_wait_for_a_slow_comparison_has_an_end(connection: Connection) -> None:
    dataset = add_dataset(connection, "a")
    jobs.enqueue(connection, [new_job("compare", 1, dataset_id=dataset, metric="m")])
    past = must_claim(connection)
    connection.execute(text("UPDATE jobs SET started_at = now() - interval '9 h' WHERE id = :id"), {"id": past.id})
    jobs.finish(connection, past, SHA)
    jobs.enqueue(connection, [new_job("extract", 2, dataset_id=dataset)])
    must_claim(connection)
    jobs.enqueue(connection, [new_job("compare", 3, dataset_id=dataset, metric="m")])
    connection.execute(text("UPDATE jobs SET created_at = now() - interval '11 min' WHERE state = 'queued'"))
    assert must_claim(connection).spec["key"] == 3


def test_requests_with_keys_of_their_own_have_jobs_of_their_own(connection: Connection) -> None:
    ids = jobs.enqueue(connection, [new_job(idempotency_key="a"), new_job(idempotency_key="b"), new_job(), new_job()])
    assert len(set(ids)) == 3 and ids[2] == ids[3]
    found = jobs.get_by_idempotency_key(connection, "local", "b")
    assert found is not None and found["id"] == ids[1]


def test_a_comparison_is_free_once_the_extractions_are_done_however_they_ended(connection: Connection) -> None:
    dataset = add_dataset(connection, "a")
    jobs.enqueue(connection, [new_job("extract", i, dataset_id=dataset) for i in range(2)])
    jobs.enqueue(connection, [new_job("compare", 9, dataset_id=dataset, metric="m")])
    jobs.fail(connection, must_claim(connection), ERROR)
    cancelled = must_claim(connection)
    jobs.cancel(connection, cancelled.id)
    jobs.finish_cancelled(connection, cancelled)
    assert must_claim(connection).kind == "compare"


def test_two_comparisons_never_fill_one_matrix_at_once(connection: Connection) -> None:
    dataset = add_dataset(connection, "a")
    jobs.enqueue(connection, [new_job("compare", 1, dataset_id=dataset, metric="m")])
    running = must_claim(connection)
    jobs.enqueue(connection, [new_job("compare", 1, dataset_id=dataset, metric="m")])
    jobs.enqueue(connection, [new_job("compare", 2, dataset_id=dataset, metric="other")])
    assert must_claim(connection).spec["key"] == 2
    assert claim(connection) is None
    jobs.finish(connection, running, SHA)
    assert must_claim(connection).spec["key"] == 1


def test_a_request_joins_queued_work_but_not_running_work(connection: Connection) -> None:
    assert new_job().spec_hash != new_job("register").spec_hash
    (first,) = jobs.enqueue(connection, [new_job()])
    assert jobs.enqueue(connection, [new_job(title="other words")]) == [first]
    job = must_claim(connection)
    assert jobs.unfinished_like(connection, new_job()) == first
    (second,) = jobs.enqueue(connection, [new_job()])
    assert second != first, "the running one has already looked at what there is to do"
    # The running one goes back: now both are queued, and new requests join the one that has not run yet.
    assert jobs.release(connection, job, "note")
    assert jobs.enqueue(connection, [new_job()]) == [second]


def test_joined_work_does_not_begin_before_the_request_that_joined_it_is_committed(engine: Engine) -> None:
    """Else it could list its inputs before those of the request can be seen, and nobody would do them any more."""
    with transaction(engine) as connection:
        (number,) = jobs.enqueue(connection, [new_job("register")])
    with transaction(engine) as joining, transaction(engine) as other:
        assert jobs.enqueue(joining, [new_job("register")]) == [number]
        assert claim(other) is None
    with transaction(engine) as connection:
        assert must_claim(connection).id == number


def test_running_work_that_is_relied_upon_does_not_end_before_the_request_is_committed(engine: Engine) -> None:
    with transaction(engine) as connection:
        (number,) = jobs.enqueue(connection, [new_job()])
        job = must_claim(connection)
    ended = threading.Event()

    def end() -> None:
        with transaction(engine) as connection:
            assert jobs.hold(connection, job)
            jobs.finish(connection, job, SHA)
        ended.set()

    with transaction(engine) as relying:
        assert jobs.unfinished_like(relying, new_job()) == number
        thread = threading.Thread(target=end)
        thread.start()
        assert not ended.wait(0.3)
    thread.join(10)
    assert ended.is_set()


def test_nobody_relies_on_work_that_is_being_cancelled(connection: Connection) -> None:
    (number,) = jobs.enqueue(connection, [new_job()])
    must_claim(connection)
    jobs.cancel(connection, number)
    assert jobs.unfinished_like(connection, new_job()) is None


@pytest.mark.parametrize("what", ["beat", "hold", "finish", "fail", "release", "finish_cancelled"])
def test_an_attempt_that_lost_its_lease_changes_nothing(connection: Connection, what: str) -> None:
    (number,) = jobs.enqueue(connection, [new_job()])
    zombie = must_claim(connection, worker="a")
    expire(connection, zombie)
    assert jobs.reap(connection, backoff_s=0).requeued == [number]
    due_now(connection)
    second = must_claim(connection, worker="b")
    if what == "finish_cancelled":
        jobs.cancel(connection, number)
    before = connection.execute(text("SELECT * FROM jobs")).mappings().all()
    done: Any = {
        "beat": lambda: not beat(connection, zombie).lost,
        "hold": lambda: jobs.hold(connection, zombie),
        "finish": lambda: jobs.finish(connection, zombie, SHA),
        "fail": lambda: jobs.fail(connection, zombie, ERROR),
        "release": lambda: jobs.release(connection, zombie, "note"),
        "finish_cancelled": lambda: jobs.finish_cancelled(connection, zombie),
    }[what]()
    assert not done
    assert connection.execute(text("SELECT * FROM jobs")).mappings().all() == before
    if what != "finish_cancelled":
        assert jobs.finish(connection, second, SHA)


def test_the_reaper_waits_longer_each_time_and_gives_up_after_the_last_attempt(connection: Connection) -> None:
    (number,) = jobs.enqueue(connection, [new_job()])
    for attempt in (1, 2, 3):
        due_now(connection)
        job = must_claim(connection)
        assert job.attempt == attempt
        assert jobs.reap(connection, 1.0) == jobs.Reaped(), "the lease still runs"
        expire(connection, job)
        reaped = jobs.reap(connection, 1.0)
        row = connection.execute(text("SELECT state, error, not_before - now() AS wait FROM jobs")).mappings().one()
        if attempt < 3:
            assert reaped == jobs.Reaped(requeued=[number])
            assert row["wait"].total_seconds() == pytest.approx(2**attempt, abs=0.01)
        else:
            assert reaped == jobs.Reaped(ended=[number])
            assert row["state"] == "failed" and row["error"]["cause"] == "ours"
    assert history(connection, number)[-2:] == [("running", 3), ("failed", 3)]


def test_the_reaper_never_waits_longer_than_five_minutes(connection: Connection) -> None:
    jobs.enqueue(connection, [new_job(max_attempts=100)])
    connection.execute(text("UPDATE jobs SET attempt = 60"))
    expire(connection, must_claim(connection))
    jobs.reap(connection, 1.0)
    assert connection.execute(text("SELECT not_before - now() <= interval '300 s' FROM jobs")).scalar()


def test_a_job_that_is_given_back_keeps_its_attempts_unless_counted(connection: Connection) -> None:
    (number,) = jobs.enqueue(connection, [new_job(max_attempts=2)])
    for _ in range(5):
        assert jobs.release(connection, must_claim(connection), "being stopped")
    row = job_listing.get(connection, number)
    assert row is not None and row["max_attempts"] - row["attempt"] == 2
    for expected in ("queued", "failed"):
        due_now(connection)
        jobs.release(connection, must_claim(connection), "hub away", delay_s=15.0, counted=True)
        assert state(connection, number) == expected


def test_cancelling_ends_queued_jobs_at_once_and_running_ones_by_their_worker(connection: Connection) -> None:
    (parent,) = jobs.enqueue(connection, [new_job("register")])
    running = must_claim(connection)
    dataset = add_dataset(connection, "d")
    children = jobs.enqueue(connection, [
        new_job("extract", 1, parent_id=parent),
        new_job("compare", 2, parent_id=parent, dataset_id=dataset, metric="m"),
    ])  # fmt: skip
    assert jobs.cancel(connection, parent)
    assert [state(connection, n) for n in (parent, *children)] == ["running", "cancelled", "queued"]
    assert beat(connection, running).cancel_requested
    assert not jobs.hold(connection, running)
    assert not jobs.finish(connection, running, SHA)
    assert not jobs.release(connection, running, "note")
    assert jobs.finish_cancelled(connection, running)
    assert history(connection, parent)[-1] == ("cancelled", 1)
    assert not jobs.cancel(connection, parent)


def test_a_cancelled_job_whose_worker_is_gone_is_cancelled_by_the_reaper(connection: Connection) -> None:
    (number,) = jobs.enqueue(connection, [new_job()])
    job = must_claim(connection)
    jobs.cancel(connection, number)
    expire(connection, job)
    assert jobs.reap(connection, 0.0).ended == [number]
    assert state(connection, number) == "cancelled"


def test_a_worker_that_is_being_stopped_learns_it_from_its_heartbeat(connection: Connection) -> None:
    jobs.enqueue(connection, [new_job()])
    workers.seen(connection, "w", started=True)
    job = must_claim(connection)
    assert not beat(connection, job).draining
    workers.drain(connection, "w")
    assert beat(connection, job).draining and workers.count_alive(connection) == 0
    workers.seen(connection, "w")
    assert beat(connection, job).draining, "being seen again does not mean that it started anew"
    workers.seen(connection, "w", started=True)
    assert not beat(connection, job).draining and workers.count_alive(connection) == 1


@pytest.mark.parametrize("statement", [
    "UPDATE jobs SET state = 'queued', finished_at = NULL, result_sha256 = NULL",
    "UPDATE jobs SET title = 'other'",
    "UPDATE jobs SET state = 'failed', error = '{}'",
])  # fmt: skip
def test_the_database_refuses_to_change_a_final_job(engine: Engine, statement: str) -> None:
    with transaction(engine) as connection:
        jobs.enqueue(connection, [new_job()])
        jobs.finish(connection, must_claim(connection), SHA)
    with pytest.raises(IntegrityError, match="is final"), transaction(engine) as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize(("statement", "constraint"), [
    ("UPDATE jobs SET attempt = 0", "cannot fall"),
    ("UPDATE jobs SET lease_until = NULL", "lease_iff_running"),
    ("UPDATE jobs SET state = 'succeeded', lease_until = NULL, finished_at = now()", "success_has_result"),
    ("UPDATE jobs SET state = 'cancelled', lease_until = NULL", "finished_iff_final"),
    ("UPDATE jobs SET state = 'failed', lease_until = NULL, finished_at = now()", "error_iff_failed"),
    ("UPDATE jobs SET state = 'paused', lease_until = NULL", "state_known"),
    ("UPDATE jobs SET kind = 'other'", "kind_known"),
])  # fmt: skip
def test_the_database_refuses_states_that_make_no_sense(engine: Engine, statement: str, constraint: str) -> None:
    with transaction(engine) as connection:
        jobs.enqueue(connection, [new_job()])
        must_claim(connection)
    with pytest.raises(IntegrityError, match=constraint), transaction(engine) as connection:
        connection.execute(text(statement))
