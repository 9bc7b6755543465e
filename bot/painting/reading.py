"""Reads pictures in the painter. They come from strangers, so a bad one is never tried again.

The parent limits the time, see `bot.painting.client`, and this module the memory.
"""

from __future__ import annotations

import contextlib
import re
import resource
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Iterator, List, Mapping, Optional, Type

from bot.errors import PictureRefused
from bot.outcomes import PictureRole, Reason
from bot.painting.protocol import PaintRequest
from runtime.errors import (
    DamagedPicture,
    DecodingTooSlow,
    FormatUnavailable,
    NotAPicture,
    OptionError,
    PictureError,
    PictureTooLarge,
    PictureTooSmall,
)
from runtime.imaging.limits import MOST_PIXELS

if TYPE_CHECKING:
    from PIL import Image

    from runtime import WeightedStyle

#: Sends a message to the parent: its kind, and its fields.
Say = Callable[..., None]

#: Why the runtime refuses a picture.
REASONS: Mapping[Type[PictureError], Reason] = {
    NotAPicture: Reason.NOT_A_PICTURE,
    FormatUnavailable: Reason.FORMAT_UNAVAILABLE,
    DamagedPicture: Reason.DAMAGED,
    DecodingTooSlow: Reason.TOO_SLOW,
    PictureTooLarge: Reason.TOO_LARGE,
    PictureTooSmall: Reason.TOO_SMALL,
}

#: The bytes that a process may take to decode a picture: for each pixel up to 12 of the decoder and
#: 8 of the conversion, and the file itself.
BYTES_PER_PIXEL = 20
DECODING_BYTES = BYTES_PER_PIXEL * MOST_PIXELS + (128 << 20)


#: The limit is that of the whole process: one thread at a time sets it and sets it back.
_decoding = threading.Lock()


def read_picture(picture: PictureRole, path: str, say: Optional[Say] = None) -> Image.Image:
    """Decode a picture file; `say` says so before and after.

    Raises `PictureRefused` for what is wrong with it, and `PictureError` when the disk fails.
    """
    from runtime import read_picture

    with _decoding:
        if say is not None:
            say("reading", picture=picture)
        try:
            with memory_limit(DECODING_BYTES):
                return read_picture(path)
        except tuple(REASONS) as error:
            raise PictureRefused(str(error), picture, REASONS[type(error)]) from error
        finally:
            if say is not None:
                say("reading", picture=None)


def styles_of(request: PaintRequest, say: Say) -> List[WeightedStyle]:
    """The pictures of the styles of a request; raises what `read_picture` raises, and `OptionError`."""
    from runtime import WeightedStyle

    if not request.styles:
        raise OptionError("The request names no style; expected a picture file.")
    return [
        WeightedStyle(read_picture(PictureRole.STYLE, path, say), weight)
        for path, weight in request.styles
    ]


@contextlib.contextmanager
def memory_limit(more: int) -> Iterator[None]:
    """Let this process take at most `more` bytes in addition, and then raise `MemoryError`.

    Only while the block runs: what paints takes as much as it needs. The limit is that of the
    data, not of the address space, of which CUDA reserves more than there is memory.
    """
    limit, most = resource.getrlimit(resource.RLIMIT_DATA)
    taken = _data_bytes()
    if taken:
        wanted = taken + more
        lowered = min(each for each in (wanted, limit, most) if each != resource.RLIM_INFINITY)
        resource.setrlimit(resource.RLIMIT_DATA, (lowered, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, most))


def _data_bytes() -> int:
    """The bytes that count against the limit; 0 where the system does not report them."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmData:\s+(\d+) kB", status)
    return int(found.group(1)) * 1024 if found else 0
