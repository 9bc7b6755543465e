"""The options of style transfer that users may set: the one place that shows them in the chat.

A new option needs a line in `settings_for`; keyboard, text and storage follow from it.
"""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass, replace
from typing import Any, Callable, Mapping, NamedTuple, Optional, Tuple

from aiogram.utils.i18n import gettext as _

from runtime import StylizeOptions
from runtime.options import BRUSHES, FACES

#: From gentle to strong, see `StylizeOptions.strength`.
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
#: Pixels, see `StylizeOptions.fine`; those above the owner's limit are not offered.
SIZES = (640, 1024, 1280)


@dataclass(frozen=True)
class Setting:
    """An option that users may set.

    key: its short name in a button's data.
    option: its field in `StylizeOptions`.
    choices: the values to choose from; two for a switch, the first being off.
    label: the text on the button of a choice, by its number and value.
    described: the sentence that tells the present value, as HTML.
    """

    key: str
    option: str
    choices: Tuple[Any, ...]
    label: Callable[[int, Any], str]
    described: Callable[[Any], str]

    @property
    def is_switch(self) -> bool:
        """Whether one button turns it on and off."""
        return self.choices == (False, True)

    def value(self, options: StylizeOptions) -> Any:
        """The present value."""
        return getattr(options, self.option)


def settings_for(limit: int) -> Mapping[str, Setting]:
    """The settings by key, in their order; `limit` is the largest size in pixels."""
    sizes = (*(size for size in SIZES if size < limit), limit)
    settings = (
        Setting("strength", "strength", STRENGTHS, lambda n, _value: str(n + 1), _strength),
        Setting("size", "fine", sizes, lambda _n, size: f"{size} px", _size),
        Setting("brush", "brush", tuple(BRUSHES), lambda _n, brush: _brush_labels()[brush], _brush),
        Setting("faces", "faces", FACES, lambda _n, faces: _face_labels()[faces], _faces),
        Setting(
            "colours",
            "keep_colours",
            (False, True),
            lambda _n, _value: _("Keep the photo's colours"),
            _colours,
        ),
    )
    return {setting.key: setting for setting in settings}


def described(settings: Mapping[str, Setting], options: StylizeOptions) -> str:
    """All settings with their present values, as HTML."""
    parts = [setting.described(setting.value(options)) for setting in settings.values()]
    return "\n\n".join([_("<b>Settings</b> for style transfer"), *parts])


class Step(NamedTuple):
    """From one choice of an option to the next one, or with -1 to the one before."""

    option: str
    by: int


_LADDERS: Mapping[str, Tuple[Any, ...]] = {"strength": STRENGTHS, "brush": tuple(BRUSHES)}


def stepped(options: StylizeOptions, step: Step) -> Optional[StylizeOptions]:
    """The options after the step, `None` at the end."""
    choices, present = _LADDERS[step.option], getattr(options, step.option)
    if present in choices:
        number = choices.index(present) + step.by
    else:
        # Between two choices: the next one is there already, the one before has it as the next.
        number = bisect(choices, present) + min(step.by, 0)
    if not 0 <= number < len(choices):
        return None
    return replace(options, **{step.option: choices[number]})


def _strength(strength: float) -> str:
    nearest = min(range(len(STRENGTHS)), key=lambda number: abs(STRENGTHS[number] - strength))
    return _("<b>Strength:</b> {number} of {count}. How strongly the style shows.").format(
        number=nearest + 1, count=len(STRENGTHS)
    )


def _size(size: int) -> str:
    return _(
        "<b>Size:</b> strokes for {size} px. A larger size gives finer strokes on large photos and "
        "takes longer; the result is always as large as your photo."
    ).format(size=size)


def _brush_labels() -> Mapping[str, str]:
    return {"fine": _("Fine brush"), "medium": _("Medium brush"), "broad": _("Broad brush")}


def _brush(brush: str) -> str:
    names = {"fine": _("fine"), "medium": _("medium"), "broad": _("broad")}
    return _("<b>Brush:</b> {brush}. How large the strokes and patterns are.").format(
        brush=names[brush]
    )


def _face_labels() -> Mapping[str, str]:
    return {"keep": _("Keep faces"), "paint": _("Paint over faces")}


def _faces(faces: str) -> str:
    return {
        "keep": _("<b>Faces:</b> keep. People stay recognisable."),
        "paint": _("<b>Faces:</b> paint over, like everything else."),
    }[faces]


def _colours(keep: bool) -> str:
    colours = _("as in the photo") if keep else _("as in the style")
    return _("<b>Colours:</b> {colours}.").format(colours=colours)
