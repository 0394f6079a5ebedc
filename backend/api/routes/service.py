"""Is it alive, is it ready, what runs."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import APIRouter
from sqlalchemy import text

from backend.api.deps import TheConnection
from backend.contracts.jobs import Version
from backend.db.migrate import current_revision, head_revision
from backend.domain.errors import NotAvailable

router = APIRouter(tags=["service"])


@router.get("/health", summary="The process answers")
def health() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/ready", summary="The database answers and has the schema of this version")
def ready(connection: TheConnection) -> dict[str, str]:
    connection.execute(text("SELECT 1"))
    found, needed = current_revision(connection), head_revision()
    if found != needed:
        raise NotAvailable(
            f"The database has schema {found or 'none'}, this version needs {needed}.", "Run `parallax db upgrade`."
        )
    return {"status": "ready"}


@router.get("/version", summary="Version of the software and of the schema")
def get_version(connection: TheConnection) -> Version:
    return Version(version=version("parallax"), schema_revision=current_revision(connection))
