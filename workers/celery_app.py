"""The Celery application of the workers. Its messages are tokens that say "look for work" and carry nothing.

Nothing of Celery's own delivery is relied upon: a token may be lost, repeated or reordered, because Postgres holds the
jobs (docs/decisions/0002-jobs-in-postgres.md). Torch is never imported here: this module runs in the parent process,
and a child forked from a process that has used torch hangs.
"""

from __future__ import annotations

from celery import Celery

from backend.contracts.tokens import WORK_QUEUE
from backend.settings import get_settings

app = Celery(
    "parallax",
    broker=get_settings().broker_url.get_secret_value(),
    include=["workers.tasks.work", "workers.tasks.lifecycle"],
)
app.conf.update(
    task_acks_late=False,
    task_ignore_result=True,
    result_backend=None,
    task_default_queue=WORK_QUEUE,
    worker_prefetch_multiplier=1,
    worker_pool="prefork",
    # A child is replaced now and then, so that slow leaks of libraries end; models are cached inside it until then.
    worker_max_tasks_per_child=500,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    task_serializer="json",
    accept_content=["json"],
    task_publish_retry=False,
    broker_transport="workers.runtime.tokens:TokenTransport",
    broker_transport_options={"socket_timeout": 30, "socket_connect_timeout": 2},
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_hijack_root_logger=False,
)
