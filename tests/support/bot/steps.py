"""What several tests do or expect in a conversation."""

from __future__ import annotations

from bot.storage.styles import StyleChoice, alone
from runtime import installed_styles
from tests.support.bot.conversation import until
from tests.support.bot.sent_pictures import picture

STYLES = list(installed_styles().values())
STALE = "This button is out of date. /start opens a fresh menu."
QUESTION = "What shall I do with this photo?"


async def choose_first_style(speaker):
    await speaker.conversation.users.choose_styles(
        speaker.id, alone(StyleChoice(name=STYLES[0].name))
    )


async def set_mode(speaker):
    await speaker.says("/styles")
    await speaker.press(speaker.heard()[-1], "1")


async def job_of(conversation, user):
    """The first job of a user, once it is there."""
    return (await until(lambda: conversation.jobs.active(user.id)))[0]


async def queue(speaker, count):
    await set_mode(speaker)
    for _ in range(count):
        await speaker.person.photo(picture())
    await speaker.conversation.settled()
    return await speaker.conversation.jobs.active(speaker.id)
