"""The chat page and what it lives on: a WebSocket for each person, uploads, files.

Over the WebSocket go events, each with its name in `event`: `hello` (the whole chat), `message`
(new or edited), `deleted`, `action`, `pressed`, `answer`, `commands`, `people`. Back come
`{"do": "text", "text"}` and `{"do": "press", "message_id", "data", "ref"}`.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Awaitable, Callable, List, Optional, Set
from urllib.parse import quote, urlsplit

from aiohttp import WSMsgType, web

from bot.sandbox.api.arguments import Json
from bot.sandbox.api.sending import ALBUM
from bot.sandbox.errors import Refusal, SandboxError
from bot.sandbox.model.state import State
from bot.sandbox.model.users import People, Person

PAGE = Path(__file__).resolve().parent
HEARTBEAT = 20.0
NAME_LENGTH = 40
# The page's languages, and what a person who gave no name is called in them.
GUESTS = {"en": "Guest", "ru": "Гость"}

# The page shows texts and files of strangers; nothing in them may run.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws:;"
    " img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Feed:
    """Serves the chat page."""

    def __init__(self, state: State, people: People) -> None:
        self._state = state
        self._people = people
        self._sockets: Set[web.WebSocketResponse] = set()

    def add_routes(self, app: web.Application) -> None:
        """Serve the page in `app`."""
        app.middlewares.append(_same_origin)
        app.router.add_get("/", self._page)
        app.router.add_get("/page/{name}", self._page)
        app.router.add_get("/sandbox/feed", self._feed)
        app.router.add_post(r"/sandbox/people/{user:\d+}/files", self._upload)
        app.router.add_get("/sandbox/file/{file_id}", self._file)
        app.on_shutdown.append(self._close)

    async def _close(self, app: web.Application) -> None:
        """Say goodbye to the open pages, which then try to connect again."""
        for socket in list(self._sockets):
            await socket.close()

    async def _page(self, request: web.Request) -> web.StreamResponse:
        """One of the page's files."""
        name = request.match_info.get("name", "index.html")
        if name not in {path.name for path in PAGE.iterdir()}:
            raise web.HTTPNotFound
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
        return web.FileResponse(PAGE / name, headers=headers)

    async def _feed(self, request: web.Request) -> web.StreamResponse:
        """The WebSocket of one person, who is made if the sandbox does not know them."""
        person = self._person(request)
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT)
        await socket.prepare(request)
        events: asyncio.Queue[Json] = asyncio.Queue()

        def watch(event: str, body: Json) -> None:
            if event == "commands":
                body = {"commands": self._commands(person)}
            if event != "answer" or body["user"] == person.id:
                events.put_nowait({"event": event, **body})

        person.chat.watchers.add(watch)
        self._sockets.add(socket)
        events.put_nowait(self._hello(person))
        tasks = [
            asyncio.ensure_future(_send(socket, events)),
            asyncio.ensure_future(self._tell_people(events)),
        ]
        try:
            async for message in socket:
                if message.type == WSMsgType.TEXT:
                    await self._do(person, json.loads(message.data), events)
        finally:
            person.chat.watchers.discard(watch)
            self._sockets.discard(socket)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return socket

    def _person(self, request: web.Request) -> Person:
        """The person that the address names: by id, or a new name; else the first there is."""
        user = request.query.get("user", "")
        name = request.query.get("name", "").strip()[:NAME_LENGTH]
        language = request.query.get("language", "")
        if language not in GUESTS:
            language = "en"
        number = int(user) if user.isdigit() else None
        if number is None and not name:
            number = next((person.id for person in self._people), None)
        return self._people.get(number, language_code=language, name=name or GUESTS[language])

    def _hello(self, person: Person) -> Json:
        """The whole chat, for a page that has just connected."""
        return {
            "event": "hello",
            "bot": self._state.bot,
            "user": person.raw,
            "people": [each.raw for each in self._people],
            "commands": self._commands(person),
            "messages": [message.seen() for message in person.messages],
        }

    def _commands(self, person: Person) -> List[Json]:
        """The commands in the person's language."""
        return self._state.commands_for(person.chat, person.language)

    async def _tell_people(self, events: asyncio.Queue[Json]) -> None:
        """Let the page know of new people."""
        while await self._people.changed.wait():
            events.put_nowait({"event": "people", "people": [each.raw for each in self._people]})

    async def _do(self, person: Person, body: Json, events: asyncio.Queue[Json]) -> None:
        """What the person did on the page."""
        if body.get("do") == "text":
            if str(body["text"]).strip():
                await person.text(str(body["text"]).strip())
            return
        if body.get("do") == "press":
            message = person.chat.messages.get(body["message_id"])
            if message is not None:
                press = await person.press_data(message, str(body["data"]))
                events.put_nowait({"event": "pressed", "query": press.id, "ref": body["ref"]})

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        """Send the files of a form: as photos, or as documents; several become albums."""
        people = {person.id: person for person in self._people}
        person = people.get(int(request.match_info["user"]))
        if person is None:
            raise web.HTTPNotFound
        form = await request.post()
        files = [each for each in form.getall("file", []) if isinstance(each, web.FileField)]
        contents = [each.file.read() for each in files]
        names: Optional[List[str]] = None
        if form.get("kind") == "document":
            names = [each.filename for each in files]
        try:
            await _send_files(person, contents, names, str(form.get("caption", "")).strip())
        except SandboxError as error:
            # What was wrong is for the person to read, not for the browser.
            return web.json_response({"error": str(error)})
        return web.json_response({})

    async def _file(self, request: web.Request) -> web.StreamResponse:
        """A photo to be shown, or a document to be kept."""
        try:
            stored = self._state.files.get(request.match_info["file_id"])
        except Refusal as refusal:
            raise web.HTTPNotFound from refusal
        headers = {"Cache-Control": "private, max-age=86400", "X-Content-Type-Options": "nosniff"}
        if stored.kind not in ("photo", "thumbnail"):
            headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(stored.name)}"
        mime_type = stored.mime_type if stored.kind != "document" else "application/octet-stream"
        return web.Response(body=stored.data, content_type=mime_type, headers=headers)


async def _send(socket: web.WebSocketResponse, events: asyncio.Queue[Json]) -> None:
    """Pass the events on to the page, in order."""
    while True:
        await socket.send_json(await events.get())


async def _send_files(
    person: Person, contents: List[bytes], names: Optional[List[str]], caption: str
) -> None:
    """Send files as a Telegram client does: one by itself, more in albums of at most ten."""
    most = ALBUM[1]
    for start in range(0, len(contents), most):
        some = contents[start : start + most]
        own_names = names[start : start + most] if names is not None else None
        if len(some) > 1:
            await person.album(some, caption, names=own_names)
        elif own_names is not None:
            await person.document(some[0], own_names[0], caption)
        else:
            await person.photo(some[0], caption)
        caption = ""


@web.middleware
async def _same_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what another site's page asks for."""
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        raise web.HTTPForbidden(text="Only the sandbox's own page may ask for this.")
    return await handler(request)
