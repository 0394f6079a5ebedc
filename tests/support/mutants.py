"""Copies of the source with one thing broken, to show that the fault tests notice.

A mutant is a text that must occur exactly once in one file, and what stands there instead; the processes under test
import the copy. When the code changes so that the text is gone, planting fails loudly and the mutant has to be
written anew."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.support.stack import REPOSITORY

PACKAGES = ("backend", "workers", "parallax", "migrations")
REPOSITORY_OF_JOBS = "backend/db/repositories/jobs.py"


@dataclass(frozen=True)
class Mutant:
    """`changes`: (file, text, replacement)."""

    name: str
    changes: tuple[tuple[str, str, str], ...]

    def plant(self, folder: Path) -> Path:
        """Copies the packages into `folder` with the change made; answers the folder."""
        for package in PACKAGES:
            shutil.copytree(
                REPOSITORY / package,
                folder / package,
                ignore=shutil.ignore_patterns("__pycache__", "*.safetensors", "demo"),
                dirs_exist_ok=True,
            )
        for file, text, replacement in self.changes:
            path = folder / file
            source = path.read_text()
            assert source.count(text) == 1, f"{self.name}: {text!r} occurs {source.count(text)} times in {file}"
            path.write_text(source.replace(text, replacement))
        return folder


# Expired leases are never taken back.
NO_REAPER = Mutant(
    "no reaper",
    (
        (
            "backend/dispatch/loop.py",
            "reaped = jobs.reap(connection, settings.retry_backoff_s)",
            "reaped = jobs.Reaped()",
        ),
    ),
)

# Writes ask only whether the job is running, not whether it is this attempt that runs.
_BEAT = "WHERE id = :id AND attempt = :attempt AND state = 'running'\n            RETURNING cancel_requested"
_HOLD = "WHERE id = :id AND attempt = :attempt AND state = 'running' AND NOT cancel_requested\n            FOR UPDATE"
_END = "error = CAST(:error AS jsonb)\n            WHERE id = :id AND attempt = :attempt AND state = 'running'"
NO_FENCE = Mutant(
    "no attempt fence",
    tuple(
        (REPOSITORY_OF_JOBS, text, text.replace("attempt = :attempt", "attempt >= :attempt", 1))
        for text in (_BEAT, _HOLD, _END)
    ),
)

# The state is committed first and the results afterwards, in a transaction of their own. For extractions alone: other
# jobs also write to their own row, which the database refuses once it is final, so there the mutant would fail at once.
STATE_FIRST = Mutant(
    "state committed before results",
    (
        (
            "workers/runtime/runner.py",
            """        outcome.write(connection)
        if not jobs.finish(connection, context.job, outcome.result_sha256):
            raise JobInterrupted("lost")
""",
            """        extracting = context.job.kind == "extract"
        if not extracting:
            outcome.write(connection)
        if not jobs.finish(connection, context.job, outcome.result_sha256):
            raise JobInterrupted("lost")
        if extracting:
            connection.commit()
            with transaction(context.engine) as second:
                outcome.write(second)
""",
        ),
    ),
)
ALL = (NO_REAPER, NO_FENCE, STATE_FIRST)
