"""A tiny bot for the tests of the page: it knows a few words and answers at once."""

from __future__ import annotations

from typing import Any, Dict

from tests.support.sandbox.client import Client, picture

KEYBOARD = {
    "inline_keyboard": [
        [{"text": "Toast", "callback_data": "toast"}, {"text": "Alert", "callback_data": "alert"}],
        [{"text": "Paint", "callback_data": "paint"}, {"text": "Never", "callback_data": "never"}],
        [{"text": "Elsewhere", "url": "https://example.org/"}],
    ]
}
STOP = {"inline_keyboard": [[{"text": "Stop", "callback_data": "stop"}]]}


class PainterBot:
    """Polls the sandbox until it is cancelled."""

    def __init__(self, client: Client) -> None:
        self.call = client

    async def run(self) -> None:
        commands = [("start", "Begin anew"), ("help", "What I can do")]
        for language, names in (("", commands), ("ru", [("start", "Начать сначала")])):
            named = [{"command": name, "description": text} for name, text in names]
            await self.call("setMyCommands", commands=named, language_code=language)
        offset = 0
        while True:
            for update in await self.call.updates(offset=offset, timeout=30):
                offset = update["update_id"] + 1
                if "message" in update:
                    await self.hear(update["message"])
                else:
                    await self.pressed(update["callback_query"])

    async def hear(self, message: Dict[str, Any]) -> None:
        chat = message["chat"]["id"]
        reply = {"message_id": message["message_id"]}
        text = message.get("text", "")
        if text == "/start":
            words = f"<b>Hello</b>, {message['from']['first_name']}! <i>See</i> /help"
            await self.call(
                "sendMessage", chat_id=chat, text=words, parse_mode="HTML", reply_markup=KEYBOARD
            )
        elif "photo" in message or "document" in message:
            kind = "photo" if "photo" in message else "document"
            words = f"A {kind}: {message.get('caption', '-')}"
            await self.call("sendMessage", chat_id=chat, text=words, reply_parameters=reply)
        elif text == "album":
            files = {f"p{n}": (f"{n}.jpg", picture(colour=c)) for n, c in enumerate(("red", "tan"))}
            media = [{"type": "photo", "media": f"attach://{name}"} for name in files]
            await self.call.upload("sendMediaGroup", files, chat_id=chat, media=media)
        elif text == "file":
            file = {"document": ("painting <1>.png", picture(form="PNG"))}
            await self.call.upload("sendDocument", file, chat_id=chat, caption="Take it")
        elif text == "typing":
            await self.call("sendChatAction", chat_id=chat, action="typing")
        else:
            await self.call("sendMessage", chat_id=chat, text=f"You said: {text}")

    async def pressed(self, query: Dict[str, Any]) -> None:
        data = query["data"]
        if data == "never":
            return
        texts = {"toast": "Just so", "alert": "Take care"}
        await self.call(
            "answerCallbackQuery",
            callback_query_id=query["id"],
            text=texts.get(data, ""),
            show_alert=data == "alert",
        )
        place = {
            "chat_id": query["message"]["chat"]["id"],
            "message_id": query["message"]["message_id"],
        }
        if data == "paint":
            await self.call("editMessageText", **place, text="Painting", reply_markup=STOP)
        elif data == "stop":
            media = {"type": "photo", "media": "attach://p", "caption": "Painted"}
            files = {"p": ("p.jpg", picture(300, 200, "green"))}
            await self.call.upload("editMessageMedia", files, **place, media=media)
