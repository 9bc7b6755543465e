"""How large a picture may be on this machine, and the strips in which large ones are converted."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Iterator, Optional, Tuple

from runtime.errors import PictureTooLarge, PictureTooSmall

#: Left, top, right, bottom.
Box = Tuple[int, int, int, int]

LEAST_SIDE = 32

#: The limit of pixels by the machine's memory: a painting takes up to 20 bytes per pixel besides
#: its graphs, which a machine of 4 GB shares with the GPU. 25 and 13 megapixels are what phones
#: take that are said to take 24 and 12.
_PIXELS_BELOW = ((2 << 30, 13_000_000), (6 << 30, 25_000_000))
_PIXELS_OTHERWISE = 50_000_000

#: Pixels in one strip: its conversion takes some tens of bytes for each of them.
STRIP_PIXELS = 1 << 20


def pixel_limit(memory: int) -> int:
    """The largest number of pixels for a machine with `memory` bytes."""
    for below, pixels in _PIXELS_BELOW:
        if memory < below:
            return pixels
    return _PIXELS_OTHERWISE


def usable_memory(root: Path = Path("/")) -> int:
    """The bytes of memory of this machine, or of this process's control group if that has fewer.

    `root` is where `proc` and `sys` are.
    """
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = _control_group_limit(root)
    return physical if limit is None else min(physical, limit)


def _control_group_limit(root: Path) -> Optional[int]:
    try:
        groups = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return None
    for group in groups:
        _, controllers, path = group.split(":", 2)
        if not controllers:
            file = root / f"sys/fs/cgroup{path}/memory.max"
        elif "memory" in controllers.split(","):
            file = root / f"sys/fs/cgroup/memory{path}/memory.limit_in_bytes"
        else:
            continue
        # Without a limit the file says "max", or it is not there at all.
        if file.is_file() and (text := file.read_text().strip()).isdigit():
            return int(text)
    return None


#: A header of 50 bytes can announce a picture of gigabytes, so there is a limit before decoding.
MOST_PIXELS = pixel_limit(usable_memory())


def check_size(width: int, height: int) -> None:
    """Raise `PictureTooLarge` or `PictureTooSmall` for a picture outside the limits."""
    message = f"The picture is {width}x{height} pixels; {limits_text()}"
    if width * height > MOST_PIXELS:
        raise PictureTooLarge(message)
    if min(width, height) < LEAST_SIDE:
        raise PictureTooSmall(message)


def limits_text() -> str:
    """The limits in half a sentence."""
    megapixels = MOST_PIXELS // 1_000_000
    return f"the limits are {megapixels} megapixels and at least {LEAST_SIDE} pixels per side."


def strips(width: int, height: int) -> Iterator[Box]:
    """The boxes that cut a picture into strips of whole rows."""
    rows = max(1, STRIP_PIXELS // width)
    for top in range(0, height, rows):
        yield 0, top, width, min(top + rows, height)
