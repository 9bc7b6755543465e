"""The connection to the NATS server, which is made again whenever it is lost."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Awaitable, Callable, List, Optional

from bot.errors import FleetError
from bot.log import Problem
from bot.painting.fleet import subjects
from bot.painting.fleet.messages import Message, encode

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext

    OnMessage = Callable[[Msg], Awaitable[None]]

#: Seconds between two tries to connect, and that a try and a request may take.
_PAUSE, _CONNECTING, REQUEST = 1.0, 5.0, 5.0
#: What the server says to a user that it does not know, as nats-py puts it.
_REFUSAL = "authorization violation"
#: A server that answers none of so many pings, sent after so many seconds each, is given up.
_PINGS, _PING_EVERY = 2, 10

_log = logging.getLogger(__name__)


class Link:
    """A connection as `user`, who is `bot` or a painter.

    credentials: the file that `scripts/fleet` made for the user; without it there is no TLS, which
    the settings allow on this machine alone.
    """

    def __init__(self, url: str, user: str, credentials: Optional[Path] = None) -> None:
        self.user = user
        self._url = url
        self._credentials = credentials
        self._client: Optional[Client] = None
        self._js: Optional[JetStreamContext] = None
        self._since: Optional[float] = None
        self._problem = Problem(_log)
        self._refused = False
        self._listeners: List[Callable[[], None]] = []

    @property
    def up(self) -> bool:
        """Whether it is connected."""
        return self._client is not None and self._client.is_connected

    @property
    def problem(self) -> Optional[str]:
        """Why there is no connection, in a sentence; `None` while there is one, or before it is known."""
        return self._problem.text

    @property
    def since(self) -> float:
        """When it was last connected, by `time.monotonic`."""
        return time.monotonic() if self._since is None else self._since

    @property
    def client(self) -> Client:
        """The connection; raises `FleetError` before the first one."""
        if self._client is None:
            raise FleetError(f"There is no connection to {self._url} yet.")
        return self._client

    @property
    def js(self) -> JetStreamContext:
        """JetStream over the connection; raises `FleetError` before the first one."""
        if self._js is None:
            raise FleetError(f"There is no connection to {self._url} yet.")
        return self._js

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever the connection is made or lost."""
        self._listeners.append(listener)

    async def open(self) -> None:
        """Connect, however long it takes; raises `FleetError` for unusable credentials."""
        import nats

        tls = None if self._credentials is None else _tls_context(self._credentials)
        options: Any = {} if tls is None else {"tls": tls, "tls_hostname": subjects.SERVER}
        while True:
            self._refused = False
            try:
                self._client = await nats.connect(
                    self._url,
                    name=f"jetbrush {self.user}",
                    inbox_prefix=subjects.inbox_prefix(self.user).encode(),
                    allow_reconnect=True,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=_PAUSE,  # type: ignore[arg-type]
                    connect_timeout=_CONNECTING,  # type: ignore[arg-type]
                    ping_interval=_PING_EVERY,
                    max_outstanding_pings=_PINGS,
                    error_cb=self._failed,
                    disconnected_cb=self._lost,
                    reconnected_cb=self._made,
                    **options,
                )
                break
            except (nats.errors.Error, OSError, asyncio.TimeoutError) as error:
                # Of a connection that was refused, the end is no further problem.
                if not self._refused:
                    self._report(error)
                await asyncio.sleep(_PAUSE)
        self._js = self._client.jetstream(timeout=REQUEST)
        await self._made()

    async def close(self) -> None:
        """Disconnect."""
        import nats

        if self._client is not None:
            try:
                await self._client.close()
            except (nats.errors.Error, OSError) as error:
                _log.debug("The connection did not close: %r", error)

    async def subscribe(self, subject: str, handler: OnMessage) -> None:
        """Hand what is sent to `subject` to `handler`; it stays so over a lost connection."""
        await self.client.subscribe(subject, cb=handler)

    async def send(self, subject: str, message: Message) -> None:
        """Send a message that may get lost; without a connection it is not sent."""
        import nats

        if not self.up:
            return
        try:
            await self.client.publish(subject, encode(message))
        except (nats.errors.Error, OSError) as error:
            _log.debug("Not sent to %s: %r", subject, error)

    async def reply(self, message: Msg, data: bytes) -> None:
        """Answer a request; an answer may get lost, and the request then comes again."""
        import nats

        try:
            await message.respond(data)
        except (nats.errors.Error, OSError) as error:
            _log.debug("Not answered: %r", error)

    async def attempt(self, work: Awaitable[Any]) -> Any:
        """Wait for what the server is asked; raises `FleetError` when it does not do it."""
        import nats

        try:
            return await work
        except (nats.errors.Error, OSError, asyncio.TimeoutError) as error:
            raise FleetError(f"The server at {self._url} does not do it: {error!r}.") from error

    async def _made(self) -> None:
        self._since = time.monotonic()
        self._problem.report(None)
        self._notify()

    async def _lost(self) -> None:
        self._notify()

    async def _failed(self, error: Exception) -> None:
        self._report(error)

    def _report(self, error: BaseException) -> None:
        self._refused = _REFUSAL in str(error).lower()
        if self._refused:
            text = (
                f"refuses {self.user}. `scripts/fleet list` on its machine shows who may connect."
            )
        else:
            text = (
                f"cannot be used: {error or type(error).__name__}. See"
                " `systemctl status jetbrush-nats` on its machine."
            )
        self._problem.report(f"The fleet's server at {self._url} {text}")

    def _notify(self) -> None:
        for listener in self._listeners:
            listener()


async def make_stream(link: Link) -> None:
    """Make the stream of jobs, empty: what an earlier run gave out is queued again.

    Only the bot may. Raises `FleetError`, as the other function here does.
    """
    from nats.js.api import RetentionPolicy, StorageType, StreamConfig

    config = StreamConfig(
        name=subjects.JOBS,
        subjects=[subjects.ANY_JOB],
        retention=RetentionPolicy.WORK_QUEUE,
        storage=StorageType.FILE,
        max_age=3600.0,
        max_bytes=64 << 20,
    )
    await link.attempt(link.js.add_stream(config))
    await link.attempt(link.js.purge_stream(subjects.JOBS))


async def make_consumer(link: Link, painter: str, lease: float) -> None:
    """Make what the painter takes its jobs from; a job it is silent about comes again."""
    from nats.js.api import AckPolicy, ConsumerConfig

    config = ConsumerConfig(
        durable_name=painter,
        filter_subject=subjects.job_subject(painter),
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=lease,
        max_ack_pending=1,
    )
    await link.attempt(link.js.add_consumer(subjects.JOBS, config))


def _tls_context(credentials: Path) -> ssl.SSLContext:
    """TLS with the one authority that `credentials` names, and with their certificate.

    The server's certificate is for a fixed name, so that its machine may have any address.
    """
    try:
        context = ssl.create_default_context(cafile=str(credentials))
        context.load_cert_chain(str(credentials))
    except (OSError, ssl.SSLError) as error:
        raise FleetError(
            f"{credentials} cannot be used: {error}. Expected the file that `scripts/fleet add` made."
        ) from error
    return context
