"""The bot behind the proxies of docs/bot.md: updates pass, and the owner's pages stay at home."""

from __future__ import annotations

import contextlib

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.support.bot.bot_process import BotProcess
from tests.support.bot.stage import free_port

PUBLIC_NAME = "bot.example.org"
CLIENT = "149.154.167.220"


def as_cloudflared(headers):
    """Cloudflare's tunnel keeps the public name, and adds the client's address."""
    added = {"X-Forwarded-For": CLIENT, "X-Forwarded-Proto": "https", "CF-Connecting-IP": CLIENT}
    return {**headers, "Host": PUBLIC_NAME, **added}


def as_nginx(headers):
    """nginx names the upstream as the host, and adds what docs/bot.md says."""
    return {**headers, "Host": "127.0.0.1:8080", "X-Forwarded-For": CLIENT}


@contextlib.asynccontextmanager
async def proxy(port, change, below):
    """Forwards what comes under the path `below`, without it; yields the proxy's public URL."""

    async def forward(request):
        upstream = f"http://127.0.0.1:{port}{request.raw_path[len(below) :]}"
        headers = change({name: request.headers[name] for name in request.headers})
        body = await request.read()
        async with session.request(request.method, upstream, headers=headers, data=body) as answer:
            return web.Response(status=answer.status, body=await answer.read())

    app = web.Application()
    app.router.add_route("*", f"{below}/{{path:.*}}", forward)
    async with aiohttp.ClientSession() as session, TestServer(app) as server:
        yield str(server.make_url(below)).rstrip("/")


async def status_of(url):
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status


@pytest.mark.parametrize(
    ("change", "below"),
    [(as_cloudflared, ""), (as_nginx, "/jetbrush")],
    ids=["cloudflared", "nginx"],
)
async def test_bot_behind_a_proxy_answers_and_hides_the_owner_s_pages(
    sandbox, tmp_path, change, below
):
    port = free_port()
    async with proxy(port, change, below) as url:
        bot = BotProcess(sandbox, tmp_path, port, WEBHOOK_URL=url)
        await bot.start()
        try:
            assert sandbox.webhook["url"] == f"{url}/telegram"
            anna = sandbox.user(name="Anna")
            await anna.text("/start")
            await anna.wait_for(lambda message: "Hello" in message.text)
            for page in ("/healthz", "/metrics"):
                assert await status_of(f"{url}{page}") == 404
            assert await status_of(f"http://127.0.0.1:{port}/healthz") == 200
        finally:
            await bot.kill()
