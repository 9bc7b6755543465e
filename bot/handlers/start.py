"""/start and /help: the menu, and how all this works."""

from __future__ import annotations

from html import escape

from aiogram import Router
from aiogram.fsm.context import FSMContext
from aiogram.types import Message
from aiogram.utils.i18n import gettext as _

from bot.chat.catalog import Catalog
from bot.chat.commands import described_commands
from bot.chat.keyboards.menus import menu_keyboard
from bot.chat.replies import answer
from bot.handlers.filters import command
from runtime import MOST_SECONDS


def make_router() -> Router:
    """The handlers of this subject."""
    router = Router(name=__name__)
    router.message.register(start, command("start"))
    router.message.register(explain, command("help"))
    return router


async def start(message: Message, state: FSMContext, catalog: Catalog) -> None:
    """Start from scratch, with the menu."""
    await state.clear()
    text = _(
        "Hello! I repaint photos and videos with neural networks.\n\nChoose what to do, or just send "
        "me a photo or a video."
    )
    generators = (await catalog.generators()).values()
    keyboard = menu_keyboard(generators, examples=bool(await catalog.examples()))
    await answer(message, text, keyboard)


async def explain(message: Message, catalog: Catalog) -> None:
    """Explain how all this works."""
    parts = [
        _(
            "<b>Style transfer.</b> Choose a style from the gallery or send your own, then send a "
            "photo: I'll repaint it in that style. The style stays for the next photos."
        ),
        _(
            "<b>Sketches.</b> Send a photo without choosing a style, and I'll sketch it in all of "
            "them for you to choose."
        ),
        _(
            "<b>Mixes and variations.</b> The buttons under a result mix in a second style, make "
            "the style weaker or stronger and the strokes finer or broader, paint another "
            "variation, and show how it was painted."
        ),
        _(
            "<b>Videos.</b> Send a GIF, a video or a video message, and I'll repaint its first "
            "{seconds} seconds, frame by frame, and keep the sound."
        ).format(seconds=round(MOST_SECONDS)),
        _(
            "<b>Albums.</b> Send up to ten photos as an album, and I'll repaint each of them. Of two "
            "pictures, the first may be the style and the second the photo: I'll ask."
        ),
    ]
    generators = (await catalog.generators()).values()
    titles = ", ".join(_(model.title) for model in generators)
    if titles:
        parts.append(
            _("<b>Transformations:</b> {titles}. Choose one, then send a photo.").format(
                titles=escape(titles)
            )
        )
    parts += [
        _(
            "<b>Quality.</b> A photo comes back as a photo; a picture sent as a file comes back as "
            "a file, without Telegram's compression."
        ),
        _("<b>In groups.</b> Reply to a photo with /paint, or send a photo in reply to me."),
        "\n".join(f"/{name}: {escape(text)}" for name, text in described_commands().items()),
    ]
    await answer(message, "\n\n".join(parts), html=True)
