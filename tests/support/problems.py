"""What every refusal of the API looks like."""

from __future__ import annotations

from typing import Any

import httpx

from backend.contracts.problems import PROBLEM_JSON, Problem


def refused(answer: httpx.Response, status: int) -> Problem:
    """The problem that an answer carries; AssertionError unless it is a complete problem+json with that status."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.text[:500]}"
    assert answer.headers["content-type"].split(";")[0] == PROBLEM_JSON
    problem = Problem.model_validate_json(answer.content)
    assert problem.status == status and problem.title
    assert problem.detail or problem.fields
    return problem


def fields_of(problem: Problem) -> dict[str, Any]:
    """Path of each field that was refused -> what is said about it."""
    return {field.field: f"{field.message} {field.hint}".strip() for field in problem.fields}
