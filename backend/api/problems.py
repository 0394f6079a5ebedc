"""Errors as problem+json: one handler per branch of the tree in `backend.domain.errors`."""

from __future__ import annotations

import traceback
from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError
from starlette.exceptions import HTTPException

from backend.contracts.problems import PROBLEM_JSON, FieldProblem, Problem
from backend.domain.errors import (
    Conflict,
    FieldErrors,
    InvalidInput,
    NotAvailable,
    NotFound,
    NotPermitted,
    ParallaxError,
    StorageFull,
    TooLarge,
    TooManyJobs,
)

log = structlog.get_logger()
# The first class that fits gives the status; the order is from special to general.
STATUSES: tuple[tuple[type[ParallaxError], int], ...] = (
    (NotFound, 404), (NotPermitted, 403), (Conflict, 409), (TooManyJobs, 429), (StorageFull, 507), (NotAvailable, 503),
    (TooLarge, 413), (InvalidInput, 422), (ParallaxError, 500),
)


def problem_response(problem: Problem, headers: dict[str, str] | None = None) -> Response:
    return Response(
        problem.model_dump_json(), status_code=problem.status, media_type=PROBLEM_JSON, headers=headers
    )


def install(app: FastAPI) -> None:
    """Makes every error of an application, known or not, a problem+json answer."""

    @app.exception_handler(ParallaxError)
    def _known(request: Request, error: ParallaxError) -> Response:
        status = next(status for kind, status in STATUSES if isinstance(error, kind))
        fields = [
            FieldProblem(field=e.field, message=e.message, hint=e.hint, position=e.position)
            for e in (error.errors if isinstance(error, FieldErrors) else [])
        ]
        headers = {"Retry-After": "5"} if status in (429, 503) else None
        return problem_response(
            Problem(title=HTTPStatus(status).phrase, status=status, detail=error.message, hint=error.hint,
                    fields=fields),
            headers,
        )

    @app.exception_handler(RequestValidationError)
    def _invalid(request: Request, error: RequestValidationError) -> Response:
        fields = [
            FieldProblem(field=_path(problem["loc"]), message=str(problem["msg"])) for problem in error.errors()[:50]
        ]
        return problem_response(Problem(
            title="Unprocessable Content", status=422, fields=fields,
            detail="; ".join(f"{field.field}: {field.message}" for field in fields),
        ))

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> Response:
        detail = f"There is nothing at {request.url.path}." if error.status_code == 404 else str(error.detail)
        hint = "The endpoints are described at /api/v1/openapi.json." if error.status_code == 404 else ""
        return problem_response(
            Problem(title=HTTPStatus(error.status_code).phrase, status=error.status_code, detail=detail, hint=hint),
            dict(error.headers or {}),
        )

    @app.exception_handler(DataError)
    def _unstorable(request: Request, error: DataError) -> Response:
        return problem_response(Problem(
            title="Unprocessable Content", status=422,
            detail="A text or number of the request is one that the database cannot hold.",
            hint="Leave out NUL characters, and give numbers of ordinary size.",
        ))

    @app.exception_handler(Exception)
    def _unknown(request: Request, error: Exception) -> Response:
        # Written out here: a renderer that shows local variables would show passwords with them.
        log.error("unexpected error", path=request.url.path, error="".join(traceback.format_exception(error)))
        return problem_response(Problem(
            title="Internal Server Error", status=500, detail="Something went wrong here, not with your request.",
            hint="Try again; if it stays, report it with the time of day.",
        ))


def _path(location: tuple[int | str, ...]) -> str:
    """`body.model.timm.objective` -> `model.objective`: without where it was and which variant was meant."""
    parts = [str(part) for part in location]
    if parts and parts[0] in ("body", "query", "path", "header"):
        parts = parts[1:]
    if len(parts) > 1 and parts[0] == "model" and parts[1] in ("timm", "checkpoint", "existing"):
        del parts[1]
    return ".".join(parts) or "body"
