"""The bot's languages: English stands in the code, the others in bot/locales.

`make texts` brings the catalogues up to date. Texts are looked up inside `i18n.context()` and
`i18n.use_locale(language)`, which the language middleware opens for every update.
"""

from __future__ import annotations

from pathlib import Path
from typing import Mapping, Optional, Tuple

from aiogram.utils.i18n import I18n
from aiogram.utils.i18n import gettext as _

from bot.storage.users import User

DOMAIN = "jetbrush"
LOCALES = Path(__file__).resolve().parent.parent / "locales"

SOURCE = "en"
LANGUAGES: Mapping[str, str] = {"en": "English", "ru": "Русский"}

#: Telegram's language codes whose speakers read a language rather than English.
READERS: Mapping[str, Tuple[str, ...]] = {"ru": ("ru", "uk", "be", "kk")}


def make_i18n() -> I18n:
    """The catalogues of all languages."""
    return I18n(path=LOCALES, default_locale=SOURCE, domain=DOMAIN)


def language_of(user: Optional[User], telegram_code: Optional[str]) -> str:
    """The language to speak: the user's choice, else what Telegram's settings suggest.

    telegram_code: an IETF tag such as `ru` or `pt-br`; `None` where Telegram does not say.
    """
    if user is not None and user.language in LANGUAGES:
        return str(user.language)
    primary = (telegram_code or "").lower().partition("-")[0]
    return next((language for language, codes in READERS.items() if primary in codes), SOURCE)


def about(seconds: float) -> str:
    """A length of time as one would say it: `40 s`, `3 min`, `2 h 5 min`, `3 d 4 h`."""
    if seconds < 55:
        # In steps of five, so that the text does not change with every look at the clock.
        return _("{seconds} s").format(seconds=max(5, 5 * round(seconds / 5)))
    hours, minutes = divmod(max(1, round(seconds / 60)), 60)
    if not hours:
        return _("{minutes} min").format(minutes=minutes)
    days, hours_left = divmod(hours, 24)
    if days:
        return _("{days} d {hours} h").format(days=days, hours=hours_left)
    return _("{hours} h {minutes} min").format(hours=hours, minutes=minutes)
