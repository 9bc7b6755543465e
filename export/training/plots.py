"""The curves and the confusion matrix of a training as pictures, drawn with Pillow."""

from __future__ import annotations

import math
from typing import Any, List, Sequence, Tuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from export.training.state import Epoch

_PAPER, _INK, _GREY, _GRID = "white", "#222222", "#777777", "#e4e4e4"
_LEARNT, _JUDGED = "#c4541c", "#1f6fb4"
_TEXT, _SMALL = 15, 12

#: A panel of the curves: its size, and the room left, top, right and below for its texts.
_PANEL, _ROOM = (560, 380), (64, 44, 20, 48)

#: Up to so many classes are written beside the matrix; it is about so many pixels wide.
_MOST_NAMES, _MATRIX = 40, 900


def draw_curves(history: Sequence[Epoch]) -> Image.Image:
    """Loss and accuracy over the epochs; a dashed line where all layers begin to learn."""
    image = Image.new("RGB", (2 * _PANEL[0], _PANEL[1]), _PAPER)
    losses = [each.train_loss for each in history], [each.loss for each in history]
    shares = [each.train_accuracy for each in history], [each.accuracy for each in history]
    turn = sum(each.phase == history[0].phase for each in history)
    turn = turn if turn < len(history) else 0
    top = max(max(losses[0]), max(losses[1]))
    _Panel(image, 0, "loss", _nice_steps(top), "{:.3g}").draw(*losses, turn)
    _Panel(image, _PANEL[0], "accuracy", [0, 0.2, 0.4, 0.6, 0.8, 1], "{:.0%}").draw(*shares, turn)
    return image


def draw_confusion(confusion: Sequence[Sequence[int]], classes: Sequence[str]) -> Image.Image:
    """Rows are what the pictures show, columns what they were taken for; shares of the row."""
    counts = np.asarray(confusion, np.float64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    named = len(classes) <= _MOST_NAMES
    cell = max(6, min(40, _MATRIX // len(classes)))
    font = _font(_SMALL)
    longest = max(font.getlength(name) for name in classes) if named else 0
    left, top = 40 + int(longest), 60 + int(longest)
    width = left + cell * len(classes) + 20
    image = Image.new("RGB", (max(width, 420), top + cell * len(classes) + 20), _PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((14, 12), "rows: what is shown; columns: what it was taken for", _INK, _font(_TEXT))
    for row, column in np.ndindex(*shares.shape):
        place = (left + column * cell, top + row * cell)
        share = shares[row, column]
        draw.rectangle((*place, place[0] + cell - 1, place[1] + cell - 1), _shade(share))
        if cell >= 26 and counts[row, column]:
            middle = (place[0] + cell / 2, place[1] + cell / 2)
            ink = _PAPER if share > 0.5 else _INK
            draw.text(middle, f"{counts[row, column]:.0f}", ink, font, anchor="mm")
    if named:
        for index, name in enumerate(classes):
            middle_of_cell = (index + 0.5) * cell
            draw.text((left - 8, top + middle_of_cell), name, _INK, font, anchor="rm")
            _write_upright(image, name, (int(left + middle_of_cell), top - 8), font)
    edge = (left - 1, top - 1, left + cell * len(classes), top + cell * len(classes))
    draw.rectangle(edge, outline=_GREY)
    return image


class _Panel:
    """One chart with its axes."""

    def __init__(
        self, image: Image.Image, left: int, title: str, ticks: Sequence[float], form: str
    ) -> None:
        self._draw = ImageDraw.Draw(image)
        self._box = (
            left + _ROOM[0],
            _ROOM[1],
            left + _PANEL[0] - _ROOM[2],
            _PANEL[1] - _ROOM[3],
        )
        self._left, self._title, self._ticks, self._form = left, title, ticks, form

    def draw(self, learnt: Sequence[float], judged: Sequence[float], turn: int) -> None:
        """The axes, both curves, and what is what."""
        draw, (left, top, right, bottom) = self._draw, self._box
        font = _font(_SMALL)
        for tick in self._ticks:
            down = self._place(0, tick, 2)[1]
            draw.line((left, down, right, down), _GRID)
            draw.text((left - 8, down), self._form.format(tick), _GREY, font, anchor="rm")
        count = len(learnt)
        for number in range(1, count + 1, max(1, math.ceil(count / 12))):
            across = self._place(number - 1, 0, count)[0]
            draw.text((across, bottom + 8), str(number), _GREY, font, anchor="ma")
        draw.text(((left + right) / 2, bottom + 26), "epoch", _GREY, font, anchor="ma")
        if turn:
            across = self._place(turn - 0.5, 0, count)[0]
            for down in range(top, bottom, 8):
                draw.line((across, down, across, min(down + 4, bottom)), _GREY)
        draw.line((left, top, left, bottom, right, bottom), _GREY)
        for values, colour in ((learnt, _LEARNT), (judged, _JUDGED)):
            points = [self._place(index, value, count) for index, value in enumerate(values)]
            draw.line(points, colour, 2, joint="curve")
            for across, down in points:
                draw.ellipse((across - 3, down - 3, across + 3, down + 3), colour)
        title = _font(_TEXT)
        draw.text((left, 14), self._title, _INK, title)
        across = left + title.getlength(self._title) + 30
        for name, colour in (("training", _LEARNT), ("validation", _JUDGED)):
            draw.line((across, 23, across + 20, 23), colour, 3)
            draw.text((across + 26, 14), name, _INK, title)
            across += 46 + title.getlength(name)

    def _place(self, index: float, value: float, count: int) -> Tuple[float, float]:
        left, top, right, bottom = self._box
        across = (index + 0.5) / max(count, 1)
        up = value / self._ticks[-1]
        return left + across * (right - left), bottom - up * (bottom - top)


def _nice_steps(top: float) -> List[float]:
    """From 0 to `top` or a little more, in about five steps of 1, 2 or 5 of a power of ten."""
    power = 10.0 ** math.floor(math.log10(max(top, 1e-6) / 5))
    step = next(each * power for each in (1, 2, 5, 10) if each * power * 5 >= top * 0.999)
    return [step * index for index in range(math.ceil(top * 0.999 / step) + 1)]


def _shade(share: float) -> Tuple[int, int, int]:
    """White for none, a dark blue for all; small shares are to be seen too."""
    strength = share**0.6
    red, green, blue = (round(255 + strength * (end - 255)) for end in (16, 62, 120))
    return red, green, blue


def _write_upright(image: Image.Image, text: str, foot: Tuple[int, int], font: Any) -> None:
    """Text that is read from below, its beginning at `foot`."""
    size = int(font.getlength(text)) + 2, _SMALL + 6
    label = Image.new("RGB", size, _PAPER)
    ImageDraw.Draw(label).text((1, size[1] / 2), text, _INK, font, anchor="lm")
    label = label.transpose(Image.Transpose.ROTATE_90)
    image.paste(label, (foot[0] - size[1] // 2, foot[1] - size[0]))


def _font(size: int) -> Any:
    return ImageFont.load_default(size)
