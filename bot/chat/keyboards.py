"""The inline keyboards, and the data that their buttons carry (at most 64 bytes).

The labels are in the language of the context that the caller is in.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Iterable, List, Optional, Sequence

from aiogram import F
from aiogram.filters.callback_data import CallbackData, CallbackQueryFilter
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup
from aiogram.utils.i18n import gettext as _
from pydantic import Field
from typing_extensions import Annotated

from bot.chat.catalog import key_of
from bot.chat.languages import LANGUAGES
from bot.chat.user_options import SETTINGS, Setting, stronger, weaker
from bot.storage.jobs import Job
from runtime import Model, Style, StylizeOptions

#: A forged number may be anything, and SQLite takes no more than 64 bits.
Id = Annotated[int, Field(ge=1, lt=2**63)]
Index = Annotated[int, Field(ge=0, lt=1000)]

_NUMBERS_IN_A_ROW = 5


class Page(str, Enum):
    """The pages that the menu opens."""

    EXAMPLES = "examples"
    SETTINGS = "settings"
    LANGUAGE = "language"


class Action(str, Enum):
    """What can be done with a job."""

    CANCEL = "cancel"
    SWAP = "swap"
    RESTYLE = "restyle"
    STRONGER = "stronger"
    WEAKER = "weaker"
    ORIGINAL = "original"


class OpenPage(CallbackData, prefix="open"):
    """Open a page of the menu."""

    page: Page

    @classmethod
    def filter_for(cls, page: Page) -> CallbackQueryFilter:
        """A filter for the buttons that open this page."""
        return cls.filter(F.page == page)


class OpenGallery(CallbackData, prefix="gallery"):
    """Show the gallery from style number `start` on, for a photo that is known or still to come."""

    start: Index = 0
    picture: Optional[Id] = None


class ChooseStyle(CallbackData, prefix="style"):
    """Take the gallery's style of that key."""

    style: str
    picture: Optional[Id] = None


class OwnStyle(CallbackData, prefix="own"):
    """Take the next picture as the style."""

    picture: Optional[Id] = None


class UseGenerator(CallbackData, prefix="model"):
    """Take the installed generator of that key."""

    model: str
    picture: Optional[Id] = None


class Repaint(CallbackData, prefix="repaint"):
    """Repaint the photo in the remembered style."""

    picture: Id


class UseAsStyle(CallbackData, prefix="asstyle"):
    """Take the picture as the style."""

    picture: Id


class OfJob(CallbackData, prefix="job"):
    """Do something with a job."""

    action: Action
    job: Id


class Change(CallbackData, prefix="set"):
    """Change a setting; `value` is the number of one of its choices."""

    setting: str
    value: Index


class ChooseLanguage(CallbackData, prefix="lang"):
    """Speak this language."""

    language: str


class Forget(CallbackData, prefix="forget"):
    """Delete all that is stored about the user, or leave it."""

    sure: bool


def status_keyboard(job: Job) -> InlineKeyboardMarkup:
    """Under the message that shows how far a job is."""
    row = [_button(_("Cancel"), OfJob(action=Action.CANCEL, job=job.id))]
    return _keyboard([row, _swap(job)])


def result_keyboard(job: Job) -> InlineKeyboardMarkup:
    """Under a painted picture."""
    rows = []
    options = job.order.options
    if isinstance(options, StylizeOptions):
        strengths = (
            (Action.WEAKER, _("Weaker"), weaker(options)),
            (Action.STRONGER, _("Stronger"), stronger(options)),
        )
        rows = [
            [_button(_("Another style"), OfJob(action=Action.RESTYLE, job=job.id))],
            [
                _button(label, OfJob(action=action, job=job.id))
                for action, label, strength in strengths
                if strength is not None
            ],
            _swap(job),
        ]
    rows.append([_button(_("Original file (PNG)"), OfJob(action=Action.ORIGINAL, job=job.id))])
    return _keyboard(rows)


def menu_keyboard(generators: Iterable[Model], *, examples: bool) -> InlineKeyboardMarkup:
    """All that the bot can do; `examples` says whether there are any."""
    rows = [[_button(_("Style transfer"), OpenGallery())]]
    rows += _generator_rows(generators)
    if examples:
        rows.append([_button(_("Examples"), OpenPage(page=Page.EXAMPLES))])
    settings = _button(_("Settings"), OpenPage(page=Page.SETTINGS))
    # In both languages: whoever needs this button may not read the present one.
    rows.append([settings, _button("Язык · Language", OpenPage(page=Page.LANGUAGE))])
    return _keyboard(rows)


def gallery_keyboard(
    page: Sequence[Style], *, start: int, following: Optional[int], picture: Optional[int]
) -> InlineKeyboardMarkup:
    """Numbers for the styles of a page; `following` is where the next page starts, if it does."""
    numbers = [
        _button(str(start + place), ChooseStyle(style=key_of(style.name), picture=picture))
        for place, style in enumerate(page, 1)
    ]
    rows = _in_rows(numbers, _NUMBERS_IN_A_ROW)
    if following is not None:
        rows.append([_button(_("More styles"), OpenGallery(start=following, picture=picture))])
    rows.append([_button(_("My own picture"), OwnStyle(picture=picture))])
    return _keyboard(rows)


def choice_keyboard(
    picture: int, style_title: Optional[str], generators: Iterable[Model]
) -> InlineKeyboardMarkup:
    """What can be done with a photo; `style_title` is that of the remembered style, if any."""
    rows = []
    if style_title is not None:
        label = _("Repaint: {style}").format(style=style_title)
        rows.append([_button(label, Repaint(picture=picture))])
        rows.append([_button(_("Repaint in another style"), OpenGallery(picture=picture))])
    else:
        rows.append([_button(_("Repaint this"), OpenGallery(picture=picture))])
    rows.append([_button(_("Use it as a style"), UseAsStyle(picture=picture))])
    rows += _generator_rows(generators, picture)
    return _keyboard(rows)


def settings_keyboard(options: StylizeOptions) -> InlineKeyboardMarkup:
    """The choices of each setting, the present one ticked."""
    return _keyboard(_setting_row(setting, setting.value(options)) for setting in SETTINGS.values())


def _setting_row(setting: Setting, present: Any) -> List[InlineKeyboardButton]:
    if setting.is_switch:
        other = Change(setting=setting.key, value=int(not present))
        return [_button(_ticked(setting.label(1, True), present), other)]
    return [
        _button(
            _ticked(setting.label(number, value), value == present),
            Change(setting=setting.key, value=number),
        )
        for number, value in enumerate(setting.choices)
    ]


def language_keyboard() -> InlineKeyboardMarkup:
    """All languages, each by its own name."""
    return _keyboard(
        [[_button(name, ChooseLanguage(language=code)) for code, name in LANGUAGES.items()]]
    )


def forget_keyboard() -> InlineKeyboardMarkup:
    """Under the question whether to delete everything."""
    sure, not_sure = Forget(sure=True), Forget(sure=False)
    return _keyboard([[_button(_("Delete everything"), sure), _button(_("Keep it"), not_sure)]])


def _generator_rows(
    generators: Iterable[Model], picture: Optional[int] = None
) -> List[List[InlineKeyboardButton]]:
    buttons = [
        _button(_(model.title), UseGenerator(model=key_of(model.name), picture=picture))
        for model in generators
    ]
    return _in_rows(buttons, 2)


def _in_rows(buttons: List[InlineKeyboardButton], most: int) -> List[List[InlineKeyboardButton]]:
    """As few rows of up to `most` buttons as possible, about equally long, the first not the shorter."""
    rows = -(-len(buttons) // most)
    ends = [-(-row * len(buttons) // rows) for row in range(rows + 1)] if rows else [0]
    return [buttons[start:end] for start, end in zip(ends, ends[1:])]


def _swap(job: Job) -> List[InlineKeyboardButton]:
    if not job.order.of_album:
        return []
    return [_button(_("Swap photo and style"), OfJob(action=Action.SWAP, job=job.id))]


def _ticked(label: str, ticked: bool) -> str:
    return f"✓ {label}" if ticked else label


def _button(label: str, data: CallbackData) -> InlineKeyboardButton:
    return InlineKeyboardButton(text=label, callback_data=data.pack())


def _keyboard(rows: Iterable[List[InlineKeyboardButton]]) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(inline_keyboard=[row for row in rows if row])
