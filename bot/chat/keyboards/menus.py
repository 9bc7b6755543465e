"""The keyboards of the menu, the gallery, the questions and the settings.

The labels are in the language of the context that the caller is in.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Iterable, List, Mapping, Optional, Sequence

from aiogram.types import InlineKeyboardMarkup
from aiogram.utils.i18n import gettext as _

from bot.chat.catalog import key_of
from bot.chat.keyboards.building import Row, button, in_rows, keyboard
from bot.chat.keyboards.data import (
    NEXT_PHOTOS,
    Change,
    ChooseLanguage,
    ChooseStyle,
    Forget,
    OpenGallery,
    OpenPage,
    OwnStyle,
    Page,
    Purpose,
    Repaint,
    UseAsPair,
    UseAsStyle,
    UseGenerator,
)
from bot.chat.languages import LANGUAGES
from bot.chat.user_options import Setting
from runtime import Model, Style, StylizeOptions

_NUMBERS_IN_A_ROW = 5


def menu_keyboard(generators: Iterable[Model], *, examples: bool) -> InlineKeyboardMarkup:
    """All that the bot can do; `examples` says whether there are any."""
    rows = [[button(_("Style transfer"), OpenGallery())]]
    rows += _generator_rows(generators)
    if examples:
        rows.append([button(_("Examples"), OpenPage(page=Page.EXAMPLES))])
    settings = button(_("Settings"), OpenPage(page=Page.SETTINGS))
    # In both languages: whoever needs this button may not read the present one.
    rows.append([settings, button("Язык · Language", OpenPage(page=Page.LANGUAGE))])
    return keyboard(rows)


def gallery_keyboard(
    page: Sequence[Style],
    purpose: Purpose,
    *,
    start: int,
    following: Optional[int],
    mixed_with: Optional[str] = None,
) -> InlineKeyboardMarkup:
    """Numbers for the styles of a page; `following` is where the next page starts, if it does.

    mixed_with: the title of the style with which the chosen one may be mixed.
    """
    rows = in_rows(_style_numbers(page, purpose, start), _NUMBERS_IN_A_ROW)
    if following is not None:
        rows.append([button(_("More styles"), OpenGallery(start=following, **vars(purpose)))])
    rows.append([button(_("My own picture"), OwnStyle(**vars(purpose)))])
    if mixed_with is not None:
        label = _("Mix with: {style}").format(style=mixed_with)
        rows.append([button(label, OpenGallery(**vars(replace(purpose, mix=True))))])
    return keyboard(rows)


def mix_keyboard() -> InlineKeyboardMarkup:
    """Under a message that names the remembered style."""
    return keyboard([[button(_("Mix with another style"), OpenGallery(mix=True))]])


def choice_keyboard(
    picture: int, style_title: Optional[str], generators: Iterable[Model]
) -> InlineKeyboardMarkup:
    """What can be done with a photo; `style_title` is that of the remembered style, if any."""
    purpose = Purpose(picture=picture)
    return keyboard(
        [
            *_repaint_rows(purpose, style_title, _("Repaint this")),
            [button(_("Use it as a style"), UseAsStyle(picture=picture))],
            *_generator_rows(generators, purpose),
        ]
    )


def sheet_keyboard(
    picture: int, page: Sequence[Style], *, own: bool, more: bool, generators: Iterable[Model]
) -> InlineKeyboardMarkup:
    """Numbers for the sketches of a photo: the styles of the gallery, and then the user's own.

    more: the gallery has further styles.
    """
    purpose = Purpose(picture=picture)
    numbers = _style_numbers(page, purpose, 0)
    if own:
        numbers.append(button(str(len(page) + 1), Repaint(picture=picture)))
    further = button(_("More styles"), OpenGallery(start=len(page), **vars(purpose)))
    return keyboard(
        [
            *in_rows(numbers, _NUMBERS_IN_A_ROW),
            [further] if more else [],
            [button(_("My own picture"), OwnStyle(**vars(purpose)))],
            [button(_("Use it as a style"), UseAsStyle(picture=picture))],
            *_generator_rows(generators, purpose),
        ]
    )


def video_keyboard(picture: int, style_title: Optional[str]) -> InlineKeyboardMarkup:
    """What can be done with a video; `style_title` is that of the remembered style, if any."""
    return keyboard(_repaint_rows(Purpose(picture=picture), style_title, _("Repaint this")))


def album_keyboard(
    pictures: Sequence[int], style_title: Optional[str], generators: Iterable[Model]
) -> InlineKeyboardMarkup:
    """What can be done with the photos of an album, of which two may be a style and a photo."""
    purpose = Purpose(album=pictures[0])
    is_pair = len(pictures) == 2
    pair = button(_("A style and a photo"), UseAsPair(album=pictures[0]))
    label = _("Repaint both photos") if is_pair else _("Repaint them all")
    return keyboard(
        [
            [pair] if is_pair else [],
            *_repaint_rows(purpose, style_title, label),
            *_generator_rows(generators, purpose),
        ]
    )


def settings_keyboard(
    settings: Mapping[str, Setting], options: StylizeOptions
) -> InlineKeyboardMarkup:
    """The choices of each setting, the present one ticked."""
    return keyboard(_setting_row(setting, setting.value(options)) for setting in settings.values())


def language_keyboard() -> InlineKeyboardMarkup:
    """All languages, each by its own name."""
    return keyboard(
        [[button(name, ChooseLanguage(language=code)) for code, name in LANGUAGES.items()]]
    )


def forget_keyboard() -> InlineKeyboardMarkup:
    """Under the question whether to delete everything."""
    sure, not_sure = Forget(sure=True), Forget(sure=False)
    return keyboard([[button(_("Delete everything"), sure), button(_("Keep it"), not_sure)]])


def _style_numbers(page: Sequence[Style], purpose: Purpose, start: int) -> Row:
    return [
        button(str(start + place), ChooseStyle(style=key_of(style.name), **vars(purpose)))
        for place, style in enumerate(page, 1)
    ]


def _repaint_rows(purpose: Purpose, style_title: Optional[str], label: str) -> List[Row]:
    """The ways to the remembered style, if there is one, and to the gallery."""
    gallery = OpenGallery(**vars(purpose))
    if style_title is None:
        return [[button(label, gallery)]]
    repaint = Repaint(picture=purpose.picture, album=purpose.album)
    return [
        [button(_("Repaint: {style}").format(style=style_title), repaint)],
        [button(_("Repaint in another style"), gallery)],
    ]


def _generator_rows(generators: Iterable[Model], purpose: Purpose = NEXT_PHOTOS) -> List[Row]:
    chosen = {"picture": purpose.picture, "album": purpose.album}
    buttons = [
        button(_(model.title), UseGenerator(model=key_of(model.name), **chosen))
        for model in generators
    ]
    return in_rows(buttons, 2)


def _setting_row(setting: Setting, present: Any) -> Row:
    if setting.is_switch:
        other = Change(setting=setting.key, value=int(not present))
        return [button(_ticked(setting.label(1, True), present), other)]
    return [
        button(
            _ticked(setting.label(number, value), value == present),
            Change(setting=setting.key, value=number),
        )
        for number, value in enumerate(setting.choices)
    ]


def _ticked(label: str, ticked: bool) -> str:
    return f"✓ {label}" if ticked else label
