"""JPEG files without their metadata, and the limit of their scans."""

from __future__ import annotations

import re
from typing import List, Tuple

from runtime.errors import DecodingTooSlow
from runtime.imaging.exif import orientation

SIGNATURE = b"\xff\xd8\xff"

#: Each scan goes over the whole picture again, so that a small file can take minutes. Encoders
#: write up to 20.
MOST_SCANS = 100

#: A marker that is followed by a length, or ends the file: not a stuffed byte, a restart or the
#: start of the file.
_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])")
_EOI, _SOS, _COM = 0xD9, 0xDA, 0xFE
_APP0, _APP1, _APP2, _APP14, _APP15 = 0xE0, 0xE1, 0xE2, 0xEE, 0xEF


def without_metadata(data: bytes) -> Tuple[bytes, int]:
    """The file `data` with only what makes the picture and its colours, and its orientation.

    The data after the end of the first picture go too. A file that breaks off is returned as far as
    it goes. Raises `DecodingTooSlow` for more than `MOST_SCANS` scans.
    """
    kept: List[bytes] = []
    copied, position, scans, value = 0, 2, 0, 1
    while True:
        found = _MARKER.search(data, position)
        if found is None:
            break
        marker, body = found.group(1)[0], found.end()
        if marker == _EOI:
            return b"".join([*kept, data[copied:body]]), value
        length = int.from_bytes(data[body : body + 2], "big")
        if length < 2:
            break
        position = body + length
        scans += marker == _SOS
        if scans > MOST_SCANS:
            raise DecodingTooSlow(
                f"The picture is a JPEG with more than {MOST_SCANS} scans and takes too long to "
                "decode; save it again with another program."
            )
        content = data[body + 2 : position]
        if _is_metadata(marker, content):
            kept.append(data[copied : found.start()])
            copied = position
            if marker == _APP1 and value == 1:
                value = orientation(content)
    return b"".join([*kept, data[copied:]]), value


def _is_metadata(marker: int, content: bytes) -> bool:
    if marker == _APP2:
        return not content.startswith(b"ICC_PROFILE\0")
    # Of the others, APP0 is JFIF's and APP14 Adobe's, which say what the components mean.
    return marker == _COM or (_APP0 < marker <= _APP15 and marker != _APP14)
