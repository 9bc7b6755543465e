"""PNG files without their metadata."""

from __future__ import annotations

import struct
import zlib
from typing import List, Tuple

from runtime.imaging.exif import orientation

SIGNATURE = b"\x89PNG\r\n\x1a\n"

#: The chunks that make the picture, its transparency, colours and frames.
_KEPT = frozenset((b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"iCCP", b"acTL", b"fcTL", b"fdAT"))

#: The largest colour profile that is used, in bytes: Pillow refuses the picture for a larger one.
_MOST_PROFILE = 1 << 20


def without_metadata(data: bytes) -> Tuple[bytes, int]:
    """The file `data` with only what makes the picture and its colours, and its orientation.

    A file that breaks off is returned as far as it goes.
    """
    kept: List[bytes] = [data[:8]]
    copied = position = 8
    value = 1
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        after = position + 12 + length
        content = data[position + 8 : after - 4] if kind in (b"iCCP", b"eXIf") else b""
        if kind == b"eXIf":
            value = orientation(content)
        if kind not in _KEPT or (kind == b"iCCP" and not _is_sound_profile(content)):
            kept.append(data[copied:position])
            copied = after
        position = after
        if kind == b"IEND":
            break
    return b"".join([*kept, data[copied:position]]), value


def _is_sound_profile(content: bytes) -> bool:
    """Whether the chunk's profile can be unpacked: its name, a zero, the method 0, the data."""
    name, _, packed = content.partition(b"\0")
    if not 0 < len(name) < 80 or packed[:1] != b"\0":
        return False
    unpacker = zlib.decompressobj()
    try:
        unpacker.decompress(packed[1:], _MOST_PROFILE)
    except zlib.error:
        return False
    return unpacker.eof
