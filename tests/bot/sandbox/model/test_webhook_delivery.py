from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from bot.sandbox import WaitTimeout
from bot.sandbox.change_signal import ChangeSignal
from tests.support.sandbox.client import picture, refusal


class Hook:
    """A web hook that notes what it gets and answers as told."""

    def __init__(self) -> None:
        self.taken = []
        self.secrets = []
        self.refusals = 0
        self.open = asyncio.Event()
        self.open.set()
        self.running = 0
        self.most = 0
        self.changed = ChangeSignal()

    async def take(self, request: web.Request) -> web.Response:
        self.running += 1
        self.most = max(self.most, self.running)
        self.changed.fire()
        try:
            await self.open.wait()
        finally:
            self.running -= 1
        self.secrets.append(request.headers.get("X-Telegram-Bot-Api-Secret-Token"))
        if self.refusals:
            self.refusals -= 1
            return web.Response(status=503)
        self.taken.append(await request.json())
        return web.json_response({})

    @property
    def texts(self):
        return [update["message"]["text"] for update in self.taken]


@pytest.fixture()
def hook():
    return Hook()


@pytest.fixture()
async def address(hook):
    app = web.Application()
    app.router.add_post("/updates", hook.take)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/updates"
    await runner.cleanup()


async def test_updates_arrive_in_order_with_the_secret(sandbox, bot, anna, hook, address):
    await anna.text("one")
    await bot("setWebhook", url=address, secret_token="s3cret")
    await anna.text("two")
    await sandbox.wait_until_taken()
    assert hook.texts == ["/start", "one", "two"]
    assert set(hook.secrets) == {"s3cret"}
    numbers = [update["update_id"] for update in hook.taken]
    assert numbers == sorted(set(numbers))


async def test_an_update_is_sent_again_until_it_is_taken(sandbox, bot, anna, hook, address):
    hook.refusals = 3
    await bot("setWebhook", url=address)
    await anna.text("one")
    await sandbox.wait_until_taken()
    assert hook.texts == ["/start", "one"]
    assert len(hook.secrets) == 5
    info = (await bot("getWebhookInfo"))["result"]
    assert info["last_error_message"].startswith("Wrong response from the webhook: 503")
    assert info["pending_update_count"] == 0


async def test_updates_wait_for_a_web_hook_that_is_down(sandbox, bot, anna, hook, address):
    await bot("setWebhook", url="http://127.0.0.1:9/nobody")
    with pytest.raises(WaitTimeout, match="did not take 1 update"):
        await sandbox.wait_until_taken(0.1)
    assert sandbox.webhook["last_error_message"] == "Connection refused"
    await bot("setWebhook", url=address)
    await sandbox.wait_until_taken()
    assert hook.texts == ["/start"]


async def test_chats_are_served_side_by_side(sandbox, bot, hook, address):
    hook.open.clear()
    await bot("setWebhook", url=address, max_connections=3)
    for number in range(5):
        person = sandbox.user(number + 1)
        await person.text(f"{number} first")
        await person.text(f"{number} second")
    await hook.changed.until(lambda: hook.most >= 3 or None, 5.0)
    hook.open.set()
    await sandbox.wait_until_taken()
    assert hook.most == 3
    for number in range(5):
        own = [text for text in hook.texts if text.startswith(str(number))]
        assert own == [f"{number} first", f"{number} second"]


async def test_only_the_kinds_asked_for_are_sent(sandbox, bot, anna, hook, address):
    await bot("setWebhook", url=address, allowed_updates=["callback_query"])
    assert sandbox.webhook["allowed_updates"] == ["callback_query"]
    await sandbox.wait_until_taken()
    hook.taken.clear()
    await anna.text("not asked for")
    await anna.press_data(anna.messages[0], "x")
    await sandbox.wait_until_taken()
    assert [list(update)[1] for update in hook.taken] == ["callback_query"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"url": "http://example.com/x"}, "bad webhook: An HTTPS URL must be provided"),
        ({"url": "https://example.com/", "secret_token": "ы"}, "secret token contains"),
    ],
)
async def test_web_hooks_that_telegram_refuses(bot, arguments, reason):
    assert refusal(await bot("setWebhook", **arguments)).startswith(f"Bad Request: {reason}")


async def test_polling_gives_updates_until_they_are_acknowledged(bot, anna):
    await anna.text("one")
    updates = await bot.updates()
    assert [update["message"]["text"] for update in updates] == ["/start", "one"]
    assert await bot.updates() == updates
    assert await bot.updates(offset=updates[0]["update_id"] + 1) == updates[1:]
    waiting = asyncio.ensure_future(bot.updates(offset=updates[1]["update_id"] + 1))
    await anna.text("two")
    assert [update["message"]["text"] for update in await waiting] == ["two"]


async def test_one_poll_ends_another_and_a_web_hook_ends_both(sandbox, bot, anna, address):
    offset = (await bot.updates())[0]["update_id"] + 1
    first = asyncio.ensure_future(bot("getUpdates", offset=offset, timeout=5))
    await sandbox.wait_for_call(lambda call: call.method == "getUpdates" and call.code is None)
    second = asyncio.ensure_future(bot.updates(offset=offset))
    assert "terminated by other getUpdates" in refusal(await first, 409)
    await anna.text("one")
    assert len(await second) == 1
    third = asyncio.ensure_future(bot("getUpdates", offset=offset + 1, timeout=5))
    await sandbox.wait_for_call(lambda call: call.params.get("offset") == offset + 1)
    await bot("setWebhook", url=address)
    assert "terminated by setWebhook request" in refusal(await third, 409)
    assert "while webhook is active" in refusal(await bot("getUpdates"), 409)
    await bot("deleteWebhook", drop_pending_updates=True)
    assert await bot.updates(timeout=0) == []


async def test_closing_ends_a_poll_without_updates(sandbox, bot, anna):
    """The server would otherwise wait for it, and then cut the connection."""
    offset = (await bot.updates())[0]["update_id"] + 1
    poll = asyncio.ensure_future(bot("getUpdates", offset=offset, timeout=5))
    await sandbox.wait_for_call(lambda call: call.params.get("offset") == offset)
    await sandbox.close()
    assert (await poll)["result"] == []


async def test_a_bot_in_a_group_sees_commands_and_replies_only(sandbox, bot, anna):
    ben = sandbox.user(name="Ben")
    group = sandbox.group("Painters", anna, ben)
    await bot.updates(offset=-1)
    for text in ("hello", "/start", "/start@jetbrush_sandbox_bot", "/start@another_bot"):
        await ben.text(text, chat=group)
    await bot("sendMessage", chat_id=group.id, text="Yes?")
    question = await group.wait_for(lambda message: message.text == "Yes?")
    await anna.photo(picture(), chat=group)
    await anna.photo(picture(), "this one", chat=group, reply_to=question)
    seen = [update["message"] for update in await bot.updates()][1:]
    texts = [message.get("text", message.get("caption")) for message in seen]
    assert texts == ["/start", "/start@jetbrush_sandbox_bot", "this one"]
    assert seen[-1]["reply_to_message"]["text"] == "Yes?"
    assert {message["chat"]["id"] for message in seen} == {group.id}


async def test_forged_updates_go_out_as_they_are(sandbox, bot):
    sandbox.push_update({"update_id": 5, "message": "poison"})
    number = sandbox.push_update({"callback_query": {}})
    assert await bot.updates() == [
        {"update_id": 5, "message": "poison"},
        {"update_id": number, "callback_query": {}},
    ]


async def test_what_people_send_besides_pictures(bot, anna):
    await anna.sticker()
    await anna.video(caption="look")
    await anna.voice()
    await anna.document(b"words", "notes.txt")
    await anna.album([picture(), picture(colour="red")], "two")
    await anna.album([picture(), picture()], names=["a.jpg", "b.jpg"])
    messages = [update["message"] for update in await bot.updates()][1:]
    kinds = ("sticker", "video", "voice", "document", "photo", "photo", "document", "document")
    assert all(kind in message for kind, message in zip(kinds, messages))
    assert messages[3]["document"]["mime_type"] == "text/plain"
    assert messages[4]["media_group_id"] == messages[5]["media_group_id"]
    assert (messages[4]["caption"], messages[5].get("caption")) == ("two", None)
