"""One connection to the NATS server, until it is lost.

Each has a client of its own. To connect again, the library's client first waits until its old
connection is closed. Where packets vanish that takes half a minute, and with TLS before Python 3.11
as long as the kernel sends them again: a quarter of an hour.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any, Awaitable, Callable, Iterable, Optional, Tuple

from bot.backoff import wait_at_most
from bot.errors import FleetError
from bot.painting.fleet import subjects

if TYPE_CHECKING:
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext

    OnMessage = Callable[[Msg], Awaitable[None]]

#: Seconds that a try to connect and a request may take.
_CONNECTING, REQUEST = 5.0, 5.0
#: Seconds that the server has to answer a ping; it gets two in that time.
PATIENCE = 10.0

#: Bytes of messages that wait to be handled; more are dropped, so that a flood fills no memory.
_WAITING = 16 << 20

_log = logging.getLogger(__name__)


class Connection:
    """A connection as `user`; `report` is called with what goes wrong while it lasts.

    Make it in a running event loop.
    """

    def __init__(self, user: str, report: Callable[[BaseException], None]) -> None:
        from nats.aio.client import Client

        self._user = user
        self._report: Optional[Callable[[BaseException], None]] = report
        self.client = Client()
        self.js: JetStreamContext = self.client.jetstream(timeout=REQUEST)
        self._closed = asyncio.Event()
        self._opening: Optional[asyncio.Future[None]] = None
        self._pulling: Optional[JetStreamContext.PullSubscription] = None
        #: Done when nothing can be expected of the connection any more.
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def open(
        self,
        url: str,
        tls: Optional[ssl.SSLContext],
        subscriptions: Iterable[Tuple[str, OnMessage]],
    ) -> None:
        """Connect and subscribe; raises `nats.errors.Error`, `OSError` or `asyncio.TimeoutError`."""
        # Not here: before Python 3.12 `wait_for`, which the library uses, can swallow a cancellation.
        self._opening = asyncio.ensure_future(self._open(url, tls, subscriptions))
        await asyncio.wait([self._opening])
        self._opening.result()

    async def _open(
        self,
        url: str,
        tls: Optional[ssl.SSLContext],
        subscriptions: Iterable[Tuple[str, OnMessage]],
    ) -> None:
        options: Any = {} if tls is None else {"tls": tls, "tls_hostname": subjects.SERVER}
        await self.client.connect(
            url,
            name=f"jetbrush {self._user}",
            inbox_prefix=subjects.inbox_prefix(self._user).encode(),
            allow_reconnect=False,
            connect_timeout=_CONNECTING,  # type: ignore[arg-type]
            error_cb=self._failed,
            closed_cb=self._note_closed,
            **options,
        )
        for subject, handler in subscriptions:
            await self.subscribe(subject, handler)

    async def subscribe(self, subject: str, handler: OnMessage) -> None:
        """Hand what is sent to `subject` to `handler`; raises `nats.errors.Error`."""
        await self.client.subscribe(subject, cb=handler, pending_bytes_limit=_WAITING)

    async def pull(self, stream: str, consumer: str) -> Optional[Msg]:
        """Take the next message of a stream, `None` if none comes; raises `nats.errors.Error`."""
        import nats

        if self._pulling is None:
            self._pulling = await self.js.pull_subscribe_bind(consumer=consumer, stream=stream)
        # Where packets vanish the server sends a message to whoever asked first: over the lost
        # connection, unless that question has expired.
        try:
            (message,) = await self._pulling.fetch(1, timeout=PATIENCE)
        except nats.errors.TimeoutError:
            return None
        return message

    async def until_lost(self) -> None:
        """Wait until the client has closed itself, or the server does not answer a ping."""
        import nats

        while not self._closed.is_set():
            try:
                await self.client.flush(timeout=PATIENCE)  # type: ignore[arg-type]
            except (nats.errors.Error, OSError) as error:
                await self._failed(error)
                return
            await wait_at_most(self._closed, PATIENCE / 2)

    async def close(self) -> None:
        """Give it up; where packets vanish this ends when the kernel stops sending them again."""
        import nats

        self._report = None
        if not self.lost.done():
            self.lost.set_result(None)
        if self._opening is not None:
            # One that cannot be cancelled any more may still connect.
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        try:
            await self.client.close()
        except (nats.errors.Error, OSError) as error:
            _log.debug("The connection did not close: %r", error)

    async def _note_closed(self) -> None:
        self._closed.set()

    async def _failed(self, error: Exception) -> None:
        if self._report is not None:
            self._report(error)


def tls_context(credentials: Path) -> ssl.SSLContext:
    """TLS with the one authority that `credentials` names, and with their certificate.

    The server's certificate is for a fixed name, so that its machine may have any address. Raises
    `FleetError` for a file of another kind.
    """
    try:
        context = ssl.create_default_context(cafile=str(credentials))
        context.load_cert_chain(str(credentials))
    except (OSError, ssl.SSLError) as error:
        raise FleetError(
            f"{credentials} cannot be used: {error}. Expected the file that `scripts/fleet add` made."
        ) from error
    return context
