"""What belongs to a value beside it: stored and derived layers through the API, in both forms, and in plain SQL."""

from __future__ import annotations

from typing import Any, get_args

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from backend.contracts.matrices import Layer, Matrix, MatrixSummary
from backend.contracts.metrics import MetricInfo
from backend.db.engine import transaction
from backend.db.repositories import embeddings, matrices, matrix_rows
from backend.domain import calibration
from backend.domain.metrics import CATALOGUE, parse_metric
from backend.domain.quantities import CALIBRATION, DERIVED, INTERVAL, LAYERS, REVERSE, STORED
from parallax.client import Client
from tests.support.problems import refused
from tests.support.rows import add_dataset, add_embedding, add_matrix, add_model, similarities

LINEAR, CYCLE, ANGULAR = "cka.linear.unbiased", "knn.cycle:k=10", "procrustes.angular"
RECIPE = {
    "route": "block-permutation", "seed": 0, "alpha": 0.05, "permutations": 200, "ways": 24, "ci_method": "jackknife",
}
NAMES = [f"net-{i}" for i in range(5)]


def directed(seed: int) -> np.ndarray:
    """5 x 5 numbers in [0, 1) that float32 holds exactly, not symmetric."""
    drawn = np.random.default_rng(seed).random((5, 5))
    return drawn.astype(np.float32).astype(np.float64)


def quantities(seed: int, symmetric: bool = True) -> dict[str, np.ndarray]:
    """Full squares of everything that is stored, `p` in steps of 1/200."""
    found = {name: directed([seed, i]) for i, name in enumerate(STORED)}  # type: ignore[arg-type]
    found["p"] = (np.ceil(found["p"] * 200) / 200).astype(np.float32).astype(np.float64)
    if symmetric:
        found = {name: np.tril(square) + np.tril(square, -1).T for name, square in found.items()}
    return found


def add(connection: Any, dataset: int, models: list[int], metric: str, squares: dict[str, np.ndarray]) -> int:
    """A matrix of these squares: both directions where the metric has two."""
    beside = {name: square for name, square in squares.items() if name != "value"}
    if metric == CYCLE:
        beside |= {name + REVERSE: square.T for name, square in squares.items()}
    return add_matrix(connection, dataset, models, metric, squares["value"], beside, RECIPE)


@pytest.fixture
def filled(engine: Engine) -> dict[str, Any]:
    """Five models on one dataset by three metrics: similarity, similarity with a direction, distance."""
    squares = {LINEAR: quantities(1), CYCLE: quantities(2, symmetric=False), ANGULAR: quantities(3)}
    with transaction(engine) as connection:
        dataset = add_dataset(connection, "digits", n=40)
        models = [add_model(connection, name) for name in NAMES]
        ids = {metric: add(connection, dataset, models, metric, square) for metric, square in squares.items()}
    return {"squares": squares, "ids": ids, "models": models, "dataset": dataset}


def get(client: TestClient, metric: str, layer: str, **params: str) -> Matrix:
    answer = client.get("/matrices", params={"dataset": "digits", "metric": metric, "layer": layer} | params)
    assert answer.status_code == 200, answer.text
    return Matrix.model_validate_json(answer.content)


def expected(squares: dict[str, np.ndarray], metric: str, layer: str) -> np.ndarray:
    s = squares
    best = 0.0 if metric == ANGULAR else 1.0
    if layer == "z":
        return calibration.z_score(s["value"], s["null_mean"], s["null_sd"])
    if layer == "ari":
        return calibration.adjusted(s["value"], s["null_mean"], best)
    if layer == "calibrated":
        return calibration.calibrated(s["value"], s["tau"], best)
    return calibration.adjusted_p(s["p"]) if layer == "q" else s[layer]


def test_the_layers_of_the_wire_are_those_of_the_domain() -> None:
    assert get_args(Layer) == LAYERS


@pytest.mark.parametrize("metric", [LINEAR, CYCLE, ANGULAR])
@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_is_what_the_stored_numbers_give_in_json_and_in_bytes(
    client: TestClient, filled: dict[str, Any], metric: str, layer: str
) -> None:
    matrix = get(client, metric, layer)
    wanted = expected(filled["squares"][metric], metric, layer).astype(np.float32)
    found = np.array(matrix.values, dtype=np.float32)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    np.testing.assert_array_equal(np.array(matrix.computed), np.isfinite(wanted))
    assert (matrix.models, matrix.layer) == (NAMES, layer)
    assert matrix.direction == ("distance" if metric == ANGULAR else "similarity")
    assert matrix.symmetric == (metric != CYCLE) == np.array_equal(found, found.T, equal_nan=True)
    assert matrix.recipe.model_dump() == RECIPE
    binary = client.get(
        "/matrices", params={"dataset": "digits", "metric": metric, "layer": layer},
        headers={"Accept": "application/octet-stream"},
    )
    np.testing.assert_array_equal(np.frombuffer(binary.content, "<f4").reshape(5, 5), found)


def test_q_counts_all_pairs_whichever_models_are_shown(client: TestClient, filled: dict[str, Any]) -> None:
    for metric in (LINEAR, CYCLE):
        whole = np.array(get(client, metric, "q").values, dtype=float)
        chosen = np.array(get(client, metric, "q", models="net-3,net-1").values, dtype=float)
        np.testing.assert_array_equal(chosen, whole[np.ix_([3, 1], [3, 1])])
        p = filled["squares"][metric]["p"][np.ix_([3, 1], [3, 1])]
        alone = calibration.adjusted_p(p)
        assert not np.allclose(alone[~np.eye(2, dtype=bool)], chosen[~np.eye(2, dtype=bool)])


def test_every_layer_and_form_has_an_etag_of_its_own(client: TestClient, filled: dict[str, Any]) -> None:
    seen = set()
    params = {"dataset": "digits", "metric": LINEAR}
    for layer in LAYERS:
        for more, accept in (({}, "application/json"), ({"values": "false"}, "application/json"),
                             ({}, "application/octet-stream")):  # fmt: skip
            asked = params | {"layer": layer} | more
            answer = client.get("/matrices", params=asked, headers={"Accept": accept})
            seen.add(answer.headers["ETag"])
            again = client.get(
                "/matrices", params=asked, headers={"Accept": accept, "If-None-Match": answer.headers["ETag"]}
            )
            assert again.status_code == 304
    assert len(seen) == 3 * len(LAYERS)


def test_the_head_of_a_matrix_is_its_json_without_numbers(client: TestClient, filled: dict[str, Any]) -> None:
    whole = get(client, LINEAR, "p").model_dump()
    assert get(client, LINEAR, "p", values="false").model_dump() == whole | {"values": [], "computed": []}


def test_rows_without_a_null_have_values_alone_until_they_are_filled(client: TestClient, engine: Engine) -> None:
    squares = quantities(4)
    with transaction(engine) as connection:
        dataset = add_dataset(connection, "digits")
        models = [add_model(connection, name) for name in NAMES]
        old = add_matrix(connection, dataset, models, LINEAR, squares["value"])
    before = {path: client.get(path, params={"metric": LINEAR}).headers["ETag"] for path in ("/orders", "/consistency")}

    def coverage() -> tuple[int, int]:
        (row,) = (MatrixSummary.model_validate(item) for item in client.get("/coverage").json()["items"])
        return row.n_models, row.n_calibrated

    assert coverage() == (5, 0)
    shown = np.array(get(client, LINEAR, "value").values, dtype=np.float32)
    np.testing.assert_array_equal(shown, squares["value"].astype(np.float32))
    for layer in (*CALIBRATION, *INTERVAL, *DERIVED):
        empty = get(client, LINEAR, layer)
        assert not np.array(empty.computed).any() and empty.values == [[None] * 5] * 5
        assert set(empty.recipe.model_dump().values()) == {None}
    etags = {layer: client.get("/matrices", params={"dataset": "digits", "metric": LINEAR, "layer": layer}
                               ).headers["ETag"] for layer in LAYERS}  # fmt: skip
    with transaction(engine) as connection:
        first = {row: {name: squares[name][row, : row + 1] for name in STORED} for row in (0, 1, 2)}
        matrix_rows.fill(connection, matrix_id=old, rows=first, recipe=RECIPE)
    assert coverage() == (5, 3)
    values = np.array(get(client, LINEAR, "z").values, dtype=float)
    assert np.isfinite(values[:3, :3]).all() and np.isnan(values[3:]).all() and np.isnan(values[:, 3:]).all()
    q = np.array(get(client, LINEAR, "q").values, dtype=float)
    np.testing.assert_allclose(q[:3, :3], calibration.adjusted_p(squares["p"][:3, :3]), rtol=1e-6)
    for layer, etag in etags.items():
        answer = client.get("/matrices", params={"dataset": "digits", "metric": LINEAR, "layer": layer},
                            headers={"If-None-Match": etag})  # fmt: skip
        assert answer.status_code == 200 and answer.headers["ETag"] != etag, layer
    for path, etag in before.items():
        assert client.get(path, params={"metric": LINEAR}).headers["ETag"] == etag, "they follow from values alone"


def test_a_model_that_was_embedded_again_has_one_row_in_every_layer(
    client: TestClient, engine: Engine, filled: dict[str, Any]
) -> None:
    newer = {name: np.full(6, 0.25) for name in STORED} | {name + REVERSE: np.full(6, 0.75) for name in STORED}
    with transaction(engine) as connection:
        embedding = add_embedding(connection, filled["models"][1], filled["dataset"], extractor_version=9)
        found = matrices.find(connection, dataset="digits", version=None, metric=CYCLE, preprocess="l2")
        assert found is not None
        assert matrix_rows.append(
            connection, matrix_id=found["id"], first_ord=5, gaps=[], job_id=1, recipe=RECIPE,
            rows=[matrix_rows.NewRow(embedding, filled["models"][1], newer)],
            dataset_hash=connection.execute(text("SELECT dataset_hash FROM datasets")).scalar_one(),
        )  # fmt: skip
    for layer in ("value", "p"):
        matrix = get(client, CYCLE, layer)
        assert sorted(matrix.models) == NAMES and matrix.models[-1] == "net-1"
        values = np.array(matrix.values)
        assert (values[4] == 0.25).all() and (values[:4, 4] == 0.75).all()


def test_what_follows_from_an_asymmetric_matrix_takes_the_mean_of_both_directions(
    client: TestClient, engine: Engine, filled: dict[str, Any]
) -> None:
    other = quantities(9, symmetric=False)
    with transaction(engine) as connection:
        add(connection, add_dataset(connection, "shapes", n=40), filled["models"], CYCLE, other)
    rows, columns = np.triu_indices(5, 1)
    both = [(s + s.T)[rows, columns] / 2 for s in (filled["squares"][CYCLE]["value"], other["value"])]
    table = client.get("/consistency", params={"metric": CYCLE}).json()
    assert table["r"][0][1] == pytest.approx(np.corrcoef(both)[0, 1], abs=1e-6)
    assert sorted(client.get("/orders", params={"metric": CYCLE}).json()["models"]) == NAMES


def test_the_view_of_pairs_has_one_row_per_pair_or_two_where_directions_differ(
    engine: Engine, filled: dict[str, Any]
) -> None:
    columns = ("value", *CALIBRATION, *INTERVAL)
    with transaction(engine) as connection:
        rows = connection.execute(text("SELECT * FROM similarity_pairs")).mappings().all()
        plain = add_matrix(
            connection, add_dataset(connection, "other"), filled["models"], LINEAR, similarities(5, 3)
        )
        bare = connection.execute(text("SELECT * FROM similarity_pairs WHERE dataset = 'other'")).mappings().all()
    assert plain and len(bare) == 10 and all(row["p"] is None and row["value"] is not None for row in bare)
    for metric, squares in filled["squares"].items():
        found = {(row["model_a"], row["model_b"]): row for row in rows if row["metric"] == metric}
        assert len(found) == (20 if metric == CYCLE else 10)
        for (a, b), row in found.items():
            at = NAMES.index(a), NAMES.index(b)
            for name in columns:
                assert row[name] == pytest.approx(squares[name][at], rel=1e-6), (metric, a, b, name)
    assert sum(row["metric"] == LINEAR for row in rows) == 10


def test_the_client_reads_layers_as_bytes_and_keeps_them(client: TestClient, filled: dict[str, Any]) -> None:
    asked: list[tuple[str, str, int]] = []

    class Watched(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            answer = client.get(str(request.url), headers=dict(request.headers))
            asked.append((request.headers["Accept"], request.url.params.get("values", ""), answer.status_code))
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    with Client("http://test/api/v1", transport=Watched()) as api:
        array = api.matrix("digits", CYCLE, layer="calibrated")
        wanted = expected(filled["squares"][CYCLE], CYCLE, "calibrated")
        np.testing.assert_allclose(array.values, wanted, rtol=1e-6)
        assert (array.layer, array.direction, array.symmetric) == ("calibrated", "similarity", False)
        assert array.recipe.route == "block-permutation" and array.values.dtype == np.float32
        assert [(a, v) for a, v, _ in asked] == [("*/*", "false"), ("application/octet-stream", "")]
        assert api.matrix("digits", CYCLE, layer="calibrated") is array and asked[-1][2] == 304 and len(asked) == 3
        assert api.matrix("digits", CYCLE).layer == "value"


def test_an_open_end_of_an_interval_is_no_number(client: TestClient, engine: Engine, filled: dict[str, Any]) -> None:
    with transaction(engine) as connection:
        squares = quantities(5)
        squares["ci_high"][2, 1] = squares["ci_high"][1, 2] = np.inf
        add(connection, add_dataset(connection, "shapes"), filled["models"], LINEAR, squares)
        seen = connection.execute(text("SELECT count(*) FROM similarity_pairs WHERE ci_high = 'Infinity'")).scalar_one()
    matrix = client.get("/matrices", params={"dataset": "shapes", "metric": LINEAR, "layer": "ci_high"}).json()
    assert matrix["values"][1][2] is None and not matrix["computed"][2][1] and matrix["values"][1][1] is not None
    assert seen == 1


def test_a_layer_of_chosen_models_that_do_not_exist_is_refused(client: TestClient, filled: dict[str, Any]) -> None:
    answer = client.get("/matrices", params={"dataset": "digits", "metric": LINEAR, "layer": "q", "models": "net-9"})
    assert "net-9" in refused(answer, 422).detail


def test_diagnostics_are_listed_by_model_for_the_version_that_most_models_saw(
    client: TestClient, engine: Engine, filled: dict[str, Any]
) -> None:
    numbers = {"participation_ratio": 2.0, "effective_rank": 3.0, "outlier_dominance": 0.5}
    with transaction(engine) as connection:
        for embedding in (3, 1):
            embeddings.add_diagnostics(connection, embedding, numbers)
        newest = add_dataset(connection, "digits", version=2)
        add_embedding(connection, filled["models"][0], newest)
    page = client.get("/diagnostics", params={"dataset": "digits"}).json()
    assert [item.pop("model") for item in page["items"]] == ["net-0", "net-2"] and page["items"] == [numbers, numbers]
    assert client.get("/diagnostics", params={"dataset": "digits@2"}).json()["items"] == []
    assert "digits" in refused(client.get("/diagnostics", params={"dataset": "digit"}), 404).hint


def test_the_catalogue_says_what_each_metric_is(client: TestClient, filled: dict[str, Any]) -> None:
    listed = {item["id"]: MetricInfo.model_validate(item) for item in client.get("/metrics").json()["items"]}
    assert {spec.default.id for spec in CATALOGUE.values()} <= set(listed)
    for info in listed.values():
        spec = parse_metric(info.id).spec
        for name in ("direction", "symmetric", "best", "self_is_best", "triangle", "null", "on_request", "cost",
                     "precision", "citation", "explanation", "lower", "upper"):  # fmt: skip
            assert getattr(info, name) == getattr(spec, name), (info.id, name)
        assert info.default_preprocess == "l2"
        assert info.computed_on == (["digits"] if info.id in filled["squares"] else [])
    assert listed["rtd"].on_request and listed[ANGULAR].direction == "distance"
    (k,) = listed[CYCLE].parameters
    assert k.integer and listed[CYCLE].minimum_n == 12
