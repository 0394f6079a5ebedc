"""Errors on the wire: RFC 9457 problem details (`application/problem+json`) with field paths and a hint."""

from __future__ import annotations

from pydantic import BaseModel, Field

PROBLEM_JSON = "application/problem+json"


class FieldProblem(BaseModel):
    """One field that cannot be accepted."""

    field: str = Field(description="Path of the field, dots between levels: `model.name`, `datasets.2`.")
    message: str
    hint: str = ""
    position: int | None = Field(default=None, description="Of a text that cannot be read: the character, from 1.")


class Problem(BaseModel):
    """Why a request was refused: what is wrong, what was given, what to do."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    hint: str = ""
    fields: list[FieldProblem] = []
