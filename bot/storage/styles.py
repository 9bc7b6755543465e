"""The styles of a painting: one, or several that are mixed by weight, kept as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Optional, Tuple


@dataclass(frozen=True)
class StyleChoice:
    """A style: one of the gallery by its name, or a picture that the user sent, by its id."""

    name: Optional[str] = None
    picture: Optional[int] = None


@dataclass(frozen=True)
class WeightedChoice:
    """A style and its share in a mix; only the ratio of the weights counts."""

    choice: StyleChoice
    weight: float = 1.0


#: One style, or those of a mix; none where no style is chosen.
Styles = Tuple[WeightedChoice, ...]


def alone(choice: StyleChoice) -> Styles:
    """The style without another one."""
    return (WeightedChoice(choice),)


def mixed(first: StyleChoice, second: StyleChoice, share: float = 0.5) -> Styles:
    """A mix of two styles; `share` is that of the first, between 0 and 1."""
    return WeightedChoice(first, share), WeightedChoice(second, round(1 - share, 6))


def styles_to_json(styles: Styles) -> str:
    """All styles, to be read by `styles_from_json`."""
    return json.dumps([{**asdict(each.choice), "weight": each.weight} for each in styles])


def styles_from_json(text: str) -> Styles:
    """The styles that were written."""
    return tuple(
        WeightedChoice(StyleChoice(each["name"], each["picture"]), each["weight"])
        for each in json.loads(text)
    )
