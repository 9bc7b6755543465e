"""The options of style transfer that users may set: the one place that shows them in the chat.

A new option needs a line in `SETTINGS`; keyboard, text and storage follow from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Mapping, Optional, Tuple

from aiogram.utils.i18n import gettext as _

from runtime import StylizeOptions

#: From gentle to strong, see `StylizeOptions.strength`.
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
#: Pixels, see `StylizeOptions.size`.
SIZES = (256, 384, 512)


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


def _strength(strength: float) -> str:
    nearest = min(range(len(STRENGTHS)), key=lambda number: abs(STRENGTHS[number] - strength))
    return _("<b>Strength:</b> {number} of {count}. How strongly the style shows.").format(
        number=nearest + 1, count=len(STRENGTHS)
    )


def _size(size: int) -> str:
    return _(
        "<b>Size:</b> {size} px. A larger size gives finer strokes and takes longer; the "
        "result is always as large as your photo."
    ).format(size=size)


def _colours(keep: bool) -> str:
    colours = _("as in the photo") if keep else _("as in the style")
    return _("<b>Colours:</b> {colours}.").format(colours=colours)


SETTINGS: Mapping[str, Setting] = {
    setting.key: setting
    for setting in (
        Setting("strength", "strength", STRENGTHS, lambda n, _value: str(n + 1), _strength),
        Setting("size", "size", SIZES, lambda _n, size: f"{size} px", _size),
        Setting(
            "colours",
            "keep_colours",
            (False, True),
            lambda _n, _value: _("Keep the photo's colours"),
            _colours,
        ),
    )
}


def described(options: StylizeOptions) -> str:
    """All settings with their present values, as HTML."""
    parts = [setting.described(setting.value(options)) for setting in SETTINGS.values()]
    return "\n\n".join([_("<b>Settings</b> for style transfer"), *parts])


def weaker(options: StylizeOptions) -> Optional[float]:
    """The next smaller strength, `None` at the end."""
    return max((each for each in STRENGTHS if each < options.strength), default=None)


def stronger(options: StylizeOptions) -> Optional[float]:
    """The next greater strength, `None` at the end."""
    return min((each for each in STRENGTHS if each > options.strength), default=None)
