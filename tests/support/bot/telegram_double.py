"""A Bot API server on the loopback interface that answers as it is told and keeps what it heard."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, AsyncIterator, Dict, List, Optional, Union

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.sandbox import Sandbox

TOKEN = "42:a-token_of_nobody"
PATIENCE_S = 10.0


@dataclass(frozen=True)
class Reply:
    """How one call is answered: `result`, or a refusal, or a page, or not at all."""

    result: Any = True
    status: int = 200
    description: str = ""
    retry_after: Optional[int] = None
    page: Optional[bytes] = None
    drop: bool = False
    hang: bool = False


@dataclass(frozen=True)
class Call:
    method: str
    params: Dict[str, str]
    at: float = field(default_factory=time.monotonic)


def message(chat_id: int = 7, message_id: int = 1) -> Dict[str, Any]:
    chat = {"id": chat_id, "type": "private" if chat_id > 0 else "group", "title": "g"}
    return {"message_id": message_id, "date": 1_700_000_000, "chat": chat, "text": "x"}


class TelegramDouble:
    """`replies[method]` are given in turn, the last one for ever."""

    token = TOKEN

    def __init__(self) -> None:
        self.replies: Dict[str, List[Reply]] = defaultdict(list)
        self.calls: List[Call] = []
        self.url = ""
        self._heard = asyncio.Condition()

    def script(self, method: str, *replies: Reply) -> None:
        self.replies[method] = list(replies)

    def calls_of(self, method: str) -> List[Call]:
        return [call for call in self.calls if call.method == method]

    async def wait_for(self, method: str, count: int = 1) -> Call:
        async def enough() -> Call:
            async with self._heard:
                await self._heard.wait_for(lambda: len(self.calls_of(method)) >= count)
            return self.calls_of(method)[count - 1]

        return await asyncio.wait_for(enough(), PATIENCE_S)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        assert request.match_info["token"] == TOKEN
        method = request.match_info["method"]
        params = {name: str(value) for name, value in (await request.post()).items()}
        queue = self.replies[method]
        reply = (queue.pop(0) if len(queue) > 1 else queue[0]) if queue else Reply()
        async with self._heard:
            self.calls.append(Call(method, params))
            self._heard.notify_all()
        if reply.hang:
            await asyncio.Event().wait()
        if reply.drop:
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if reply.page is not None:
            return web.Response(body=reply.page, status=reply.status, content_type="text/html")
        if reply.status == 200:
            return web.json_response({"ok": True, "result": reply.result})
        refusal: Dict[str, Any] = {
            "ok": False,
            "error_code": reply.status,
            "description": reply.description,
        }
        if reply.retry_after is not None:
            refusal["parameters"] = {"retry_after": reply.retry_after}
        return web.Response(
            text=json.dumps(refusal), status=reply.status, content_type="application/json"
        )


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[TelegramDouble]:
    """Serve at `TelegramDouble.url`."""
    double = TelegramDouble()
    app = web.Application()
    app.router.add_post("/bot{token}/{method}", double.handle)
    server = TestServer(app)
    # Its access log would show the token, which tests look for.
    await server.start_server(shutdown_timeout=0.1, access_log=None)
    double.url = str(server.make_url("")).rstrip("/")
    try:
        yield double
    finally:
        await server.close()


@contextlib.asynccontextmanager
async def a_bot(server: Union[TelegramDouble, Sandbox]) -> AsyncIterator[Bot]:
    """A bot that talks to `server`."""
    session = AiohttpSession(api=TelegramAPIServer.from_base(server.url))
    bot = Bot(token=server.token, session=session)
    try:
        yield bot
    finally:
        await session.close()


class Garbage:
    """A server that answers no HTTP: aiohttp's error then shows the URL, and so the token."""

    token = TOKEN

    def __init__(self, server):
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@contextlib.asynccontextmanager
async def serving_garbage():
    async def answer(reader, writer):
        await reader.read(100)
        writer.write(b"garbage\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield Garbage(server)
    finally:
        server.close()
