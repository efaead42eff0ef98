"""Connections that say nothing: how long they may, how many there may be, and how much may be written about them."""

import asyncio
import logging
import time
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from .arguments import ServeArguments


def protocol_of(args: ServeArguments) -> type[asyncio.Protocol]:
    """The class of uvicorn's connections, with the limits of the options; uvicorn itself has none before a request."""

    class Connection(H11Protocol):
        """One client. Its headers must come in time; where there are too many, the one that waited longest goes."""

        late: asyncio.TimerHandle | None = None
        since = 0.0

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._await_headers()
            if len(self.connections) > args.max_connections:
                silent = [other for other in self.connections if isinstance(other, Connection) and other.late]
                min(silent, key=lambda other: other.since, default=self).transport.abort()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.cycle is not None and not self.cycle.response_complete:
                self._headers_came()
            elif self.late is None and not self.transport.is_closing():
                self._await_headers()

        def connection_lost(self, exc: Exception | None) -> None:
            self._headers_came()
            super().connection_lost(exc)

        def _await_headers(self) -> None:
            self.since = self.loop.time()
            self.late = self.loop.call_later(args.header_timeout, self.transport.abort)

        def _headers_came(self) -> None:
            if self.late is not None:
                self.late.cancel()
                self.late = None

    return Connection


class Sparing(logging.Filter):
    """Lets so many records through each minute, and then says how many it left out.

    >>> sparing = Sparing(2)
    >>> [sparing.filter(logging.makeLogRecord({})) for _ in range(4)]
    [True, True, False, False]
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most, self._count, self._until = most, 0, 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        now = time.monotonic()
        if now >= self._until:
            if left_out := max(self._count - self._most, 0):
                record.msg = f"{record.getMessage()} (and {left_out} lines before it that were not written)"
                record.args = ()
            self._count, self._until = 0, now + 60
        self._count += 1
        return self._count <= self._most
