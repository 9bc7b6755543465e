"""A person in the sandbox who knows what the bot has to say, and in which language."""

from __future__ import annotations

from types import SimpleNamespace

from bot.chat.keyboards.data import OfJob
from bot.chat.languages import make_i18n
from bot.sandbox import Message
from tests.support.bot.conversation import check_language
from tests.support.bot.stage import jpeg, picture_of

I18N = make_i18n()
#: Seconds for a picture or for what is said instead, on a machine that does other work too.
PAINTING = 60


class Guest:
    """Texts and labels are given in English and looked for in the person's language.

    All that the bot says to the person is checked to be in that language; see `check`.
    """

    def __init__(self, sandbox, language, name="Anna"):
        self.language = language
        self.person = sandbox.user(language_code=language, name=name)
        self._sandbox = sandbox
        self._checked = 0

    def words(self, text, **values):
        return I18N.gettext(text, locale=self.language).format(**values)

    async def says(self, text):
        """Write a text; returns the first answer."""
        return await self.person.wait_for(after=await self.person.text(text))

    async def sends(self, image):
        """Send a picture as a photo."""
        return await self.person.photo(jpeg(image))

    async def press(self, message, label, **values):
        """Press a button; returns what the bot answers to the press."""
        return await self._answered(await self.person.press(message, self.words(label, **values)))

    async def press_data(self, message, data):
        """Press a button that may be gone."""
        return await self._answered(await self.person.press_data(message, data))

    async def _answered(self, press):
        text = (await press.answered()).get("text") or ""
        check_language(SimpleNamespace(text=text, buttons=[]), self.language)
        return text

    async def hears(self, text, *, after, chat=None, **values):
        """Wait for a message with that text."""
        words = self.words(text, **values)
        chat = chat or self.person.chat
        return await chat.wait_for(lambda message: words in message.text, PAINTING, after=after)

    async def gets(self, *, after, chat=None):
        """Wait for the picture that a job's message becomes."""
        label = self.words("Original file (PNG)")
        return await (chat or self.person.chat).wait_for(
            lambda message: message.kind != "text" and label in labels(message),
            PAINTING,
            after=after,
        )

    def image(self, message):
        return picture_of(self._sandbox, message)

    async def opens_gallery(self):
        """Go through the menu to the gallery's buttons."""
        menu = await self.says("/start")
        await self.press(menu, "Style transfer")
        return await self.hears("Choose a style:", after=menu)

    async def chooses_style(self, number=1):
        """Take a style of the gallery for the next photos."""
        gallery = await self.opens_gallery()
        await self.press(gallery, str(number))
        return await self.person.wait_for(lambda message: message.kind == "text", after=gallery)

    def check(self, *chats):
        """Fail if a message, as it is or was before an edit, was not in the person's language."""
        for chat in chats or (self.person.chat,):
            for message in list(chat.messages.values()):
                if message.from_bot and message.id > self._checked:
                    for raw in (*message.versions, message.raw):
                        check_language(Message(chat, raw), self.language)
        self._checked = max(self.person.chat.messages, default=0)


def labels(message):
    """What the buttons under a message say."""
    return [button.text for row in message.buttons for button in row]


def job_of(message):
    """The number of the job whose buttons are under a message."""
    data = [button.data for row in message.buttons for button in row]
    return next(OfJob.unpack(each).job for each in data if each.startswith("job:"))
