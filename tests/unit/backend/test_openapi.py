"""The API's description is committed, so that a change of it is seen in a review."""

from __future__ import annotations

import json
from typing import Any

import pytest

from backend.api.openapi import document
from tests.support.stack import REPOSITORY

HOW = "The API changed. If that is meant, write its description anew: python -m backend.api.openapi > docs/openapi.json"


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(document())
    return found


def test_the_committed_description_is_that_of_the_code() -> None:
    committed = REPOSITORY / "docs" / "openapi.json"
    assert committed.read_text(encoding="utf-8") == document(), HOW


def test_every_operation_has_a_summary_and_says_what_a_refusal_looks_like(described: dict[str, Any]) -> None:
    for path, operations in described["paths"].items():
        assert path.startswith("/api/v1/")
        for verb, operation in operations.items():
            assert operation["summary"], f"{verb} {path}"
            assert "application/problem+json" in operation["responses"]["default"]["content"], f"{verb} {path}"


def test_the_endpoints_that_the_outside_relies_on_are_there(described: dict[str, Any]) -> None:
    promised = ("models", "datasets", "metrics", "matrices", "consistency", "jobs", "jobs/{job_id}", "health", "ready",
                "version")  # fmt: skip
    assert {f"/api/v1/{path}" for path in promised} <= set(described["paths"])
    assert "application/octet-stream" in described["paths"]["/api/v1/matrices"]["get"]["responses"]["200"]["content"]
