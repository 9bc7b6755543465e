"""Buttons, and rows of them."""

from __future__ import annotations

from typing import Iterable, List

from aiogram.filters.callback_data import CallbackData
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

Row = List[InlineKeyboardButton]


def button(label: str, data: CallbackData) -> InlineKeyboardButton:
    """A button that carries `data`."""
    return InlineKeyboardButton(text=label, callback_data=data.pack())


def keyboard(rows: Iterable[Row]) -> InlineKeyboardMarkup:
    """The rows that are not empty."""
    return InlineKeyboardMarkup(inline_keyboard=[row for row in rows if row])


def in_rows(buttons: Row, most: int) -> List[Row]:
    """As few rows of up to `most` buttons as possible, about equally long, the first not the shorter."""
    rows = -(-len(buttons) // most)
    ends = [-(-row * len(buttons) // rows) for row in range(rows + 1)] if rows else [0]
    return [buttons[start:end] for start, end in zip(ends, ends[1:])]
