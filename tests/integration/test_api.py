"""The reading half of the API: catalogue, matrices, order, consistency, the finding, and what is not there."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from backend.contracts.consistency import Consistency, Finding
from backend.contracts.datasets import Dataset, Stimulus
from backend.contracts.matrices import Matrix, MatrixSummary, SharedOrder
from backend.contracts.metrics import MetricInfo
from backend.contracts.models import Model
from backend.db.engine import transaction
from backend.domain.identity import order_hash
from backend.domain.metrics import CATALOGUE
from tests.support.problems import refused
from tests.support.rows import add_dataset, add_matrix, add_model, similarities

LINEAR, SPEARMAN = "cka.linear.unbiased", "rsa.correlation.spearman"
OBJECTIVES = ("supervised", "supervised", "self-supervised", "self-supervised", "image-text", "untrained")


@pytest.fixture
def filled(engine: Engine) -> dict[str, Any]:
    """Six models on three datasets by one metric, five on the third; another metric on the first."""
    with transaction(engine) as connection:
        datasets = [
            add_dataset(connection, name, domain=domain)
            for name, domain in (("digits", "specialized"), ("shapes", "structured"), ("photos", "natural-multi"))
        ]
        models = [add_model(connection, f"net-{i}", objective) for i, objective in enumerate(OBJECTIVES)]
        shared = similarities(6, 100)
        values = {}
        for seed, (dataset, name) in enumerate(zip(datasets, ("digits", "shapes", "photos"), strict=True)):
            square = (0.7 * shared + 0.3 * similarities(6, seed)).astype(np.float32).astype(np.float64)
            count = 5 if name == "photos" else 6
            add_matrix(connection, dataset, models[:count], LINEAR, square[:count, :count])
            values[name] = square[:count, :count].astype(np.float32)
        add_matrix(connection, datasets[0], models[:2], SPEARMAN, similarities(2, 9))
    return {"models": models, "datasets": datasets, "values": values}


def test_models_are_listed_by_name_and_found_by_name(client: TestClient, filled: dict[str, Any]) -> None:
    page = client.get("/models").json()
    listed = [Model.model_validate(item) for item in page["items"]]
    assert [model.name for model in listed] == [f"net-{i}" for i in range(6)]
    assert page["total"] == 6 and page["next_cursor"] is None
    one = Model.model_validate(client.get("/models/net-3").json())
    assert one == listed[3] and one.objective == "self-supervised" and one.tags == ["made"]


def test_datasets_are_found_by_name_and_by_version(client: TestClient, engine: Engine, filled: dict[str, Any]) -> None:
    with transaction(engine) as connection:
        add_dataset(connection, "digits", version=2)
    listed = [Dataset.model_validate(item) for item in client.get("/datasets").json()["items"]]
    assert [(d.name, d.version) for d in listed] == [("digits", 1), ("digits", 2), ("photos", 1), ("shapes", 1)]
    assert Dataset.model_validate(client.get("/datasets/digits").json()).version == 2
    first = Dataset.model_validate(client.get("/datasets/digits@1").json())
    assert (first.version, first.n_stimuli, first.n_labels, first.n_groups) == (1, 6, 3, 2)
    stimuli = [Stimulus.model_validate(item) for item in client.get("/datasets/digits@1/stimuli").json()["items"]]
    assert [s.ord for s in stimuli] == list(range(6)) and stimuli[4].stimulus_id == "s4" and stimuli[4].label == "1"


@pytest.mark.parametrize("path", ["/models", "/datasets", "/datasets/digits/stimuli"])
def test_pages_hold_everything_once_and_in_order(client: TestClient, filled: dict[str, Any], path: str) -> None:
    whole = client.get(path).json()
    items, cursor = [], None
    while True:
        page = client.get(path, params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        assert len(page["items"]) <= 2 and page["total"] == whole["total"]
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert items == whole["items"]


def test_a_cursor_that_was_tampered_with_or_is_of_another_list_is_refused(
    client: TestClient, filled: dict[str, Any]
) -> None:
    cursor = client.get("/models", params={"limit": 1}).json()["next_cursor"]
    changed = cursor[:-2] + ("A" if cursor[-2] != "A" else "B") + cursor[-1]
    for bad in (changed, cursor[:10], "x", "%%%", "ä" * 20, "A" * 400, ""):
        refused(client.get("/models", params={"cursor": bad}), 422)
    refused(client.get("/models", params={"cursor": "A" * 401}), 422)
    for other in ("/datasets", "/jobs", "/datasets/digits/stimuli"):
        refused(client.get(other, params={"cursor": cursor}), 422)


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "x", "1e2", "9999999999999999999999"])
def test_a_limit_out_of_range_is_refused_by_name(client: TestClient, limit: str) -> None:
    assert [f.field for f in refused(client.get("/models", params={"limit": limit}), 422).fields] == ["limit"]


def test_the_metric_catalogue_is_complete(client: TestClient, filled: dict[str, Any]) -> None:
    listed = [MetricInfo.model_validate(item) for item in client.get("/metrics").json()["items"]]
    assert {info.family for info in listed} == {spec.family for spec in CATALOGUE.values()}
    by_id = {info.id: info for info in listed}
    assert by_id[LINEAR].computed_on == ["digits", "photos", "shapes"] and by_id[SPEARMAN].computed_on == ["digits"]
    sigma = by_id["cka.rbf.unbiased:sigma=0.4"].parameters[0]
    assert (sigma.name, sigma.default) == ("sigma", 0.4) and sigma.minimum < 0.4 < sigma.maximum


def test_names_of_timm_are_searched(client: TestClient) -> None:
    found = client.get("/model-names", params={"q": "resnet18", "limit": 5}).json()
    assert found[0] == "resnet18" and len(found) == 5
    assert client.get("/model-names", params={"q": "no such network"}).json() == []


def test_a_matrix_is_the_same_in_json_and_in_bytes(client: TestClient, filled: dict[str, Any]) -> None:
    params = {"dataset": "digits", "metric": LINEAR}
    answer = client.get("/matrices", params=params)
    wire = Matrix.model_validate_json(answer.content)
    names = [f"net-{i}" for i in range(6)]
    assert wire.models == names and wire.order_hash == order_hash(names) == answer.headers["X-Order-Hash"]
    assert (wire.dataset, wire.dataset_version, wire.metric, wire.metric_version) == ("digits", 1, LINEAR, 1)
    assert (wire.preprocess, wire.n, wire.gaps) == ("l2", 6, [])
    values = np.array(wire.values, np.float32)
    np.testing.assert_array_equal(values, filled["values"]["digits"])
    assert np.array(wire.computed).all()

    binary = client.get("/matrices", params=params, headers={"Accept": "application/octet-stream"})
    assert binary.headers["content-type"] == "application/octet-stream"
    assert binary.headers["X-Shape"] == "6,6" == answer.headers["X-Shape"]
    assert binary.headers["X-Order-Hash"] == answer.headers["X-Order-Hash"]
    located = binary.headers["X-Order-Location"].partition("#")[0].removeprefix("/api/v1")
    assert client.get(located).json()["models"] == names
    np.testing.assert_array_equal(np.frombuffer(binary.content, "<f4").reshape(6, 6), values)
    assert "Accept" in binary.headers["Vary"] and binary.headers["ETag"] != answer.headers["ETag"]


def test_models_are_chosen_in_any_order(client: TestClient, filled: dict[str, Any]) -> None:
    chosen = client.get("/matrices", params={"dataset": "digits", "metric": LINEAR, "models": "net-4,net-1"}).json()
    assert chosen["models"] == ["net-4", "net-1"]
    expected = filled["values"]["digits"][np.ix_([4, 1], [4, 1])]
    np.testing.assert_array_equal(np.array(chosen["values"], np.float32), expected)
    for bad in ("net-4,net-9", "net-1,net-1"):
        refused(client.get("/matrices", params={"dataset": "digits", "metric": LINEAR, "models": bad}), 422)


RESULTS: tuple[tuple[str, dict[str, str]], ...] = (
    ("/matrices", {"dataset": "digits", "metric": LINEAR}),
    ("/orders", {"metric": LINEAR}),
    ("/consistency", {"metric": LINEAR}),
    ("/consistency", {"metric": LINEAR, "method": "spearman"}),
    ("/consistency", {"metric": LINEAR, "set_a": "objective:sup", "intervals": "true"}),
    ("/consistency/set-pairs", {"metric": LINEAR}),
    ("/consistency/difference", {"metric": LINEAR, "a": "tag:made", "b": "objective:sup"}),
    ("/consistency/dataset-pair", {"metric": LINEAR, "a": "digits", "b": "shapes"}),
    ("/consistency/influence", {"metric": LINEAR}),
    ("/consistency/anchors", {"metric": LINEAR, "anchors": "net-0"}),
    ("/consistency/spread", {"metric": LINEAR}),
    ("/model-sets", {}),
    ("/finding", {}),
)


@pytest.mark.parametrize(("path", "params"), RESULTS, ids=str)
def test_an_etag_holds_until_a_row_is_added(
    client: TestClient, engine: Engine, filled: dict[str, Any], path: str, params: dict[str, str]
) -> None:
    first = client.get(path, params=params)
    etag = first.headers["ETag"]
    assert first.status_code == 200 and etag.startswith('"') and first.headers["Cache-Control"] == "no-cache"
    # As it was sent; among others; weakened by a proxy that compressed the answer; and "anything".
    for known in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        again = client.get(path, params=params, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
    assert client.get(path, params=params, headers={"If-None-Match": '"other"'}).content == first.content
    with transaction(engine) as connection:
        model = add_model(connection, "net-9")
        _append(connection, filled, model)
    second = client.get(path, params=params, headers={"If-None-Match": etag})
    assert second.status_code == 200 and second.headers["ETag"] != etag and second.content != first.content


def _append(connection: Any, filled: dict[str, Any], model: int) -> None:
    """One more model on every dataset."""
    from backend.db.repositories import datasets, matrices, matrix_rows
    from backend.db.repositories.matrix_rows import NewRow
    from tests.support.rows import add_embedding

    for dataset in filled["datasets"]:
        row = datasets.get_by_id(connection, dataset)
        assert row is not None
        found = matrices.find(
            connection, dataset=row["name"], version=row["version"], metric=LINEAR, preprocess="l2"
        )
        assert found is not None
        values = np.linspace(0.1, 1, found["n_rows"] + 1)
        new = NewRow(add_embedding(connection, model, dataset), model, {"value": values})
        assert matrix_rows.append(
            connection, matrix_id=found["id"], dataset_hash=row["dataset_hash"], first_ord=found["n_rows"], rows=[new],
            gaps=[], job_id=1,
        )  # fmt: skip


def test_a_gap_is_told_with_its_reason(client: TestClient, engine: Engine, filled: dict[str, Any]) -> None:
    from backend.db.repositories import datasets, matrices, matrix_rows
    from tests.support.rows import add_embedding

    before = client.get("/matrices", params={"dataset": "digits", "metric": LINEAR})
    with transaction(engine) as connection:
        dataset = datasets.get_by_id(connection, filled["datasets"][0])
        found = matrices.find(connection, dataset="digits", version=1, metric=LINEAR, preprocess="l2")
        assert dataset is not None and found is not None
        embedding = add_embedding(connection, add_model(connection, "flat"), dataset["id"])
        matrix_rows.append(
            connection, matrix_id=found["id"], dataset_hash=dataset["dataset_hash"], first_ord=found["n_rows"],
            rows=[], gaps=[(embedding, "its rows are constant")], job_id=1,
        )  # fmt: skip
    answer = client.get("/matrices", params={"dataset": "digits", "metric": LINEAR})
    assert answer.headers["ETag"] != before.headers["ETag"]
    assert answer.json()["gaps"] == [{"model": "flat", "reason": "its rows are constant"}]
    assert "flat" not in answer.json()["models"]


def test_a_new_version_takes_over_once_its_matrix_holds_as_many_models(
    client: TestClient, engine: Engine, filled: dict[str, Any]
) -> None:
    def shown() -> tuple[int, int]:
        """Version and number of models, the same by every endpoint."""
        matrix = client.get("/matrices", params={"dataset": "digits", "metric": LINEAR}).json()
        (summary,) = (
            row for row in client.get("/coverage").json()["items"]
            if (row["dataset"], row["metric"]) == ("digits", LINEAR)
        )
        assert summary["n_models"] == len(matrix["models"])
        return matrix["dataset_version"], len(matrix["models"])

    with transaction(engine) as connection:
        second = add_dataset(connection, "digits", version=2)
    assert shown() == (1, 6), "a version without results does not hide the one before it"
    with transaction(engine) as connection:
        add_matrix(connection, second, filled["models"][:5], LINEAR, similarities(5, 1))
    assert shown() == (1, 6)
    newest = client.get("/matrices", params={"dataset": "digits@2", "metric": LINEAR}).json()
    assert (newest["dataset_version"], len(newest["models"])) == (2, 5)
    with transaction(engine) as connection:
        extra = add_model(connection, "net-6")
        third = add_dataset(connection, "digits", version=3)
        add_matrix(connection, third, [*filled["models"], extra], LINEAR, similarities(7, 2))
    assert shown() == (3, 7)


@pytest.mark.parametrize("headers", [{"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_writes_from_pages_of_other_sites_are_refused(client: TestClient, headers: dict[str, str]) -> None:
    answer = client.post("/datasets", content=b"x", headers=headers)
    assert answer.status_code == 403 and "another web site" in answer.json()["detail"]
    assert client.get("/models", headers=headers).status_code == 200
    same = {"Origin": f"http://{client.base_url.netloc.decode()}", "Sec-Fetch-Site": "same-origin"}
    own = client.post("/datasets", content=b"x", headers=same)
    assert own.status_code == 422, "it reached the endpoint, which finds that it is no archive"


def test_a_layer_that_does_not_exist_is_refused(client: TestClient, filled: dict[str, Any]) -> None:
    answer = client.get("/matrices", params={"dataset": "digits", "metric": LINEAR, "layer": "guess"})
    assert answer.status_code == 422 and answer.json()["fields"][0]["field"] == "layer"


def test_coverage_lists_every_matrix(client: TestClient, filled: dict[str, Any]) -> None:
    listed = [MatrixSummary.model_validate(item) for item in client.get("/coverage").json()["items"]]
    assert [(m.dataset, m.metric, m.n_models) for m in listed] == [
        ("digits", LINEAR, 6), ("digits", SPEARMAN, 2), ("photos", LINEAR, 5), ("shapes", LINEAR, 6),
    ]  # fmt: skip


def test_one_order_serves_all_datasets(client: TestClient, filled: dict[str, Any]) -> None:
    order = SharedOrder.model_validate(client.get("/orders", params={"metric": LINEAR}).json())
    assert sorted(order.models) == [f"net-{i}" for i in range(6)]
    assert order.n_datasets == 3 and order.order_hash == order_hash(order.models)


def _pearson(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a, b)[0, 1])


def _squares(client: TestClient) -> dict[str, dict[tuple[str, str], float]]:
    """Dataset -> pair of models -> similarity, from the matrices that the API serves."""
    found = {}
    for dataset in ("digits", "photos", "shapes"):
        matrix = client.get("/matrices", params={"dataset": dataset, "metric": LINEAR}).json()
        found[dataset] = {
            (matrix["models"][a], matrix["models"][b]): float(np.float32(matrix["values"][a][b]))
            for a, b in combinations(range(len(matrix["models"])), 2)
        }
    return found


def test_consistency_and_the_finding_follow_from_the_matrices(client: TestClient, filled: dict[str, Any]) -> None:
    squares = _squares(client)
    r = {}
    for a, b in combinations(sorted(squares), 2):
        shared = sorted(set(squares[a]) & set(squares[b]))
        r[a, b] = _pearson(np.array([squares[a][p] for p in shared]), np.array([squares[b][p] for p in shared]))

    table = Consistency.model_validate(client.get("/consistency", params={"metric": LINEAR}).json())
    assert table.datasets == ["photos", "digits", "shapes"], "by domain"
    assert table.domains == ["natural-multi", "specialized", "structured"]
    at = {name: i for i, name in enumerate(table.datasets)}
    for (a, b), value in r.items():
        assert table.r[at[a]][at[b]] == pytest.approx(value, abs=1e-9) == table.r[at[b]][at[a]]
    assert [table.r[i][i] for i in range(3)] == [1, 1, 1]
    assert table.n_pairs[at["digits"]][at["shapes"]] == 15 and table.n_pairs[at["digits"]][at["photos"]] == 10
    assert table.n_models[at["digits"]][at["photos"]] == 5

    finding = Finding.model_validate(client.get("/finding").json())
    numbers: dict[str, Any] = finding.numbers
    values = sorted(r.values())
    assert numbers["median_r"] == pytest.approx(values[1], abs=1e-9)
    assert (numbers["min_r"], numbers["max_r"]) == pytest.approx((values[0], values[2]), abs=1e-9)
    weakest = min(r, key=lambda pair: r[pair])
    assert sorted(numbers["weakest_pair"]) == sorted(weakest)
    assert (numbers["n_models"], numbers["n_model_pairs"], numbers["n_model_pairs_min"]) == (6, 15, 10)
    trained = [
        _pearson(*(np.array([squares[name][p] for p in shared]) for name in (a, b)))
        for a, b in combinations(sorted(squares), 2)
        for shared in [[p for p in sorted(set(squares[a]) & set(squares[b])) if "net-5" not in p]]
    ]
    assert numbers["median_r_trained"] == pytest.approx(float(np.median(trained)), abs=1e-9)
    for shown in (values[1], values[0], values[2]):
        assert f"{shown:.2f}".replace("-", "−") in finding.sentence
    assert "15" in finding.sentence and "3 datasets" in finding.sentence


def test_without_any_result_the_answers_are_empty_and_still_about_what_was_asked(client: TestClient) -> None:
    assert client.get("/coverage").json()["items"] == []
    assert client.get("/finding").json()["sentence"] == ""
    for metric in (LINEAR, SPEARMAN):
        assert client.get("/orders", params={"metric": metric}).json() == {
            "metric": metric, "preprocess": "l2", "models": [], "order_hash": order_hash([]), "n_datasets": 0,
        }  # fmt: skip
        assert client.get("/consistency", params={"metric": metric}).json()["metric"] == metric
        assert client.get("/finding", params={"metric": metric}).json()["numbers"]["metric"] == metric


@pytest.mark.parametrize(("path", "params", "status", "hint"), [
    ("/models/net-33", {}, 404, "net-3"),
    ("/datasets/digit", {}, 404, "digits"),
    ("/datasets/digits@7", {}, 404, "digits"),
    ("/datasets/digits@1x", {}, 404, "digits"),
    ("/datasets/digits@99999999999999999999", {}, 404, "digits"),
    ("/datasets/shape/stimuli", {}, 404, "shapes"),
    ("/matrices", {"dataset": "digts", "metric": LINEAR}, 404, "digits"),
    ("/matrices", {"dataset": "digits", "metric": "cka.linear.unbiasd"}, 422, LINEAR),
    ("/matrices", {"dataset": "digits", "metric": "cka.rbf.unbiased:sigma=0"}, 422, "0.01"),
    ("/matrices", {"dataset": "digits", "metric": LINEAR, "preprocess": "l3"}, 422, "l2"),
    ("/matrices", {"dataset": "shapes", "metric": SPEARMAN}, 404, "Submit"),
    ("/orders", {"metric": "cka"}, 422, "cka"),
    ("/consistency", {"metric": LINEAR, "method": "kendall"}, 422, "pearson"),
    ("/finding", {"metric": "x"}, 422, ""),
])  # fmt: skip
def test_what_does_not_exist_is_refused_with_the_nearest_name(
    client: TestClient, filled: dict[str, Any], path: str, params: dict[str, str], status: int, hint: str
) -> None:
    problem = refused(client.get(path, params=params), status)
    assert hint in problem.hint


@pytest.mark.parametrize("path", ["/", "/nothing", "/models/a/b", "/matrices/digits", "/jobs/1/other", "/../x"])
def test_unknown_paths_are_problems_too(client: TestClient, path: str) -> None:
    problem = refused(client.get(path), 404)
    if "openapi" in problem.hint:
        assert client.get("/openapi.json").status_code == 200


def test_a_wrong_verb_says_which_are_right(client: TestClient) -> None:
    answer = client.delete("/models")
    refused(answer, 405)
    assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize(
    "value", ["\0", "a\0b", "ü" * 50, "../../etc/passwd", "%00", "'; DROP TABLE jobs; --", "\ufeff", "😀"]
)
def test_hostile_names_are_refused_politely(client: TestClient, filled: dict[str, Any], value: str) -> None:
    for path, params in (
        ("/matrices", {"dataset": value, "metric": LINEAR}),
        ("/matrices", {"dataset": "digits", "metric": value}),
        ("/matrices", {"dataset": "digits", "metric": LINEAR, "models": value}),
        ("/orders", {"metric": value}),
        ("/jobs", {"state": value}),
    ):
        assert client.get(path, params=params).status_code in (404, 422)
    for path in ("/models/{}", "/datasets/{}", "/datasets/{}/stimuli", "/jobs/{}"):
        from urllib.parse import quote

        assert client.get(path.format(quote(value, safe=""))).status_code in (404, 422)


def test_the_service_says_what_it_is(client: TestClient) -> None:
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/ready").json() == {"status": "ready"}
    version = client.get("/version").json()
    assert version["version"] and version["schema_revision"]
