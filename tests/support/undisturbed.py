"""Works off every job of a database in this one process, in order and without any fault: the reference of the fault
tests.

Run as `python -m tests.support.undisturbed` with the settings in the environment. Neither broker nor dispatcher is
needed."""

from __future__ import annotations

import time
from importlib import import_module

from sqlalchemy import text

from backend.db.engine import make_engine, transaction
from backend.settings import get_settings
from backend.storage import LocalStore
from workers.runtime.runner import claim_next, run_job
from workers.tasks.work import PIPELINES


def main() -> None:
    settings = get_settings()
    engine = make_engine(settings.database_url.get_secret_value())
    while True:
        job = claim_next(engine, settings, "undisturbed")
        if job is not None:
            run_job(
                job,
                lambda context: import_module(PIPELINES[context.job.kind]).run(context),
                settings=settings,
                engine=engine,
                store=LocalStore(settings.store_folder),
                worker="undisturbed",
            )
            continue
        with transaction(engine) as connection:
            waiting = connection.execute(
                text("SELECT count(*) FROM jobs WHERE state IN ('queued', 'running')")
            ).scalar()
        if not waiting:
            break
        time.sleep(0.05)
    engine.dispose()


if __name__ == "__main__":
    main()
