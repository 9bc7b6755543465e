"""The server side of the chat page: a WebSocket for each user, uploads, files.

The WebSocket sends events, each with its name in `event`: `hello` (the whole chat), `message`
(new or edited), `deleted`, `action`, `pressed`, `answer`, `commands`, `users`. It receives
`{"do": "text", "text"}` and `{"do": "press", "message_id", "data", "ref"}`.
"""

from __future__ import annotations

import asyncio
import json
from ipaddress import ip_address
from pathlib import Path
from typing import Awaitable, Callable, List, Optional, Set
from urllib.parse import quote, urlsplit

from aiohttp import WSMsgType, web

from bot.sandbox.api.arguments import Json
from bot.sandbox.api.sending import ALBUM
from bot.sandbox.errors import ApiError, SandboxError
from bot.sandbox.model.state import State
from bot.sandbox.model.users import User, Users
from bot.sandbox.model.videos import MOVING

PAGE = Path(__file__).resolve().parent
HEARTBEAT = 20.0
NAME_LENGTH = 40
# The page's languages, and the name of a user without one in each of them.
GUESTS = {"en": "Guest", "ru": "Гость"}

# The page shows texts and files that others sent: no script in them may run.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws:;"
    " img-src 'self' blob: data:; media-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Feed:
    """Serves the chat page."""

    def __init__(self, state: State, users: Users) -> None:
        self._state = state
        self._users = users
        self._sockets: Set[web.WebSocketResponse] = set()

    def add_routes(self, app: web.Application) -> None:
        """Serve the page in `app`."""
        app.middlewares.append(_own_page_only)
        app.router.add_get("/", self._page)
        app.router.add_get("/page/{name}", self._page)
        app.router.add_get("/sandbox/feed", self._feed)
        app.router.add_post(r"/sandbox/users/{user:\d+}/files", self._upload)
        app.router.add_get("/sandbox/file/{file_id}", self._file)
        app.on_shutdown.append(self._close)

    async def _close(self, app: web.Application) -> None:
        """Close the WebSockets; the open pages try to connect again."""
        for socket in list(self._sockets):
            await socket.close()

    async def _page(self, request: web.Request) -> web.StreamResponse:
        """Serve one of the page's files."""
        name = request.match_info.get("name", "index.html")
        if name not in {path.name for path in PAGE.iterdir()}:
            raise web.HTTPNotFound
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
        return web.FileResponse(PAGE / name, headers=headers)

    async def _feed(self, request: web.Request) -> web.StreamResponse:
        """Serve the WebSocket of one user, who is added if the sandbox does not know them."""
        user = self._user(request)
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT)
        await socket.prepare(request)
        events: asyncio.Queue[Json] = asyncio.Queue()

        def watch(event: str, body: Json) -> None:
            if event == "commands":
                body = {"commands": self._commands(user)}
            if event != "answer" or body["user"] == user.id:
                events.put_nowait({"event": event, **body})

        user.chat.watchers.add(watch)
        self._sockets.add(socket)
        events.put_nowait(self._hello(user))
        tasks = [
            asyncio.ensure_future(_send(socket, events)),
            asyncio.ensure_future(self._send_users(events)),
        ]
        try:
            async for message in socket:
                if message.type == WSMsgType.TEXT:
                    await self._do(user, json.loads(message.data), events)
        finally:
            user.chat.watchers.discard(watch)
            self._sockets.discard(socket)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return socket

    def _user(self, request: web.Request) -> User:
        """The user that the URL names by id or as a new one; otherwise the first user."""
        user = request.query.get("user", "")
        name = request.query.get("name", "").strip()[:NAME_LENGTH]
        language = request.query.get("language", "")
        if language not in GUESTS:
            language = "en"
        number = int(user) if user.isdigit() else None
        if number is None and not name:
            number = next((user.id for user in self._users), None)
        return self._users.get(number, language_code=language, name=name or GUESTS[language])

    def _hello(self, user: User) -> Json:
        """The whole chat, for a page that has just connected."""
        return {
            "event": "hello",
            "bot": self._state.bot,
            "user": user.raw,
            "users": [each.raw for each in self._users],
            "commands": self._commands(user),
            "messages": [message.snapshot() for message in user.messages],
        }

    def _commands(self, user: User) -> List[Json]:
        """The commands in the user's language."""
        return self._state.commands_for(user.chat, user.language)

    async def _send_users(self, events: asyncio.Queue[Json]) -> None:
        """Send the list of users whenever one is added."""
        while await self._users.changed.wait():
            events.put_nowait({"event": "users", "users": [each.raw for each in self._users]})

    async def _do(self, user: User, body: Json, events: asyncio.Queue[Json]) -> None:
        """Execute what the user did on the page."""
        if body.get("do") == "text":
            if str(body["text"]).strip():
                await user.text(str(body["text"]).strip())
            return
        if body.get("do") == "press":
            message = user.chat.messages.get(body["message_id"])
            if message is not None:
                press = await user.press_data(message, str(body["data"]))
                events.put_nowait({"event": "pressed", "query": press.id, "ref": body["ref"]})

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        """Send the files of a form: as photos and videos, or as documents; several become albums."""
        users = {each.id: each for each in self._users}
        user = users.get(int(request.match_info["user"]))
        if user is None:
            raise web.HTTPNotFound
        form = await request.post()
        files = [each for each in form.getall("file", []) if isinstance(each, web.FileField)]
        caption = str(form.get("caption", "")).strip()
        names: Optional[List[str]] = None
        if form.get("kind") == "document":
            names = [each.filename for each in files]
        else:
            for each in filter(_is_moving, files):
                await _send_moving(user, each, caption)
            files = [each for each in files if not _is_moving(each)]
        contents = [each.file.read() for each in files]
        try:
            await _send_files(user, contents, names, caption)
        except SandboxError as error:
            # The page shows this to the user; for the browser nothing is wrong.
            return web.json_response({"error": str(error)})
        return web.json_response({})

    async def _file(self, request: web.Request) -> web.StreamResponse:
        """Serve a picture to show, or a document to download."""
        try:
            stored = self._state.files.get(request.match_info["file_id"])
        except ApiError as error:
            raise web.HTTPNotFound from error
        headers = {"Cache-Control": "private, max-age=86400", "X-Content-Type-Options": "nosniff"}
        if stored.kind not in ("photo", "thumbnail", *MOVING):
            headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(stored.name)}"
        mime_type = stored.mime_type if stored.kind != "document" else "application/octet-stream"
        return web.Response(body=stored.data, content_type=mime_type, headers=headers)


async def _send(socket: web.WebSocketResponse, events: asyncio.Queue[Json]) -> None:
    """Send the events to the page, in order."""
    while True:
        await socket.send_json(await events.get())


def _is_moving(file: web.FileField) -> bool:
    return file.content_type == "image/gif" or file.content_type.startswith("video/")


async def _send_moving(user: User, file: web.FileField, caption: str) -> None:
    """Send a GIF or a video as a Telegram client does."""
    data = file.file.read()
    if file.content_type == "image/gif":
        await user.animation(data, file.filename, caption)
    else:
        await user.video(data, caption)


async def _send_files(
    user: User, contents: List[bytes], names: Optional[List[str]], caption: str
) -> None:
    """Send files as a Telegram client does: several in albums of at most ten."""
    most = ALBUM[1]
    for start in range(0, len(contents), most):
        some = contents[start : start + most]
        own_names = names[start : start + most] if names is not None else None
        if len(some) > 1:
            await user.album(some, caption, names=own_names)
        elif own_names is not None:
            await user.document(some[0], own_names[0], caption)
        else:
            await user.photo(some[0], caption)
        caption = ""


@web.middleware
async def _own_page_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse requests from the pages of other sites.

    The Host header must name the loopback interface if the request came through it: the owner of a
    site can make its name resolve to 127.0.0.1, and its pages then have the sandbox's own origin
    (DNS rebinding).
    """
    origin = request.headers.get("Origin")
    if origin is not None and origin.partition("://")[2] != request.host:
        raise web.HTTPForbidden(text="Only the sandbox's own page may send this request.")
    assert request.transport is not None
    address = str(request.transport.get_extra_info("sockname")[0])
    if _is_loopback(address) and not _is_loopback(_host_name(request)):
        raise web.HTTPForbidden(text="Open this page as localhost or 127.0.0.1.")
    return await handler(request)


def _host_name(request: web.Request) -> str:
    try:
        return urlsplit(f"//{request.host}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name.lower() == "localhost"
