"""The web server: updates from Telegram, and /healthz and /metrics for the owner."""

from __future__ import annotations

import hmac
import json
import logging
from typing import Callable, Optional, Sequence

from aiohttp import web

from bot.config import host_and_port
from bot.errors import NotStored, PortError
from bot.metrics import CONTENT_TYPE, Metrics
from bot.telegram.update_processor import ProcessUpdate

_log = logging.getLogger(__name__)

#: The problems of the bot in sentences; none while it works.
Health = Callable[[], Sequence[str]]

#: The path of the web hook below the public URL.
UPDATES_PATH = "/telegram"

#: An update takes a few kilobytes: it names pictures and does not contain them.
_MOST_BYTES = 1024**2
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
        secret: Optional[str] = None,
        drain_s: float = 20.0,
    ) -> None:
        """Prepare the server; `port` 0 takes a free one.

        drain_s: seconds that `close` waits for the updates in progress.
        Raises `ValueError` for an `update_processor` without a secret: anybody could call it.
        """
        if update_processor is not None and not secret:
            raise ValueError("An update processor needs a secret.")
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
        """Open the port; raises `PortError` when that fails."""
        app = web.Application(client_max_size=_MOST_BYTES)
        if self._update_processor is not None:
            app.router.add_post(UPDATES_PATH, self._receive_update)
        app.router.add_get("/healthz", self._show_health)
        app.router.add_get("/metrics", self._show_metrics)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=self._drain_s)
        await runner.setup()
        site = web.TCPSite(runner, self._host, self._port)
        try:
            await site.start()
        except OSError as error:
            await runner.cleanup()
            raise PortError(
                f"Cannot listen on {host_and_port(self._host, self._port)}: {error.strerror}. Stop"
                " the program that uses the port (a second bot?), or change PORT or HOST."
            ) from error
        self._runner = runner
        self._port = runner.addresses[0][1]
        _log.info("Listening on %s", host_and_port(self._host, self._port))

    async def close(self) -> None:
        """Stop listening and finish the updates in progress. May be called twice."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _receive_update(self, request: web.Request) -> web.Response:
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
            _log.warning(
                "Update %s is not stored and stays with Telegram: %s",
                update.get("update_id"),
                error,
            )
            return web.json_response({"error": "not stored"}, status=503)
        return web.json_response({})

    async def _show_health(self, request: web.Request) -> web.Response:
        _refuse_tunnel(request)
        problems = self._health()
        return web.Response(text="\n".join(problems) or "ok", status=503 if problems else 200)

    async def _show_metrics(self, request: web.Request) -> web.Response:
        _refuse_tunnel(request)
        return web.Response(body=self._metrics.render(), headers={"Content-Type": CONTENT_TYPE})


def _refuse_tunnel(request: web.Request) -> None:
    """Hide the page from requests through the tunnel, which have one of these headers."""
    if any(name in request.headers for name in _FORWARDED):
        raise web.HTTPNotFound
