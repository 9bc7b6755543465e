from __future__ import annotations

import asyncio
import time

import aiohttp
import pytest

from tests.support.sandbox.client import picture, refusal


async def _texts(anna):
    return [message.text for message in anna.messages if message.from_bot]


@pytest.mark.parametrize(
    ("kind", "settings", "code", "description"),
    [
        ("flood", {"retry_after": 7}, 429, "Too Many Requests: retry after 7"),
        ("forbidden", {}, 403, "Forbidden: bot was blocked by the user"),
        ("error", {}, 500, "Internal Server Error"),
    ],
)
async def test_refusals_strike_as_often_as_told(
    sandbox, bot, anna, kind, settings, code, description
):
    fault = sandbox.faults.add("send*", kind, times=2, **settings)
    for _ in range(2):
        answer = await bot("sendMessage", chat_id=anna.id, text="x")
        assert refusal(answer, code) == description
        assert answer.get("parameters", {}) == settings
    assert (await bot("getMe"))["ok"]
    assert (await bot("sendMessage", chat_id=anna.id, text="x"))["ok"]
    assert fault.hits == 2 and await _texts(anna) == ["x"]


async def test_a_gateway_answers_with_a_page(sandbox, bot):
    sandbox.faults.add("getMe", "gateway")
    async with bot.session.get(f"{bot.root}/getMe") as response:
        assert (response.status, response.content_type) == (502, "text/html")
        assert "502 Bad Gateway" in await response.text()


@pytest.mark.parametrize("after", [False, True])
async def test_a_connection_is_dropped_before_or_after_the_call_is_applied(
    sandbox, bot, anna, after
):
    sandbox.faults.add("sendMessage", "drop", after=after)
    with pytest.raises(aiohttp.ClientError):
        await bot("sendMessage", chat_id=anna.id, text="x")
    assert await _texts(anna) == (["x"] if after else [])
    assert sandbox.calls[-1].code == 0
    assert sandbox.calls[-1].applied is after


async def test_a_fault_is_for_one_chat(sandbox, bot, anna):
    ben = sandbox.user(name="Ben")
    await ben.text("/start")
    sandbox.faults.add("sendMessage", "error", times=None, chat=ben.id)
    assert (await bot("sendMessage", chat_id=anna.id, text="x"))["ok"]
    for _ in range(3):
        assert refusal(await bot("sendMessage", chat_id=ben.id, text="x"), 500)
    sandbox.faults.clear()
    assert (await bot("sendMessage", chat_id=ben.id, text="x"))["ok"]


async def test_a_delay(sandbox, bot):
    sandbox.faults.add("getMe", "delay", seconds=0.2)
    began = time.monotonic()
    assert (await bot("getMe"))["ok"]
    assert time.monotonic() - began >= 0.2


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("pass_on", [False, True])
async def test_a_call_is_held_until_released(sandbox, bot, anna, after, pass_on):
    gate = sandbox.faults.hold("sendMessage", after=after)
    call = asyncio.ensure_future(bot("sendMessage", chat_id=anna.id, text="x"))
    await gate.reached()
    assert await _texts(anna) == (["x"] if after else [])
    assert not call.done()
    if pass_on:
        gate.release()
        assert (await call)["ok"]
    else:
        gate.drop()
        with pytest.raises(aiohttp.ClientError):
            await call
    assert await _texts(anna) == (["x"] if after or pass_on else [])


async def test_downloads_fail_too(sandbox, bot, anna):
    sent = await anna.document(picture(), "a.jpg")
    # All of them: aiohttp itself asks once more, from 3.10 on.
    sandbox.faults.add("download", "drop", times=None)
    with pytest.raises(aiohttp.ClientError):
        await bot.download(sent.file_id)
    sandbox.faults.clear()
    assert await bot.download(sent.file_id) == picture()


def test_an_unknown_kind_is_refused(sandbox):
    with pytest.raises(ValueError, match=r"no fault 'flod'.*flood"):
        sandbox.faults.add("getMe", "flod")
