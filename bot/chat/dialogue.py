"""What a dialogue remembers between two messages of a user in a chat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Optional

from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup

# Keys of the dialogue's data.
_MODE, _LANGUAGE, _PICTURE = "mode", "language", "picture"


class Waiting(StatesGroup):
    """What the next picture is, if it is no photo to paint."""

    style = State()


@dataclass(frozen=True)
class Mode:
    """What is done with every photo that comes in: one of `bot.painting.protocol`'s kinds, by which model."""

    kind: str
    model: Optional[str] = None

    def __str__(self) -> str:
        return self.kind if self.model is None else f"{self.kind}:{self.model}"


def mode_in(data: Mapping[str, Any]) -> Optional[Mode]:
    """The mode in a dialogue's data, `None` where none is chosen."""
    text = data.get(_MODE)
    if text is None:
        return None
    kind, _colon, model = text.partition(":")
    return Mode(kind, model or None)


def language_in(data: Mapping[str, Any]) -> Optional[str]:
    """The language in which the answer to an album is owed."""
    return data.get(_LANGUAGE)


def picture_in(data: Mapping[str, Any]) -> Optional[int]:
    """The photo for which a style picture is awaited, `None` if it is still to come."""
    return data.get(_PICTURE)


async def begin(state: FSMContext, mode: Mode) -> None:
    """Do this with the photos from now on."""
    await state.set_state(None)
    await state.set_data({_MODE: str(mode)})


async def await_style(state: FSMContext, picture: Optional[int]) -> None:
    """Take the next picture as the style, for the photo `picture` if that is known."""
    await state.set_data({} if picture is None else {_PICTURE: picture})
    await state.set_state(Waiting.style)


async def owe_album(state: FSMContext, language: str) -> None:
    """Note in which language an album is to be answered, should the bot end before that."""
    await state.set_state(None)
    await state.update_data({_LANGUAGE: language})
