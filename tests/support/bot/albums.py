"""Albums of a style and a photo."""

from __future__ import annotations


async def order_pair(user, pictures):
    """Send an album of two and say that it is a style and a photo; returns the two messages."""
    sent = await user.album(pictures)
    question = await user.wait_for(_pair_button, 30, after=sent[-1])
    await (await user.press(question, _pair_button(question))).answered()
    return sent


def _pair_button(message):
    """The data of the button, `None` for a message that does not have it."""
    data = (button.data for row in message.buttons for button in row)
    return next((each for each in data if each.startswith("pair:")), None)
