"""The map of models, through the HTTP interface."""

from __future__ import annotations

from typing import Any

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient
from scipy.spatial.distance import pdist
from sqlalchemy import Engine

from backend.contracts.model_map import ModelMap
from backend.db.engine import transaction
from backend.domain.model_map import model_map
from parallax.client import Client
from tests.support.problems import refused
from tests.support.rows import add_dataset, add_matrix, add_model, similarities

LINEAR, ANGULAR = "cka.linear.unbiased", "procrustes.angular"
OBJECTIVES = ("supervised", "supervised", "supervised", "self-supervised", "self-supervised", "image-text", "untrained")
NAMES = [f"net-{i}" for i in range(7)]


@pytest.fixture
def squares(engine: Engine) -> dict[str, np.ndarray]:
    """Seven models on two datasets, six of them on a third; by another metric, which is a distance, on the first."""
    with transaction(engine) as connection:
        datasets = [add_dataset(connection, name) for name in ("digits", "photos", "sky")]
        models = [add_model(connection, name, objective) for name, objective in zip(NAMES, OBJECTIVES, strict=True)]
        found = {}
        for seed, (dataset, name) in enumerate(zip(datasets, ("digits", "photos", "sky"), strict=True)):
            count = 6 if name == "sky" else 7
            found[name] = similarities(7, seed)[:count, :count].astype(np.float32).astype(np.float64)
            add_matrix(connection, dataset, models[:count], LINEAR, found[name])
        distances = 1 - similarities(7, 9)
        add_matrix(connection, datasets[0], models, ANGULAR, distances)
    return found | {"angular": distances.astype(np.float32).astype(np.float64)}


def ask(client: TestClient, **params: Any) -> ModelMap:
    answer = client.get("/model-map", params={"metric": LINEAR, **params})
    assert answer.status_code == 200, answer.text
    return ModelMap.model_validate_json(answer.content)


def positions(found: ModelMap) -> np.ndarray:
    return np.array([found.x, found.y]).T


def test_one_dataset_is_placed_by_its_similarities(client: TestClient, squares: dict[str, np.ndarray]) -> None:
    found = ask(client, datasets="digits")
    expected = model_map(squares["digits"])
    assert (found.models, found.datasets, found.method) == (NAMES, ["digits"], "mds")
    assert (found.seed, found.perplexity, found.left_out, found.n_models_of) == (None, None, [], 7)
    # Turned and mirrored, never stretched.
    assert found.turned
    np.testing.assert_allclose(pdist(positions(found)), pdist(expected.positions), atol=1e-9)
    assert (found.stress, found.trustworthiness) == pytest.approx((expected.stress, expected.trustworthiness))
    assert f"stress of {found.stress:.2f}" in found.sentence
    assert not any("Consistency" in note for note in found.notes)
    mean = ask(client)
    moved = np.linalg.norm(positions(found) - positions(mean), axis=1).sum()
    for mirrored in ([1, -1], [-1, 1], [-1, -1]):
        assert moved <= np.linalg.norm(positions(found) * mirrored - positions(mean), axis=1).sum()


def test_without_a_dataset_the_mean_is_placed(client: TestClient, squares: dict[str, np.ndarray]) -> None:
    stack = np.full((3, 7, 7), np.nan)
    for layer, name in zip(stack, ("digits", "photos", "sky"), strict=True):
        layer[: len(squares[name]), : len(squares[name])] = squares[name]
    expected = model_map(np.nanmean(stack, axis=0))
    found = ask(client)
    assert sorted(found.datasets) == ["digits", "photos", "sky"] and not found.turned
    np.testing.assert_allclose(positions(found), expected.positions, atol=1e-6)
    assert any("Fewer models on some datasets: sky 6 of 7" in note for note in found.notes)


def test_a_distance_is_taken_as_it_is(client: TestClient, squares: dict[str, np.ndarray]) -> None:
    found = ask(client, metric=ANGULAR)
    expected = model_map(squares["angular"], direction="distance")
    np.testing.assert_allclose(positions(found), expected.positions, atol=1e-6)


def test_tsne_tells_its_seed_and_perplexity(client: TestClient, squares: dict[str, np.ndarray]) -> None:
    found = ask(client, method="tsne", datasets="digits,photos,sky", perplexity=3)
    assert (found.seed, found.perplexity, found.turned) == (42, 3.0, False)
    assert positions(found).tolist() != positions(ask(client, method="tsne", perplexity=3, seed=1)).tolist()
    assert "longer distances mean nothing" in found.sentence


def test_models_are_chosen_by_a_predicate(client: TestClient, squares: dict[str, np.ndarray]) -> None:
    found = ask(client, models="objective:sup,ssl", datasets="photos")
    assert found.models == NAMES[:5] and found.chosen == "objective:self-supervised,supervised"
    assert found.n_models_of == 7
    assert ask(client, models="model:net-5,net-6,net-0", datasets="photos").models == ["net-0", "net-5", "net-6"]


def test_the_etag_is_of_what_was_asked(client: TestClient, squares: dict[str, np.ndarray], engine: Engine) -> None:
    tags = set()
    for params in ({}, {"datasets": "digits"}, {"method": "tsne", "perplexity": 3}, {"models": "objective:sup"}):
        first = client.get("/model-map", params={"metric": LINEAR, **params})
        again = client.get("/model-map", params={"metric": LINEAR, **params}, headers={
            "If-None-Match": first.headers["ETag"]})
        assert again.status_code == 304 and not again.content
        tags.add(first.headers["ETag"])
    assert len(tags) == 4
    with transaction(engine) as connection:
        add_matrix(connection, add_dataset(connection, "new"), [1, 2, 3], LINEAR, similarities(3, 5))
    # A map of one dataset is turned by all of them, so it is another one now.
    assert client.get("/model-map", params={"metric": LINEAR, "datasets": "digits"}).headers["ETag"] not in tags


def test_refusals_name_their_field(client: TestClient, squares: dict[str, np.ndarray]) -> None:
    for params, field in (
        ({"method": "umap"}, "method"), ({"metric": "cka.lin"}, "metric"), ({"datasets": "digit"}, "datasets"),
        ({"models": "objektive:ssl"}, "models"), ({"seed": -1}, "seed"), ({"perplexity": 0}, "perplexity"),
        ({"layer": "z"}, "layer"),
    ):
        problem = refused(client.get("/model-map", params={"metric": LINEAR, **params}), 422)
        assert [one.field.rpartition(".")[2] for one in problem.fields] == [field], problem
    problem = refused(client.get("/model-map", params={"metric": LINEAR, "models": "objective:ssl"}), 422)
    assert "needs 3 models" in problem.detail
    problem = refused(client.get("/model-map", params={"metric": LINEAR, "method": "tsne", "perplexity": 7}), 422)
    assert "perplexity of 7" in problem.detail
    problem = refused(client.get("/model-map", params={"metric": "cka.linear.biased"}), 422)
    assert "there are 0" in problem.detail


def test_the_client_asks_for_the_same(client: TestClient, squares: dict[str, np.ndarray]) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        got = client.get(str(request.url))
        return httpx.Response(got.status_code, content=got.content)

    with Client("http://test/api/v1", transport=httpx.MockTransport(answer)) as api:
        assert api.model_map(LINEAR, ["digits"], models="!objective:untrained") == ask(
            client, datasets="digits", models="!objective:untrained"
        )
