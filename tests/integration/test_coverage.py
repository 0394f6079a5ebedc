"""Coverage of embeddings: what is computed, running, queued, failed and missing, and asking for what is missing."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from backend.contracts.catalogue import EmbeddingsCoverage, ModelEmbedding
from backend.db.engine import transaction
from backend.db.repositories import jobs
from backend.domain.published import published_datasets, published_models
from tests.support.problems import fields_of, refused
from tests.support.rows import add_dataset, add_embedding, add_model, new_job

VIT = "vit_large_patch16_224"


@pytest.fixture(autouse=True)
def ids(engine: Engine) -> dict[str, int]:
    """Two models and three datasets, one of each published; `shapes` has two versions."""
    with transaction(engine) as connection:
        return {
            "digits": add_dataset(connection, "digits"), "shapes@1": add_dataset(connection, "shapes"),
            "shapes": add_dataset(connection, "shapes", version=2), "dtd": add_dataset(connection, "dtd"),
            "mine": add_model(connection, "mine"),
            "large": add_model(connection, "large", timm_name=f"{VIT}.augreg_in21k_ft_in1k"),
        }


def coverage(client: TestClient) -> EmbeddingsCoverage:
    return EmbeddingsCoverage.model_validate(client.get("/embeddings-coverage").json())


def cell(found: EmbeddingsCoverage, model: str, dataset: str) -> str:
    row = [one.name for one in found.models].index(model)
    return found.states[row][[one.name for one in found.datasets].index(dataset)]


def extraction(engine: Engine, model: int, dataset: int, state: str, key: Any = 0) -> int:
    """An extract job in a state."""
    with transaction(engine) as connection:
        job = jobs.enqueue(connection, [new_job(
            "extract", [model, dataset, key], model_id=model, dataset_id=dataset)])[0]
        values = {
            "queued": "state = 'queued'", "cancelled": "state = 'cancelled', finished_at = now()",
            "running": "state = 'running', lease_until = now() + interval '1 hour'",
            "failed": "state = 'failed', finished_at = now(), error = "
                      """'{"cause": "user", "step": "load", "message": "Too big.", "hint": "Take a smaller one."}'""",
        }[state]
        connection.execute(text(f"UPDATE jobs SET {values} WHERE id = :job"), {"job": job})
    return job


def test_everything_here_and_everything_published_has_its_place(client: TestClient) -> None:
    found = coverage(client)
    assert [one.name for one in found.models[:2]] == ["large", "mine"] and all(m.here for m in found.models[:2])
    # `large` is a published model, `dtd` a published dataset: neither is listed twice.
    assert len(found.models) == 2 + 64 - 1 and len(found.datasets) == 3 + 23 - 1
    assert found.models[0].published == VIT and found.models[0].title == "ViT-L/16"
    assert (found.models[0].training_data, found.models[0].training_data_audited) == ("imagenet-1k", "imagenet-21k")
    assert [one.version for one in found.datasets if one.name == "shapes"] == [2]
    assert len(found.states) == len(found.models) and {len(row) for row in found.states} == {len(found.datasets)}
    assert found.counts == {"computed": 0, "running": 0, "queued": 0, "failed": 0, "missing": 65 * 25}


def test_a_cell_is_computed_when_its_newest_version_is_embedded(client: TestClient, engine: Engine,
                                                               ids: dict[str, int]) -> None:
    with transaction(engine) as connection:
        add_embedding(connection, ids["mine"], ids["digits"])
        add_embedding(connection, ids["mine"], ids["shapes@1"])
    found = coverage(client)
    assert (cell(found, "mine", "digits"), cell(found, "mine", "shapes")) == ("c", "m")
    assert found.counts["computed"] == 1


@pytest.mark.parametrize(("states", "shown"), [
    (["queued"], "q"), (["running"], "r"), (["failed"], "f"), (["cancelled"], "m"), (["failed", "queued"], "q"),
    (["failed", "running"], "r"), (["running", "queued"], "r"), (["failed", "cancelled"], "m"),
])
def test_a_cell_shows_what_its_jobs_do(client: TestClient, engine: Engine, ids: dict[str, int], states: list[str],
                                       shown: str) -> None:
    numbers = [extraction(engine, ids["mine"], ids["digits"], state, key) for key, state in enumerate(states)]
    found = coverage(client)
    assert cell(found, "mine", "digits") == shown
    if shown == "m":
        assert found.jobs == []
        return
    (job,) = found.jobs
    assert (job.model, job.dataset, job.state[0]) == ("mine", "digits", shown)
    assert job.job == numbers[{"r": states.index("running") if "running" in states else 0}.get(shown, -1)]
    assert (job.message, job.hint) == (("Too big.", "Take a smaller one.") if shown == "f" else ("", ""))


def test_what_failed_and_then_came_is_computed(client: TestClient, engine: Engine, ids: dict[str, int]) -> None:
    extraction(engine, ids["mine"], ids["digits"], "failed")
    with transaction(engine) as connection:
        add_embedding(connection, ids["mine"], ids["digits"])
    found = coverage(client)
    assert cell(found, "mine", "digits") == "c" and found.jobs == []


def test_a_missing_cell_of_a_model_that_is_here_is_queued(client: TestClient) -> None:
    answer = client.post("/embeddings:request", json={"model": "mine", "datasets": ["digits", "shapes"]})
    assert answer.status_code == 202 and answer.json()["kind"] == "register"
    assert answer.headers["Location"] == f"/api/v1/jobs/{answer.json()['id']}"
    found = coverage(client)
    assert [cell(found, "mine", name) for name in ("digits", "shapes", "dtd")] == ["q", "q", "m"]
    assert {job.job for job in found.jobs} == {answer.json()["id"]}


def test_a_published_model_of_timm_is_queued_with_its_tag_and_labels(client: TestClient, engine: Engine) -> None:
    answer = client.post("/embeddings:request", json={"model": "convnext_base", "datasets": ["digits"]})
    assert answer.status_code == 202
    with transaction(engine) as connection:
        spec = connection.execute(text("SELECT spec FROM jobs")).scalar_one()["model"]
    assert (spec["timm_name"], spec["pretrained"], spec["name"], spec["training_data"]) == (
        "convnext_base.fb_in22k_ft_in1k", True, "convnext_base", "imagenet-1k")
    found = coverage(client)
    assert cell(found, "convnext_base", "digits") == "q" and found.counts["queued"] == 1


def test_every_published_model_of_timm_can_be_asked_for(client: TestClient) -> None:
    for model in coverage(client).models:
        if not model.here and not model.obstacle:
            answer = client.post("/embeddings:request", json={"model": model.name, "datasets": ["digits"]})
            assert answer.status_code == 202, answer.text
    assert sum(one.loader == "timm" for one in published_models().values()) - 1 == coverage(client).counts["queued"]


def test_what_cannot_be_queued_is_refused_with_the_reason(client: TestClient, engine: Engine) -> None:
    def refusal(model: str, *datasets: str) -> dict[str, Any]:
        answer = client.post("/embeddings:request", json={"model": model, "datasets": list(datasets)})
        return fields_of(refused(answer, 422))

    said = refusal("openclip-rn50-openai", "digits", "cifar-10")
    assert "open_clip" in said["model"] and "CIFAR-10 is not here" in said["datasets.1"]
    assert "mine" in refusal("min", "digits")["model"]
    assert "digits" in refusal("mine", "digit")["datasets.0"]
    assert "Choose at least one" in refusal("mine")["datasets"]
    with transaction(engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM jobs")).scalar_one() == 0


def test_a_submission_that_fails_is_shown_in_its_cells(client: TestClient, engine: Engine) -> None:
    job = client.post("/embeddings:request", json={"model": "convnext_base", "datasets": ["digits"]}).json()["id"]
    with transaction(engine) as connection:
        connection.execute(text(
            "UPDATE jobs SET state = 'failed', finished_at = now(), "
            """error = '{"cause": "ours", "step": "load", "message": "No network.", "hint": "Try later."}'"""
        ))
    found = coverage(client)
    assert cell(found, "convnext_base", "digits") == "f"
    assert [(one.job, one.message) for one in found.jobs] == [(job, "No network.")]


def test_a_name_that_is_taken_does_not_hide_a_published_model(client: TestClient, engine: Engine) -> None:
    with transaction(engine) as connection:
        add_model(connection, "vicreg-rn50")
    names = [model.name for model in coverage(client).models]
    assert names.count("vicreg-rn50") == 1 and "vicreg-rn50-published" in names


def test_the_published_catalogue_says_what_is_here(client: TestClient) -> None:
    models = client.get("/published-models").json()["items"]
    assert {one["name"]: one["here"] for one in models if one["here"]} == {VIT: "large"}
    assert [one["name"] for one in models] == list(published_models())
    datasets = client.get("/published-datasets").json()["items"]
    assert [one["name"] for one in datasets] == list(published_datasets())
    assert [one["name"] for one in datasets if one["here"]] == ["dtd"]


def test_the_embeddings_of_a_model_say_what_made_them(client: TestClient, engine: Engine,
                                                     ids: dict[str, int]) -> None:
    with transaction(engine) as connection:
        add_embedding(connection, ids["mine"], ids["shapes@1"])
        add_embedding(connection, ids["mine"], ids["shapes"], device_class="cuda")
        add_embedding(connection, ids["mine"], ids["shapes"])
    found = [ModelEmbedding.model_validate(item) for item in client.get("/models/mine/embeddings").json()["items"]]
    assert [(one.dataset, one.dataset_version, one.device_class, one.n) for one in found] == [("shapes", 2, "cuda", 6)]
    refused(client.get("/models/min/embeddings"), 404)
