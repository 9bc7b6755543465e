"""Files that went through the sandbox: photos in several sizes, documents byte for byte."""

from __future__ import annotations

import asyncio
import mimetypes
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any, Dict, Optional, Tuple

from PIL import Image, ImageOps

from bot.sandbox.api.arguments import Json, Upload
from bot.sandbox.errors import Refusal, bad_request

PHOTO_BYTES = 10 * 1024 * 1024
DOCUMENT_BYTES = 50 * 1024 * 1024
DOWNLOAD_BYTES = 20 * 1024 * 1024
PHOTO_SIDES = 10_000
PHOTO_RATIO = 20

# The longest sides of the variants that Telegram makes of a photo, and their JPEG quality.
VARIANTS = ((90, 60), (320, 80), (800, 87), (1280, 87))
THUMBNAIL = 320
SCALERS = 2

Sized = Tuple[int, int, bytes]


@dataclass(frozen=True)
class StoredFile:
    """A file by its id. `attachment` is the part of a message that carries it."""

    file_id: str
    unique_id: str
    kind: str
    path: str
    name: str
    mime_type: str
    data: bytes = field(repr=False)


class Files:
    """All files of a sandbox, in memory."""

    def __init__(self) -> None:
        self._files: Dict[str, StoredFile] = {}
        self._attachments: Dict[str, Any] = {}
        self._paths: Dict[str, StoredFile] = {}
        # No more of them: the bot under test needs the processor too.
        self._scalers = ThreadPoolExecutor(max_workers=SCALERS)

    def close(self) -> None:
        """Let the threads go."""
        self._scalers.shutdown(wait=False)

    def get(self, file_id: str) -> StoredFile:
        """The file of that id. Raises `Refusal` for an unknown one."""
        if file_id not in self._files:
            raise bad_request("wrong file_id or the file is temporarily unavailable")
        return self._files[file_id]

    def published(self, path: str) -> Optional[StoredFile]:
        """The file that `getFile` gave this path, if it did."""
        return self._paths.get(path)

    def publish(self, file_id: str) -> Json:
        """What `getFile` answers; the file can be downloaded from then on."""
        stored = self.get(file_id)
        if len(stored.data) > DOWNLOAD_BYTES:
            raise bad_request("file is too big")
        self._paths[stored.path] = stored
        return {
            "file_id": stored.file_id,
            "file_unique_id": stored.unique_id,
            "file_size": len(stored.data),
            "file_path": stored.path,
        }

    def known(self, file_id: str, kind: str) -> Any:
        """The attachment of a file sent again by its id, as `kind`. Raises `Refusal`."""
        if file_id.startswith(("http://", "https://")):
            raise bad_request("failed to get HTTP URL content")
        if file_id not in self._files:
            raise bad_request("wrong file identifier/HTTP URL specified")
        stored = self._files[file_id]
        if stored.kind != kind:
            raise bad_request(f"can't use file of type {stored.kind.title()} as {kind.title()}")
        return self._attachments[file_id]

    async def photo(self, data: bytes) -> Any:
        """The variants of a new photo, smallest first, as a message carries them.

        Raises `Refusal` for what Telegram cannot show as a photo.
        """
        # Scaling would hold up the loop, which the bot under test may share.
        loop = asyncio.get_running_loop()
        variants = await loop.run_in_executor(self._scalers, _variants, data)
        sizes = []
        for width, height, jpeg in variants:
            stored = self._add("photo", jpeg, "photo.jpg", "image/jpeg")
            sizes.append({**_described(stored), "width": width, "height": height})
        for size in sizes:
            self._attachments[size["file_id"]] = sizes
        return sizes

    async def document(self, upload: Upload) -> Any:
        """A new document as a message carries it; its bytes and name stay as they are."""
        mime_type = mimetypes.guess_type(upload.name)[0] or upload.mime_type
        stored = self._add("document", upload.data, upload.name, mime_type)
        document = {**_described(stored), "file_name": stored.name, "mime_type": mime_type}
        if mime_type.startswith("image/"):
            loop = asyncio.get_running_loop()
            thumbnail = await loop.run_in_executor(self._scalers, _thumbnail, upload.data)
            if thumbnail is not None:
                width, height, jpeg = thumbnail
                small = self._add("thumbnail", jpeg, "thumbnail.jpg", "image/jpeg")
                document["thumbnail"] = {**_described(small), "width": width, "height": height}
        self._attachments[stored.file_id] = document
        return document

    def other(self, kind: str, name: str, mime_type: str, data: bytes) -> Json:
        """A sticker, video or voice message, which the sandbox does not look into."""
        stored = self._add(kind, data, name, mime_type)
        self._attachments[stored.file_id] = _described(stored)
        return _described(stored)

    def _add(self, kind: str, data: bytes, name: str, mime_type: str) -> StoredFile:
        """Keep a file under a new id."""
        name = PurePosixPath(name).name
        suffix = PurePosixPath(name).suffix
        stored = StoredFile(
            file_id=f"{kind[:2].title()}ACAg{secrets.token_urlsafe(30)}",
            unique_id=f"AQAD{secrets.token_urlsafe(9)}",
            kind=kind,
            path=f"{kind}s/file_{len(self._files)}{suffix}",
            name=name,
            mime_type=mime_type,
            data=data,
        )
        self._files[stored.file_id] = stored
        return stored


def check_photo_upload(data: bytes) -> None:
    """The limits of `sendPhoto`, beyond those of any photo. Raises `Refusal`."""
    if len(data) > PHOTO_BYTES:
        raise bad_request(
            f"file of size {len(data)} bytes is too big for a photo;"
            f" the maximum size is {PHOTO_BYTES} bytes"
        )
    width, height = _dimensions(data)
    if width + height > PHOTO_SIDES:
        raise bad_request("PHOTO_INVALID_DIMENSIONS")


def check_document_upload(data: bytes) -> None:
    """The limits of `sendDocument`. Raises `Refusal`."""
    if not data:
        raise bad_request("file must be non-empty")
    if len(data) > DOCUMENT_BYTES:
        raise Refusal(413, "Request Entity Too Large")


def _dimensions(data: bytes) -> Tuple[int, int]:
    """Width and height in pixels. Raises `Refusal`."""
    try:
        with Image.open(BytesIO(data)) as opened:
            width, height = opened.size
    except Image.DecompressionBombError as error:
        raise bad_request("PHOTO_INVALID_DIMENSIONS") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise bad_request("IMAGE_PROCESS_FAILED") from error
    if max(width, height) > PHOTO_RATIO * min(width, height):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    return width, height


# Many people sending one picture is the usual load test.
@lru_cache(maxsize=16)
def _variants(data: bytes) -> Tuple[Sized, ...]:
    """A photo as JPEG in Telegram's sizes, never larger than it is."""
    longest = max(_dimensions(data))
    try:
        picture = _flat(data)
    except (OSError, ValueError, SyntaxError) as error:
        raise bad_request("IMAGE_PROCESS_FAILED") from error
    wanted = [(side, quality) for side, quality in VARIANTS if side < longest]
    if longest <= VARIANTS[-1][0]:
        wanted.append((longest, VARIANTS[-1][1]))
    variants = []
    # Each from the next larger one: half the work of four times from the whole.
    for side, quality in reversed(wanted):
        picture = _shrunk(picture, side)
        variants.append(_jpeg(picture, quality))
    return tuple(reversed(variants))


def _thumbnail(data: bytes) -> Optional[Sized]:
    """A small JPEG of a picture sent as a document; None if it is none after all."""
    try:
        # A decompression bomb is a fine document, but nothing to look into.
        if sum(_dimensions(data)) > PHOTO_SIDES:
            return None
        return _jpeg(_shrunk(_flat(data), THUMBNAIL), VARIANTS[1][1])
    except (Refusal, OSError, ValueError, SyntaxError):
        return None


def _flat(data: bytes) -> Image.Image:
    """The picture upright, as RGB on white."""
    with Image.open(BytesIO(data)) as opened:
        picture = ImageOps.exif_transpose(opened)
        if "A" not in picture.getbands() and "transparency" not in picture.info:
            return picture.convert("RGB")
        layer = picture.convert("RGBA")
        ground = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(ground, layer).convert("RGB")


def _shrunk(picture: Image.Image, side: int) -> Image.Image:
    """The picture with its longest side at most `side`."""
    scale = side / max(picture.size)
    if scale >= 1:
        return picture
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS)


def _jpeg(picture: Image.Image, quality: int) -> Sized:
    """The picture as a JPEG, with its size."""
    out = BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return (picture.width, picture.height, out.getvalue())


def _described(stored: StoredFile) -> Json:
    """What all of Telegram's file objects have in common."""
    return {
        "file_id": stored.file_id,
        "file_unique_id": stored.unique_id,
        "file_size": len(stored.data),
    }
