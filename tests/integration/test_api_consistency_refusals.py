"""What cannot be asked about consistency is refused by field, with the character at fault and the nearest name."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.support.population import LINEAR, SPEARMAN
from tests.support.problems import refused

SETS = {"a": "objective:ssl", "b": "objective:sup"}
DATASETS = {"a": "digits", "b": "photos"}

REFUSED: tuple[tuple[str, dict[str, Any], str, int | None, str], ...] = (
    ("", {"metric": "cka.linear.unbiasd"}, "metric", None, LINEAR),
    ("", {"preprocess": "l3"}, "preprocess", None, "l2"),
    ("", {"method": "kendall"}, "method", None, "pearson"),
    ("", {"layer": "z"}, "layer", None, "calibrated"),
    ("", {"labels": "mine"}, "labels", None, "audited"),
    ("", {"models": "objective:sl"}, "models", 11, "ssl"),
    ("", {"models": "size:small & objectiv:ssl"}, "models", 14, "objective"),
    ("", {"models": "size:small &"}, "models", 13, ""),
    ("", {"models": "(size:small"}, "models", 12, ""),
    ("", {"models": "model:net-0"}, "models", 7, "net-0"),
    ("", {"models": "no-such-set"}, "models", None, "without-mae"),
    ("", {"datasets": "digts"}, "datasets", None, "digits"),
    ("", {"datasets": "digits,fotos"}, "datasets", None, "photos"),
    ("", {"datasets": "domain:naturl-multi"}, "datasets", 8, "natural-multi"),
    ("", {"datasets": ","}, "datasets", None, "empty for all"),
    ("", {"set_a": "objective:"}, "set_a", 11, "objective:value"),
    ("", {"set_b": "archtecture:cnn"}, "set_b", 1, "architecture"),
    ("/set-pairs", {"by": "objectiv"}, "by", None, "objective"),
    ("/set-pairs", {"by": "custom"}, "sets", None, "sets="),
    ("/set-pairs", {"by": "size", "sets": "size:small"}, "sets", None, "by=custom"),
    ("/set-pairs", {"by": "custom", "sets": "size:small;size:smal"}, "sets", 6, "small"),
    ("/set-pairs", {"by": "custom", "sets": ";".join(f"model:net-{k:02d}" for k in range(13))}, "sets", None, "12"),
    ("/difference", {**SETS, "a": "objective:nobody"}, "a", 11, "Known values"),
    ("/difference", {**SETS, "b": "objective:self-supervised"}, "b", None, "two sets"),
    ("/difference", {**SETS, "b": "objective:ssl | objective:ssl & size:small"}, "b", None, "two sets"),
    ("/difference", {**SETS, "match": "size,colour"}, "match", None, "architecture"),
    ("/dataset-pair", {**DATASETS, "a": "digit"}, "a", None, "digits"),
    ("/dataset-pair", {**DATASETS, "b": "digits"}, "b", None, "two datasets"),
    ("/dataset-pair", {**DATASETS, "b": "shapes", "metric": SPEARMAN}, "b", None, "photos"),
    ("/dataset-pair", {**DATASETS, "by": "domain"}, "by", None, "objective"),
    ("/dataset-pair", {**DATASETS, "limit": 5}, "limit", None, ""),
    ("/influence", {"set_a": "tag:"}, "set_a", 5, ""),
    ("/anchors", {"anchors": "net-33"}, "anchors", None, "net-03"),
    ("/anchors", {"anchors": ","}, "anchors", None, "Name 1"),
    ("/anchors", {"anchors": "net-01", "models": "!model:net-01"}, "anchors", None, "net-"),
    ("/anchors", {"anchors": "net-01", "by": "tag"}, "by", None, "size"),
    ("/metrics", {"other": "cka"}, "other", None, "cka"),
    ("/metrics", {}, "other", None, ""),
    ("/spread", {"datasets": "domain"}, "datasets", None, "digits"),
)


@pytest.mark.parametrize(("path", "params", "field", "position", "hint"), REFUSED, ids=str)
def test_a_request_that_cannot_be_read_is_refused_by_field(
    api: TestClient, path: str, params: dict[str, Any], field: str, position: int | None, hint: str
) -> None:
    for accept in ("application/json", "text/csv"):
        answer = api.get(f"/consistency{path}", params={"metric": LINEAR, **params}, headers={"Accept": accept})
        (problem,) = refused(answer, 422).fields
        assert (problem.field, problem.position) == (field, position)
        assert hint in problem.hint and problem.message


@pytest.mark.parametrize("value", ["\0", "ü" * 50, "'; DROP TABLE jobs; --", "\ufeff", "😀", "(" * 500, "&" * 100])
@pytest.mark.parametrize("field", ["metric", "models", "datasets", "set_a", "labels", "layer", "method"])
def test_hostile_texts_are_refused_politely(api: TestClient, field: str, value: str) -> None:
    answer = api.get("/consistency", params={"metric": LINEAR, field: value})
    problem = refused(answer, 422)
    assert [one.field for one in problem.fields] == [field]
