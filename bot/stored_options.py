"""The options of a painting as the bot keeps them: whole, in one JSON column.

An option is added in `runtime.options`; nothing here or in the database names a single one.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, fields, replace
from enum import Enum
from functools import lru_cache
from typing import Any, Mapping, Type, TypeVar, Union

from runtime import OptionError, StylizeOptions, TranslateOptions, VideoOptions

PaintOptions = Union[StylizeOptions, TranslateOptions, VideoOptions]
Options = TypeVar("Options", StylizeOptions, TranslateOptions, VideoOptions)

_log = logging.getLogger(__name__)


class Kind(str, Enum):
    """What is done: style transfer to a photo or to a video, or a generator to a photo."""

    STYLIZE = "stylize"
    TRANSLATE = "translate"
    VIDEO = "video"


_CLASSES: Mapping[Kind, Type[Any]] = {
    Kind.STYLIZE: StylizeOptions,
    Kind.TRANSLATE: TranslateOptions,
    Kind.VIDEO: VideoOptions,
}


def kind_of(options: PaintOptions) -> Kind:
    """What these options are for."""
    return next(kind for kind, each in _CLASSES.items() if isinstance(options, each))


def options_to_json(options: PaintOptions) -> str:
    """All values, to be read by `options_from_json`."""
    return json.dumps(asdict(options), sort_keys=True)


# A queue of a thousand jobs is read again and again, and most have the same options.
@lru_cache(maxsize=1024)
def options_from_json(kind: Kind, text: str) -> PaintOptions:
    """The options that were written, by this release or by another one."""
    options: PaintOptions = with_chosen(_CLASSES[kind](), json.loads(text))
    return options


def with_chosen(defaults: Options, chosen: Mapping[str, Any]) -> Options:
    """`defaults` with the values in `chosen`.

    A value that this release does not know or allow is left out, and logged.
    """
    known = {each.name for each in fields(defaults)}
    options = defaults
    for name, value in chosen.items():
        try:
            if name not in known:
                raise OptionError(f"there is no option {name}")
            options = replace(options, **{name: value})
        except (OptionError, TypeError) as error:
            _log.warning("The stored option %s=%r is ignored: %s", name, value, error)
    return options
