"""What strangers do to the web server: idle and slow connections, huge headers, gzip bombs."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gzip
import json
import logging
import resource
import time
import zlib

import aiohttp
import pytest
from pydantic import SecretStr

from bot.metrics import Metrics
from bot.telegram.connection_limits import ConnectionLimits, accept_errors_logged_seldom
from bot.telegram.webhook_server import UPDATES_PATH, WebhookServer

SECRET = "s3cret-of_nobody"
HEADERS = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
UPDATE = json.dumps({"update_id": 1}).encode()


class Site:
    """A running server and the updates that it received."""

    def __init__(self, server, taken):
        self.taken = taken
        self.port = server.port
        self._clients = []

    async def connect(self, first=b""):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._clients.append(writer)
        writer.write(first)
        return reader, writer

    async def post(self, data=UPDATE, headers=HEADERS, path=UPDATES_PATH):
        """Send an update through a connection of its own; returns the status."""
        async with aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{self.port}{path}"
            async with session.post(url, data=data, headers=headers) as answer:
                return answer.status

    async def health(self):
        url = f"http://127.0.0.1:{self.port}/healthz"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status

    def close(self):
        for writer in self._clients:
            writer.close()


@contextlib.asynccontextmanager
async def serving(body_s=5.0, **limits):
    taken = []

    async def take(update):
        taken.append(update)

    server = WebhookServer(
        host="127.0.0.1",
        port=0,
        health=list,
        metrics=Metrics(),
        update_processor=take,
        secret=SecretStr(SECRET),
        limits=ConnectionLimits(**limits),
        body_s=body_s,
    )
    await server.start()
    site = Site(server, taken)
    try:
        yield site
    finally:
        site.close()
        await server.close()


def request_line(path="/healthz", more=b""):
    return b"GET " + path.encode() + b" HTTP/1.1\r\nHost: localhost\r\n" + more


async def answer_of(reader):
    """The status line and the header of an answer."""
    return await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)


async def is_closed(reader, seconds=5.0):
    """Whether the server closes the connection within that time."""
    with contextlib.suppress(ConnectionResetError):
        try:
            return await asyncio.wait_for(reader.read(), seconds) == b""
        except asyncio.TimeoutError:
            return False
    return True


@contextlib.asynccontextmanager
async def loop_lag():
    """A list whose last item is the longest time in seconds that the loop was blocked."""
    longest = [0.0]

    async def measure():
        while True:
            begin = time.monotonic()
            await asyncio.sleep(0.005)
            longest.append(max(longest[-1], time.monotonic() - begin - 0.005))

    task = asyncio.ensure_future(measure())
    try:
        yield longest
    finally:
        task.cancel()


def bomb():
    """A mebibyte that decompresses to a gibibyte of zeros."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    # After a full flush the same bytes mean the same again.
    block = deflate.compress(bytes(1 << 20)) + deflate.flush(zlib.Z_FULL_FLUSH)
    return block * 1024 + deflate.flush()


async def test_compressed_updates_are_not_decompressed():
    async with serving() as site:
        headers = {**HEADERS, "Content-Encoding": "gzip"}
        assert await site.post(gzip.compress(UPDATE), headers) == 400
        assert site.taken == []


@pytest.mark.parametrize("path", [UPDATES_PATH, "/healthz", "/metrics"])
async def test_a_compressed_bomb_blocks_nobody(path):
    data = bomb()
    assert len(data) < 1.2e6
    headers = {"Content-Encoding": "deflate"}
    async with serving() as site, loop_lag() as lag:
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        # A monitor may send a body with GET as well.
        (method, status) = ("POST", 401) if path == UPDATES_PATH else ("GET", 200)
        async with aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{site.port}{path}"
            async with session.request(method, url, data=data, headers=headers) as answer:
                assert answer.status == status
        # What was not read is read after the answer.
        await asyncio.sleep(0.2)
        assert await site.post() == 200
        assert lag[-1] < 0.2
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 50_000


async def test_idle_connections_shut_out_nobody():
    async with serving(most=8) as site:
        idle = [await site.connect() for _ in range(40)]
        assert await site.health() == 200
        assert await site.post() == 200 and len(site.taken) == 1
        assert await is_closed(idle[0][0]) and not await is_closed(idle[-1][0], 0.1)


async def test_a_low_limit_on_open_files_lowers_the_number_of_connections(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 4096))
    assert ConnectionLimits(most=100).number == 64
    assert ConnectionLimits(most=20).number == 20
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY,) * 2)
    assert ConnectionLimits(most=100).number == 100


async def test_connections_that_carried_the_secret_are_closed_last():
    async with serving(most=8) as site, aiohttp.ClientSession() as telegram:
        url = f"http://127.0.0.1:{site.port}{UPDATES_PATH}"
        request = b"POST /telegram HTTP/1.1\r\nHost: localhost\r\nContent-Length: 15\r\n"
        secret = b"X-Telegram-Bot-Api-Secret-Token: " + SECRET.encode() + b"\r\n\r\n"
        reader, writer = await site.connect(request + secret + b'{"update_id":1}')
        assert b" 200 " in await answer_of(reader)
        for _ in range(40):
            await site.connect()
        writer.write(request + secret + b'{"update_id":2}')
        await reader.readexactly(2)
        assert b" 200 " in await answer_of(reader)
        async with telegram.post(url, data=UPDATE, headers=HEADERS) as answer:
            assert answer.status == 200


async def test_a_request_in_progress_is_not_closed():
    gate = asyncio.Event()

    async def take(update):
        await gate.wait()

    server = WebhookServer(
        host="127.0.0.1",
        port=0,
        health=list,
        metrics=Metrics(),
        update_processor=take,
        secret=SecretStr(SECRET),
        limits=ConnectionLimits(most=2, header_s=0.05, idle_s=0.05),
    )
    await server.start()
    site = Site(server, [])
    try:
        update = asyncio.ensure_future(site.post())
        await asyncio.sleep(0.1)
        for _ in range(5):
            await site.connect()
        await asyncio.sleep(0.1)
        gate.set()
        assert await asyncio.wait_for(update, 5) == 200
    finally:
        site.close()
        await server.close()


@pytest.mark.parametrize("start", [b"", b"GET /healthz HTTP/1.1\r\nHost: loc"])
async def test_a_header_must_arrive_in_time(start):
    async with serving(header_s=0.1) as site:
        reader, _ = await site.connect(start)
        assert await is_closed(reader)


async def test_a_dribbling_header_does_not_gain_time():
    async with serving(header_s=0.2) as site:
        reader, writer = await site.connect(request_line())
        closed = asyncio.ensure_future(is_closed(reader))
        for number in range(100):
            if closed.done():
                break
            writer.write(b"X-%d: a\r\n" % number)
            await asyncio.sleep(0.02)
        assert await closed and number < 60


async def test_a_connection_is_kept_for_a_while_after_a_request():
    async with serving(header_s=5, idle_s=0.3) as site:
        reader, writer = await site.connect(request_line(more=b"\r\n"))
        assert b" 200 " in await answer_of(reader)
        assert await reader.readexactly(2) == b"ok"
        writer.write(request_line(more=b"\r\n"))
        assert b" 200 " in await answer_of(reader)
        assert await reader.readexactly(2) == b"ok"
        assert await is_closed(reader)


async def test_an_endless_header_is_cut():
    async with serving(header_s=30, header_bytes=4096) as site:
        reader, writer = await site.connect(request_line())
        with contextlib.suppress(ConnectionError):
            for number in range(400):
                writer.write(b"X-%d: a\r\n" % number * 10)
                await writer.drain()
                await asyncio.sleep(0)
        assert await is_closed(reader)
        assert await site.health() == 200


async def test_a_body_must_arrive_in_time():
    async with serving(body_s=0.1) as site:
        secret = b"X-Telegram-Bot-Api-Secret-Token: " + SECRET.encode() + b"\r\n"
        start = b"POST /telegram HTTP/1.1\r\nHost: localhost\r\nContent-Length: 15\r\n"
        reader, _ = await site.connect(start + secret + b'\r\n{"upd')
        assert b" 408 " in await answer_of(reader)
        # To the end of the connection.
        assert b"too long" in await asyncio.wait_for(reader.read(), 5)
        assert site.taken == []


async def test_connections_that_cannot_be_accepted_are_logged_once_a_minute(caplog):
    loop = asyncio.get_running_loop()
    full = {
        "message": "socket.accept() out of system resource",
        "exception": OSError(errno.EMFILE, "Too many open files"),
    }
    before = loop.get_exception_handler()
    with accept_errors_logged_seldom(loop), caplog.at_level(logging.ERROR):
        for _ in range(1000):
            loop.call_exception_handler(full)
        loop.call_exception_handler({"message": "something else"})
    accept, other = caplog.records
    assert "Too many open files" in accept.getMessage() and accept.exc_info is None
    assert "LimitNOFILE" in accept.getMessage() and other.getMessage() == "something else"
    assert loop.get_exception_handler() is before
