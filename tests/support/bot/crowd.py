"""What many users do at once."""

from __future__ import annotations

from bot.chat.catalog import key_of
from bot.chat.keyboards.data import ChooseStyle
from tests.support.bot.stage import jpeg, plain
from tests.support.bot.steps import QUESTION

#: How a photo is answered whose painting has failed for the third time.
APOLOGY = "I could not paint this one."


async def choose_a_style(user):
    """Press the gallery's first number, as in a gallery that was opened before."""
    start = await user.text("/start")
    menu = await user.wait_for(lambda message: message.buttons, 60, after=start)
    data = ChooseStyle(style=key_of("night-swirls"), picture=None).pack()
    await user.press_data(menu, data)
    await user.wait_for(lambda message: "Now send" in message.text, 60)


def is_result(message):
    """Whether the message is a painted photo."""
    return message.kind == "photo" and "Your photo" in message.text


class Senders:
    """Users who send photos, each of which is to be answered once, whatever fails meanwhile.

    besides: how many of them have chosen no style, and are asked what to do.
    """

    def __init__(self, sandbox, chance, count, *, besides=0):
        self.chance = chance
        self.users = [sandbox.user(name=f"User {number}") for number in range(count)]
        self.photos = []
        self._besides = besides

    async def prepare(self):
        for user in self.users[self._besides :]:
            await choose_a_style(user)

    async def send(self):
        """Have some of the users send a photo each."""
        for user in self.users:
            if self.chance.random() < 0.6:
                self.photos.append((user, await user.photo(jpeg(plain("teal", (60, 40))))))

    async def wait_for_answers(self, patience):
        """Wait until every photo has an answer, so many seconds for each."""
        for user, photo in self.photos:
            await user.wait_for(lambda message, photo=photo: is_answer(message, photo), patience)

    def check(self):
        """See that each photo has one answer; returns how many of them are apologies."""
        answers = []
        for user, photo in self.photos:
            found = [each for each in user.messages if each.from_bot and each.reply_to == photo.id]
            assert len(found) == 1, found
            answers += found
        return sum(each.text.startswith(APOLOGY) for each in answers)


def is_answer(message, photo):
    """Whether it is the result for a photo, the question about it, or an apology."""
    texts = message.text == QUESTION or message.text.startswith(APOLOGY)
    return message.reply_to == photo.id and (is_result(message) or texts)
