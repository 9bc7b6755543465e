"""The connection to the NATS server, which is made again whenever it is lost."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Awaitable, Callable, List, Optional, Set, Tuple

from bot.background import Background
from bot.backoff import abandon, in_own_task
from bot.errors import FleetError
from bot.log import Problem
from bot.painting.fleet import subjects
from bot.painting.fleet.connection import Connection, tls_context
from bot.painting.fleet.messages import Message, encode

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext

    from bot.painting.fleet.connection import OnMessage

#: Seconds between two tries to connect.
_PAUSE = 1.0
#: What the server says to a user that it does not know, as nats-py puts it.
_REFUSAL = "authorization violation"

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
        self._connection: Optional[Connection] = None
        self._since: Optional[float] = None
        self._problem = Problem(_log)
        self._refused = False
        self._listeners: List[Callable[[], None]] = []
        self._subscriptions: List[Tuple[str, OnMessage]] = []
        self._keeping: Optional[asyncio.Future[None]] = None
        self._closing = Background()

    @property
    def up(self) -> bool:
        """Whether it is connected."""
        return self._connection is not None and self._connection.client.is_connected

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
        """The present connection; raises `FleetError` while there is none."""
        return self._present.client

    @property
    def js(self) -> JetStreamContext:
        """JetStream over the present connection; raises `FleetError` while there is none."""
        return self._present.js

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever the connection is made or lost."""
        self._listeners.append(listener)

    async def open(self) -> None:
        """Connect, however long it takes, and from then on again when the connection is lost.

        Raises `FleetError` for unusable credentials.
        """
        tls = None if self._credentials is None else tls_context(self._credentials)
        connection = await self._connect(tls)
        self._keeping = asyncio.ensure_future(self._keep(connection, tls))

    async def close(self) -> None:
        """Disconnect."""
        if self._keeping is not None:
            self._keeping.cancel()
        if self._connection is not None:
            self._give_up(self._connection)
        await self._closing.finish(within=_PAUSE)

    async def subscribe(self, subject: str, handler: OnMessage) -> None:
        """Hand what is sent to `subject` to `handler`; it stays so over a lost connection."""
        self._subscriptions.append((subject, handler))
        try:
            if self._connection is not None:
                await self.attempt(self._connection.subscribe(subject, handler))
        except FleetError as error:
            # The next connection does it.
            _log.debug("%s", error)

    async def pull(self, stream: str, consumer: str) -> Optional[Msg]:
        """Take the next message of a stream, `None` if none comes for a while."""
        message: Optional[Msg] = await self.attempt(self._present.pull(stream, consumer))
        return message

    async def send(self, subject: str, message: Message) -> None:
        """Send a message that may get lost; without a connection it is not sent."""
        await self._publish(subject, encode(message))

    async def reply(self, message: Msg, data: bytes) -> None:
        """Answer a request; an answer may get lost, and the request then comes again."""
        # Not by the message itself, which knows only the connection that it came over.
        await self._publish(message.reply, data)

    async def attempt(self, work: Awaitable[Any]) -> Any:
        """Wait for what the server is asked.

        Raises `FleetError` when it does not do it, and as soon as the connection is lost.
        """
        import nats

        doing = asyncio.ensure_future(work)
        waiting: Set[asyncio.Future[Any]] = {doing}
        if self._connection is not None:
            waiting.add(self._connection.lost)
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if not doing.done():
                raise FleetError(f"The connection to {self._url} is lost.")
            return doing.result()
        except (nats.errors.Error, OSError, asyncio.TimeoutError) as error:
            raise FleetError(f"The server at {self._url} does not do it: {error!r}.") from error
        finally:
            abandon(doing)

    @property
    def _present(self) -> Connection:
        if self._connection is None:
            raise FleetError(f"There is no connection to {self._url}.")
        return self._connection

    async def _publish(self, subject: str, data: bytes) -> None:
        import nats

        if not self.up:
            return
        try:
            await self.client.publish(subject, data)
        except (nats.errors.Error, OSError) as error:
            _log.debug("Not sent to %s: %r", subject, error)

    async def _keep(self, connection: Connection, tls: Optional[ssl.SSLContext]) -> None:
        """Connect again each time that the connection is lost."""
        while True:
            await in_own_task(connection.until_lost())
            self._connection = None
            self._give_up(connection)
            self._notify()
            connection = await self._connect(tls)

    async def _connect(self, tls: Optional[ssl.SSLContext]) -> Connection:
        import nats

        while True:
            connection = Connection(self.user, self._report)
            try:
                await connection.open(self._url, tls, self._subscriptions)
                break
            except asyncio.CancelledError:
                self._give_up(connection)
                raise
            except (nats.errors.Error, OSError, asyncio.TimeoutError) as error:
                self._report(error)
                self._give_up(connection)
                await asyncio.sleep(_PAUSE)
        self._connection = connection
        self._refused = False
        self._since = time.monotonic()
        self._problem.report(None)
        self._notify()
        return connection

    def _give_up(self, connection: Connection) -> None:
        self._closing.start(connection.close())

    def _report(self, error: BaseException) -> None:
        import nats

        # The server ends a connection that it refuses, often before its reason is read.
        ends = (ConnectionResetError, BrokenPipeError, ssl.SSLError, nats.errors.UnexpectedEOF)
        if self._refused and isinstance(error, ends):
            return
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


async def make_stream(link: Link) -> bool:
    """Make the stream of jobs, unless it is there; returns whether it was made.

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
    # The server calls a stream created that was there.
    is_new = not await link.attempt(_has_stream(link))
    await link.attempt(link.js.add_stream(config))
    return is_new


async def _has_stream(link: Link) -> bool:
    from nats.js.errors import NotFoundError

    try:
        await link.js.stream_info(subjects.JOBS)
    except NotFoundError:
        return False
    return True


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
