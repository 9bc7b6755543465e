"""What bot and painters send each other: JSON objects with a version and a kind.

A painter and a bot of the release before understand each other: fields are only added, with a
default, and unknown ones are ignored. A change that this cannot express raises `VERSION`; the release
that does so still reads `OLDEST`. tests/bot/painting/fleet/version_1.json holds messages of the first
release.
"""

from __future__ import annotations

import collections.abc
import json
from dataclasses import asdict, dataclass, field, is_dataclass
from typing import (
    Any,
    Dict,
    Mapping,
    Optional,
    Tuple,
    Type,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from bot.errors import FleetError

VERSION, OLDEST = 1, 1
#: How many characters a name or a sentence in a message has at most.
LONGEST = 200


@dataclass(frozen=True)
class About:
    """What a painter says of its machine.

    generators: by name. styles: the SHA-256 of the style pictures that need not travel.
    largest: the longer side in pixels, at most, that it can paint.
    seconds: the mean of its last paintings, `None` before the first.
    temperature: of the processor in degrees Celsius, `None` where nothing measures it.
    sketches: whether it has the networks for sketches. videos: whether it can repaint videos.
    """

    generators: Tuple[str, ...] = ()
    styles: Tuple[str, ...] = ()
    largest: int = 0
    backend: Optional[str] = None
    seconds: Optional[float] = None
    temperature: Optional[float] = None
    sketches: bool = False
    videos: bool = False


@dataclass(frozen=True)
class Hello:
    """A painter is there; repeated as a sign of life.

    session: another one each time the painter starts. job: what it works on, `None` while it is free.
    """

    session: str
    job: Optional[str] = None
    about: About = About()


@dataclass(frozen=True)
class Goodbye:
    """A painter stops; what it had is for another one."""


@dataclass(frozen=True)
class Step:
    """How far a painting is. Values of `progress` that name a file in the bucket are in `files`."""

    job: str
    number: int
    progress: Mapping[str, Any]
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ended:
    """How a job ended, as `bot.painting.fleet.endings` names it.

    file: the picture in the bucket, where it was painted. details: the fields of the result, or of
    the error.
    """

    job: str
    how: str
    details: Mapping[str, Any] = field(default_factory=dict)
    file: Optional[str] = None


@dataclass(frozen=True)
class Work:
    """A job for one painter.

    job: another one at each attempt, so that nothing late is taken for the answer to a new one.
    painter: whose it is. run: the start of the bot that gave it out.
    lease: seconds without a sign of life after which the bot gives the job to another painter.
    request: a `PaintRequest` as a message; its paths are names in the bucket. styles: those that the
        painter has itself, by their name in the request.
    preview_seconds, preview_share: a preview is wanted so many seconds after the one before, or after
        so much more of the work; 0 wants every one.
    """

    job: str
    painter: str
    run: str
    lease: float
    request: Mapping[str, Any]
    styles: Mapping[str, str] = field(default_factory=dict)
    preview_seconds: float = 0.0
    preview_share: float = 0.0


@dataclass(frozen=True)
class Sketch:
    """A sketch that is wanted at once, beside the job of the painter.

    sketch: another one for each. within: seconds after which it is not wanted any more. request: a
    `SketchRequest` as a message. styles: as in `Work`.
    """

    sketch: str
    within: float
    request: Mapping[str, Any]
    styles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sketched:
    """A sketch as a file in the bucket, or a message that says why there is none."""

    sketch: str
    file: Optional[str] = None
    message: str = ""


@dataclass(frozen=True)
class Welcome:
    """The bot's answer to a first hello: the painter's stream and bucket are there."""

    run: str
    lease: float


@dataclass(frozen=True)
class Cancel:
    """The job is not wanted any more; an answer to a stale job too."""

    job: str


@dataclass(frozen=True)
class WhoIsThere:
    """The bot has started, and knows no painter."""

    run: str


Message = Union[Hello, Goodbye, Step, Ended, Work, Sketch, Sketched, Welcome, Cancel, WhoIsThere]

Made = TypeVar("Made")

#: The largest number in a message: all whole numbers up to it are floats too.
_MOST = 1 << 53

_KINDS: Dict[str, Type[Any]] = {
    "hello": Hello,
    "goodbye": Goodbye,
    "step": Step,
    "ended": Ended,
    "work": Work,
    "sketch": Sketch,
    "sketched": Sketched,
    "welcome": Welcome,
    "cancel": Cancel,
    "who": WhoIsThere,
}


def encode(message: Message) -> bytes:
    """The message as it is sent."""
    kind = next(kind for kind, each in _KINDS.items() if isinstance(message, each))
    return json.dumps({"version": VERSION, "kind": kind, **asdict(message)}).encode()


def decode(data: bytes) -> Message:
    """The message that was sent.

    Raises `FleetError` for what is none, or of a version that is not spoken here.
    """
    try:
        values = json.loads(data.decode())
        # Half of a surrogate pair, which JSON can escape, could not be written anywhere else.
        json.dumps(values, ensure_ascii=False).encode()
        version, kind = values["version"], _KINDS[values["kind"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FleetError(f"A message of the fleet is not understood: {data[:80]!r}.") from error
    if not isinstance(version, int) or not OLDEST <= version <= VERSION:
        raise FleetError(
            f"A message of the fleet has version {version!r}, and {OLDEST} to {VERSION} are understood"
            " here. Install the same release of Jetbrush on the bot's machine and the painters."
        )
    try:
        message: Message = made(kind, values)
        return message
    except TypeError as error:
        raise FleetError(f"A message of the fleet is wrong ({error}): {data[:80]!r}.") from error


def made(kind: Type[Made], values: Mapping[str, Any]) -> Made:
    """An instance of a data class from the values that this release knows.

    Raises `TypeError` where one is missing or of another type: another machine may send anything.
    """
    hints = get_type_hints(kind)
    given = {
        name: _fitting(name, value, hints[name]) for name, value in values.items() if name in hints
    }
    return kind(**given)


def _fitting(name: str, value: Any, hint: Any) -> Any:
    """The value as the type `hint` of a message's field has it."""
    if isinstance(hint, type) and is_dataclass(hint) and isinstance(value, dict):
        return made(hint, value)
    if get_origin(hint) is tuple and isinstance(value, list):
        value = tuple(value)
    if not _fits(value, hint):
        raise TypeError(f"{name} is {str(value)[:80]!r}")
    return value


def _fits(value: Any, hint: Any) -> bool:
    origin, inside = get_origin(hint), get_args(hint)
    if origin is Union:
        return any(_fits(value, each) for each in inside)
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(each, inside[0]) for each in value)
    if origin is collections.abc.Mapping:
        return isinstance(value, dict) and all(_fits(each, inside[1]) for each in value.values())
    if hint in (int, float) and isinstance(value, (int, float)):
        # JSON has whole numbers for both, and Python takes truths for numbers and reads NaN.
        whole = isinstance(value, int) and not isinstance(value, bool)
        return (whole or (hint is float and isinstance(value, float))) and abs(value) <= _MOST
    if hint is str:
        return isinstance(value, str) and len(value) <= LONGEST
    return hint is Any or isinstance(value, hint)
