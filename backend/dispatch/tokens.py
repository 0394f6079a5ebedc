"""Tokens in the broker: messages that wake a worker and carry nothing. Losing all of them loses no work."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import redis
from celery import Celery
from kombu.exceptions import OperationalError

from backend.contracts.tokens import WORK_QUEUE, WORK_TASK
from backend.domain.errors import NotAvailable


class Tokens:
    """The broker's queue of tokens. Use as a context manager."""

    def __init__(self, broker_url: str) -> None:
        self._app = Celery("parallax-dispatcher", broker=broker_url)
        self._app.conf.update(
            task_ignore_result=True, task_publish_retry=False, task_default_queue=WORK_QUEUE,
            broker_transport_options={"socket_timeout": 5, "socket_connect_timeout": 2},
        )
        self._redis = redis.Redis.from_url(broker_url, socket_timeout=5, socket_connect_timeout=2)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._app.close()
        self._redis.close()

    def waiting(self) -> int:
        """Tokens that no worker has taken yet. NotAvailable if the broker does not answer."""
        try:
            return int(self._redis.llen(WORK_QUEUE))  # type: ignore[arg-type]
        except redis.RedisError as error:
            raise NotAvailable(f"The broker cannot be reached: {error}.", "Work goes on once it is back.") from error

    def add(self, count: int) -> None:
        """Puts tokens into the queue. NotAvailable if the broker does not answer."""
        try:
            for _ in range(count):
                self._app.send_task(WORK_TASK, queue=WORK_QUEUE, retry=False)
        except (OperationalError, redis.RedisError, OSError) as error:
            raise NotAvailable(f"The broker cannot be reached: {error}.", "Work goes on once it is back.") from error
