"""`parallax metrics`, and the page that is made of the same catalogue."""

from __future__ import annotations

import json
import re

import pytest

from backend.domain.metrics import CATALOGUE, parse_metric
from parallax.cli.metrics_page import page
from tests.architecture.tree import ROOT
from tests.unit.cli.files import CommandLine

FIELDS = {
    "id", "family", "version", "title", "direction", "lower", "upper", "symmetric", "self_is_best", "triangle",
    "invariances", "minimum_n", "parameters", "default_preprocess", "null", "cost", "precision", "citation",
    "explanation", "on_request",
}


def test_the_list_as_json_is_the_catalogue(parallax: CommandLine) -> None:
    listed = json.loads(parallax("metrics", "--json").out)
    assert [one["id"] for one in listed] == [spec.default.id for spec in CATALOGUE.values()]
    for one, spec in zip(listed, CATALOGUE.values(), strict=True):
        assert set(one) == FIELDS
        assert (one["direction"], one["lower"], one["upper"]) == (spec.direction, spec.lower, spec.upper)
        assert set(one["invariances"]) == spec.invariances and one["explanation"] == spec.explanation
        assert [each["name"] for each in one["parameters"]] == [each.name for each in spec.parameters]


def test_the_list_names_every_metric_and_its_direction(parallax: CommandLine) -> None:
    lines = parallax("metrics").out.splitlines()
    for spec in CATALOGUE.values():
        (at,) = [i for i, line in enumerate(lines) if line.split()[:1] == [spec.default.id]]
        assert spec.direction in lines[at + 1]


@pytest.mark.parametrize("metric", ["knn.mutual:k=5", "procrustes.angular", "knn.cycle"])
def test_one_metric_is_explained(parallax: CommandLine, metric: str) -> None:
    said, known = parallax("metrics", metric), parse_metric(metric)
    words = " ".join(said.out.split())
    for part in (known.id, known.spec.explanation, known.spec.citation, known.spec.direction):
        assert part in words
    one = json.loads(parallax("metrics", metric, "--json").out)
    assert one["id"] == known.id and one["minimum_n"] == known.minimum_n


def test_an_unknown_metric_is_usage_and_the_nearest_is_named(parallax: CommandLine) -> None:
    ended = parallax("metrics", "knn.mutal")
    assert ended.status == 2 and "knn.mutual:k=10" in ended.err and ended.out == ""


def test_the_page_is_up_to_date() -> None:
    assert (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8") == page(), "run: make metrics"


def test_the_page_has_a_section_for_every_metric_to_which_its_list_leads() -> None:
    text = page()
    for spec in CATALOGUE.values():
        assert f"[`{spec.default.id}`]" in text and spec.explanation in text
    leads, there = re.findall(r"\]\(#([^)]+)\)", text), re.findall(r'<a id="([^"]+)"', text)
    assert leads == there and len(set(there)) == len(CATALOGUE)
