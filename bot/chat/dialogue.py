"""What a dialogue remembers between two messages of a user in a chat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Optional

from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup

from bot.stored_options import Kind

# Keys of the dialogue's data.
_KIND, _MODEL, _LANGUAGE, _PICTURE = "kind", "model", "language", "picture"


class Waiting(StatesGroup):
    """What the next picture is, if it is no photo to paint."""

    style = State()


@dataclass(frozen=True)
class Mode:
    """What is done with every photo that comes in; `model` is the generator, if one does it."""

    kind: Kind
    model: Optional[str] = None


def mode_in(data: Mapping[str, Any]) -> Optional[Mode]:
    """The mode in a dialogue's data, `None` where none is chosen."""
    kind = data.get(_KIND)
    return None if kind is None else Mode(Kind(kind), data.get(_MODEL))


def language_in(data: Mapping[str, Any]) -> Optional[str]:
    """The language in which an album is to be answered."""
    return data.get(_LANGUAGE)


def picture_in(data: Mapping[str, Any]) -> Optional[int]:
    """The photo for which a style picture is awaited, `None` if it is still to come."""
    return data.get(_PICTURE)


async def begin(state: FSMContext, mode: Mode) -> None:
    """Do this with the photos from now on."""
    await state.set_state(None)
    await state.set_data({_KIND: mode.kind.value, _MODEL: mode.model})


async def await_style(state: FSMContext, picture: Optional[int]) -> None:
    """Take the next picture as the style, for the photo `picture` if that is known."""
    await state.set_data({} if picture is None else {_PICTURE: picture})
    await state.set_state(Waiting.style)


async def owe_album(state: FSMContext, language: str) -> None:
    """Note in which language an album is to be answered, should the bot end before that."""
    await state.set_state(None)
    await state.update_data({_LANGUAGE: language})
