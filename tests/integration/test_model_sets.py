"""Model sets: named, listed with whom they hold, used by name, and forgotten."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from backend.contracts.consistency import ModelSet
from backend.db.engine import transaction
from tests.support.problems import fields_of, refused
from tests.support.rows import add_dataset, add_matrix, add_model, similarities


@pytest.fixture
def models(engine: Engine) -> None:
    with transaction(engine) as connection:
        add_model(connection, "net-a", "self-supervised", tags=["mae"])
        add_model(connection, "net-b", "self-supervised")
        add_model(connection, "net-c", "supervised")
        # A published model by its name in timm, whose published and audited labels differ.
        add_model(
            connection, "swin", timm_name="swin_base_patch4_window7_224.ms_in22k", training_data="imagenet-1k",
            size="small",
        )  # fmt: skip


def listed(client: TestClient, **params: Any) -> dict[str, ModelSet]:
    page = client.get("/model-sets", params=params).json()
    found = [ModelSet.model_validate(item) for item in page["items"]]
    assert page["total"] == len(found) and page["next_cursor"] is None
    return {one.name: one for one in found}


@pytest.mark.usefixtures("models")
def test_the_published_exclusion_set_is_always_there(client: TestClient) -> None:
    found = listed(client)
    assert found["without-mae"].models == ["net-b", "net-c", "swin"] and found["without-mae"].published
    assert found["ssl-without-mae"].models == ["net-b"]
    for name in ("without-mae", "all"):
        refused(client.delete(f"/model-sets/{name}"), 409)
        refused(client.post("/model-sets", json={"name": name, "predicate": "size:small"}), 409)


@pytest.mark.usefixtures("models")
def test_a_set_is_saved_in_canonical_form_listed_and_deleted(client: TestClient, engine: Engine) -> None:
    new = {"name": "mine", "title": " Mine ", "predicate": "( objective:SSL )&!tag:mae"}
    answer = client.post("/model-sets", json=new)
    assert answer.status_code == 201
    saved = ModelSet.model_validate(answer.json())
    assert saved == listed(client)["mine"]
    assert (saved.title, saved.predicate, saved.models) == (
        "Mine", "objective:self-supervised & !tag:mae", ["net-b"]
    )  # fmt: skip
    assert client.post("/model-sets", json=new).status_code == 201, "repeating it does no harm"
    refused(client.post("/model-sets", json=new | {"predicate": "size:small"}), 409)
    with transaction(engine) as connection:
        add_model(connection, "net-d", "self-supervised")
    assert listed(client)["mine"].models == ["net-b", "net-d"], "a set is a predicate, not a list"
    assert client.delete("/model-sets/mine").status_code == 204
    assert "mine" not in listed(client)
    refused(client.delete("/model-sets/mine"), 404)


@pytest.mark.usefixtures("models")
def test_what_cannot_be_named_is_refused_by_field(client: TestClient) -> None:
    for new, field, hint in (
        ({"name": "x", "predicate": "objective:sl"}, "predicate", "ssl"),
        ({"name": "x", "predicate": "model:net-z"}, "predicate", "net-a"),
        ({"name": "x", "predicate": "  "}, "predicate", "all"),
        ({"name": "x", "predicate": ""}, "predicate", ""),
        ({"name": "Not A Slug", "predicate": "size:small"}, "name", ""),
        ({"predicate": "size:small"}, "name", ""),
    ):
        fields = fields_of(refused(client.post("/model-sets", json=new), 422))
        assert list(fields) == [field] and hint in fields[field]
    problem = refused(client.post("/model-sets", json={"name": "x", "predicate": "size:small | objective:sl"}), 422)
    assert problem.fields[0].position == 24
    refused(client.get("/model-sets", params={"labels": "other"}), 422)


@pytest.mark.usefixtures("models")
def test_labels_decide_whom_a_set_holds(client: TestClient) -> None:
    client.post("/model-sets", json={"name": "in1k", "predicate": "training-data:in1k"})
    client.post("/model-sets", json={"name": "in21k", "predicate": "training-data:in21k"})
    assert (listed(client)["in1k"].models, listed(client)["in21k"].models) == (["swin"], [])
    audited = listed(client, labels="audited")
    assert (audited["in1k"].models, audited["in21k"].models) == ([], ["swin"])


@pytest.mark.usefixtures("models")
def test_models_are_told_by_what_sets_are_made_of(client: TestClient) -> None:
    swin = client.get("/models/swin").json()
    assert (swin["training_data"], swin["training_data_audited"]) == ("imagenet-1k", "imagenet-21k")
    assert swin["size"] == "medium", "as published, not as it was given here"
    other = client.get("/models/net-a").json()
    assert (other["training_data"], other["training_data_audited"], other["tags"]) == ("other", "other", ["mae"])
    listed_models = {item["name"]: item for item in client.get("/models").json()["items"]}
    assert listed_models["swin"] == swin and listed_models["net-a"] == other


def test_the_finding_speaks_of_a_published_model_by_its_published_objective(client: TestClient, engine: Engine) -> None:
    with transaction(engine) as connection:
        models = [
            add_model(
                connection, f"swin-{k}", "self-supervised", timm_name="swin_base_patch4_window7_224.ms_in22k",
                pooling=f"pool-{k}",
            )
            for k in range(4)
        ]
        for seed, name in enumerate(("digits", "shapes")):
            add_matrix(connection, add_dataset(connection, name), models, "cka.linear.unbiased", similarities(4, seed))
    numbers = client.get("/finding").json()["numbers"]
    assert numbers["set_pair.supervised.supervised.n_pairs"] == 6
    assert not [name for name in numbers if "self-supervised" in name]
