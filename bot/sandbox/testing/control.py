"""Faults and forged updates over HTTP, for tests outside the sandbox's process."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from bot.sandbox.api.arguments import Json
from bot.sandbox.errors import WaitTimeout
from bot.sandbox.model.update_queue import UpdateQueue
from bot.sandbox.testing.faults import Fault, Faults

HIT_SECONDS = 30.0


def add_control(app: web.Application, faults: Faults, updates: UpdateQueue) -> None:
    """Add these routes to `app`:

    - `POST /sandbox/faults` {"method", "kind", "times", ...}: add a `Fault`; returns its number
    - `GET /sandbox/faults/NUMBER`: its number of hits; with `?wait` waits for the first
    - `POST /sandbox/faults/NUMBER/release` and `/drop`: end a hold
    - `DELETE /sandbox/faults`: end all faults
    - `POST /sandbox/updates`: send this object to the bot as an update
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
                await fault.reached(HIT_SECONDS)
            except WaitTimeout as error:
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
    """The fault that the URL names."""
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
        raise web.HTTPBadRequest(text="Expected a JSON object.")
    return body
