"""The worker's side of the broker: Celery's transport for Redis and Valkey, with one fault of it mended.

When the broker goes away just while a message is acknowledged, kombu keeps that message in its window of unacknowledged
ones for ever. The window of a worker is as long as it has processes, so it is full, nothing is asked of the broker any
more, and the lost connection is never noticed: the worker lives and never works again.
"""

from __future__ import annotations

from kombu.transport import redis, virtual


class TokenQoS(redis.QoS):
    """Forgets a message once it is acknowledged, whether or not the broker could be told: tokens carry nothing."""

    def ack(self, delivery_tag: str) -> None:
        try:
            super().ack(delivery_tag)
        except self.channel.connection_errors:
            virtual.QoS.ack(self, delivery_tag)
            raise


class TokenChannel(redis.Channel):
    QoS = TokenQoS


class TokenTransport(redis.Transport):
    Channel = TokenChannel
