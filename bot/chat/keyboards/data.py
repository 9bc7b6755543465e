"""What buttons carry: at most 64 bytes each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Optional

from aiogram import F
from aiogram.filters.callback_data import CallbackData, CallbackQueryFilter
from pydantic import Field
from typing_extensions import Annotated, Self

#: A forged number may be anything, and SQLite takes no more than 64 bits.
Id = Annotated[int, Field(ge=1, lt=2**63)]
Index = Annotated[int, Field(ge=0, lt=1000)]


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
    FINER = "finer"
    BROADER = "broader"
    VARY = "vary"
    ORIGINAL = "original"
    FILM = "film"


@dataclass(frozen=True)
class Purpose:
    """What a style is chosen for; the next photos, if nothing is given.

    picture: a photo.
    album: one photo of an album, for all of them.
    mix: the style joins another one: that of the job, else the remembered one.
    job: the job whose photo is painted again, in a mix.
    """

    picture: Optional[int] = None
    album: Optional[int] = None
    mix: Optional[bool] = None
    job: Optional[int] = None


NEXT_PHOTOS = Purpose()


class _OnPurpose(CallbackData, prefix="-"):
    """A choice for a purpose. Buttons of earlier releases lack the fields at the end."""

    @classmethod
    def unpack(cls, value: str) -> Self:
        """The data in a button; raises `ValueError` or `TypeError` for others."""
        missing = len(cls.model_fields) - value.count(cls.__separator__)
        return super().unpack(value + cls.__separator__ * missing)

    @property
    def purpose(self) -> Purpose:
        """What it is for."""
        return Purpose(**{name: getattr(self, name, None) for name in vars(NEXT_PHOTOS)})


class OpenGallery(_OnPurpose, prefix="gallery"):
    """Show the gallery from style number `start` on."""

    start: Index = 0
    picture: Optional[Id] = None
    album: Optional[Id] = None
    mix: Optional[bool] = None
    job: Optional[Id] = None


class ChooseStyle(_OnPurpose, prefix="style"):
    """Take the gallery's style of that key."""

    style: str
    picture: Optional[Id] = None
    album: Optional[Id] = None
    mix: Optional[bool] = None
    job: Optional[Id] = None


class OwnStyle(_OnPurpose, prefix="own"):
    """Take the next picture as the style."""

    picture: Optional[Id] = None
    album: Optional[Id] = None
    mix: Optional[bool] = None
    job: Optional[Id] = None


class UseGenerator(_OnPurpose, prefix="model"):
    """Take the installed generator of that key."""

    model: str
    picture: Optional[Id] = None
    album: Optional[Id] = None


class Repaint(_OnPurpose, prefix="repaint"):
    """Repaint the photos in the remembered style."""

    picture: Optional[Id] = None
    album: Optional[Id] = None


class UseAsStyle(CallbackData, prefix="asstyle"):
    """Take the picture as the style."""

    picture: Id


class UseAsPair(CallbackData, prefix="pair"):
    """Take the first picture of an album of two as the style, and the second as the photo."""

    album: Id


class OfJob(CallbackData, prefix="job"):
    """Do something with a job."""

    action: Action
    job: Id


class Balance(CallbackData, prefix="balance"):
    """Mix the two styles of a job in another ratio; `share` is that of the first, in per cent."""

    share: Annotated[int, Field(ge=1, le=99)]
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


class OpenPage(CallbackData, prefix="open"):
    """Open a page of the menu."""

    page: Page

    @classmethod
    def filter_for(cls, page: Page) -> CallbackQueryFilter:
        """A filter for the buttons that open this page."""
        return cls.filter(F.page == page)
