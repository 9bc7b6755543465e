"""What the chat page lives on, without a browser."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from aiohttp import FormData

from tests.support.sandbox.client import picture


async def test_another_site_is_refused(sandbox, bot):
    foreign = {"Origin": "http://evil.example"}
    for path in ("/sandbox/feed", "/"):
        async with bot.session.get(sandbox.url + path, headers=foreign) as response:
            assert response.status == 403
    headers = {"Origin": sandbox.url}
    async with bot.session.get(sandbox.url, headers=headers) as response:
        assert response.status == 200
        assert "script-src 'self'" in response.headers["Content-Security-Policy"]


async def test_another_site_s_name_for_this_machine_is_refused(sandbox, bot):
    port = urlsplit(sandbox.url).port
    for path in ("/sandbox/feed", "/", f"/bot{sandbox.token}/getMe", "/sandbox/faults"):
        for host in (f"evil.example:{port}", "localhost.evil", "127.0.0.1.evil", "["):
            headers = {"Host": host, "Origin": f"http://{host}"}
            for sent in (headers, {"Host": host}):
                async with bot.session.get(sandbox.url + path, headers=sent) as response:
                    assert response.status in (400, 403)
    for host in (f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}"):
        async with bot.session.get(sandbox.url, headers={"Host": host}) as response:
            assert response.status == 200


async def test_documents_are_never_shown_as_pages(sandbox, bot, anna):
    sent = await anna.document(b"<script>alert(1)</script>", "page.html")
    async with bot.session.get(f"{sandbox.url}/sandbox/file/{sent.file_id}") as response:
        assert response.content_type == "application/octet-stream"
        assert response.headers["Content-Disposition"].startswith("attachment")


async def test_what_a_person_does_goes_out_and_comes_back_as_events(sandbox, bot, anna):
    address = f"{sandbox.url}/sandbox/feed?user={anna.id}"
    async with bot.session.ws_connect(address) as socket:
        hello = await socket.receive_json(timeout=5)
        assert hello["user"]["first_name"] == "Анна"
        assert [message["text"] for message in hello["messages"]] == ["/start"]
        await socket.send_json({"do": "text", "text": "hello"})
        said = await socket.receive_json(timeout=5)
        assert (said["event"], said["text"]) == ("message", "hello")
        keys = {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}
        await bot("sendMessage", chat_id=anna.id, text="Ready?", reply_markup=keys)
        asked = await socket.receive_json(timeout=5)
        press = {"do": "press", "message_id": asked["message_id"], "data": "go", "ref": "a"}
        await socket.send_json(press)
        pressed = await socket.receive_json(timeout=5)
        assert (pressed["event"], pressed["ref"]) == ("pressed", "a")
        number = (await bot.updates())[-1]["callback_query"]["id"]
        await bot("answerCallbackQuery", callback_query_id=number, text="Gone")
        answer = await socket.receive_json(timeout=5)
        assert (answer["event"], answer["query"], answer["text"]) == ("answer", number, "Gone")


async def test_more_than_ten_files_are_several_albums(sandbox, bot, anna):
    form = FormData({"kind": "photo", "caption": "many"})
    for number in range(11):
        form.add_field("file", picture(40, 30), filename=f"{number}.jpg")
    address = f"{sandbox.url}/sandbox/users/{anna.id}/files"
    async with bot.session.post(address, data=form) as response:
        assert response.status == 200
    sent = anna.messages[1:]
    assert len(sent) == 11
    assert len({message.album for message in sent[:10]}) == 1
    assert sent[10].album is None
    assert [message.text for message in sent].count("many") == 1


async def test_faults_and_updates_come_from_another_process(sandbox, bot, anna):
    root = f"{sandbox.url}/sandbox"
    fault = {"method": "sendMessage", "kind": "hold"}
    async with bot.session.post(f"{root}/faults", json=fault) as response:
        number = (await response.json())["number"]
    held = asyncio.ensure_future(bot("sendMessage", chat_id=anna.id, text="x"))
    async with bot.session.get(f"{root}/faults/{number}?wait") as response:
        assert await response.json() == {"hits": 1}
    assert not held.done()
    async with bot.session.post(f"{root}/faults/{number}/release") as response:
        assert response.status == 200
    assert (await held)["ok"]
    async with bot.session.post(f"{root}/faults", json={"kind": "flood"}) as response:
        assert response.status == 400
    async with bot.session.post(f"{root}/updates", json={"update_id": 7}) as response:
        assert await response.json() == {"update_id": 7}
    assert {"update_id": 7} in await bot.updates()
