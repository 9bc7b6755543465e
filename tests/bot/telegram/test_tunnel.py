from __future__ import annotations

import contextlib
import socket

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.config import Config
from bot.errors import TunnelError
from bot.telegram.tunnel import public_url, tunnel_problem

TOKEN = "42:a-token_of_nobody"


@pytest_asyncio.fixture()
async def session():
    async with aiohttp.ClientSession() as session:
        yield session


@contextlib.asynccontextmanager
async def serving(pages):
    """Answer each path with its response, made anew; yields the server's URL."""

    async def handle(request):
        make = pages.get(request.path)
        return make() if make else web.Response(status=404, text="no such page")

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    server = TestServer(app)
    await server.start_server()
    try:
        yield str(server.make_url("")).rstrip("/")
    finally:
        await server.close()


def an_endpoint(url, upstream):
    return {"name": "jetbrush", "url": url, "upstream": {"url": upstream}}


def a_tunnel(url, addr):
    proto = url.partition(":")[0]
    return {"name": "jetbrush", "public_url": url, "proto": proto, "config": {"addr": addr}}


def endpoints(*entries):
    return {"/api/endpoints": lambda: web.json_response({"endpoints": list(entries)})}


def tunnels(*entries):
    return {"/api/tunnels": lambda: web.json_response({"tunnels": list(entries)})}


async def found(session, pages, port=8080):
    async with serving(pages) as url:
        return await public_url(Config(bot_token=TOKEN, ngrok_api=url, port=port), session)


async def problem(session, config):
    with pytest.raises(TunnelError) as caught:
        await public_url(config, session)
    return str(caught.value)


async def test_settings_are_asked_in_their_order(session, tmp_path):
    path = tmp_path / "url"
    path.write_text("https://from-file.example.org/\n")
    given = {
        "webhook_url": "https://fixed.example.org",
        "webhook_url_file": path,
        "ngrok_domain": "owl.ngrok-free.app",
    }
    answers = []
    while given:
        answers.append(await public_url(Config(bot_token=TOKEN, **given), session))
        given.pop(next(iter(given)))
    assert answers == [
        "https://fixed.example.org",
        "https://from-file.example.org",
        "https://owl.ngrok-free.app",
    ]


async def test_file_is_read_anew(session, tmp_path):
    path = tmp_path / "url"
    config = Config(bot_token=TOKEN, webhook_url_file=path)
    for url in ("https://one.example.org", "https://two.example.org"):
        path.write_text(url)
        assert await public_url(config, session) == url


@pytest.mark.parametrize("content", [None, "", "starting ...", "http://plain.example.org"])
async def test_file_without_a_url_is_reported(session, tmp_path, content):
    path = tmp_path / "url"
    if content is not None:
        path.write_text(content)
    message = await problem(session, Config(bot_token=TOKEN, webhook_url_file=path))
    assert "WEBHOOK_URL_FILE" in message and str(path) in message


@pytest.mark.parametrize("upstream", ["http://localhost:8080", "127.0.0.1:8080", "8080"])
async def test_agent_s_endpoint_is_matched_by_port_and_https(session, upstream):
    pages = endpoints(
        an_endpoint("https://other.ngrok.app", "http://localhost:3000"),
        an_endpoint("tcp://1.tcp.ngrok.io:20000", "localhost:22"),
        an_endpoint("http://owl.ngrok.app", upstream),
        an_endpoint("https://owl.ngrok.app", upstream),
    )
    assert await found(session, pages) == "https://owl.ngrok.app"


async def test_older_agent_is_asked_for_its_tunnels(session):
    pages = tunnels(
        a_tunnel("https://other.ngrok.app", "http://localhost:80"),
        a_tunnel("http://owl.ngrok.app", "http://localhost:8080"),
        a_tunnel("https://owl.ngrok.app", "http://localhost:8080"),
    )
    assert await found(session, pages) == "https://owl.ngrok.app"
    assert await found(session, pages, port=80) == "https://other.ngrok.app"


@pytest.mark.parametrize("pages", [endpoints(), tunnels()])
async def test_agent_without_our_tunnel_is_reported(session, pages):
    with pytest.raises(TunnelError, match=r"no https tunnel to port 8080.*none.*ngrok http 8080"):
        await found(session, pages)


async def test_tunnels_to_other_ports_are_listed(session):
    pages = endpoints(an_endpoint("https://other.ngrok.app", "http://localhost:3000"))
    with pytest.raises(TunnelError, match=r"https://other\.ngrok\.app to port 3000"):
        await found(session, pages)


async def test_agent_that_does_not_run_is_reported(session):
    with contextlib.closing(socket.socket()) as taken:
        # Bound but not listening: connections are refused.
        taken.bind(("127.0.0.1", 0))
        api = f"http://127.0.0.1:{taken.getsockname()[1]}"
        message = await problem(session, Config(bot_token=TOKEN, ngrok_api=api))
    assert "No ngrok agent answers" in message and api in message and "MODE=polling" in message


async def test_agent_s_error_is_reported(session):
    text = '{"error_code": 103, "details": {"err": "failed: ERR_NGROK_108"}}'
    pages = {"/api/endpoints": lambda: web.Response(status=502, text=text)}
    with pytest.raises(TunnelError, match=r"502.*ERR_NGROK_108: another ngrok agent"):
        await found(session, pages)


@pytest.mark.parametrize("text", ["<html>", '"odd"', "[]", '{"endpoints": ["odd"]}'])
async def test_something_else_on_the_agent_s_port(session, text):
    with pytest.raises(TunnelError, match=r"no (ngrok agent|https tunnel)"):
        await found(session, {"/api/endpoints": lambda: web.Response(text=text)})


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (108, "allows one"),
        (334, "already online"),
        (3200, "Start ngrok"),
        (8012, "PORT"),
        (3004, "http://"),
        (105, "NGROK_AUTHTOKEN"),
        (107, "NGROK_AUTHTOKEN"),
        (4018, "NGROK_AUTHTOKEN"),
        (103, "suspended"),
        (106, "NGROK_AUTHTOKEN"),
        (123, "Verify"),
        (313, "NGROK_DOMAIN"),
        (314, "NGROK_DOMAIN"),
        (319, "NGROK_DOMAIN"),
        (320, "same account"),
        (3208, "suspended"),
        (8014, "support@ngrok.com"),
        (9009, "http_proxy"),
        (9040, "MODE=polling"),
        (15002, "dashboard.ngrok.com/domains"),
        (15013, "dashboard.ngrok.com/domains"),
        (120, "ngrok update"),
        (121, "ngrok update"),
        (725, "MODE=polling"),
        (727, "MODE=polling"),
        (9999, "ngrok.com/docs/errors/err_ngrok_9999"),
    ],
)
async def test_ngrok_s_codes_are_put_into_words(session, code, advice):
    headers = {"Ngrok-Error-Code": f"ERR_NGROK_{code}"}
    async with serving({"/": lambda: web.Response(status=404, headers=headers)}) as url:
        message = await tunnel_problem(url, session)
    assert message.startswith(f"ERR_NGROK_{code}: ") and advice in message


async def test_tunnel_that_works_is_no_problem(session):
    async with serving({}) as url:
        assert await tunnel_problem(url, session) is None
    assert await tunnel_problem(url, session) is None
