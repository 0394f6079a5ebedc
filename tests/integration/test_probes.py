"""Probes and matrices on fewer stimuli: queued, computed, stored, asked for, refused, and read again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr
from sqlalchemy import Connection, text

from backend.contracts.jobs import Job
from backend.contracts.probes import GapPairs, Performance, Probe, Sensitivity
from backend.db.engine import transaction
from backend.db.repositories import probes, subsamples
from backend.db.repositories.expansion import keep_matrices
from backend.domain.metrics import parse_metric, parse_preprocess
from backend.domain.probing import PROTOCOL, SEEDS, parts, usable_labels
from backend.storage import put_array
from tests.support.extracting import submission
from tests.support.in_process import InProcess
from tests.support.problems import fields_of, refused
from tests.support.rows import add_dataset, add_embedding, add_model
from tests.support.tiny import archive
from workers.pipelines import probe as pipeline
from workers.probing.probe import probe as real_probe
from workers.runtime.context import JobInterrupted
from workers.similarity.embeddings import EmbeddingSource
from workers.similarity.engine import compare

LINEAR, CYCLE = "cka.linear.unbiased", "knn.cycle:k=3"
N, D, MODELS = 60, 6, 5


def features(model: int, labels: np.ndarray) -> np.ndarray:
    """Rows (60, 6) float32 that tell the labels apart the better the larger the model's number."""
    shared = np.random.default_rng(0).normal(size=(N, D))
    own = np.random.default_rng(model + 1).normal(size=(N, D))
    return (shared + own + 1.2 * model * np.eye(3, D)[labels]).astype(np.float32)


@pytest.fixture
def filled(worker: InProcess) -> dict[str, Any]:
    """Five models on a dataset of sixty stimuli, compared by two metrics; no job is left over, and no probe there."""
    labels = np.arange(N) % 3
    with transaction(worker.engine) as connection:
        dataset = add_dataset(connection, "digits", n=N, groups=N)
        models = [add_model(connection, f"net-{i}") for i in range(MODELS)]
        rows = [features(i, labels) for i in range(MODELS)]
        ids = [embed(worker, connection, model, dataset, one) for model, one in zip(models, rows, strict=True)]
        keep_matrices(connection, dataset, [LINEAR, CYCLE], "l2")
        connection.execute(text("UPDATE jobs SET state = 'cancelled', finished_at = now()"))
    for metric in (LINEAR, CYCLE):
        post(worker, "/comparisons", dataset="digits", metric=metric)
    worker.work_off()
    return {"dataset": dataset, "models": models, "rows": rows, "ids": ids, "labels": labels}


def embed(worker: InProcess, connection: Connection, model: int, dataset: int, rows: np.ndarray) -> int:
    return add_embedding(connection, model, dataset, file_sha256=put_array(worker.store, rows), d=D)


def post(worker: InProcess, path: str, **body: Any) -> Job:
    answer = worker.client.post(path, json=body)
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == f"/api/v1/jobs/{answer.json()['id']}"
    return Job.model_validate(answer.json())


def matrix(worker: InProcess, metric: str) -> np.ndarray:
    """The values as stored, in float64."""
    answer = worker.client.get("/matrices", params={"dataset": "digits", "metric": metric})
    return np.array(answer.json()["values"], dtype=np.float32).astype(np.float64)


def get_probes(worker: InProcess, dataset: str = "digits") -> list[Probe]:
    answer = worker.client.get("/probes", params={"dataset": dataset})
    assert answer.status_code == 200, answer.text
    return [Probe.model_validate(item) for item in answer.json()["items"]]


def test_probes_are_trained_by_themselves_after_an_extraction_and_joined(worker: InProcess) -> None:
    worker.add_dataset(archive("noise"))
    for seed in range(2):
        answer = worker.client.post("/jobs", json=submission(seed=seed))
        assert answer.status_code == 202
    worker.work_off()
    (job,) = worker.jobs("probe")
    assert job.state == "succeeded" and job.title == "Probe what all models know of the labels of noise"
    found = get_probes(worker, "noise")
    assert len(found) == 2 and {probe.job for probe in found} == {job.id}
    assert all([run.seed for run in probe.runs] == list(SEEDS) for probe in found)
    assert all(0 <= probe.top1 <= probe.top5 <= 1 and probe.n_labels == 3 for probe in found)
    extracted = max(one.finished_at for one in worker.jobs("extract"))  # type: ignore[type-var]
    assert job.started_at and extracted and job.started_at >= extracted, "results come before what reads them"
    # The job follows both submissions.
    for parent in worker.jobs("register"):
        listed = worker.client.get("/jobs", params={"parent": parent.id}).json()["items"]
        assert job.id in [one["id"] for one in listed]


def test_a_dataset_without_labels_gets_no_probes_and_asking_is_refused(worker: InProcess) -> None:
    stimuli = [{"id": f"s{i}", "file": f"stimuli/{i:04}.png"} for i in range(12)]
    worker.add_dataset(archive("plain", stimuli=stimuli))
    worker.submit(submission(dataset="plain"))
    assert worker.jobs("probe") == []
    problem = refused(worker.client.post("/probes", json={"dataset": "plain"}), 422)
    assert list(fields_of(problem)) == ["dataset"] and "labels" in problem.fields[0].message
    problem = refused(worker.client.post("/probes", json={"dataset": "plane"}), 422)
    assert "plain" in problem.fields[0].hint


def test_asking_fills_what_is_missing_and_nothing_twice(worker: InProcess, filled: dict[str, Any]) -> None:
    assert get_probes(worker) == []
    first, joined = post(worker, "/probes", dataset="digits"), post(worker, "/probes", dataset="digits")
    assert first.id == joined.id and first.kind == "probe" and first.dataset == "digits"
    assert worker.work_off() == 1
    found = get_probes(worker)
    assert [probe.model for probe in found] == [f"net-{i}" for i in range(MODELS)]
    accuracies = [probe.top1 for probe in found]
    assert accuracies[-1] > 0.9 and accuracies[0] < 0.7, accuracies
    before = worker.rows("SELECT * FROM probes ORDER BY embedding_id, seed")
    again = post(worker, "/probes", dataset="digits")
    assert again.id != first.id
    assert worker.work_off() == 1 and worker.job(again.id).state == "succeeded"
    assert worker.rows("SELECT * FROM probes ORDER BY embedding_id, seed") == before


def test_a_probe_is_what_the_recipe_gives_from_the_stored_rows(worker: InProcess, filled: dict[str, Any]) -> None:
    post(worker, "/probes", dataset="digits")
    worker.work_off()
    labels = usable_labels([str(label) for label in filled["labels"]])
    for model, probe in enumerate(get_probes(worker)):
        expected = [
            real_probe(filled["rows"][model], labels.codes, parts(labels.codes, None, seed), seed=seed)
            for seed in SEEDS
        ]
        assert [(run.top1, run.top5, run.mean_class_recall) for run in probe.runs] == [
            (one.top1, one.top5, one.mean_class_recall) for one in expected
        ]
        assert probe.top1 == pytest.approx(np.mean([one.top1 for one in expected]))
        assert probe.top1_sd == pytest.approx(np.std([one.top1 for one in expected], ddof=1))
        assert probe.protocol == PROTOCOL and probe.whole_groups is None
        assert {(run.n_train, run.n_test) for run in probe.runs} == {(45, 15)}


def test_an_interrupted_job_keeps_what_it_has_and_goes_on(
    worker: InProcess, filled: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[int] = []

    def counted(*given: Any, seed: int, **more: Any) -> Any:
        trained.append(seed)
        if len(trained) == 8:
            raise JobInterrupted("draining")
        return real_probe(*given, seed=seed, **more)

    monkeypatch.setattr(pipeline, "probe", counted)
    job = post(worker, "/probes", dataset="digits")
    worker.work_off()
    assert worker.job(job.id).state == "succeeded" and worker.job(job.id).attempt == 2
    # Two models were committed, the third was begun anew.
    assert len(trained) == 8 + 3 * (MODELS - 2)
    assert len(get_probes(worker)) == MODELS


def test_probes_never_change(worker: InProcess, filled: dict[str, Any]) -> None:
    post(worker, "/probes", dataset="digits")
    worker.work_off()
    with pytest.raises(Exception, match="only grows"):
        worker.rows("UPDATE probes SET top1 = 0")
    with transaction(worker.engine) as connection:
        assert probes.lacking(connection, filled["dataset"]) == []


@pytest.mark.parametrize(("method", "metric"), [("pearson", LINEAR), ("spearman", CYCLE)])
def test_performance_is_r_of_similarity_with_gaps(
    worker: InProcess, filled: dict[str, Any], method: str, metric: str
) -> None:
    params = {"metric": metric, "method": method}
    empty = Performance.model_validate(worker.client.get("/consistency/performance", params=params).json())
    assert [(link.r, link.n_pairs) for link in empty.datasets] == [(None, 0)] and empty.median is None
    assert "nothing can be said" in empty.sentence and "No probe" in empty.datasets[0].note
    post(worker, "/probes", dataset="digits")
    worker.work_off()
    answer = worker.client.get("/consistency/performance", params=params)
    found = Performance.model_validate(answer.json())
    accuracy = np.array([probe.top1 for probe in get_probes(worker)])
    values = matrix(worker, metric)
    i, j = np.triu_indices(MODELS, 1)
    similarity, gap = ((values + values.T) / 2)[i, j], np.abs(accuracy[i] - accuracy[j])
    oracle = {"pearson": pearsonr, "spearman": spearmanr}[method](similarity, gap).statistic
    (link,) = found.datasets
    assert link.r == pytest.approx(oracle, abs=1e-12) and (link.n_pairs, link.n_models) == (10, MODELS)
    assert link.ci_low is not None and link.ci_high is not None and link.ci_low <= link.r <= link.ci_high
    assert link.small and found.scope.interval
    assert (link.best, link.worst) == (pytest.approx(accuracy.max()), pytest.approx(accuracy.min()))
    etag = answer.headers["ETag"]
    again = worker.client.get("/consistency/performance", params=params, headers={"If-None-Match": etag})
    assert again.status_code == 304

    pairs = worker.client.get("/consistency/performance/pairs", params=params | {"dataset": "digits"})
    behind = GapPairs.model_validate(pairs.json())
    np.testing.assert_allclose(behind.similarity, similarity, atol=1e-12)
    np.testing.assert_allclose(behind.gap, gap, atol=1e-12)
    assert (behind.i, behind.j) == (i.tolist(), j.tolist()) and behind.link == link
    table = worker.client.get(
        "/consistency/performance/pairs", params=params | {"dataset": "digits"}, headers={"Accept": "text/csv"}
    ).text.splitlines()
    assert table[0].startswith("dataset,model_a,model_b") and len(table) == 11


def test_performance_of_chosen_models_and_of_unknown_datasets(worker: InProcess, filled: dict[str, Any]) -> None:
    post(worker, "/probes", dataset="digits")
    worker.work_off()
    chosen = {"metric": LINEAR, "models": "!model:net-0"}
    found = Performance.model_validate(worker.client.get("/consistency/performance", params=chosen).json())
    assert found.datasets[0].n_models == MODELS - 1
    for path in ("/consistency/performance/pairs", "/consistency/sensitivity"):
        problem = refused(worker.client.get(path, params={"metric": LINEAR, "dataset": "digit"}), 422)
        assert list(fields_of(problem)) == ["dataset"] and "digits" in problem.fields[0].hint


def sensitivity(worker: InProcess, metric: str = LINEAR, **more: str) -> Sensitivity:
    answer = worker.client.get("/consistency/sensitivity", params={"metric": metric, "dataset": "digits"} | more)
    assert answer.status_code == 200, answer.text
    return Sensitivity.model_validate(answer.json())


@pytest.mark.parametrize("metric", [LINEAR, CYCLE])
def test_a_matrix_on_fewer_stimuli_is_the_engine_on_those_rows(
    worker: InProcess, filled: dict[str, Any], metric: str
) -> None:
    nothing = sensitivity(worker, metric)
    assert nothing.parts == [] and nothing.possible == {10: 6, 4: 15, 2: 30} and "not been computed" in nothing.sentence
    job = post(worker, "/subsamples", dataset="digits", metric=metric)
    assert sensitivity(worker, metric).jobs == [job.id]
    worker.work_off()
    assert worker.job(job.id).state == "succeeded"
    found = sensitivity(worker, metric)
    assert [(part.divisor, part.seed, part.n) for part in found.parts] == [
        (divisor, seed, n) for divisor, n in ((10, 6), (4, 15), (2, 30)) for seed in SEEDS
    ]
    assert found.jobs == [] and found.n == N
    from backend.domain.subsets import nested_subsets

    with transaction(worker.engine) as connection:
        stored = subsamples.latest(connection, worker.rows(
            f"SELECT id FROM matrices WHERE metric = '{metric}'")[0].id)
    full = matrix(worker, metric)
    i, j = np.triu_indices(MODELS, 1)
    for part, shown in zip(stored, found.parts, strict=True):
        rows = nested_subsets([str(label) for label in filled["labels"]], None, part.seed)[part.divisor]
        sources = [EmbeddingSource.from_array(str(k), one[rows]) for k, one in enumerate(filled["rows"])]
        alone = compare(sources, parse_metric(metric), parse_preprocess("l2"), new=MODELS, memory_mib=64)
        expected = np.full((MODELS, MODELS), np.nan)
        for row in alone.rows:
            back = row.quantities.get("value.reverse", row.values)
            expected[row.index, row.against] = expected[row.against, row.index] = (row.values + back) / 2
        np.testing.assert_allclose(part.values, expected.astype(np.float32), rtol=1e-6)
        x, y = ((full + full.T) / 2)[i, j], part.values.astype(np.float64)[i, j]
        assert shown.n_pairs == 10 and shown.n_models == MODELS
        assert shown.r == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-9)
        np.testing.assert_allclose(
            np.array(shown.quantiles, dtype=float), np.quantile(np.abs(x - y), [0.05, 0.25, 0.5, 0.75, 0.95]), atol=1e-9
        )


def test_a_model_that_came_since_is_computed_and_the_numbers_of_before_stay(
    worker: InProcess, filled: dict[str, Any]
) -> None:
    post(worker, "/subsamples", dataset="digits", metric=LINEAR)
    worker.work_off()
    with transaction(worker.engine) as connection:
        model = add_model(connection, "net-new")
        embed(worker, connection, model, filled["dataset"], features(2, filled["labels"]) * 2)
        connection.execute(text(
            "UPDATE jobs SET state = 'cancelled', finished_at = now() WHERE state = 'queued'"))
    post(worker, "/comparisons", dataset="digits", metric=LINEAR)
    worker.work_off()
    assert {part.n_models for part in sensitivity(worker).parts} == {MODELS}, "five of six, and said so"
    before = worker.rows("SELECT * FROM subsampled_matrices ORDER BY job_id, divisor, seed")
    post(worker, "/subsamples", dataset="digits", metric=LINEAR)
    worker.work_off()
    assert {part.n_models for part in sensitivity(worker).parts} == {MODELS + 1}
    after = worker.rows("SELECT * FROM subsampled_matrices ORDER BY job_id, divisor, seed")
    assert after[: len(before)] == before and len(after) == 2 * len(before)
    post(worker, "/subsamples", dataset="digits", metric=LINEAR)
    worker.work_off()
    assert len(worker.rows("SELECT 1 FROM subsampled_matrices")) == len(after), "nothing is left to do"


@pytest.mark.parametrize(("body", "field"), [
    ({"dataset": "digits", "metric": "rtd"}, "metric"),
    ({"dataset": "digits", "metric": "cka.rbf.unbiased:sigma=0.4"}, "metric"),
    ({"dataset": "digits", "metric": LINEAR, "preprocess": "center"}, "metric"),
    ({"dataset": "digits", "metric": "cka"}, "metric"),
    ({"dataset": "none", "metric": LINEAR}, "dataset"),
])  # fmt: skip
def test_what_cannot_be_computed_on_fewer_stimuli_is_refused(
    worker: InProcess, filled: dict[str, Any], body: dict[str, str], field: str
) -> None:
    assert list(fields_of(refused(worker.client.post("/subsamples", json=body), 422))) == [field]


def test_calibrated_values_have_no_counterpart_on_fewer_stimuli(worker: InProcess, filled: dict[str, Any]) -> None:
    params = {"metric": LINEAR, "dataset": "digits", "layer": "calibrated"}
    assert list(fields_of(refused(worker.client.get("/consistency/sensitivity", params=params), 422))) == ["layer"]


def test_the_same_key_answers_the_same_job(worker: InProcess, filled: dict[str, Any]) -> None:
    for path, body in (("/probes", {"dataset": "digits"}), ("/subsamples", {"dataset": "digits", "metric": LINEAR})):
        headers = {"Idempotency-Key": path}
        first = worker.client.post(path, json=body, headers=headers).json()["id"]
        worker.work_off()
        assert worker.client.post(path, json=body, headers=headers).json()["id"] == first
