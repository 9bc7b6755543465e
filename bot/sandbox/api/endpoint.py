"""The HTTP endpoints of the Bot API: `/bot<token>/<method>` and `/file/bot<token>/<path>`."""

from __future__ import annotations

import hmac
from typing import Dict, Optional

from aiohttp import web

from bot.sandbox.api import account, editing, receiving, sending
from bot.sandbox.api.arguments import Arguments, read_arguments
from bot.sandbox.api.sending import Method
from bot.sandbox.errors import ApiError
from bot.sandbox.model.state import State
from bot.sandbox.testing.call_log import Call, CallLog
from bot.sandbox.testing.faults import Answer, Dropped, Faults, error_answer

# More than the limit of a document, so that sendDocument itself can refuse a larger one.
BODY_LIMIT = 64 * 1024 * 1024

METHODS: Dict[str, Method] = {
    **account.METHODS,
    **receiving.METHODS,
    **sending.METHODS,
    **editing.METHODS,
}

_names = {name.lower(): name for name in METHODS}


class Endpoint:
    """Answers the bot's calls and downloads."""

    def __init__(self, state: State, token: str, call_log: CallLog, faults: Faults) -> None:
        self._state = state
        self._token = token
        self._call_log = call_log
        self._faults = faults

    def add_routes(self, app: web.Application) -> None:
        """Serve the Bot API in `app`."""
        app.router.add_route("*", r"/bot{token:[^/]*}/{method}", self._handle_call)
        app.router.add_get(r"/file/bot{token:[^/]*}/{path:.+}", self._download)

    async def _handle_call(self, request: web.Request) -> web.StreamResponse:
        """Answer a call, unless a fault interferes."""
        if not self._authorized(request):
            return _response(error_answer(ApiError(401, "Unauthorized")))
        # Telegram ignores the case of method names.
        given = request.match_info["method"]
        method = _names.get(given.lower(), given)
        try:
            arguments = await read_arguments(request)
        except ApiError as error:
            return _response(error_answer(error))
        call = self._call_log.begin(method, arguments)
        try:
            answer = await self._answer(call, arguments)
        except Dropped:
            self._call_log.end(call, 0, "Connection dropped")
            return _abort(request)
        except Exception:
            # A bug of the sandbox itself: aiohttp logs it and answers 500.
            self._call_log.end(call, 500, "The sandbox failed")
            raise
        description = answer.body.get("description") if isinstance(answer.body, dict) else None
        self._call_log.end(call, answer.status, description)
        return _response(answer)

    async def _answer(self, call: Call, arguments: Arguments) -> Answer:
        """Execute the call before or after a fault, unless the fault replaces its answer."""
        fault = self._faults.take(call.method, call.chat_id)
        if fault is None:
            return await self._execute(call, arguments)
        if fault.after:
            answer = await self._execute(call, arguments)
            return await fault.apply() or answer
        return await fault.apply() or await self._execute(call, arguments)

    async def _execute(self, call: Call, arguments: Arguments) -> Answer:
        """Execute the call's method."""
        method = METHODS.get(call.method)
        if method is None:
            return error_answer(ApiError(404, "Not Found"))
        try:
            call.result = await method(self._state, arguments)
        except ApiError as error:
            return error_answer(error)
        call.applied = True
        return Answer(200, {"ok": True, "result": call.result})

    async def _download(self, request: web.Request) -> web.StreamResponse:
        """Send a file whose path `getFile` returned."""
        if not self._authorized(request):
            return _response(error_answer(ApiError(401, "Unauthorized")))
        path = request.match_info["path"]
        call = self._call_log.begin("download", Arguments({"path": path}, {}))
        fault = self._faults.take("download", None)
        try:
            faulty: Optional[Answer] = await fault.apply() if fault is not None else None
        except Dropped:
            self._call_log.end(call, 0, "Connection dropped")
            return _abort(request)
        stored = self._state.files.published(path)
        if stored is None:
            faulty = faulty or error_answer(ApiError(404, "Not Found"))
        if faulty is not None:
            self._call_log.end(call, faulty.status)
            return _response(faulty)
        assert stored is not None
        call.applied = True
        self._call_log.end(call, 200)
        return web.Response(body=stored.data, content_type="application/octet-stream")

    def _authorized(self, request: web.Request) -> bool:
        """Whether the caller has the bot's token."""
        given = request.match_info["token"].encode("utf-8")
        return hmac.compare_digest(given, self._token.encode("utf-8"))


def _response(answer: Answer) -> web.Response:
    """The answer as an HTTP response."""
    if isinstance(answer.body, str):
        return web.Response(status=answer.status, text=answer.body, content_type="text/html")
    return web.json_response(answer.body, status=answer.status)


def _abort(request: web.Request) -> web.StreamResponse:
    """Close the connection at once; nobody receives the response."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
