from __future__ import annotations

import asyncio
import contextlib
import json
import time

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from bot.config import Config
from bot.metrics import Metrics
from bot.sandbox import Sandbox
from bot.telegram.webhook_server import WebhookServer
from bot.telegram.webhook_sync import WebhookSync
from tests.support.bot import telegram_double
from tests.support.bot.telegram_double import PATIENCE_S, TOKEN, Reply

URL = "https://bot.example.org"
SECRET = "s3cret-of_nobody"
BAD_GATEWAY = "Wrong response from the webhook: 502 Bad Gateway"


@pytest_asyncio.fixture()
async def telegram():
    async with telegram_double.serving() as double:
        yield double


@pytest_asyncio.fixture()
async def tunnel():
    """The URL of a tunnel that leads nowhere, as ngrok's edge answers."""

    async def refuse(_):
        return web.Response(status=502, headers={"Ngrok-Error-Code": "ERR_NGROK_8012"})

    app = web.Application()
    app.router.add_get("/", refuse)
    server = TestServer(app)
    await server.start_server()
    yield str(server.make_url("")).rstrip("/")
    await server.close()


def info(url=URL + "/telegram", **more):
    kinds = ["callback_query", "message"]
    return Reply(
        {
            "url": url,
            "has_custom_certificate": False,
            "pending_update_count": 0,
            "max_connections": 100,
            "allowed_updates": kinds,
            **more,
        }
    )


def failing(url=URL + "/telegram", waiting=3, seconds_ago=5.0, message=BAD_GATEWAY):
    return info(
        url,
        pending_update_count=waiting,
        last_error_date=int(time.time() - seconds_ago),
        last_error_message=message,
    )


@contextlib.asynccontextmanager
async def a_webhook_sync(telegram, metrics=None, **settings):
    settings = {"webhook_url": URL, **settings}
    async with telegram_double.a_bot(telegram) as bot, aiohttp.ClientSession() as session:
        yield WebhookSync(
            bot=bot,
            config=Config(bot_token=TOKEN, **settings),
            secret=SecretStr(SECRET),
            session=session,
            metrics=metrics or Metrics(),
            period_s=0.0,
            retry_s=0.0,
        )


async def test_web_hook_is_set_once_and_left_alone(telegram):
    telegram.script("getWebhookInfo", info(url=""), info())
    async with a_webhook_sync(telegram) as webhook_sync:
        assert webhook_sync.url is None
        for _ in range(3):
            assert await webhook_sync.reconcile()
        assert webhook_sync.url == URL and webhook_sync.problem is None
    (call,) = telegram.calls_of("setWebhook")
    assert call.params["url"] == URL + "/telegram"
    assert call.params["secret_token"] == SECRET
    assert json.loads(call.params["allowed_updates"]) == ["message", "callback_query"]
    assert call.params.get("drop_pending_updates", "false").lower() == "false"
    assert not telegram.calls_of("deleteWebhook")


async def test_web_hook_of_an_earlier_start_gets_the_new_secret(telegram):
    telegram.script("getWebhookInfo", info())
    async with a_webhook_sync(telegram) as webhook_sync:
        await webhook_sync.reconcile()
    assert len(telegram.calls_of("setWebhook")) == 1


async def test_changed_web_hook_is_set_again(telegram):
    strangers = (
        info(url="https://elsewhere.example.org/telegram"),
        info(allowed_updates=["message"]),
        info(max_connections=40),
        info(url=""),
    )
    telegram.script("getWebhookInfo", info(), *strangers, info())
    async with a_webhook_sync(telegram) as webhook_sync:
        for _ in range(6):
            await webhook_sync.reconcile()
    assert len(telegram.calls_of("setWebhook")) == 1 + len(strangers)


async def test_new_public_url_is_followed(telegram, tmp_path):
    path = tmp_path / "url"
    async with a_webhook_sync(telegram, webhook_url=None, webhook_url_file=path) as webhook_sync:
        assert not await webhook_sync.reconcile()
        assert str(path) in webhook_sync.problem and not telegram.calls
        for name in ("one", "two"):
            path.write_text(f"https://{name}.example.org")
            telegram.script("getWebhookInfo", info(url="https://one.example.org/telegram"))
            assert await webhook_sync.reconcile()
            assert (
                webhook_sync.url == f"https://{name}.example.org" and webhook_sync.problem is None
            )
    urls = [call.params["url"] for call in telegram.calls_of("setWebhook")]
    assert urls == ["https://one.example.org/telegram", "https://two.example.org/telegram"]


async def test_faults_are_survived(telegram):
    telegram.script("getWebhookInfo", Reply(drop=True), Reply(status=500, description="Oh"), info())
    telegram.script(
        "setWebhook", Reply(status=400, description="Bad Request: bad webhook"), Reply()
    )
    async with a_webhook_sync(telegram) as webhook_sync:
        problems = []
        while not await webhook_sync.reconcile():
            problems.append(webhook_sync.problem)
        assert len(problems) == 3 and "bad webhook" in problems[2]
        assert webhook_sync.problem is None and webhook_sync.url == URL
    assert not any(TOKEN in problem or SECRET in problem for problem in problems)


@pytest.mark.parametrize("status", [401, 404])
async def test_refused_token_is_reported(telegram, status):
    telegram.script("getWebhookInfo", Reply(status=status, description="Unauthorized"))
    async with a_webhook_sync(telegram) as webhook_sync:
        assert not await webhook_sync.reconcile()
        assert "BOT_TOKEN" in webhook_sync.problem


async def test_refused_web_hook_is_reported_as_one(telegram):
    telegram.script("getWebhookInfo", info(url=""))
    refusal = "Bad Request: bad webhook: IP address 192.0.2.1 is reserved"
    telegram.script("setWebhook", Reply(status=400, description=refusal))
    async with a_webhook_sync(telegram) as webhook_sync:
        assert not await webhook_sync.reconcile()
        assert webhook_sync.problem.startswith(f"Telegram refuses the web hook {URL}/telegram: ")
        assert "reserved" in webhook_sync.problem and "WEBHOOK_URL" in webhook_sync.problem


async def test_what_telegram_meets_is_reported_once_per_change(telegram, tunnel, caplog):
    caplog.set_level("INFO")
    hook = tunnel + "/telegram"
    broken = failing(url=hook)
    other = failing(url=hook, message="Connection timed out")
    telegram.script("getWebhookInfo", info(hook), broken, broken, other, other, info(hook))
    async with a_webhook_sync(telegram, webhook_url=tunnel) as webhook_sync:
        reported = []
        for _ in range(6):
            assert await webhook_sync.reconcile()
            reported.append(webhook_sync.problem)
    assert reported[0] is None and reported[5] is None
    assert "3 updates" in reported[1] and "502 Bad Gateway" in reported[1]
    assert "timed out" in reported[3]
    assert all("ERR_NGROK_8012: ngrok is up but reaches nothing" in text for text in reported[1:5])
    warnings = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    assert warnings == [reported[1], reported[3]]


async def test_error_that_is_over_is_no_problem(telegram, caplog):
    caplog.set_level("INFO")
    telegram.script("getWebhookInfo", info(), failing(waiting=0), failing(seconds_ago=3600))
    async with a_webhook_sync(telegram) as webhook_sync:
        for _ in range(3):
            await webhook_sync.reconcile()
            assert webhook_sync.problem is None
    assert "502 Bad Gateway" in caplog.text


async def test_pending_updates_are_measured(telegram):
    telegram.script("getWebhookInfo", info(pending_update_count=12))
    metrics = Metrics()
    async with a_webhook_sync(telegram, metrics) as webhook_sync:
        await webhook_sync.reconcile()
    assert "jetbrush_webhook_pending 12.0" in metrics.render().decode()


async def test_loop_goes_on_until_cancelled(telegram):
    telegram.script("getWebhookInfo", Reply(drop=True), info())
    async with a_webhook_sync(telegram) as webhook_sync:
        task = asyncio.ensure_future(webhook_sync.run())
        await telegram.wait_for("getWebhookInfo", 4)
        assert webhook_sync.url == URL
        task.cancel()
        await asyncio.wait([task], timeout=5)
        assert task.cancelled()


async def test_people_s_messages_arrive_through_the_web_hook_that_was_set():
    arrived = asyncio.get_running_loop().create_future()

    async def update_processor(update):
        arrived.set_result(update["message"]["text"])

    server = WebhookServer(
        host="127.0.0.1",
        port=0,
        health=list,
        metrics=Metrics(),
        update_processor=update_processor,
        secret=SecretStr(SECRET),
    )
    async with Sandbox() as sandbox:
        await server.start()
        url = f"http://127.0.0.1:{server.port}"
        async with a_webhook_sync(sandbox, webhook_url=url) as webhook_sync:
            assert await webhook_sync.reconcile()
            await sandbox.user(name="Anna").text("hello")
            assert await asyncio.wait_for(arrived, PATIENCE_S) == "hello"
            assert await webhook_sync.reconcile() and webhook_sync.problem is None
            set_once = [call for call in sandbox.calls if call.method == "setWebhook"]
            assert len(set_once) == 1
        await server.close()
