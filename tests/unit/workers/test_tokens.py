"""A worker whose broker goes away while a token is acknowledged takes the next one when the broker is back."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from kombu import Connection, Consumer, Queue
from kombu.message import Message

from parallax.local import processes, valkey
from parallax.local.home import Home
from workers.celery_app import app
from workers.runtime.tokens import TokenChannel, TokenTransport


def test_workers_use_it() -> None:
    with app.connection_for_read("redis://127.0.0.1:1/0") as connection:
        assert connection.get_transport_cls() is TokenTransport
        assert connection.transport.driver_type == "redis"


def test_a_token_that_could_not_be_acknowledged_does_not_fill_the_window(tmp_path: Path) -> None:
    home = Home(tmp_path)
    server = valkey.prepare(home, preferred_port=0)
    taken: list[Message] = []
    with (home.logs / "valkey.log").open("ab") as log:
        process = processes.start(server.argv, log=log)
    while not server.answers():
        time.sleep(0.02)
    with Connection(server.url, transport="workers.runtime.tokens:TokenTransport") as connection:
        channel = connection.channel()
        assert isinstance(channel, TokenChannel)
        consumer = Consumer(channel, [Queue("work")], on_message=taken.append, accept=["json"])
        consumer.qos(prefetch_count=1)
        with connection.SimpleQueue("work") as queue:
            queue.put({})
        consumer.consume()
        connection.drain_events(timeout=5)
        assert len(taken) == 1 and not channel.qos.can_consume()
        processes.kill_group(process)
        with pytest.raises(connection.connection_errors):
            taken[0].ack()
        assert channel.qos.can_consume()
