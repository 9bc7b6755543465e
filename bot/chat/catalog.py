"""What is on offer: the gallery's styles and the installed generators, by name or short key.

A button's data has room for 64 bytes, and the owner may call a style anything: buttons carry keys.
"""

from __future__ import annotations

import hashlib
from typing import Iterable, List, Optional, TypeVar

from aiogram.utils.i18n import gettext as _

from bot.painting.protocol import STYLIZE
from bot.storage.jobs import Order
from bot.storage.users import StyleChoice
from runtime import Model, Style, installed_styles, models

Offer = TypeVar("Offer", Style, Model)


def key_of(name: str) -> str:
    """Ten characters that stand for a name."""
    return hashlib.sha256(name.encode("utf-8")).hexdigest()[:10]


def gallery_styles() -> List[Style]:
    """The gallery, in its order."""
    return list(installed_styles().values())


def generators() -> List[Model]:
    """The installed generators, in the order in which they are offered."""
    return list(models().values())


def style_of_key(key: str) -> Optional[Style]:
    """The gallery's style, `None` when there is none (any more)."""
    return _of_key(key, gallery_styles())


def generator_of_key(key: str) -> Optional[Model]:
    """The installed generator, `None` when there is none (any more)."""
    return _of_key(key, generators())


def title_of_style(choice: StyleChoice, language: str) -> str:
    """What a user knows the style by."""
    style = installed_styles().get(choice.gallery or "")
    if style is not None:
        return style.title[language]
    return choice.gallery or _("your own picture")


def title_of_order(order: Order, language: str) -> str:
    """What a user knows the wish by: the style's title, or the generator's."""
    if order.kind == STYLIZE and order.style is not None:
        return title_of_style(order.style, language)
    name = order.model or ""
    model = models().get(name)
    return name if model is None else _(model.title)


def _of_key(key: str, offers: Iterable[Offer]) -> Optional[Offer]:
    return next((each for each in offers if key_of(each.name) == key), None)
