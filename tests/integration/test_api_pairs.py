"""One pair of models through the API: every dataset, the origin of each number, and a planted disagreement."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from backend.contracts.pairs import Disagreement, MovingPairs, Pair, PairOnDataset
from backend.db.engine import transaction
from backend.db.repositories import matrices, neighbours
from backend.settings import Settings
from backend.storage import LocalStore, put_array
from tests.support.in_process import InProcess
from tests.support.problems import refused
from tests.support.rows import add_dataset, add_embedding, add_matrix, add_model, similarities
from tests.support.tiny import archive, timm_submission

LINEAR, CYCLE = "cka.linear.unbiased", "knn.cycle:k=10"
NAMES = [f"net-{i}" for i in range(5)]
ODD = 23  # the stimulus on which two models are made to disagree


@pytest.fixture
def filled(engine: Engine) -> dict[str, Any]:
    """Five models on three datasets by one metric, four on the last; a fourth dataset without a matrix."""
    with transaction(engine) as connection:
        datasets = [
            add_dataset(connection, name, n=40, domain=domain)
            for name, domain in (("shapes", "structured"), ("photos", "natural-multi"), ("sky", "specialized"))
        ]
        add_dataset(connection, "alone", domain="natural-single")
        models = [add_model(connection, name) for name in NAMES]
        values = {name: similarities(5, seed) for seed, name in enumerate(("shapes", "photos", "sky"))}
        for dataset, name in zip(datasets, values, strict=True):
            count = 4 if name == "sky" else 5
            square = values[name][:count, :count]
            beside = {key: square - shift for key, shift in (("null_mean", 0.5), ("tau", 0.25), ("ci_low", 0.125))}
            beside |= {"null_sd": np.full_like(square, 0.25), "p": np.full_like(square, 0.5), "ci_high": square + 0.125}
            add_matrix(connection, dataset, models[:count], LINEAR, square, beside, {"route": "cyclic", "seed": 0})
        one_way = similarities(5, 9)
        other_way = np.tril(similarities(5, 10)) + np.triu(similarities(5, 10), 1)
        add_matrix(connection, datasets[0], models, CYCLE, one_way, {"value.reverse": other_way})
    return {"models": models, "datasets": datasets, "values": values, "ways": (one_way, other_way)}


def asked(client: TestClient, **params: Any) -> Pair:
    answer = client.get("/pairs", params={"metric": LINEAR} | params)
    assert answer.status_code == 200, answer.text
    return Pair.model_validate_json(answer.content)


def on(pair: Pair, dataset: str) -> PairOnDataset:
    return next(one for one in pair.datasets if one.dataset == dataset)


@pytest.mark.parametrize(("a", "b"), list(combinations(range(4), 2)))
def test_every_number_is_that_of_the_matrix(client: TestClient, filled: dict[str, Any], a: int, b: int) -> None:
    pair = asked(client, a=NAMES[b], b=NAMES[a])
    assert [one.dataset for one in pair.datasets] == ["photos", "alone", "sky", "shapes"]
    for name, square in filled["values"].items():
        one, value = on(pair, name), square[a, b]
        assert one.value == value and one.reason == "" and one.reverse is None
        assert (one.null_mean, one.tau, one.p) == pytest.approx((value - 0.5, value - 0.25, 0.5), rel=1e-6)
        assert (one.ci_low, one.ci_high) == pytest.approx((value - 0.125, value + 0.125), rel=1e-6)
        assert one.z == pytest.approx(2.0) and one.calibrated == pytest.approx(0.25 / (1.25 - value), rel=1e-6)
        count = 4 if name == "sky" else 5
        every = [square[i, j] for i, j in combinations(range(count), 2)]
        assert one.n_pairs == len(every)
        assert one.percentile == pytest.approx(100 * sum(v < value for v in every) / (len(every) - 1))
        np.testing.assert_allclose(one.quantiles, np.quantile(every, [0.05, 0.25, 0.5, 0.75, 0.95]), rtol=1e-6)


def test_every_number_says_where_it_comes_from(client: TestClient, engine: Engine, filled: dict[str, Any]) -> None:
    one = on(asked(client, a="net-0", b="net-1"), "photos")
    with transaction(engine) as connection:
        row = connection.execute(text("""
            SELECT e.key, e.file_sha256, e.job_id, m.weights_sha256 FROM embeddings e JOIN models m ON m.id = e.model_id
            JOIN datasets d ON d.id = e.dataset_id WHERE m.name = 'net-1' AND d.name = 'photos'
        """)).one()
        compared = connection.execute(text("""
            SELECT x.job_id FROM matrix_embeddings x JOIN matrices m ON m.id = x.matrix_id
            JOIN datasets d ON d.id = m.dataset_id WHERE d.name = 'photos' AND x.ord = 1
        """)).scalar_one()
    origin = one.embedding_b
    assert origin is not None and origin.model == "net-1" and origin.weights_sha256 == row.weights_sha256
    assert (origin.key, origin.file_sha256, origin.job_id) == (row.key, row.file_sha256, row.job_id)
    assert one.embedding_a is not None and one.embedding_a.model == "net-0"
    assert (one.job_id, one.metric_version, one.recipe.route) == (compared, 1, "cyclic")
    assert one.computed_at is not None and one.dataset_version == 1 and not one.has_neighbours


def test_what_is_missing_is_said_and_never_a_number(client: TestClient, filled: dict[str, Any]) -> None:
    pair = asked(client, a="net-0", b="net-4")
    sky, alone = on(pair, "sky"), on(pair, "alone")
    assert sky.value is None and sky.reason == "net-4: not compared on this dataset yet" and sky.percentile is None
    assert alone.value is None and "has not been computed" in alone.reason
    assert sky.embedding_a is not None and sky.embedding_b is None
    assert "Of 2 datasets net-0 and net-4 stand highest on" in pair.sentence


def test_a_gap_gives_its_reason(client: TestClient, engine: Engine, filled: dict[str, Any]) -> None:
    with transaction(engine) as connection:
        embedding = add_embedding(connection, filled["models"][4], filled["datasets"][2])
        found = matrices.find(connection, dataset="sky", version=None, metric=LINEAR, preprocess="l2")
        assert found is not None
        connection.execute(
            text("""INSERT INTO similarity_gaps (matrix_id, embedding_id, dataset_hash, reason, job_id)
                    SELECT :matrix, id, dataset_hash, 'row 3 is zero', 1 FROM embeddings WHERE id = :id"""),
            {"matrix": found["id"], "id": embedding},
        )
    assert on(asked(client, a="net-4", b="net-1"), "sky").reason == "net-4: row 3 is zero"


def test_both_directions_of_a_directed_measure(client: TestClient, filled: dict[str, Any]) -> None:
    one_way, other_way = filled["ways"]
    forth = on(asked(client, a="net-3", b="net-1", metric=CYCLE), "shapes")
    back = on(asked(client, a="net-1", b="net-3", metric=CYCLE), "shapes")
    assert forth.value == one_way[3, 1] and forth.reverse == other_way[3, 1]
    assert (back.value, back.reverse) == (forth.reverse, forth.value) and back.percentile == forth.percentile


def test_pairs_that_move_most(client: TestClient, filled: dict[str, Any]) -> None:
    answer = client.get("/pairs/moving", params={"metric": LINEAR, "limit": 3})
    found = MovingPairs.model_validate_json(answer.content)
    assert (found.n_pairs, found.n_datasets, len(found.pairs)) == (10, 3, 3)
    assert [one.moves for one in found.pairs] == sorted((one.moves for one in found.pairs), reverse=True)
    first = found.pairs[0]
    placed = {one.dataset: one.percentile for one in asked(client, a=first.a, b=first.b).datasets}
    assert placed[first.low_dataset] == first.low_percentile == min(p for p in placed.values() if p is not None)
    assert placed[first.high_dataset] == first.high_percentile
    assert first.moves == first.high_percentile - first.low_percentile
    again = client.get("/pairs/moving", params={"metric": LINEAR, "limit": 3},
                       headers={"If-None-Match": answer.headers["etag"]})  # fmt: skip
    assert again.status_code == 304
    assert MovingPairs.model_validate(client.get("/pairs/moving", params={"metric": "pwcca"}).json()).pairs == []


def test_unusable_pairs_are_refused(client: TestClient, filled: dict[str, Any]) -> None:
    problem = refused(client.get("/pairs", params={"a": "net-9", "b": "net-1", "metric": LINEAR}), 404)
    assert "net-9" in problem.detail and "net-" in problem.hint
    same = refused(client.get("/pairs", params={"a": "net-1", "b": "net-1", "metric": LINEAR}), 422)
    assert [field.field for field in same.fields] == ["b"]
    refused(client.get("/pairs", params={"a": "net-0", "b": "net-1", "metric": "cka.linea"}), 422)
    refused(client.get("/pairs", params={"a": "net-0", "metric": LINEAR}), 422)
    for path in ("/pairs", "/pairs/disagreement"):
        refused(client.get(path, params={"a": "net-0", "b": "net-1", "metric": LINEAR, "dataset": "nowhere"}
                           if path != "/pairs" else {"a": "", "b": "net-1", "metric": LINEAR}), 404)  # fmt: skip


# --- disagreement ------------------------------------------------------------------------------------------------


def planted(n: int = 40, k: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Neighbours of two models that are the same but for the stimulus ODD, whose lists have nothing in common."""
    rng = np.random.default_rng(4)
    first = np.array([rng.permutation(np.delete(np.arange(n), i))[:k] for i in range(n)], dtype=np.int32)
    second = first.copy()
    second[ODD, : k - 1] = np.setdiff1d(np.arange(n), [ODD, *first[ODD]])[: k - 1]
    return first, second


def store_neighbours(engine: Engine, settings: Settings, dataset: int, lists: dict[str, np.ndarray]) -> None:
    store = LocalStore(settings.store_folder)
    with transaction(engine) as connection:
        known = neighbours.of_models(connection, dataset, list(lists))
        for name, one in lists.items():
            number = connection.execute(
                text("SELECT id FROM embeddings WHERE key = :key"), {"key": known[name]["key"]}
            ).scalar_one()
            neighbours.add(connection, embedding_id=number, k=one.shape[1], file_sha256=put_array(store, one), job_id=1)


def test_a_planted_disagreement_comes_first(
    client: TestClient, engine: Engine, settings: Settings, filled: dict[str, Any]
) -> None:
    first, second = planted()
    store_neighbours(engine, settings, filled["datasets"][0], {"net-0": first, "net-1": second})
    params = {"a": "net-0", "b": "net-1", "dataset": "shapes", "limit": 3}
    answer = client.get("/pairs/disagreement", params=params)
    found = Disagreement.model_validate_json(answer.content)
    item = found.items[0]
    assert (item.ord, item.shared) == (ODD, 0) and found.items[1].shared == 10
    assert item.neighbours_a == first[ODD, :10].tolist() and item.neighbours_b == second[ODD, :10].tolist()
    labels = [str(i % 3) for i in range(40)]
    assert item.same_label_a == sum(labels[i] == labels[ODD] for i in first[ODD, :10])
    assert (found.n, found.k, found.depth) == (40, 10, 20) and found.counts == [1] + [0] * 9 + [39]
    assert found.mean_shared == 390 / 40 and found.chance == pytest.approx(100 / 39)
    named = {one.ord: one for one in found.stimuli}
    assert set(named) >= {ODD, *item.neighbours_a, *item.neighbours_b} and named[ODD].stimulus_id == f"s{ODD}"
    assert named[ODD].image is None and not found.shows_stimuli
    assert "on 1 of 40 stimuli they share none" in found.sentence
    assert found.embedding_a.model == "net-0" and found.neighbours_job_b == 1
    assert client.get("/pairs/disagreement", params=params,
                      headers={"If-None-Match": answer.headers["etag"]}).status_code == 304  # fmt: skip
    agreed = client.get("/pairs/disagreement", params=params | {"order": "agreement", "limit": 40}).json()
    assert [one["ord"] for one in agreed["items"]][-1] == ODD and agreed["items"][0]["agreement"] == pytest.approx(1.0)
    assert on(asked(client, a="net-0", b="net-1"), "shapes").has_neighbours


def test_neighbours_that_are_not_there_are_said(
    client: TestClient, engine: Engine, settings: Settings, filled: dict[str, Any]
) -> None:
    params = {"a": "net-4", "b": "net-0", "dataset": "sky"}
    assert "no embedding on sky" in refused(client.get("/pairs/disagreement", params=params), 404).detail
    problem = refused(client.get("/pairs/disagreement", params=params | {"a": "net-1"}), 404)
    assert "net-1" in problem.detail and "comparison" in problem.hint
    for bad in ({"limit": 0}, {"limit": 101}, {"order": "other"}):
        refused(client.get("/pairs/disagreement", params=params | bad), 422)
    refused(client.get("/pairs/disagreement", params=params | {"a": "net-0"}), 422)


def test_from_pictures_to_disagreement(worker: InProcess) -> None:
    """Two real networks: what the lists of the answer say is what their embeddings say."""
    worker.add_dataset(archive("noise", 30, shows_stimuli=True))
    for network in ("test_resnet", "test_vit"):
        worker.submit(timm_submission(network, 0, ["noise"], [LINEAR], name=network.replace("_", "-")))
    found = Disagreement.model_validate(worker.client.get(
        "/pairs/disagreement", params={"a": "test-resnet", "b": "test-vit", "dataset": "noise", "limit": 30}
    ).json())  # fmt: skip
    assert sum(found.counts) == 30 == len(found.items)
    assert [one.shared for one in found.items] == sorted(one.shared for one in found.items)
    for one in found.items:
        assert one.shared == len(set(one.neighbours_a) & set(one.neighbours_b)) and one.ord not in one.neighbours_a
    assert all(worker.client.get(one.image.removeprefix("/api/v1")).status_code == 200
               for one in found.stimuli[:3] if one.image)  # fmt: skip
    assert found.stimuli[0].image
