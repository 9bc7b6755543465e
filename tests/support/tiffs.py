"""TIFF files of any samples, as programs other than Pillow write them."""

from __future__ import annotations

import struct
import zlib

import numpy as np

_KINDS = {"u": 1, "i": 2, "f": 3}


def tiff(
    pixels, photometric, *, order="<", deflate=False, predictor=1, tile=0, separate=False, more=()
):
    """A file with `pixels` [H, W] or [H, W, samples] of any dtype.

    tile: the side of the tiles, or 0 for strips of 10 rows.
    separate: whether each sample has a plane of its own.
    more: other entries: (tag, type, count, the value's 4 bytes).
    """
    pixels = np.atleast_3d(pixels)
    height, width, samples = pixels.shape
    pixels = pixels.astype(pixels.dtype.newbyteorder(order))
    planes = np.split(pixels, samples, axis=2) if separate else [pixels]
    parts = [
        _packed(piece, predictor, deflate) for plane in planes for piece in _pieces(plane, tile)
    ]
    bits = pixels.dtype.itemsize * 8
    tags = {
        256: [width],
        257: [height],
        258: [bits] * samples,
        259: [8 if deflate else 1],
        262: [photometric],
        277: [samples],
        284: [2 if separate else 1],
        317: [predictor],
        339: [_KINDS[pixels.dtype.kind]] * samples,
    }
    if tile:
        tags.update({322: [tile], 323: [tile]})
    else:
        tags[278] = [10]
    offsets = np.cumsum([8] + [len(each) for each in parts])
    tags[324 if tile else 273] = [int(each) for each in offsets[:-1]]
    tags[325 if tile else 279] = [len(each) for each in parts]
    return _file(parts, tags, int(offsets[-1]), order, more)


def _file(parts, tags, start, order, more):
    count = len(tags) + len(more)
    entries, rest = [(tag, struct.pack(f"{order}HHI4s", tag, *given)) for tag, *given in more], b""
    for tag, values in tags.items():
        packed = struct.pack(f"{order}{len(values)}I", *values)
        if len(packed) > 4:
            place = start + 2 + 12 * count + 4 + len(rest)
            rest += packed
            packed = struct.pack(f"{order}I", place)
        entries.append((tag, struct.pack(f"{order}HHI", tag, 4, len(values)) + packed))
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", start)
    directory = b"".join(entry for _, entry in sorted(entries))
    return b"".join([head, *parts, struct.pack(f"{order}H", count), directory, bytes(4), rest])


def _pieces(plane, tile):
    height, width, _ = plane.shape
    if not tile:
        return [plane[top : top + 10] for top in range(0, height, 10)]
    padded = np.pad(plane, ((0, -height % tile), (0, -width % tile), (0, 0)), mode="edge")
    return [
        padded[top : top + tile, left : left + tile]
        for top in range(0, height, tile)
        for left in range(0, width, tile)
    ]


def _packed(piece, predictor, deflate):
    if predictor == 2:
        native = piece.astype(piece.dtype.newbyteorder("="))
        steps = np.diff(native, axis=1, prepend=np.zeros_like(native[:, :1]))
        data = steps.astype(piece.dtype).tobytes()
    elif predictor == 3:
        rows, _, samples = piece.shape
        big = piece.astype(piece.dtype.newbyteorder(">"))
        bytes_of = np.ascontiguousarray(big).view(np.uint8).reshape(rows, -1, piece.itemsize)
        stream = np.swapaxes(bytes_of, 1, 2).reshape(rows, -1, samples)
        data = np.diff(stream, axis=1, prepend=np.zeros_like(stream[:, :1])).tobytes()
    else:
        data = piece.tobytes()
    return zlib.compress(data) if deflate else data
