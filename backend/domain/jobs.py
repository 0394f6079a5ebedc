"""Job states and kinds: the pure part of the job system. The SQL that moves them is `backend.db.repositories.jobs`.

    queued ──claim──> running ──finish──> succeeded
      │  ^               ├────fail─────> failed
      │  └──lease lost───┤   (attempts left: queued again after a pause; none left: failed)
      └──cancel──────────┴────cancel───> cancelled

`succeeded`, `failed` and `cancelled` are final: the database refuses to leave them.
"""

from __future__ import annotations

from typing import Literal

JobState = Literal["queued", "running", "succeeded", "failed", "cancelled"]
JobKind = Literal["ingest", "register", "extract", "compare", "probe", "subsample"]

STATES: tuple[JobState, ...] = ("queued", "running", "succeeded", "failed", "cancelled")
FINAL_STATES: frozenset[JobState] = frozenset({"succeeded", "failed", "cancelled"})
KINDS: tuple[JobKind, ...] = ("ingest", "register", "extract", "compare", "probe", "subsample")
# Smaller is claimed first: results that others wait for come before results that only read them.
PRIORITIES: dict[JobKind, int] = {"ingest": 0, "register": 1, "compare": 2, "extract": 3, "probe": 4, "subsample": 5}
# These fill in whatever is missing of something that everybody shares: a repeated one finds nothing left to do, so that
# it may join another, and cancelling one submission leaves it alone.
FILLING: frozenset[JobKind] = frozenset({"compare", "probe", "subsample"})
QUEUE = "work"
