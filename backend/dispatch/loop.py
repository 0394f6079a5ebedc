"""The dispatcher: takes back jobs whose worker is gone, and keeps a bounded number of tokens in the broker.

Two of them may run at once; each round is idempotent. It never looks at a job's content.
"""

from __future__ import annotations

from threading import Event

import structlog
from sqlalchemy import Engine

from backend.db.engine import make_engine, transaction
from backend.db.repositories import jobs
from backend.dispatch.tokens import Tokens
from backend.domain.errors import NotAvailable
from backend.settings import Settings

log = structlog.get_logger()
LONGEST_PAUSE_S = 10.0


def run(settings: Settings, stop: Event) -> None:
    """Rounds until `stop` is set. A database or broker that is away is waited for."""
    engine = make_engine(settings.database_url.get_secret_value(), pool_size=2)
    pause_s = settings.dispatch_tick_s
    log.info("dispatcher started", tick_s=settings.dispatch_tick_s, max_tokens=settings.max_tokens)
    with Tokens(settings.broker_url.get_secret_value()) as tokens:
        while not stop.wait(pause_s):
            try:
                dispatch_once(engine, tokens, settings)
                pause_s = settings.dispatch_tick_s
            except NotAvailable as error:
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
                log.warning("dispatcher waits", reason=error.message, next_try_s=round(pause_s, 1))
    engine.dispose()
    log.info("dispatcher stopped")


def dispatch_once(engine: Engine, tokens: Tokens, settings: Settings) -> int:
    """One round: reap, then fill up the tokens; answers how many were added. NotAvailable passes through."""
    with transaction(engine) as connection:
        reaped = jobs.reap(connection, settings.retry_backoff_s)
        due = jobs.due(connection)
    if reaped.requeued or reaped.ended:
        log.warning("leases ran out", requeued=reaped.requeued, ended=reaped.ended)
    missing = min(due, settings.max_tokens) - tokens.waiting()
    if missing > 0:
        tokens.add(missing)
    return max(missing, 0)
