"""The files that users and the bot sent: photos in several sizes, documents unchanged."""

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
from bot.sandbox.errors import ApiError, bad_request
from bot.sandbox.model.videos import measures

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
    """A file and its ids."""

    file_id: str
    unique_id: str
    kind: str
    path: str
    name: str
    mime_type: str
    data: bytes = field(repr=False)


class Files:
    """The files of a sandbox, in memory."""

    def __init__(self) -> None:
        self._files: Dict[str, StoredFile] = {}
        self._media: Dict[str, Any] = {}
        self._paths: Dict[str, StoredFile] = {}
        # Only a few: the bot under test needs the processor too.
        self._scalers = ThreadPoolExecutor(max_workers=SCALERS)

    def close(self) -> None:
        """End the threads."""
        self._scalers.shutdown(wait=False)

    def get(self, file_id: str) -> StoredFile:
        """The file with that id. Raises `ApiError` for an unknown one."""
        if file_id not in self._files:
            raise bad_request("wrong file_id or the file is temporarily unavailable")
        return self._files[file_id]

    def published(self, path: str) -> Optional[StoredFile]:
        """The file at a path that `getFile` returned, None for any other path."""
        return self._paths.get(path)

    def publish(self, file_id: str) -> Json:
        """The result of `getFile`; from then on the file can be downloaded."""
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

    def attachment(self, file_id: str, kind: str) -> Any:
        """The media object of a file that is sent again by its id as `kind`. Raises `ApiError`."""
        if file_id.startswith(("http://", "https://")):
            raise bad_request("failed to get HTTP URL content")
        if file_id not in self._files:
            raise bad_request("wrong file identifier/HTTP URL specified")
        stored = self._files[file_id]
        if stored.kind != kind:
            raise bad_request(f"can't use file of type {stored.kind.title()} as {kind.title()}")
        return self._media[file_id]

    async def photo(self, data: bytes) -> Any:
        """The variants of a new photo, smallest first, as in the field `photo` of a message.

        Raises `ApiError` for what Telegram cannot show as a photo.
        """
        # Scaling would block the event loop, which the bot under test may share.
        loop = asyncio.get_running_loop()
        variants = await loop.run_in_executor(self._scalers, _variants, data)
        sizes = []
        for width, height, jpeg in variants:
            stored = self._add("photo", jpeg, "photo.jpg", "image/jpeg")
            sizes.append({**_described(stored), "width": width, "height": height})
        for size in sizes:
            self._media[size["file_id"]] = sizes
        return sizes

    async def document(self, upload: Upload) -> Any:
        """A new document as in the field `document` of a message; its bytes do not change."""
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
        self._media[stored.file_id] = document
        return document

    async def moving(self, kind: str, upload: Upload) -> Json:
        """A new animation, video or video note as in that field of a message."""
        mime_type = mimetypes.guess_type(upload.name)[0] or upload.mime_type
        stored = self._add(kind, upload.data, upload.name, mime_type)
        loop = asyncio.get_running_loop()
        measured = await loop.run_in_executor(self._scalers, measures, upload.data)
        media = {**_described(stored), "duration": round(measured.seconds)}
        if kind == "video_note":
            media["length"] = measured.width
        else:
            media.update(width=measured.width, height=measured.height)
            media.update(file_name=stored.name, mime_type=mime_type)
        self._media[stored.file_id] = media
        return media

    def other(self, kind: str, name: str, mime_type: str, data: bytes) -> Json:
        """A sticker or voice message, whose content the sandbox does not read."""
        stored = self._add(kind, data, name, mime_type)
        self._media[stored.file_id] = _described(stored)
        return _described(stored)

    def _add(self, kind: str, data: bytes, name: str, mime_type: str) -> StoredFile:
        """Store a file with a new id."""
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
    """Check the limits of `sendPhoto`. Raises `ApiError`."""
    if len(data) > PHOTO_BYTES:
        raise bad_request(
            f"file of size {len(data)} bytes is too big for a photo;"
            f" the maximum size is {PHOTO_BYTES} bytes"
        )
    width, height = _dimensions(data)
    if width + height > PHOTO_SIDES:
        raise bad_request("PHOTO_INVALID_DIMENSIONS")


def check_file_upload(data: bytes) -> None:
    """Check the limits of `sendDocument`, `sendVideo` and the like. Raises `ApiError`."""
    if not data:
        raise bad_request("file must be non-empty")
    if len(data) > DOCUMENT_BYTES:
        raise ApiError(413, "Request Entity Too Large")


def _dimensions(data: bytes) -> Tuple[int, int]:
    """Width and height in pixels. Raises `ApiError`."""
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


# In a load test many users send the same picture.
@lru_cache(maxsize=16)
def _variants(data: bytes) -> Tuple[Sized, ...]:
    """The photo as JPEG in Telegram's sizes, never enlarged."""
    longest = max(_dimensions(data))
    try:
        picture = _flat(data)
    except (OSError, ValueError, SyntaxError) as error:
        raise bad_request("IMAGE_PROCESS_FAILED") from error
    wanted = [(side, quality) for side, quality in VARIANTS if side < longest]
    if longest <= VARIANTS[-1][0]:
        wanted.append((longest, VARIANTS[-1][1]))
    variants = []
    # Each from the next larger one, which is half the work of scaling the original four times.
    for side, quality in reversed(wanted):
        picture = _shrunk(picture, side)
        variants.append(_jpeg(picture, quality))
    return tuple(reversed(variants))


def _thumbnail(data: bytes) -> Optional[Sized]:
    """A small JPEG of a picture that is sent as a document; None if it is not a picture."""
    try:
        # A decompression bomb may be sent as a document, but must not be decoded.
        if sum(_dimensions(data)) > PHOTO_SIDES:
            return None
        return _jpeg(_shrunk(_flat(data), THUMBNAIL), VARIANTS[1][1])
    except (ApiError, OSError, ValueError, SyntaxError):
        return None


def _upright(picture: Image.Image) -> Image.Image:
    """The picture turned as its EXIF says; as it is where the EXIF cannot be read."""
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # noqa: BLE001 - Pillow raises anything for a tag of a wrong type
        return picture


def _flat(data: bytes) -> Image.Image:
    """The picture upright, as RGB on white."""
    with Image.open(BytesIO(data)) as opened:
        picture = _upright(opened)
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
    """The fields that all file objects of Telegram share."""
    return {
        "file_id": stored.file_id,
        "file_unique_id": stored.unique_id,
        "file_size": len(stored.data),
    }
