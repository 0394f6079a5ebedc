"""The map of models: its figure, what its caption claims, and what the page says when there is no such map."""

from __future__ import annotations

import json
from typing import Any

import httpx
import numpy as np
import pytest
from dash import Dash
from fastapi.testclient import TestClient

from backend.contracts.model_map import ModelMap
from backend.contracts.problems import FieldProblem, Problem
from backend.domain.attributes import MODEL_ATTRIBUTES
from backend.settings import Settings
from frontend.app import create_app
from frontend.figures.model_map import MapData, model_map, nearest_alike, ranges
from frontend.pages import model_map as page
from frontend.pages.study import read_study
from frontend.theme import colour_of, symbol_of
from parallax.client import ApiError
from tests.unit.frontend.stub_api import MODELS, StubApi

OBJECTIVES = ("supervised", "image-text", "supervised", "untrained", "image-text", "supervised")


def data(**changes: Any) -> MapData:
    rng = np.random.default_rng(0)
    attributes = {"objective": OBJECTIVES, "size": ["small"] * 6}
    given = {"models": [f"m{i}" for i in range(6)], "x": rng.normal(size=6), "y": 0.2 * rng.normal(size=6)}
    return MapData(**(given | {"attributes": attributes} | changes))  # type: ignore[arg-type]


def test_every_model_is_drawn_once_with_the_colour_and_shape_of_its_value() -> None:
    drawn = model_map(data(), "objective")
    assert [trace.name for trace in drawn.data] == ["Image-Text (2)", "Supervised (3)", "Untrained (1)"]
    positions = [int(k) for trace in drawn.data for k in trace.customdata]
    assert sorted(positions) == list(range(6))
    for trace in drawn.data:
        slugs = {OBJECTIVES[k] for k in trace.customdata}
        (slug,) = slugs
        assert (trace.marker.color, trace.marker.symbol) == (colour_of("objective", slug), symbol_of("objective", slug))
        np.testing.assert_allclose(trace.x, data().x[trace.customdata], rtol=1e-6)
    assert len({trace.marker.symbol for trace in drawn.data}) == 3, "colour is never the only sign"


def test_the_map_is_square_and_keeps_its_shape() -> None:
    layout = model_map(data(), "size").layout
    assert layout.yaxis.scaleanchor == "x" and layout.yaxis.scaleratio == 1
    across, up = ranges(data().x, data().y)
    assert across[1] - across[0] == pytest.approx(up[1] - up[0])
    assert across[0] < data().x.min() and across[1] > data().x.max()
    assert up[0] < data().y.min() and up[1] > data().y.max()
    assert ranges(np.zeros(3), np.zeros(3))[0][0] < 0, "models at one place"


def test_numbers_travel_as_bytes_and_words_are_left_to_the_browser() -> None:
    many = data(models=[f"m{i}" for i in range(600)], x=np.arange(600.0), y=np.arange(600.0),
                attributes={"objective": ["supervised"] * 600})
    (trace,) = json.loads(model_map(many, "objective").to_json())["data"]
    assert {"dtype", "bdata"} <= set(trace["x"]) and trace["x"]["dtype"] == "f4"
    assert "bdata" in trace["customdata"] and "text" not in trace and "hovertext" not in trace


def test_nearest_alike_counts_neighbours_and_what_chance_gives() -> None:
    rng = np.random.default_rng(1)
    points, slugs = rng.normal(size=(40, 2)), np.array(["a", "b", "c"])[rng.integers(0, 3, 40)]
    given = data(models=list(map(str, range(40))), x=points[:, 0], y=points[:, 1], attributes={"objective": slugs})

    def slow(of: np.ndarray) -> int:
        count = 0
        for i in range(40):
            others = [j for j in range(40) if j != i]
            count += of[min(others, key=lambda j: float(np.linalg.norm(points[i] - points[j])))] == of[i]
        return count

    found, chance = nearest_alike(given, "objective")
    assert found == slow(slugs)
    dealt = np.mean([slow(rng.permutation(slugs)) for _ in range(200)])
    assert chance == pytest.approx(dealt, abs=0.6)


def answer(**changes: Any) -> ModelMap:
    names = list(MODELS)
    rng = np.random.default_rng(2)
    given: dict[str, Any] = {
        "metric": "cka.linear.unbiased", "preprocess": "l2", "layer": "value", "labels": "published", "chosen": "",
        "datasets": ["digits", "photos"], "method": "mds", "seed": None, "perplexity": None, "models": names,
        "x": rng.normal(size=len(names)).tolist(), "y": rng.normal(size=len(names)).tolist(), "left_out": [],
        "n_models_of": len(names), "stress": 0.123, "trustworthiness": 0.87, "neighbours": 4, "turned": False,
        "sentence": "It is true.",
    }  # fmt: skip
    return ModelMap(**(given | changes))


def test_the_browser_gets_a_figure_for_every_attribute_and_the_words_of_each_model() -> None:
    study = read_study(StubApi().client())
    drawn = page._drawn(study, answer())
    for what in ("figures", "words", "attributes", "captions"):
        assert list(drawn[what]) == list(MODEL_ATTRIBUTES)
    placed = MapData(answer().models, np.array(answer().x), np.array(answer().y), study.attributes(answer().models))
    same, chance = nearest_alike(placed, "architecture")
    words = drawn["captions"]["architecture"]
    assert words.startswith(f"{same} of 9 models lie nearest to a model of the same architecture;")
    assert f"about {chance:.0f}" in words and words.endswith("It is true.")
    assert drawn["captions"]["size"] == "All 9 models have the same size. It is true."


def test_the_recipe_names_everything_that_changes_the_map() -> None:
    study = read_study(StubApi().client())
    told = str(page._about(study, answer(method="tsne", seed=7, perplexity=3.5, turned=True, chosen="size:small")))
    for word in ("cka.linear.unbiased", "version 1", "digits", "photos", "n = 50", "perplexity 3.5", "seed 7",
                 "9 of 9, size:small", "0.87", "turned, never stretched", "1 − similarity"):
        assert word in told, word
    distance = answer(metric="procrustes.angular", datasets=["digits"], notes=["Something is missing."])
    told = str(page._about(study, distance))
    assert "the distance itself" in told and "Something is missing." in told and "metric MDS" in told


def test_a_refusal_says_what_is_wrong_and_at_which_field() -> None:
    fields = [FieldProblem(field="query.models", message="No such objective.", hint="Did you mean ssl?")]
    wrong, notice = page._wrong(ApiError(Problem(title="Refused", status=422, fields=fields)))
    assert wrong == {"models": "No such objective. Did you mean ssl?"}
    assert "Did you mean ssl?" in str(notice)
    few = Problem(title="Refused", status=422, detail="A map needs 3 models.", hint="More.")
    wrong, notice = page._wrong(ApiError(few))
    assert wrong == {} and "A map needs 3 models. More." in str(notice)


@pytest.fixture
def load() -> Any:
    """The page's callback on invented answers: link -> (outputs by name, what was asked of the API)."""
    stub = StubApi()
    asked: list[httpx.URL] = []

    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/model-map"):
            asked.append(request.url)
            if "size" in request.url.params["models"]:
                problem = Problem(title="Refused", status=422, detail="A map needs 3 models.")
                return httpx.Response(422, json=problem.model_dump())
            return httpx.Response(200, json=answer().model_dump())
        return stub._answer(request)

    client = stub.client()
    client._http = httpx.Client(base_url="http://stub/api/v1", transport=httpx.MockTransport(respond))
    with TestClient(create_app(Settings(), client)) as browserless:
        dash: Dash = browserless.app.state.dash  # type: ignore[attr-defined]
        name = next(key for key in dash.callback_map if key.startswith("..modelmap-data.data"))
        outputs = [one.rpartition(".") for one in name.strip(".").split("...")]

        def call(search: str, key: str = "") -> tuple[dict[str, Any], list[httpx.URL]]:
            asked.clear()
            body = {
                "output": name, "changedPropIds": ["modelmap-ask.data"],
                "outputs": [{"id": one, "property": prop} for one, _, prop in outputs],
                "inputs": [{"id": "modelmap-ask", "property": "data", "value": {"key": "k", "search": search}}],
                "state": [{"id": "modelmap-key", "property": "data", "value": key}],
            }
            got = browserless.post("/_dash-update-component", json=body)
            assert got.status_code == 200, got.text
            return got.json()["response"], asked

        call.stub = stub  # type: ignore[attr-defined]
        yield call


def test_the_page_asks_for_what_the_link_says(load: Any) -> None:
    found, asked = load("?v=1&method=tsne&seed=3&perplexity=2&models=objective:ssl&dataset=digits&layer=calibrated")
    sent = dict(asked[0].params)
    assert (sent["datasets"], sent["method"], sent["seed"], sent["perplexity"]) == ("digits", "tsne", "3", "2")
    assert (sent["models"], sent["layer"]) == ("objective:ssl", "calibrated")
    assert found["modelmap-root"]["className"].endswith("is-ready")
    assert found["modelmap-data"]["data"]["resolved"]["dataset"] == "digits"
    assert "9 of 9 models" in json.dumps(found["modelmap-amount"], ensure_ascii=False)
    again, _ = load("?v=1&method=tsne&seed=3&perplexity=2&models=objective:ssl&dataset=digits&layer=calibrated",
                    key=found["modelmap-key"]["data"])
    assert again == {}, "what is drawn already is not sent again"


def test_what_a_link_asks_for_and_is_not_there_is_said(load: Any) -> None:
    found, asked = load("?v=1&dataset=nowhere&metric=rsa.cosine.pearson")
    assert asked[0].params["datasets"] == "" and found["modelmap-data"]["data"]["resolved"]["dataset"] == "mean"
    told = json.dumps(found["modelmap-refusal"])
    assert "the dataset nowhere" in told and "the metric rsa.cosine.pearson" in told


def test_a_refused_map_keeps_its_controls_and_says_why(load: Any) -> None:
    found, _ = load("?v=1&models=size:small")
    assert found["modelmap-root"]["className"].endswith("is-missing")
    assert "A map needs 3 models." in json.dumps(found["modelmap-refusal"])
    assert "figures" not in found["modelmap-data"]["data"] and found["modelmap-data"]["data"]["controls"]


@pytest.mark.parametrize(("mode", "said"), [("empty", "Nothing has been computed"), ("down", "cannot be reached")])
def test_without_results_the_page_says_so(load: Any, mode: str, said: str) -> None:
    load.stub.mode = mode
    found, _ = load("")
    assert found["modelmap-root"]["className"].endswith("is-empty")
    assert said in json.dumps(found["modelmap-notice"])
