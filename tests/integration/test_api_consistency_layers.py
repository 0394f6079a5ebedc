"""Which numbers and whose labels consistency is computed from: calibrated values, both directions, audited labels."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from backend.db.engine import transaction
from tests.support.rows import add_dataset, add_matrix, add_model

LINEAR, CYCLE, ANGULAR = "cka.linear.unbiased", "knn.cycle:k=10", "procrustes.angular"
N, DATASETS = 6, ("digits", "shapes")
ABOVE = np.triu_indices(N, 1)


def drawn(*seed: int) -> np.ndarray:
    """6 x 6 numbers in [0, 1) that float32 holds exactly."""
    return np.random.default_rng(seed).random((N, N)).astype(np.float32).astype(np.float64)


def symmetric(square: np.ndarray) -> np.ndarray:
    return np.tril(square) + np.tril(square, -1).T


@pytest.fixture
def filled(engine: Engine) -> dict[Any, np.ndarray]:
    """Six models on two datasets: a similarity and a distance with their tau, and a measure with a direction. The first
    three are a published model whose labels were audited."""
    squares: dict[Any, np.ndarray] = {}
    with transaction(engine) as connection:
        models = [
            add_model(
                connection, f"net-{k}", timm_name="swin_base_patch4_window7_224.ms_in22k", training_data="imagenet-1k",
                pooling=f"pool-{k}",
            )
            if k < 3 else add_model(connection, f"net-{k}", training_data="large")
            for k in range(N)
        ]
        for number, name in enumerate(DATASETS):
            dataset = add_dataset(connection, name, n=40)
            for metric in (LINEAR, ANGULAR):
                value, tau = symmetric(drawn(number, 1)), symmetric(drawn(number, 2)) / 2
                squares[metric, name] = value, tau
                nothing = {key: symmetric(drawn(number, 3)) for key in ("null_mean", "null_sd", "p")}
                add_matrix(connection, dataset, models, metric, value, {"tau": tau, **nothing})
            square = drawn(number, 4)
            squares[CYCLE, name] = square
            add_matrix(connection, dataset, models, CYCLE, square, {"value.reverse": square.T})
    return squares


def r_of(client: TestClient, **params: Any) -> tuple[float, dict[str, Any]]:
    answer = client.get("/consistency", params=params).json()
    return answer["r"][0][1], answer["scope"]


def pearson(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.corrcoef(x[ABOVE], y[ABOVE])[0, 1])


def test_calibrated_values_are_correlated_where_they_are_asked_for(
    client: TestClient, filled: dict[Any, np.ndarray]
) -> None:
    for metric, best in ((LINEAR, 1.0), (ANGULAR, 0.0)):
        pairs = [filled[metric, name] for name in DATASETS]
        calibrated = [np.maximum((value - tau) / (best - tau), 0).astype(np.float32) for value, tau in pairs]
        r, scope = r_of(client, metric=metric, layer="calibrated")
        assert r == pytest.approx(pearson(*calibrated), abs=1e-7) and scope["layer"] == "calibrated"
        r, scope = r_of(client, metric=metric)
        assert r == pytest.approx(pearson(*(value for value, _ in pairs)), abs=1e-9) and scope["layer"] == "value"


def test_a_measure_with_a_direction_enters_with_the_mean_of_both(
    client: TestClient, filled: dict[Any, np.ndarray]
) -> None:
    r, scope = r_of(client, metric=CYCLE)
    means = [(filled[CYCLE, name] + filled[CYCLE, name].T) / 2 for name in DATASETS]
    assert r == pytest.approx(pearson(*means), abs=1e-9)
    assert any("mean of its two directions" in note for note in scope["notes"])
    spread = client.get("/consistency/spread", params={"metric": CYCLE}).json()
    stack = np.stack([filled[CYCLE, name] for name in DATASETS])
    np.testing.assert_allclose(spread["mean"], stack.mean(axis=0), atol=1e-7)


@pytest.mark.usefixtures("filled")
def test_labels_decide_which_set_a_model_is_in(client: TestClient) -> None:
    def sets(labels: str) -> dict[str, int]:
        params = {"metric": LINEAR, "by": "training_data", "labels": labels}
        answer = client.get("/consistency/set-pairs", params=params).json()
        assert answer["scope"]["labels"] == labels
        return {one["set_a"]: one["n_models_a"] for one in answer["pairs"] if one["set_a"] == one["set_b"]}

    assert sets("published") == {"imagenet-1k": 3, "large": 3}
    assert sets("audited") == {"imagenet-21k": 3, "large": 3}
    etags = {
        client.get("/consistency", params={"metric": LINEAR, "models": "training_data:in1k", "labels": labels})
        .headers["ETag"] for labels in ("published", "audited")
    }  # fmt: skip
    assert len(etags) == 2


def test_answers_of_different_questions_are_never_mixed_up(
    client: TestClient, filled: dict[Any, np.ndarray]
) -> None:
    questions = [
        {"metric": metric, "layer": layer, "method": method, "models": models, "set_a": set_a}
        for metric in (LINEAR, ANGULAR) for layer in ("value", "calibrated") for method in ("pearson", "spearman")
        for models in ("", "!model:net-0") for set_a in ("all", "training_data:large")
    ]
    answers = [client.get("/consistency", params=one) for one in questions]
    again = [client.get("/consistency", params=one) for one in reversed(questions)][::-1]
    assert [one.content for one in answers] == [one.content for one in again]
    for one, other in combinations(range(len(questions)), 2):
        assert answers[one].headers["ETag"] != answers[other].headers["ETag"], (questions[one], questions[other])
