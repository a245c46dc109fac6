"""Sockets that know where they may lead and when they must end."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import httpcore2

Clock = Callable[[], float]
T = TypeVar("T")
_TRIED = 4


class Deadline:
    """A moment by which all of a call must be over, however slowly the other side drips."""

    def __init__(self, seconds: float, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._end = clock() + seconds

    def left(self) -> float:
        """Return the seconds left; ReadTimeout when there are none."""
        seconds = self._end - self._clock()
        if seconds <= 0:
            raise httpcore2.ReadTimeout("the time for this call is over")
        return seconds


class PinnedBackend(httpcore2.NetworkBackend):
    """Connects to the addresses it was given, whatever name it is asked for: nothing is resolved again."""

    def __init__(self, addresses: Sequence[str], deadline: Deadline, *, connect_timeout: float) -> None:
        self._addresses = addresses[:_TRIED]
        self._deadline = deadline
        self._connect_timeout = connect_timeout
        self._inner = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect to the first of the addresses that answers."""
        del host, timeout
        last: Exception = httpcore2.ConnectError("no address")
        for address in self._addresses:
            try:
                stream = self._inner.connect_tcp(
                    address,
                    port,
                    timeout=min(self._connect_timeout, self._deadline.left()),
                    local_address=local_address,
                    socket_options=socket_options,
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                last = error
            else:
                return TimedStream(stream, self._deadline)
        raise last


class TimedStream(httpcore2.NetworkStream):
    """A stream whose every wait ends with the deadline of the call."""

    def __init__(self, inner: httpcore2.NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what there is, up to so many bytes."""
        del timeout
        return self._inner.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of it."""
        del timeout
        self._inner.write(buffer, self._deadline.left())

    def close(self) -> None:
        """Close the socket."""
        self._inner.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        """Go on encrypted; the certificate has to be the host's by its name."""
        del timeout
        return TimedStream(
            self._inner.start_tls(ssl_context, server_hostname, self._deadline.left()), self._deadline
        )

    def get_extra_info(self, info: str) -> Any:
        """Tell what the socket knows of itself."""
        return self._inner.get_extra_info(info)
