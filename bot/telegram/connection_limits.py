"""Limits the connections to the web server: their number, their idle time and their headers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, Optional

_log = logging.getLogger(__name__)

#: Seconds between two log lines about connections that the system does not accept.
_LOG_PERIOD_S = 60.0

_HEADER_END = b"\r\n\r\n"


@dataclass(frozen=True)
class ConnectionLimits:
    """What a client may use.

    most: connections at the same time; Telegram opens up to 100. A process that may open few files
        gets a quarter of them, see `ConnectionLimits.number`.
    header_s: seconds for the header of the first request.
    idle_s: seconds from the end of a request to the end of the next one's header.
    header_bytes: the size of a request's header; Telegram's, with ngrok's additions, takes 1 kB.
    """

    most: int = 256
    header_s: float = 15.0
    idle_s: float = 75.0
    header_bytes: int = 32 * 1024

    @property
    def number(self) -> int:
        """The number of connections at the same time, with regard to the limit on open files."""
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return self.most if files == resource.RLIM_INFINITY else min(self.most, files // 4)


class Connections:
    """The open connections; `loop.create_server(connections.accept, ...)` uses it.

    When there is one too many, it closes the connection that has been idle longest, one that
    never carried the secret first: new requests always get through.
    """

    def __init__(self, make_handler: Callable[[], Any], limits: ConnectionLimits) -> None:
        """`make_handler` makes the protocol that gets the events of one connection."""
        self._make_handler = make_handler
        self._limits = limits
        self._open: Dict[asyncio.BaseTransport, _Connection] = {}

    def accept(self) -> asyncio.Protocol:
        """The protocol of a new connection."""
        return _Connection(self._make_handler(), self._open, self._limits)

    @contextlib.contextmanager
    def request(self, transport: Optional[asyncio.BaseTransport]) -> Iterator[None]:
        """Keep the connection open while one of its requests is processed."""
        connection = None if transport is None else self._open.get(transport)
        if connection is not None:
            connection.begin_request()
        try:
            yield
        finally:
            if connection is not None:
                connection.end_request()

    def trust(self, transport: Optional[asyncio.BaseTransport]) -> None:
        """Close the connection, which carried the secret, after all others."""
        if transport in self._open:
            self._open[transport].trusted = True


class _Connection(asyncio.Protocol):
    """Passes the events of one connection to `handler`, and closes it when it breaks a limit."""

    def __init__(
        self,
        handler: Any,
        connections: Dict[asyncio.BaseTransport, _Connection],
        limits: ConnectionLimits,
    ) -> None:
        self.trusted = False
        self.idle_since: Optional[float] = None
        self._handler = handler
        self._connections = connections
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        # What has arrived of a request's header; `None` from its end to the end of the request.
        self._header: Optional[bytes] = None
        self._timer: Optional[asyncio.TimerHandle] = None
        self._transport: Optional[asyncio.Transport] = None
        self._await_header(limits.header_s)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections[transport] = self
        self._handler.connection_made(transport)
        # Telegram and the owner's monitor must get through: no new connection is refused.
        if len(self._connections) > self._limits.number:
            idle = [each for each in self._connections.values() if each.idle_since is not None]
            min(idle, key=lambda each: (each.trusted, each.idle_since or 0.0)).abort()

    def data_received(self, data: bytes) -> None:
        if self._header is not None:
            self._header += data
            header, end, _ = self._header.partition(_HEADER_END)
            if len(header) > self._limits.header_bytes:
                return self.abort()
            if end:
                self._header = None
        self._handler.data_received(data)

    def eof_received(self) -> Optional[bool]:
        kept_open: Optional[bool] = self._handler.eof_received()
        return kept_open

    def pause_writing(self) -> None:
        self._handler.pause_writing()

    def resume_writing(self) -> None:
        self._handler.resume_writing()

    def connection_lost(self, exc: Optional[BaseException]) -> None:
        self._forget()
        self._handler.connection_lost(exc)

    def begin_request(self) -> None:
        """Count as busy: neither the time nor the number of connections closes it."""
        self.idle_since = None
        if self._timer is not None:
            self._timer.cancel()

    def end_request(self) -> None:
        """Count as idle."""
        if self._transport in self._connections:
            self._await_header(self._limits.idle_s)

    def abort(self) -> None:
        """Close the connection now."""
        self._forget()
        if self._transport is not None:
            self._transport.abort()

    def _await_header(self, seconds: float) -> None:
        self._header = b""
        self.idle_since = self._loop.time()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, self.abort)

    def _forget(self) -> None:
        if self._transport is not None:
            self._connections.pop(self._transport, None)
        if self._timer is not None:
            self._timer.cancel()


@contextlib.contextmanager
def accept_errors_logged_seldom(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Log one line a minute when no connection can be accepted.

    asyncio would log a hundred tracebacks a second while no file can be opened.
    """
    handler = loop.get_exception_handler()
    last: Optional[float] = None

    def report(loop: asyncio.AbstractEventLoop, context: Dict[str, Any]) -> None:
        nonlocal last
        if not str(context.get("message")).startswith("socket.accept()"):
            if handler is not None:
                handler(loop, context)
            else:
                loop.default_exception_handler(context)
        elif last is None or loop.time() - last >= _LOG_PERIOD_S:
            last = loop.time()
            _log.error(
                "Connections cannot be accepted: %s. Raise the limit on open files (LimitNOFILE in"
                " the unit, or `ulimit -n`).",
                context.get("exception"),
            )

    loop.set_exception_handler(report)
    try:
        yield
    finally:
        loop.set_exception_handler(handler)
