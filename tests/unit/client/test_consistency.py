"""What the client asks about consistency and pictures: parameters that were not chosen are left to the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from parallax.client import ApiError, Client

METRIC = "cka.linear.unbiased"


def asked_by(call: Callable[[Client], Any]) -> httpx.Request:
    """The one request of a call, whose answer nobody reads."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(503, json={"title": "Away", "status": 503})

    with pytest.raises(ApiError):
        call(Client("http://stub/api/v1", transport=httpx.MockTransport(answer)))
    (request,) = asked
    return request


CALLS: tuple[tuple[Callable[[Client], Any], str, dict[str, str]], ...] = (
    (
        lambda c: c.consistency(METRIC, intervals=True, datasets=["digits", "photos"]), "/consistency",
        {"method": "pearson", "preprocess": "l2", "layer": "value", "labels": "published",
         "datasets": "digits,photos", "set_a": "all", "set_b": "all", "intervals": "true"},
    ),
    (
        lambda c: c.set_pairs(METRIC, "custom", sets=["objective:ssl", "mine"], models="!tag:mae"),
        "/consistency/set-pairs",
        {"models": "!tag:mae", "by": "custom", "sets": "objective:ssl;mine", "intervals": "false"},
    ),
    (
        lambda c: c.difference(METRIC, "a", "b", match=["size", "architecture"], datasets="domain:structured"),
        "/consistency/difference",
        {"a": "a", "b": "b", "match": "size,architecture", "datasets": "domain:structured"},
    ),
    (
        lambda c: c.dataset_pair(METRIC, "digits", "photos", by="size", method="spearman"), "/consistency/dataset-pair",
        {"a": "digits", "b": "photos", "set_a": "all", "set_b": "all", "by": "size", "limit": "20000",
         "method": "spearman"},
    ),
    (lambda c: c.influence(METRIC, labels="audited"), "/consistency/influence",
     {"set_a": "all", "set_b": "all", "labels": "audited"}),
    (lambda c: c.anchors(METRIC, ["net-1", "net-2"]), "/consistency/anchors",
     {"anchors": "net-1,net-2", "by": "", "intervals": "false"}),
    (lambda c: c.metric_agreement(METRIC, "knn.mutual:k=10"), "/consistency/metrics", {"other": "knn.mutual:k=10"}),
    (lambda c: c.spread(METRIC, layer="calibrated"), "/consistency/spread", {"layer": "calibrated"}),
)  # fmt: skip


@pytest.mark.parametrize(("call", "path", "params"), CALLS, ids=[path for _, path, _ in CALLS])
def test_a_call_asks_one_endpoint_for_what_was_chosen(
    call: Callable[[Client], Any], path: str, params: dict[str, str]
) -> None:
    request = asked_by(call)
    assert request.method == "GET" and request.url.path == f"/api/v1{path}"
    assert dict(request.url.params) == {"metric": METRIC, **params}


def test_model_sets_are_saved_as_json_and_deleted_by_name() -> None:
    request = asked_by(lambda c: c.save_model_set("mine", "objective:ssl", "Mine"))
    assert (request.method, request.url.path) == ("POST", "/api/v1/model-sets")
    assert request.headers["Content-Type"] == "application/json"
    assert b'"predicate":"objective:ssl"' in request.content
    request = asked_by(lambda c: c.delete_model_set("mine"))
    assert (request.method, request.url.path) == ("DELETE", "/api/v1/model-sets/mine")


def test_a_name_that_could_be_no_set_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(ValueError, match="name"):
        Client("http://stub/api/v1").save_model_set("No Slug", "objective:ssl")


def test_a_picture_of_a_stimulus_is_asked_for_by_its_row() -> None:
    request = asked_by(lambda c: c.stimulus_image("digits@1", 3, size=96))
    assert request.method == "GET" and request.url.path == "/api/v1/datasets/digits@1/stimuli/3/image"
    assert dict(request.url.params) == {"size": "96"}
