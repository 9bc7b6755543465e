from __future__ import annotations

import asyncio
import contextlib
import json
import socket

import aiohttp
import pytest
import pytest_asyncio
from pydantic import SecretStr

from bot.errors import NotStored, PortError
from bot.metrics import Metrics
from bot.telegram.webhook_server import UPDATES_PATH, WebhookServer
from tests.support.ipv6 import free_ipv6_port

SECRET = "s3cret-of_nobody"
HEADERS = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
UPDATE = {"update_id": 1, "message": {"text": "привет"}}


class Site:
    """A running server, the updates it received, and what it answers."""

    def __init__(self, drain_s=5):
        self.taken = []
        self.error = None
        self.problems = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Event()
        self.metrics = Metrics()
        self.server = WebhookServer(
            host="127.0.0.1",
            port=0,
            health=lambda: self.problems,
            metrics=self.metrics,
            update_processor=self.take,
            secret=SecretStr(SECRET),
            drain_s=drain_s,
        )

    async def take(self, update):
        self.entered.set()
        await self.gate.wait()
        if self.error:
            raise self.error
        self.taken.append(update)

    def url(self, path=UPDATES_PATH):
        return f"http://127.0.0.1:{self.server.port}{path}"


@pytest_asyncio.fixture()
async def site():
    site = Site()
    await site.server.start()
    yield site
    site.gate.set()
    await site.server.close()


@pytest_asyncio.fixture()
async def client():
    async with aiohttp.ClientSession() as session:
        yield session


async def post(client, site, body=None, headers=HEADERS):
    data = json.dumps(UPDATE).encode() if body is None else body
    async with client.post(site.url(), data=data, headers=headers) as answer:
        return answer.status, await answer.text()


async def get(client, site, path, headers=None):
    async with client.get(site.url(path), headers=headers) as answer:
        return answer.status, await answer.text()


async def test_update_is_taken_in_before_the_answer(client, site):
    assert await post(client, site) == (200, "{}")
    assert site.taken == [UPDATE]


@pytest.mark.parametrize(
    "headers", [{}, {next(iter(HEADERS)): ""}, {next(iter(HEADERS)): SECRET + "x"}]
)
async def test_update_without_the_secret_does_nothing(client, site, headers):
    status, text = await post(client, site, headers=headers)
    assert status == 401 and SECRET not in text
    assert site.taken == []


async def test_secret_of_odd_bytes_is_refused(site):
    reader, writer = await asyncio.open_connection("127.0.0.1", site.server.port)
    request = b"POST /telegram HTTP/1.0\r\nX-Telegram-Bot-Api-Secret-Token: \xff\xd0\r\n\r\n"
    writer.write(request)
    assert b" 401 " in await asyncio.wait_for(reader.readline(), 5)
    writer.close()


@pytest.mark.parametrize("body", [b"{", b"", b"[1]", b"\xff\xfe", b"[" * 200_000])
async def test_what_is_no_update_is_refused(client, site, body):
    status, _ = await post(client, site, body)
    assert status == 400 and site.taken == []


async def test_too_large_a_body_is_refused(client, site):
    status, _ = await post(client, site, b" " * (1024**2 + 1))
    assert status == 413 and site.taken == []


async def test_uncommitted_update_is_left_to_telegram(client, site):
    site.error = NotStored("the disk is full")
    assert (await post(client, site))[0] == 503
    site.error = None
    assert (await post(client, site))[0] == 200
    assert site.taken == [UPDATE]


async def test_stop_waits_for_the_update_in_work(client, site):
    site.gate.clear()
    answer = asyncio.ensure_future(post(client, site))
    await asyncio.wait_for(site.entered.wait(), 5)
    stop = asyncio.ensure_future(site.server.close())
    # The port is closed at once; nobody else comes in.
    with pytest.raises(aiohttp.ClientError):
        async with aiohttp.ClientSession() as another:
            while True:
                await get(another, site, "/healthz")
    assert not stop.done()
    site.gate.set()
    assert await asyncio.wait_for(answer, 5) == (200, "{}")
    await asyncio.wait_for(stop, 5)
    assert site.taken == [UPDATE]
    await site.server.close()


async def test_stop_does_not_wait_for_ever(client):
    site = Site(drain_s=0.2)
    site.gate.clear()
    await site.server.start()
    answer = asyncio.ensure_future(post(client, site))
    await asyncio.wait_for(site.entered.wait(), 5)
    await asyncio.wait_for(site.server.close(), 5)
    with pytest.raises(aiohttp.ClientError):
        await asyncio.wait_for(answer, 5)
    assert site.taken == []


async def test_port_is_free_after_the_stop(client, site):
    await get(client, site, "/healthz")
    await site.server.close()
    again = WebhookServer(
        host="127.0.0.1", port=site.server.port, health=list, metrics=site.metrics
    )
    await again.start()
    await again.close()


async def test_taken_port_is_reported():
    with contextlib.closing(socket.socket()) as occupant:
        occupant.bind(("127.0.0.1", 0))
        occupant.listen()
        port = occupant.getsockname()[1]
        server = WebhookServer(host="127.0.0.1", port=port, health=list, metrics=Metrics())
        with pytest.raises(PortError, match=rf"127\.0\.0\.1:{port}.*PORT"):
            await server.start()


async def test_ipv6_address(client):
    port = free_ipv6_port()
    server = WebhookServer(host="::1", port=port, health=list, metrics=Metrics())
    await server.start()
    try:
        async with client.get(f"http://[::1]:{port}/healthz") as answer:
            assert await answer.text() == "ok"
        second = WebhookServer(host="::1", port=port, health=list, metrics=Metrics())
        with pytest.raises(PortError, match=rf"\[::1\]:{port}: "):
            await second.start()
    finally:
        await server.close()


async def test_health_shows_what_is_wrong(client, site):
    assert await get(client, site, "/healthz") == (200, "ok")
    site.problems = ["No tunnel.", "No painter."]
    assert await get(client, site, "/healthz") == (503, "No tunnel.\nNo painter.")


async def test_metrics_are_prometheus_text(client, site):
    site.metrics.queue_length.set(4)
    status, text = await get(client, site, "/metrics")
    assert status == 200 and "jetbrush_queue_length 4.0" in text


@pytest.mark.parametrize("path", ["/healthz", "/metrics"])
async def test_owner_s_pages_are_not_for_the_tunnel(client, site, path):
    status, _ = await get(client, site, path, {"X-Forwarded-For": "203.0.113.9"})
    assert status == 404


async def test_without_an_intake_only_the_owner_s_pages_are_served(client, site):
    await site.server.close()
    site.server = WebhookServer(host="127.0.0.1", port=0, health=list, metrics=Metrics())
    await site.server.start()
    try:
        assert (await post(client, site))[0] == 404
        assert await get(client, site, "/healthz") == (200, "ok")
    finally:
        await site.server.close()


def test_intake_without_a_secret_is_refused():
    with pytest.raises(ValueError, match="secret"):
        WebhookServer(host="", port=0, health=list, metrics=Metrics(), update_processor=Site.take)


@pytest.mark.parametrize("path", ["/healthz", "/metrics"])
@pytest.mark.parametrize("name", ["evil.example", "evil.example:8080", "localhost.evil", "["])
async def test_owner_s_pages_are_not_for_another_site_s_name(client, site, path, name):
    status, _ = await get(client, site, path, {"Host": name})
    assert status in (400, 404)


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST:1", "127.0.0.1:80", "[::1]:80"])
async def test_owner_s_pages_are_for_loopback_names(client, site, name):
    assert await get(client, site, "/healthz", {"Host": name}) == (200, "ok")


async def test_a_server_for_the_network_answers_to_any_name(client):
    server = WebhookServer(host="0.0.0.0", port=0, health=list, metrics=Metrics())
    await server.start()
    try:
        headers = {"Host": "jetson.local"}
        async with client.get(f"http://127.0.0.1:{server.port}/healthz", headers=headers) as answer:
            assert await answer.text() == "ok"
    finally:
        await server.close()
