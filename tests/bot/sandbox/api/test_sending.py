from __future__ import annotations

import asyncio
import io

import pytest
from PIL import Image

from bot.sandbox import Unsendable
from tests.support.sandbox.client import picture, refusal, size


async def test_a_text_reaches_the_person(bot, anna):
    answer = await bot(
        "sendMessage", chat_id=anna.id, text=" <b>Hi</b> &amp; bye ", parse_mode="HTML"
    )
    assert answer["result"]["text"] == "Hi & bye"
    assert answer["result"]["entities"] == [{"type": "bold", "offset": 0, "length": 2}]
    message = await anna.wait_for(lambda each: each.text == "Hi & bye")
    assert message.from_bot and message.id == answer["result"]["message_id"]


async def test_arguments_come_as_json_or_as_a_form_or_in_the_address(sandbox, bot, anna):
    keyboard = '{"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}'
    arguments = {"chat_id": str(anna.id), "text": "as a form", "reply_markup": keyboard}
    async with bot.session.post(f"{bot.root}/sendMessage", data=arguments) as response:
        assert response.status == 200
    async with bot.session.get(f"{bot.root}/SENDMESSAGE?chat_id={anna.id}&text=asked") as response:
        assert response.status == 200
    form, asked = anna.messages[-2:]
    assert form.button("go").text == "Go"
    assert asked.text == "asked"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"text": "  \n"}, "message text is empty"),
        ({"text": "x" * 4097}, "message is too long"),
        ({"chat_id": 77}, "chat not found"),
        ({"chat_id": ""}, "chat_id is empty"),
        ({"reply_parameters": {"message_id": 999}}, "message to be replied not found"),
        ({"reply_to_message_id": 999}, "message to be replied not found"),
        ({"parse_mode": "HTML", "text": "<b>open"}, "can't parse entities: Can't find end tag"),
        ({"parse_mode": "HTML", "text": "a < b"}, "can't parse entities: Unclosed start tag"),
        ({"parse_mode": "HTML", "text": "<h1>x</h1>"}, "can't parse entities: Unsupported"),
        ({"parse_mode": "HTML", "text": "<b><i>x</b></i>"}, "can't parse entities: Unmatched"),
        ({"parse_mode": "HTML", "text": "x</b>"}, "can't parse entities: Unexpected end tag"),
        ({"parse_mode": "Klingon"}, "unsupported parse_mode"),
        ({"reply_markup": "{"}, "can't parse reply_markup JSON object"),
    ],
)
async def test_what_telegram_refuses(bot, anna, changed, reason):
    before = len(anna.messages)
    answer = await bot("sendMessage", **{"chat_id": anna.id, "text": "Hello", **changed})
    assert refusal(answer).startswith(f"Bad Request: {reason}")
    assert len(anna.messages) == before


@pytest.mark.parametrize(
    ("button", "reason"),
    [
        ({"text": "x", "callback_data": "ы" * 33}, "BUTTON_DATA_INVALID"),
        ({"text": "x", "callback_data": ""}, "BUTTON_DATA_INVALID"),
        ({"text": "x"}, "can't parse inline keyboard button: Text buttons are unallowed"),
        ({"text": " ", "callback_data": "x"}, "can't parse inline keyboard button"),
        ({"text": "x", "url": "ftp://x"}, "inline keyboard button URL 'ftp://x' is invalid"),
    ],
)
async def test_buttons_that_telegram_refuses(bot, anna, button, reason):
    markup = {"inline_keyboard": [[button]]}
    answer = await bot("sendMessage", chat_id=anna.id, text="x", reply_markup=markup)
    assert refusal(answer).startswith(f"Bad Request: {reason}")


async def test_64_bytes_of_data_are_taken(bot, anna):
    markup = {"inline_keyboard": [[{"text": "x", "callback_data": "ы" * 32}]]}
    answer = await bot("sendMessage", chat_id=anna.id, text="x", reply_markup=markup)
    assert answer["ok"]


async def test_a_reply_quotes_the_message(bot, anna):
    asked = anna.messages[0]
    reply = {"message_id": asked.id}
    answer = await bot("sendMessage", chat_id=anna.id, text="Yes?", reply_parameters=reply)
    assert answer["result"]["reply_to_message"]["text"] == "/start"
    older = await bot("sendMessage", chat_id=anna.id, text="Yes?", reply_to_message_id=asked.id)
    assert older["result"]["reply_to_message"]["message_id"] == asked.id
    reply = {"message_id": 999, "allow_sending_without_reply": True}
    answer = await bot("sendMessage", chat_id=anna.id, text="Yes?", reply_parameters=reply)
    assert "reply_to_message" not in answer["result"]


async def test_a_photo_comes_in_variants_that_are_never_larger(bot, anna):
    photo = {"photo": ("a.jpg", picture(1600, 1200))}
    sent = await bot.upload("sendPhoto", photo, chat_id=anna.id, caption="Look")
    sides = [max(each["width"], each["height"]) for each in sent["result"]["photo"]]
    assert sides == [90, 320, 800, 1280]
    assert size(await bot.download(sent["result"]["photo"][1]["file_id"])) == (320, 240)
    small = {"photo": ("a.png", picture(500, 250, form="PNG"))}
    sent = await bot.upload("sendPhoto", small, chat_id=anna.id)
    assert [each["width"] for each in sent["result"]["photo"]] == [90, 320, 500]
    data = await bot.download(sent["result"]["photo"][-1]["file_id"])
    assert data.startswith(b"\xff\xd8")


async def test_a_document_keeps_its_bytes_and_its_name(bot, anna):
    data = picture(form="PNG")
    document = {"document": ("картина.png", data)}
    sent = (await bot.upload("sendDocument", document, chat_id=anna.id))["result"]["document"]
    assert sent["file_name"] == "картина.png"
    assert sent["mime_type"] == "image/png"
    assert await bot.download(sent["file_id"]) == data
    assert size(await bot.download(sent["thumbnail"]["file_id"])) == (320, 240)


async def test_a_known_file_is_sent_by_its_id(bot, anna):
    photo = {"photo": ("a.jpg", picture())}
    first = (await bot.upload("sendPhoto", photo, chat_id=anna.id))["result"]["photo"]
    again = await bot("sendPhoto", chat_id=anna.id, photo=first[0]["file_id"])
    assert again["result"]["photo"] == first
    refused = await bot("sendDocument", chat_id=anna.id, document=first[0]["file_id"])
    assert refusal(refused) == "Bad Request: can't use file of type Photo as Document"
    refused = await bot("sendPhoto", chat_id=anna.id, photo="nonsense")
    assert refusal(refused) == "Bad Request: wrong file identifier/HTTP URL specified"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"not a picture", "IMAGE_PROCESS_FAILED"),
        (picture()[:200], "IMAGE_PROCESS_FAILED"),
        (picture(2100, 100), "PHOTO_INVALID_DIMENSIONS"),
        (picture(6000, 4001), "PHOTO_INVALID_DIMENSIONS"),
        (picture() + bytes(10 * 1024 * 1024), "file of size"),
    ],
)
async def test_photos_that_telegram_refuses(bot, anna, data, reason):
    answer = await bot.upload("sendPhoto", {"photo": ("a.jpg", data)}, chat_id=anna.id)
    assert refusal(answer).startswith(f"Bad Request: {reason}")


async def test_a_caption_has_1024_characters(bot, anna):
    photo = {"photo": ("a.jpg", picture())}
    answer = await bot.upload("sendPhoto", photo, chat_id=anna.id, caption="x" * 1025)
    assert refusal(answer) == "Bad Request: message caption is too long"
    answer = await bot.upload("sendPhoto", photo, chat_id=anna.id, caption="x" * 1024)
    assert answer["ok"]


async def test_a_document_over_50_mb_is_too_large(bot, anna):
    document = {"document": ("a.bin", bytes(50 * 1024 * 1024 + 1))}
    answer = await bot.upload("sendDocument", document, chat_id=anna.id)
    assert refusal(answer, 413) == "Request Entity Too Large"


async def test_a_bot_cannot_download_over_20_mb(bot, anna):
    sent = await anna.document(bytes(20 * 1024 * 1024 + 1), "large.bin")
    answer = await bot("getFile", file_id=sent.file_id)
    assert refusal(answer) == "Bad Request: file is too big"


async def test_an_album(bot, anna):
    media = [{"type": "photo", "media": f"attach://p{number}"} for number in range(3)]
    media[0]["caption"] = "Three"
    files = {f"p{n}": (f"{n}.jpg", picture(colour=c)) for n, c in enumerate(["red", "tan", "blue"])}
    answer = await bot.upload("sendMediaGroup", files, chat_id=anna.id, media=media)
    assert [message["photo"][-1]["width"] for message in answer["result"]] == [640] * 3
    assert len({message["media_group_id"] for message in answer["result"]}) == 1
    assert anna.messages[-3].text == "Three"
    one = await bot.upload("sendMediaGroup", files, chat_id=anna.id, media=media[:1])
    assert "too few" in refusal(one)
    many = await bot.upload("sendMediaGroup", files, chat_id=anna.id, media=media * 4)
    assert "too many" in refusal(many)
    media[1]["type"] = "document"
    mixed = await bot.upload("sendMediaGroup", files, chat_id=anna.id, media=media)
    assert "can't be mixed" in refusal(mixed)
    media = [{"type": "photo", "media": "attach://lost"}] * 2
    lost = await bot.upload("sendMediaGroup", files, chat_id=anna.id, media=media)
    assert "no file attached as lost" in refusal(lost)


async def test_the_token_and_the_method_must_be_known(sandbox, bot):
    async with bot.session.post(f"{sandbox.url}/bot1:wrong/getMe") as response:
        assert response.status == 401
        assert refusal(await response.json(), 401) == "Unauthorized"
    assert refusal(await bot("makeCoffee"), 404) == "Not Found"


async def test_a_bot_cannot_write_first_or_to_who_blocked_it(sandbox, bot, anna):
    ben = sandbox.user(name="Ben")
    answer = await bot("sendMessage", chat_id=ben.id, text="Hello")
    assert "can't initiate conversation" in refusal(answer, 403)
    await anna.block()
    answer = await bot("sendMessage", chat_id=anna.id, text="Hello")
    assert refusal(answer, 403) == "Forbidden: bot was blocked by the user"
    await anna.unblock()
    assert (await bot("sendMessage", chat_id=anna.id, text="Hello"))["ok"]


async def test_a_client_cannot_send_a_broken_photo(anna):
    with pytest.raises(Unsendable, match="IMAGE_PROCESS_FAILED"):
        await anna.photo(b"not a picture")


async def test_waiting_people_are_woken_by_the_change(bot, anna):
    waiting = asyncio.ensure_future(anna.wait_for(lambda message: message.text == "done"))
    sent = await bot("sendMessage", chat_id=anna.id, text="working")
    assert not waiting.done()
    number = sent["result"]["message_id"]
    await bot("editMessageText", chat_id=anna.id, message_id=number, text="done")
    assert (await waiting).id == number


async def test_a_message_is_copied_with_another_caption(bot, anna):
    sent = await anna.photo(picture(), "mine")
    place = {"from_chat_id": anna.id, "message_id": sent.id}
    answer = await bot("copyMessage", chat_id=anna.id, caption="yours", **place)
    copy = anna.messages[-1]
    assert copy.id == answer["result"]["message_id"]
    assert (copy.kind, copy.text, copy.file_id) == ("photo", "yours", sent.file_id)
    place["message_id"] = 5
    answer = await bot("copyMessage", chat_id=anna.id, **place)
    assert refusal(answer) == "Bad Request: message to copy not found"


async def test_a_decompression_bomb_is_kept_as_a_document_but_not_looked_into(bot, anna):
    bomb = picture(9000, 9000, form="PNG")
    sent = await anna.document(bomb, "bomb.png")
    assert "thumbnail" not in sent.raw["document"]
    assert await bot.download(sent.file_id) == bomb


async def test_a_photo_whose_exif_cannot_be_read_is_sent_all_the_same(sandbox, anna):
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), "green").save(buffer, "JPEG", exif=exif)
    # A rational where a number belongs.
    broken = (
        buffer.getvalue()
        .replace(b"\x12\x01\x03\x00", b"\x12\x01\x05\x00")
        .replace(b"\x01\x12\x00\x03", b"\x01\x12\x00\x05")
    )
    assert broken != buffer.getvalue()
    assert (await anna.photo(broken)).kind == "photo"
