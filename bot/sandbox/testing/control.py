"""Faults and forged updates over HTTP, for a test in another process than the sandbox."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from bot.sandbox.api.arguments import Json
from bot.sandbox.errors import NothingCame
from bot.sandbox.model.updates import Updates
from bot.sandbox.testing.faults import Fault, Faults

REACHED_SECONDS = 30.0


def add_control(app: web.Application, faults: Faults, updates: Updates) -> None:
    """Serve these in `app`:

    - `POST /sandbox/faults` {"method", "kind", "times", ...}: a `Fault`; answers its number
    - `GET /sandbox/faults/NUMBER`: how often it struck; waits until it has, with `?wait`
    - `POST /sandbox/faults/NUMBER/release` and `/drop`: end a hold
    - `DELETE /sandbox/faults`: end all
    - `POST /sandbox/updates`: send the bot this object as an update
    """

    async def add(request: web.Request) -> web.Response:
        settings = await _body(request)
        try:
            fault = faults.add(settings.pop("method"), settings.pop("kind"), **settings)
        except (KeyError, TypeError, ValueError) as error:
            raise web.HTTPBadRequest(text=f"Not a fault: {error}") from error
        number = next(each for each, known in faults.all.items() if known is fault)
        return web.json_response({"number": number})

    async def look(request: web.Request) -> web.Response:
        fault = _fault(faults, request)
        if "wait" in request.query:
            try:
                await fault.reached(REACHED_SECONDS)
            except NothingCame as error:
                raise web.HTTPRequestTimeout(text=str(error)) from error
        return web.json_response({"hits": fault.hits})

    async def end(request: web.Request) -> web.Response:
        fault = _fault(faults, request)
        if request.match_info["verdict"] == "drop":
            fault.drop()
        else:
            fault.release()
        return web.json_response({"hits": fault.hits})

    async def clear(request: web.Request) -> web.Response:
        faults.clear()
        return web.json_response({})

    async def push(request: web.Request) -> web.Response:
        return web.json_response({"update_id": updates.push_raw(await _body(request), 0)})

    app.router.add_post("/sandbox/faults", add)
    app.router.add_get(r"/sandbox/faults/{number:\d+}", look)
    app.router.add_post(r"/sandbox/faults/{number:\d+}/{verdict:release|drop}", end)
    app.router.add_delete("/sandbox/faults", clear)
    app.router.add_post("/sandbox/updates", push)


def _fault(faults: Faults, request: web.Request) -> Fault:
    """The fault that the address names."""
    fault = faults.all.get(int(request.match_info["number"]))
    if fault is None:
        raise web.HTTPNotFound(text=f"There is no fault {request.match_info['number']}.")
    return fault


async def _body(request: web.Request) -> Json:
    """The object in the body."""
    try:
        body: Any = await request.json()
    except json.JSONDecodeError as error:
        raise web.HTTPBadRequest(text=f"Not JSON: {error}") from error
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="An object is expected.")
    return body
