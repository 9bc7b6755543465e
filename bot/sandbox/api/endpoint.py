"""The HTTP face of the Bot API: `/bot<token>/<method>` and `/file/bot<token>/<path>`."""

from __future__ import annotations

import hmac
from typing import Dict, Optional

from aiohttp import web

from bot.sandbox.api import account, editing, sending
from bot.sandbox.api.arguments import Arguments, read_arguments
from bot.sandbox.api.sending import Method
from bot.sandbox.errors import Refusal
from bot.sandbox.model.state import State
from bot.sandbox.testing.faults import Answer, Dropped, Faults, refused
from bot.sandbox.testing.journal import Call, Journal

# Above the limit of a document, so that sendDocument itself can refuse what is too large.
BODY_LIMIT = 64 * 1024 * 1024

METHODS: Dict[str, Method] = {**account.METHODS, **sending.METHODS, **editing.METHODS}

_names = {name.lower(): name for name in METHODS}


class Endpoint:
    """Answers the bot's calls and downloads."""

    def __init__(self, state: State, token: str, journal: Journal, faults: Faults) -> None:
        self._state = state
        self._token = token
        self._journal = journal
        self._faults = faults

    def add_routes(self, app: web.Application) -> None:
        """Serve the Bot API in `app`."""
        app.router.add_route("*", r"/bot{token:[^/]*}/{method}", self._called)
        app.router.add_get(r"/file/bot{token:[^/]*}/{path:.+}", self._download)

    async def _called(self, request: web.Request) -> web.StreamResponse:
        """Answer a call, or spoil it as a fault wants."""
        if not self._known(request):
            return _response(refused(Refusal(401, "Unauthorized")))
        # Telegram does not mind the case of a method's letters.
        wanted = request.match_info["method"]
        method = _names.get(wanted.lower(), wanted)
        try:
            arguments = await read_arguments(request)
        except Refusal as refusal:
            return _response(refused(refusal))
        call = self._journal.begin(method, arguments)
        try:
            answer = await self._answer(call, arguments)
        except Dropped:
            self._journal.end(call, 0, "Connection dropped")
            return _cut(request)
        except Exception:
            # The sandbox itself is wrong; aiohttp logs it and answers 500.
            self._journal.end(call, 500, "The sandbox failed")
            raise
        description = answer.body.get("description") if isinstance(answer.body, dict) else None
        self._journal.end(call, answer.status, description)
        return _response(answer)

    async def _answer(self, call: Call, arguments: Arguments) -> Answer:
        """Apply the call before, after, or instead of a fault."""
        fault = self._faults.take(call.method, call.chat_id)
        if fault is None:
            return await self._apply(call, arguments)
        if fault.after:
            answer = await self._apply(call, arguments)
            return await fault.strike() or answer
        return await fault.strike() or await self._apply(call, arguments)

    async def _apply(self, call: Call, arguments: Arguments) -> Answer:
        """Do what the call asks for."""
        method = METHODS.get(call.method)
        if method is None:
            return refused(Refusal(404, "Not Found"))
        try:
            call.result = await method(self._state, arguments)
        except Refusal as refusal:
            return refused(refusal)
        call.applied = True
        return Answer(200, {"ok": True, "result": call.result})

    async def _download(self, request: web.Request) -> web.StreamResponse:
        """Send a file that `getFile` was asked about."""
        if not self._known(request):
            return _response(refused(Refusal(401, "Unauthorized")))
        path = request.match_info["path"]
        call = self._journal.begin("download", Arguments({"path": path}, {}))
        fault = self._faults.take("download", None)
        try:
            spoilt: Optional[Answer] = await fault.strike() if fault is not None else None
        except Dropped:
            self._journal.end(call, 0, "Connection dropped")
            return _cut(request)
        stored = self._state.files.published(path)
        if stored is None:
            spoilt = spoilt or refused(Refusal(404, "Not Found"))
        if spoilt is not None:
            self._journal.end(call, spoilt.status)
            return _response(spoilt)
        assert stored is not None
        call.applied = True
        self._journal.end(call, 200)
        return web.Response(body=stored.data, content_type="application/octet-stream")

    def _known(self, request: web.Request) -> bool:
        """Whether the caller has the bot's token."""
        given = request.match_info["token"].encode("utf-8")
        return hmac.compare_digest(given, self._token.encode("utf-8"))


def _response(answer: Answer) -> web.Response:
    """The reply on the wire."""
    if isinstance(answer.body, str):
        return web.Response(status=answer.status, text=answer.body, content_type="text/html")
    return web.json_response(answer.body, status=answer.status)


def _cut(request: web.Request) -> web.StreamResponse:
    """Close the connection at once; the response goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
