"""Celery's Redis transport for messages that nobody has to give back or acknowledge.

A message only says where work waits, and the relay says so again. To acknowledge it, or to give it back when
connection ends, needs the Redis that may have gone; kombu 5.7 then fails in a way that ends Celery's worker.
"""

from kombu.transport import redis


class Channel(redis.Channel):
    """A channel whose messages are gone once they are read."""

    ack_emulation = False
    do_restore = False


class Transport(redis.Transport):
    """The transport `redis` with such channels."""

    Channel = Channel
