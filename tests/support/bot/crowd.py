"""What many users do at once."""

from __future__ import annotations

from bot.chat.catalog import key_of
from bot.chat.keyboards.data import ChooseStyle


async def choose_a_style(user):
    """Press the gallery's first number, as in a gallery that was opened before."""
    start = await user.text("/start")
    menu = await user.wait_for(lambda message: message.buttons, 60, after=start)
    data = ChooseStyle(style=key_of("night-swirls"), picture=None).pack()
    await user.press_data(menu, data)
    await user.wait_for(lambda message: "Now send" in message.text, 60)


def is_painting(message):
    """Whether the message is a painted photo."""
    return message.kind == "photo" and "Your photo" in message.text
