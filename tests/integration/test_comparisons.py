"""Any metric on any dataset, on request: what is refused, what is joined, and what the work leaves in the matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sqlalchemy import Connection

from backend.contracts.jobs import Job
from backend.contracts.matrices import Matrix, MatrixSummary
from backend.db.engine import transaction
from backend.db.repositories import datasets, matrices
from backend.db.repositories.comparing import wanted_comparisons
from backend.db.repositories.expansion import keep_matrices
from backend.domain.groups import group_numbers
from backend.domain.quantities import CALIBRATION, INTERVAL, REVERSE, STORED, VALUE
from backend.storage import put_array
from tests.support.in_process import InProcess
from tests.support.problems import fields_of, refused
from tests.support.rows import add_dataset, add_embedding, add_model
from workers.pipelines import compare as pipeline
from workers.similarity.engine import ComparisonRow, ComparisonRows
from workers.similarity.engine import compare as real_compare

LINEAR, SPEARMAN, CYCLE, RTD = "cka.linear.unbiased", "rsa.correlation.spearman", "knn.cycle:k=3", "rtd"
N, D = 24, 6


def embed(worker: InProcess, connection: Connection, dataset: int, model: int, seed: int) -> int:
    """A real embedding: six features of 24 stimuli, half of them shared by all models."""
    shared = np.random.default_rng(0).normal(size=(N, D))
    rows = (shared + np.random.default_rng(seed + 1).normal(size=(N, D))).astype(np.float32)
    sha = put_array(worker.store, rows)
    return add_embedding(connection, model, dataset, file_sha256=sha, d=D)


@pytest.fixture
def filled(worker: InProcess) -> dict[str, Any]:
    """Four models, embedded on a dataset in eight groups; one more that is not embedded. No job is left over."""
    with transaction(worker.engine) as connection:
        dataset = add_dataset(connection, "digits", n=N, groups=8)
        models = [add_model(connection, f"net-{i}") for i in range(5)]
        for seed, model in enumerate(models[:4]):
            embed(worker, connection, dataset, model, seed)
    worker.rows("UPDATE jobs SET state = 'cancelled', finished_at = now()")
    return {"dataset": dataset, "models": models}


def ask(worker: InProcess, metric: str, key: str | None = None, **changes: Any) -> Any:
    body = {"dataset": "digits", "metric": metric} | changes
    return worker.client.post("/comparisons", json=body, headers={"Idempotency-Key": key} if key else {})


def done(worker: InProcess, metric: str, **changes: Any) -> Job:
    """Asks, works, and answers the job as it ended."""
    answer = ask(worker, metric, **changes)
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == f"/api/v1/jobs/{answer.json()['id']}"
    worker.work_off()
    return worker.job(answer.json()["id"])


def layer(worker: InProcess, metric: str, name: str = VALUE) -> Matrix:
    params = {"dataset": "digits", "metric": metric, "layer": name}
    return Matrix.model_validate_json(worker.client.get("/matrices", params=params).content)


def stored(worker: InProcess) -> dict[tuple[str, int], bytes]:
    return {(row.quantity, row.ord): bytes(row.vals) for row in worker.rows("SELECT * FROM similarity_rows")}


@pytest.mark.parametrize(("body", "said"), [
    ({}, {"dataset": "required", "metric": "required"}),
    ({"dataset": "digit", "metric": "cka.linear.unbiasd", "preprocess": "l3"},
     {"dataset": "digits", "metric": LINEAR, "preprocess": "l2"}),
    ({"dataset": "digits", "metric": "cka.rbf.unbiased:sigma=0"}, {"metric": "0.01"}),
    ({"dataset": "digits", "metric": "knn.mutual:k=30"}, {"metric": "at least 32 stimuli; digits has 24"}),
    ({"dataset": "digits", "metric": LINEAR, "models": ["net-0", "net-1"]}, {"models": "Leave the models out"}),
    ({"dataset": "digits", "metric": RTD}, {"models": "2 to 12 chosen models; 0 were given"}),
    ({"dataset": "digits", "metric": RTD, "models": ["net-0"]}, {"models": "1 were given"}),
    ({"dataset": "digits", "metric": RTD, "models": [f"net-{i}" for i in range(13)]},
     {"models": "13 were given", "models.4": "no embedding on digits", "models.5": "net-"} | {
         f"models.{i}": "no model" for i in range(6, 12)}),
    ({"dataset": "digits", "metric": RTD, "models": ["net-0", "net-0", "nett-1", "net-4"]},
     {"models.1": "twice", "models.2": "net-1", "models.3": "POST /jobs"}),
    ({"dataset": "digits", "metric": LINEAR, "priority": 1}, {"priority": "xtra"}),
    ({"dataset": "x" * 201, "metric": LINEAR}, {"dataset": "200"}),
    ({"dataset": "digits", "metric": 3}, {"metric": "string"}),
])  # fmt: skip
def test_everything_wrong_with_a_request_is_said_at_once(
    worker: InProcess, filled: dict[str, Any], body: dict[str, Any], said: dict[str, str]
) -> None:
    found = fields_of(refused(worker.client.post("/comparisons", json=body), 422))
    assert set(found) == set(said)
    for field, words in said.items():
        assert words in found[field], found
    assert worker.jobs("compare", "queued") == []


def test_a_submission_cannot_ask_for_a_metric_of_chosen_models(worker: InProcess, filled: dict[str, Any]) -> None:
    body = {"model": {"source": "existing", "name": "net-0"}, "datasets": ["digits"], "metrics": [LINEAR, RTD]}
    found = fields_of(refused(worker.client.post("/jobs", json=body), 422))
    assert set(found) == {"metrics.1"} and "POST /comparisons" in found["metrics.1"]


def test_requests_for_the_same_work_are_one_job_until_it_runs(worker: InProcess, filled: dict[str, Any]) -> None:
    first = ask(worker, LINEAR, "key-1").json()
    assert first["title"] == f"Compare all models on digits by {LINEAR}" and first["state"] == "queued"
    for key in ("key-1", "key-2", None):
        assert ask(worker, LINEAR, key).json()["id"] == first["id"]
    other = ask(worker, LINEAR, preprocess="none").json()
    assert other["id"] != first["id"] and other["title"].endswith("after none")
    assert "Idempotency-Key" in refused(ask(worker, SPEARMAN, "key-1"), 422).detail
    worker.work_off()
    assert ask(worker, LINEAR, "key-1").json()["state"] == "succeeded", "a key stands for its job for good"
    assert ask(worker, LINEAR).json()["id"] not in (first["id"], other["id"])


def test_too_many_unfinished_jobs_are_refused(worker: InProcess, filled: dict[str, Any]) -> None:
    for k in range(1, 51):
        assert ask(worker, f"cka.rbf.unbiased:sigma={k / 10}").status_code == 202
    refused(ask(worker, LINEAR), 429)


@pytest.mark.parametrize("metric", [LINEAR, SPEARMAN, "knn.mutual:k=3", "procrustes.angular"])
def test_a_comparison_leaves_values_nulls_and_intervals(
    worker: InProcess, filled: dict[str, Any], metric: str
) -> None:
    assert done(worker, metric).state == "succeeded"
    values, low, high = (np.array(layer(worker, metric, name).values) for name in (VALUE, *INTERVAL))
    assert values.shape == (4, 4)
    off = ~np.eye(4, dtype=bool)
    assert (low[off] <= values[off]).all() and (values[off] <= high[off]).all() and (low[off] < high[off]).any()
    tau, p, mean, sd = (np.array(layer(worker, metric, name).values) for name in ("tau", "p", "null_mean", "null_sd"))
    assert ((p > 0) & (p <= 1)).all() and (sd[off] > 0).all()
    distance = metric == "procrustes.angular"
    assert ((tau < mean) if distance else (tau > mean))[off].all()
    matrix = layer(worker, metric, "calibrated")
    assert matrix.direction == ("distance" if distance else "similarity")
    assert np.isfinite(np.array(matrix.values)).all()
    (summary,) = (MatrixSummary.model_validate(i) for i in worker.client.get("/coverage").json()["items"])
    assert (summary.n_models, summary.n_calibrated) == (4, 4)


def test_groups_of_stimuli_are_permuted_as_wholes_and_the_recipe_says_so(
    worker: InProcess, filled: dict[str, Any]
) -> None:
    done(worker, LINEAR)
    recipe = layer(worker, LINEAR).recipe
    assert (recipe.route, recipe.permutations, recipe.seed, recipe.alpha) == ("block-permutation", 200, 0, 0.05)
    assert recipe.ci_method is not None and "groups" in recipe.ci_method


def test_stimuli_that_stand_alone_have_the_null_in_closed_form(
    worker: InProcess, filled: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets, "stimulus_groups", lambda connection, dataset_id: [None] * (N - 1) + ["alone"])
    done(worker, LINEAR)
    done(worker, "procrustes.angular")
    recipe = layer(worker, LINEAR).recipe
    assert (recipe.route, recipe.permutations) == ("cyclic", None)
    assert recipe.ci_method is not None and "stimuli" in recipe.ci_method
    assert layer(worker, "procrustes.angular").recipe.route == "permutation"
    p = np.array(layer(worker, LINEAR, "p").values)
    np.testing.assert_allclose(p * N, np.round(p * N), atol=1e-4)


def test_groups_are_numbered_and_a_stimulus_without_one_is_its_own() -> None:
    numbers = group_numbers(["a", None, "b", "a", None, ""])
    assert numbers is not None and numbers.tolist() == [0, 1, 2, 0, 3, 4]
    assert group_numbers([None, None]) is None and group_numbers(["a", "b", None]) is None


def test_a_measure_with_a_direction_has_both(worker: InProcess, filled: dict[str, Any]) -> None:
    done(worker, CYCLE)
    matrix = layer(worker, CYCLE)
    values = np.array(matrix.values)
    assert not matrix.symmetric and not np.array_equal(values, values.T)
    assert {name for name, _ in stored(worker)} == {*STORED, *(name + REVERSE for name in STORED)}
    with transaction(worker.engine) as connection:
        current = {m.name: m.file_sha256 for m in matrices.members(connection, 1)}
    from backend.domain.metrics import parse_metric, parse_preprocess
    from backend.storage import load_array
    from workers.similarity.embeddings import EmbeddingSource

    pair = [EmbeddingSource.from_array(name, load_array(worker.store, current[name])) for name in ("net-3", "net-1")]
    alone = real_compare(pair, parse_metric(CYCLE), parse_preprocess("l2"), new=2, memory_mib=64).rows[1].quantities
    at = matrix.models.index("net-3"), matrix.models.index("net-1")
    assert values[at] == pytest.approx(alone[VALUE + REVERSE][0], rel=1e-6)
    assert values[at[::-1]] == pytest.approx(alone[VALUE][0], rel=1e-6)


def test_a_metric_on_request_compares_the_chosen_models_alone(worker: InProcess, filled: dict[str, Any]) -> None:
    job = done(worker, RTD, models=["net-2", "net-0"])
    assert job.state == "succeeded" and job.title == f"Compare 2 chosen models on digits by {RTD}"
    matrix = layer(worker, RTD)
    assert sorted(matrix.models) == ["net-0", "net-2"] and matrix.direction == "distance"
    assert matrix.recipe.route is None and matrix.recipe.ci_method is not None
    assert {name for name, _ in stored(worker)} == {VALUE, *INTERVAL}, "no null, and nothing else is different"
    with transaction(worker.engine) as connection:
        keep_matrices(connection, filled["dataset"], [LINEAR], "l2")
        wanted = wanted_comparisons(connection, filled["dataset"], max_attempts=1, owner="local", parent_id=None)
    assert [job.metric for job in wanted] == [LINEAR], "an embedding that arrives does not ask for it"
    done(worker, RTD, models=["net-0", "net-3"])
    assert sorted(layer(worker, RTD).models) == ["net-0", "net-2", "net-3"]
    (summary,) = (MatrixSummary.model_validate(i) for i in worker.client.get("/coverage").json()["items"])
    assert (summary.metric, summary.n_models, summary.n_calibrated) == (RTD, 3, 0)


def values_alone(*arguments: Any, **options: Any) -> ComparisonRows:
    """The engine of a version that knew no nulls."""
    found = real_compare(*arguments, **options | {"calibrate": False, "uncertainty": False})
    rows = tuple(ComparisonRow(row.index, row.against, {VALUE: row.values}) for row in found.rows)
    return ComparisonRows(rows, found.excluded, {})


def test_a_matrix_of_before_is_filled_in_chunks_and_its_values_stay(
    worker: InProcess, filled: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(pipeline, "compare", values_alone)
        done(worker, LINEAR)
    old = stored(worker)
    assert {name for name, _ in old} == {VALUE} and len(old) == 4
    with transaction(worker.engine) as connection:
        embed(worker, connection, filled["dataset"], filled["models"][4], 4)
    worker.rows("UPDATE jobs SET state = 'cancelled', finished_at = now() WHERE finished_at IS NULL")
    small = worker.using(compare_chunk_models=3)
    calls: list[int] = []

    def counted(*arguments: Any, **options: Any) -> ComparisonRows:
        calls.append(options["new"])
        return real_compare(*arguments, **options)

    monkeypatch.setattr(pipeline, "compare", counted)
    first = done(small, LINEAR)
    assert first.state == "succeeded" and calls == [1, 3, 1], "the new model first, then the rows of before"
    new = stored(worker)
    assert set(new) == {(name, row) for name in STORED for row in range(5)} and old.items() <= new.items()
    layers = {name: layer(worker, LINEAR, name) for name in STORED}
    for name, numbers in numbers_of_a_fresh_matrix(worker).items():
        np.testing.assert_allclose(numbers, np.array(layers[name].values), rtol=1e-4, atol=1e-6, err_msg=name)


def numbers_of_a_fresh_matrix(worker: InProcess) -> dict[str, np.ndarray]:
    """What a matrix of the same embeddings holds that is calibrated from the beginning."""
    forget_matrices(worker)
    done(worker, LINEAR)
    return {name: np.array(layer(worker, LINEAR, name).values) for name in STORED}


def forget_matrices(worker: InProcess) -> None:
    worker.rows("TRUNCATE matrices, matrix_embeddings, similarity_rows, similarity_gaps, subsampled_matrices")


def test_a_comparison_that_finds_everything_there_computes_nothing(
    worker: InProcess, filled: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    done(worker, LINEAR)
    done(worker, CYCLE)
    done(worker, RTD, models=["net-0", "net-1"])
    before = stored(worker)
    monkeypatch.setattr(pipeline, "compare", None)
    for metric, models in ((LINEAR, None), (CYCLE, None), (RTD, ["net-1", "net-0"])):
        assert done(worker, metric, models=models).state == "succeeded"
    assert stored(worker) == before


def test_an_interrupted_filling_is_taken_up_where_it_stopped(
    worker: InProcess, filled: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(pipeline, "compare", values_alone)
        done(worker, LINEAR)
    small = worker.using(compare_chunk_models=1)
    calls: list[int] = []

    def dies(sources: Any, *arguments: Any, **options: Any) -> ComparisonRows:
        calls.append(len(sources))
        if len(calls) == 3:
            raise RuntimeError("power cut")
        return real_compare(sources, *arguments, **options)

    monkeypatch.setattr(pipeline, "compare", dies)
    assert done(small, LINEAR).state == "failed"
    assert {row for name, row in stored(worker) if name == "p"} == {0, 1}
    assert done(small, LINEAR).state == "succeeded"
    assert calls == [1, 2, 3, 3, 4], "rows 0 and 1 were not computed again"
    assert {row for name, row in stored(worker) if name == "p"} == {0, 1, 2, 3}


def test_embeddings_of_before_get_their_diagnostics(worker: InProcess, filled: dict[str, Any]) -> None:
    def listed() -> list[str]:
        items = worker.client.get("/diagnostics", params={"dataset": "digits"}).json()["items"]
        return [item["model"] for item in items]

    assert listed() == []
    done(worker, LINEAR)
    assert listed() == [f"net-{i}" for i in range(4)]
    before = worker.rows("SELECT * FROM embedding_diagnostics")
    done(worker, SPEARMAN)
    assert worker.rows("SELECT * FROM embedding_diagnostics") == before


def test_a_null_found_in_another_way_is_refused(
    worker: InProcess, filled: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    done(worker, LINEAR)
    with transaction(worker.engine) as connection:
        embed(worker, connection, filled["dataset"], filled["models"][4], 4)
    worker.rows("UPDATE jobs SET state = 'cancelled', finished_at = now() WHERE finished_at IS NULL")
    before = stored(worker)
    monkeypatch.setattr(pipeline, "compare", lambda *a, **o: real_compare(*a, **o | {"permutations": 20}))
    job = done(worker, LINEAR)
    assert job.state == "failed" and job.error is not None and job.error.cause == "ours"
    assert "20" in job.error.message and "200" in job.error.message and stored(worker) == before


def test_the_digest_covers_every_quantity(
    worker: InProcess, filled: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def result() -> str:
        return str(worker.rows("SELECT result_sha256 FROM jobs ORDER BY id DESC LIMIT 1")[0].result_sha256)

    def digest() -> str:
        forget_matrices(worker)
        done(worker, LINEAR)
        return result()

    whole = digest()
    assert digest() == whole

    def nudged(*arguments: Any, **options: Any) -> ComparisonRows:
        found = real_compare(*arguments, **options)
        for row in found.rows:
            row.quantities[CALIBRATION[0]][:] += 0.5
        return found

    monkeypatch.setattr(pipeline, "compare", nudged)
    assert digest() != whole
