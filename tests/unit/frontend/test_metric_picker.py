"""The picker offers the whole catalogue, and says everything that is wrong with parameters at once."""

from __future__ import annotations

import pytest

from backend.domain.metrics import CATALOGUE, parse_metric
from frontend.components.metric_facts import about_metric, direction_mark, full_entries
from frontend.components.metric_picker import (
    GROUPS,
    grouped,
    metric_options,
    metric_with,
    parameter_fields,
    range_words,
)
from frontend.pages.metrics import gist
from frontend.pages.study import read_study
from tests.unit.frontend.stub_api import COMPUTED, StubApi


def every() -> list:  # type: ignore[type-arg]
    return StubApi().client().metrics()


def test_every_metric_of_the_catalogue_is_in_one_group() -> None:
    placed = [spec.key for specs in GROUPS.values() for spec in specs]
    assert sorted(placed) == sorted(CATALOGUE)
    assert {m.id for members in grouped(every()).values() for m in members} >= {
        spec.default.id for spec in CATALOGUE.values()
    }


def test_what_is_computed_comes_first_and_says_where() -> None:
    for group in metric_options(every(), 3):
        done = [item["done"] for item in group["items"]]
        assert done == sorted(done, reverse=True), group["group"]
        for item in group["items"]:
            here = len(COMPUTED.get(item["value"], ()))
            assert item["computed"] == (f"computed on {here} of 3 datasets" if here else "not computed yet")


def test_a_distance_says_that_less_is_more_alike() -> None:
    words = {item["value"]: item["direction"] for group in metric_options(every(), 3) for item in group["items"]}
    assert words["procrustes.angular"] == words["rtd"] == "less is more alike"
    assert words["procrustes.similarity"] == "more is more alike"
    assert "less is more alike" in str(direction_mark("distance"))


def test_parameters_make_the_canonical_id() -> None:
    assert metric_with("knn.mutual:k", {"k": 5}) == ("knn.mutual:k=5", {})
    assert metric_with("cka.rbf.unbiased:sigma", {"sigma": "0.20"}) == ("cka.rbf.unbiased:sigma=0.2", {})
    # Two specs share this family; the parameters' names tell them apart.
    assert metric_with("cka.rbf.unbiased:median", {"median": 2})[0] == "cka.rbf.unbiased:median=2"


def test_all_that_is_wrong_is_said_at_once() -> None:
    metric, wrong = metric_with("rsa.euclidean.spearman:low,high", {"low": 2, "high": "x"})
    assert metric == "" and set(wrong) == {"low", "high"}
    assert "0 to 0.99" in wrong["low"] and "number" in wrong["high"]
    assert "whole" in metric_with("knn.lcs:k", {"k": 2.5})[1]["k"]
    assert "1 to 1000" in metric_with("knn.lcs:k", {"k": 0})[1]["k"]
    assert metric_with("knn.lcs:k", {"k": ""})[1]["k"]
    assert metric_with("knn.lcs:k", {"k": float("nan")})[1]["k"]


@pytest.mark.parametrize("key", CATALOGUE)
def test_every_parameter_has_a_field_with_its_range(key: str) -> None:
    spec = CATALOGUE[key]
    fields = parameter_fields(spec.default)
    assert (fields is None) == (not spec.parameters)
    if fields is not None:
        assert [field.id["name"] for field in fields.children] == [p.name for p in spec.parameters]
        assert [field.description for field in fields.children] == [range_words(p) for p in spec.parameters]
        assert metric_with(key, {p.name: p.default for p in spec.parameters}) == (spec.default.id, {})


@pytest.mark.parametrize("key", CATALOGUE)
def test_every_metric_is_explained_in_short_and_in_full(key: str) -> None:
    study = read_study(StubApi().client())
    metric = study.known_metric(CATALOGUE[key].default.id)
    short, full = str(about_metric(metric, 50)), str(full_entries(metric))
    assert metric.explanation in short and metric.citation in short and metric.citation in full
    assert ("less is more alike" in short) == (metric.direction == "distance")
    assert gist(metric.explanation).rstrip(".") in metric.explanation
    assert "None" not in full and "`" not in full


def test_any_parameters_are_known_although_nobody_computed_them() -> None:
    study = read_study(StubApi().client())
    metric = study.known_metric("knn.mutual:k=7")
    assert (metric.id, metric.title, metric.computed_on) == ("knn.mutual:k=7", parse_metric("knn.mutual:k=7").title, [])
