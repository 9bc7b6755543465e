"""The web server that Telegram calls: updates, and for the owner /healthz and /metrics."""

from __future__ import annotations

import hmac
import json
import logging
from typing import Any, Awaitable, Callable, Dict, Optional, Sequence

from aiohttp import web

from bot.errors import NotStored, PortError
from bot.metrics import CONTENT_TYPE, Metrics

_log = logging.getLogger(__name__)

#: Takes one update; returns when it is committed, raises `NotStored` when it is not.
UpdateProcessor = Callable[[Dict[str, Any]], Awaitable[None]]
#: What is wrong with the bot, in words; nothing while it is well.
Health = Callable[[], Sequence[str]]

#: What Telegram is asked to send.
ALLOWED_UPDATES = ("message", "callback_query")
#: What is added to the public URL.
UPDATES_PATH = "/telegram"

#: An update is some kilobytes: the pictures stay at Telegram.
_MOST_BYTES = 1024**2
_FORWARDED = ("X-Forwarded-For", "X-Forwarded-Host", "Forwarded")
_SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"


class WebhookServer:
    """Listens on `host`:`port` from `start` to `close`.

    An update is answered with 200 when `update_processor` has returned, with 503 when it raised `NotStored`:
    Telegram sends it again then. Whoever does not know `secret` gets 401. With neither of the two
    (polling) only the owner's pages are served, and those never through the tunnel.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        health: Health,
        metrics: Metrics,
        update_processor: Optional[UpdateProcessor] = None,
        secret: Optional[str] = None,
        drain_s: float = 20.0,
    ) -> None:
        """Set up, not yet listening; a `port` of 0 takes a free one.

        drain_s: seconds that `close` waits for the updates in work.
        Raises `ValueError` for an intake without a secret: anybody could write to it.
        """
        if update_processor is not None and not secret:
            raise ValueError("An intake needs a secret.")
        self._host = host
        self._port = port
        self._health = health
        self._metrics = metrics
        self._update_processor = update_processor
        self._secret = (secret or "").encode()
        self._drain_s = drain_s
        self._runner: Optional[web.AppRunner] = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port

    async def start(self) -> None:
        """Open the port; raises `PortError` when it cannot be had."""
        app = web.Application(client_max_size=_MOST_BYTES)
        if self._update_processor is not None:
            app.router.add_post(UPDATES_PATH, self._take_update)
        app.router.add_get("/healthz", self._tell_health)
        app.router.add_get("/metrics", self._tell_metrics)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=self._drain_s)
        await runner.setup()
        site = web.TCPSite(runner, self._host, self._port)
        try:
            await site.start()
        except OSError as error:
            await runner.cleanup()
            raise PortError(
                f"Cannot listen on {self._host}:{self._port}: {error.strerror}. Stop the program"
                " that has the port (a second bot?), or set PORT and HOST otherwise."
            ) from error
        self._runner = runner
        self._port = runner.addresses[0][1]
        _log.info("Listening on %s:%d", self._host, self._port)

    async def close(self) -> None:
        """Take no more updates, let those in work end, and free the port. May be called twice."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _take_update(self, request: web.Request) -> web.Response:
        given = request.headers.get(_SECRET_HEADER, "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, self._secret):
            return web.json_response({"error": "wrong or no secret"}, status=401)
        assert self._update_processor is not None
        try:
            update = json.loads(await request.read())
        except (ValueError, RecursionError):
            update = None
        if not isinstance(update, dict):
            return web.json_response({"error": "not a JSON object"}, status=400)
        try:
            await self._update_processor(update)
        except NotStored as error:
            _log.warning("Update %s is left to Telegram: %s", update.get("update_id"), error)
            return web.json_response({"error": "not stored"}, status=503)
        return web.json_response({})

    async def _tell_health(self, request: web.Request) -> web.Response:
        _refuse_strangers(request)
        problems = self._health()
        return web.Response(text="\n".join(problems) or "ok", status=503 if problems else 200)

    async def _tell_metrics(self, request: web.Request) -> web.Response:
        _refuse_strangers(request)
        return web.Response(body=self._metrics.render(), headers={"Content-Type": CONTENT_TYPE})


def _refuse_strangers(request: web.Request) -> None:
    """What comes through the tunnel bears one of these headers; the owner's machine sends none."""
    if any(name in request.headers for name in _FORWARDED):
        raise web.HTTPNotFound
