"""The web server: updates from Telegram, and /healthz and /metrics for the owner."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import ipaddress
import json
import logging
from typing import Awaitable, Callable, Optional, Sequence
from urllib.parse import urlsplit

from aiohttp import web
from pydantic import SecretStr

from bot.config import host_and_port
from bot.errors import NotStored, PortError
from bot.metrics import CONTENT_TYPE, Metrics
from bot.telegram.connection_limits import (
    ConnectionLimits,
    Connections,
    accept_errors_logged_seldom,
)
from bot.telegram.update_processor import ProcessUpdate

_log = logging.getLogger(__name__)

#: The problems of the bot in sentences; none while it works.
Health = Callable[[], Sequence[str]]

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

#: The path of the web hook below the public URL.
UPDATES_PATH = "/telegram"

#: An update takes a few kilobytes: it names pictures and does not contain them.
_MOST_BYTES = 1024**2
#: Seconds in which the body of an update must arrive.
_BODY_S = 15.0
#: Seconds in which the rest of a refused request is read, so that the client gets the answer.
_LINGER_S = 2.0
_LIMITS = ConnectionLimits()
_FORWARDED = ("X-Forwarded-For", "X-Forwarded-Host", "Forwarded")
_SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"


class WebhookServer:
    """Listens on `host` and `port` from `start` to `close`.

    The answer to an update is 200 when `update_processor` returns, and 503 when it raises
    `NotStored`: then Telegram sends the update again. A request without `secret` gets 401. With
    neither of the two (polling) the server has only the owner's pages, which it never serves
    through the tunnel.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        health: Health,
        metrics: Metrics,
        update_processor: Optional[ProcessUpdate] = None,
        secret: Optional[SecretStr] = None,
        drain_s: float = 20.0,
        limits: ConnectionLimits = _LIMITS,
        body_s: float = _BODY_S,
    ) -> None:
        """Prepare the server; `port` 0 takes a free one.

        drain_s: seconds that `close` waits for the updates in progress.
        body_s: seconds in which the body of an update must arrive.
        Raises `ValueError` for an `update_processor` without a secret: anybody could call it.
        """
        if update_processor is not None and not secret:
            raise ValueError("An update processor needs a secret.")
        self._host = host
        self._port = port
        self._health = health
        self._metrics = metrics
        self._update_processor = update_processor
        self._secret = secret or SecretStr("")
        self._drain_s = drain_s
        self._limits = limits
        self._body_s = body_s
        self._connections: Optional[Connections] = None
        # Closes what `start` opened, the last first.
        self._opened = contextlib.AsyncExitStack()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port

    async def start(self) -> None:
        """Open the port; raises `PortError` when that fails."""
        async with contextlib.AsyncExitStack() as opened:
            await self._open(opened)
            self._opened = opened.pop_all()
        _log.info("Listening on %s", host_and_port(self._host, self._port))

    async def _open(self, opened: contextlib.AsyncExitStack) -> None:
        app = web.Application(client_max_size=_MOST_BYTES, middlewares=[self._keep_open])
        if self._update_processor is not None:
            app.router.add_post(UPDATES_PATH, self._receive_update)
        app.router.add_get("/healthz", self._show_health)
        app.router.add_get("/metrics", self._show_metrics)
        runner = web.AppRunner(
            app,
            access_log=None,
            shutdown_timeout=self._drain_s,
            keepalive_timeout=self._limits.idle_s,
            lingering_time=_LINGER_S,
            # A small body may decompress to gigabytes; Telegram does not compress updates.
            auto_decompress=False,
        )
        await runner.setup()
        opened.push_async_callback(runner.cleanup)
        assert runner.server is not None
        self._connections = Connections(runner.server, self._limits)
        loop = asyncio.get_running_loop()
        opened.enter_context(accept_errors_logged_seldom(loop))
        try:
            server = await loop.create_server(self._connections.accept, self._host, self._port)
        except OSError as error:
            raise PortError(
                f"Cannot listen on {host_and_port(self._host, self._port)}: {error.strerror}. Stop"
                " the program that uses the port (a second bot?), or change PORT or HOST."
            ) from error
        opened.callback(server.close)
        self._port = server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Accept no more updates, finish those in progress, and free the port. May be called twice."""
        await self._opened.aclose()

    @web.middleware
    async def _keep_open(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Note that the connection is in use until the request is processed."""
        assert self._connections is not None
        with self._connections.request(request.transport):
            return await handler(request)

    async def _receive_update(self, request: web.Request) -> web.Response:
        given = request.headers.get(_SECRET_HEADER, "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, self._secret.get_secret_value().encode()):
            return web.json_response({"error": "wrong or no secret"}, status=401)
        assert self._update_processor is not None and self._connections is not None
        self._connections.trust(request.transport)
        try:
            update = json.loads(await asyncio.wait_for(request.read(), self._body_s))
        except asyncio.TimeoutError:
            return web.json_response({"error": "the body took too long"}, status=408)
        except (ValueError, RecursionError):
            update = None
        if not isinstance(update, dict):
            return web.json_response({"error": "not a JSON object"}, status=400)
        try:
            await self._update_processor(update)
        except NotStored as error:
            _log.warning(
                "Update %s is not stored and stays with Telegram: %s",
                update.get("update_id"),
                error,
            )
            return web.json_response({"error": "not stored"}, status=503)
        return web.json_response({})

    async def _show_health(self, request: web.Request) -> web.Response:
        self._refuse_strangers(request)
        problems = self._health()
        return web.Response(text="\n".join(problems) or "ok", status=503 if problems else 200)

    async def _show_metrics(self, request: web.Request) -> web.Response:
        self._refuse_strangers(request)
        return web.Response(body=self._metrics.render(), headers={"Content-Type": CONTENT_TYPE})

    def _refuse_strangers(self, request: web.Request) -> None:
        """Hide the page from requests through the tunnel, which have one of these headers.

        A server on the loopback interface also hides it from web pages whose host name was made
        to resolve to that interface (DNS rebinding).
        """
        through_tunnel = any(name in request.headers for name in _FORWARDED)
        if through_tunnel or (_is_loopback(self._host) and not _is_loopback(_host_of(request))):
            raise web.HTTPNotFound


def _host_of(request: web.Request) -> str:
    """The name or address in the Host header, without the port; empty if it is malformed."""
    try:
        return urlsplit(f"//{request.host}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
