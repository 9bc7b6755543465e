"""What a dialogue remembers between two messages of a user in a chat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional

from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup

from bot.chat.keyboards.data import NEXT_PHOTOS, Purpose
from bot.stored_options import Kind

# Keys of the dialogue's data, besides the fields of `Purpose`.
_KIND, _MODEL, _LANGUAGE = "kind", "model", "language"


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


def purpose_in(data: Mapping[str, Any]) -> Purpose:
    """What a style picture is awaited for."""
    return Purpose(**{name: data.get(name) for name in vars(NEXT_PHOTOS)})


async def begin(state: FSMContext, mode: Mode) -> None:
    """Do this with the photos from now on."""
    await state.set_state(None)
    await state.set_data({_KIND: mode.kind.value, _MODEL: mode.model})


async def await_style(state: FSMContext, purpose: Purpose) -> None:
    """Take the next picture as the style for the purpose."""
    given = {name: value for name, value in vars(purpose).items() if value}
    await state.set_data({**_without_purpose(await state.get_data()), **given})
    await state.set_state(Waiting.style)


async def stop_waiting(state: FSMContext) -> None:
    """Await no style any more, and do with photos what was done before."""
    await state.set_state(None)
    await state.set_data(_without_purpose(await state.get_data()))


async def owe_album(state: FSMContext, language: str) -> None:
    """Note in which language an album is to be answered, should the bot end before that."""
    await state.set_state(None)
    await state.update_data({_LANGUAGE: language})


def _without_purpose(data: Mapping[str, Any]) -> Dict[str, Any]:
    return {name: value for name, value in data.items() if name not in vars(NEXT_PHOTOS)}
