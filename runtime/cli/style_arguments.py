"""Which of the arguments are styles: the last one, or all at the end that have a weight."""

from __future__ import annotations

import re
from pathlib import Path
from typing import List, NamedTuple, Optional, Sequence, Tuple

from runtime.catalog.styles import installed_styles
from runtime.errors import OptionError

_WEIGHTED = re.compile(r"(.+):(\d+\.?\d*|\.\d+)")


class StyleArgument(NamedTuple):
    """The name of a style or the path of its picture, and its share in a mix."""

    style: str
    weight: float = 1.0


def split_styles(photos: Sequence[str], last: str) -> Tuple[List[Path], List[StyleArgument]]:
    """The photos, and the styles that follow them; `last` is the last argument.

    `NAME:WEIGHT` is a style of a mix, unless a file or a style has that very name. Raises
    `OptionError` for a weight of 0, for a style without a weight among others, and without a photo.
    """
    rest, styles = list(photos), [_weighted(last) or StyleArgument(last)]
    if _weighted(last) is not None:
        while rest:
            weighted = _weighted(rest[-1])
            if weighted is None:
                break
            styles.insert(0, weighted)
            rest.pop()
    if not rest:
        raise OptionError("No photo is given; name it before the styles.")
    if rest[-1] in installed_styles() and not Path(rest[-1]).exists():
        raise OptionError(
            f"{rest[-1]!r} is a style, and stands where a photo is expected; to mix styles, give "
            f"each of them a weight: {rest[-1]}:0.5 {styles[0].style}:0.5."
        )
    return [Path(each) for each in rest], styles


def _weighted(argument: str) -> Optional[StyleArgument]:
    """The style and its weight, `None` for an argument that is no such pair."""
    match = _WEIGHTED.fullmatch(argument)
    if match is None or argument in installed_styles() or Path(argument).exists():
        return None
    style, weight = match[1], float(match[2])
    if not weight:
        raise OptionError(f"The weight of {style!r} is {match[2]}; expected a number above 0.")
    return StyleArgument(style, weight)
