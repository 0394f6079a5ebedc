"""Keeping the disk clean: files that nothing names are removed when a worker starts, and every few hours after."""

from __future__ import annotations

import time

import structlog

from backend.db.engine import make_engine, transaction
from backend.db.repositories import embeddings
from backend.domain.errors import NotAvailable
from backend.settings import get_settings
from backend.storage import LocalStore

log = structlog.get_logger()
ABANDONED_S = 24 * 3600.0  # longer than any decoding takes


def sweep_store() -> None:
    """Removes temporary files older than an hour and unnamed files older than a day; see LocalStore.sweep.

    A file is named by its row within seconds of being written; a day leaves room for an upload that is submitted late.
    """
    settings = get_settings()
    engine = make_engine(settings.database_url.get_secret_value(), pool_size=1)
    try:
        with transaction(engine) as connection:
            embeddings.forget_chunks_of_ended_jobs(connection)
            used = embeddings.files_in_use(connection)
        removed = LocalStore(settings.store_folder).sweep(used)
        for path in settings.cache_folder.glob(".tmp-*"):
            if time.time() - path.stat().st_mtime > ABANDONED_S:
                path.unlink(missing_ok=True)
                removed += 1
        if removed:
            log.info("files swept", removed=removed)
    except (NotAvailable, OSError) as error:
        log.warning("store could not be swept", reason=str(error))
    finally:
        engine.dispose()
