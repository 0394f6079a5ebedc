"""Answers with a strong ETag: the body, or 304 for who has it."""

from __future__ import annotations

from fastapi import Response

JSON = "application/json"


def json_answer(etag: str, body: bytes, if_none_match: str | None) -> Response:
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if is_known(etag, if_none_match):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=JSON, headers=headers)


def is_known(etag: str, if_none_match: str | None) -> bool:
    """Whether `If-None-Match` names the ETag: alone, in a list, as `*`, or weakened by a compressing proxy."""
    known = [part.strip().removeprefix("W/") for part in (if_none_match or "").split(",")]
    return etag in known or known == ["*"]
