"""The kinds of video files that are read: their names, and how their content begins."""

from __future__ import annotations

from typing import Mapping, Optional, Tuple

#: FFmpeg's name of a format, by the place of a mark in its files and the mark.
FORMATS: Mapping[Tuple[int, bytes], str] = {
    (0, b"GIF8"): "gif",
    (0, b"\x1a\x45\xdf\xa3"): "matroska",
    (0, b"RIFF"): "avi",
    **{(4, box): "mov" for box in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")},
}

SUFFIXES = (".gif", ".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi")


def may_be_video(name: Optional[str], mime_type: Optional[str]) -> bool:
    """Whether a file with this name and type, as its sender has them, may be a GIF or a video."""
    kind = (mime_type or "").lower()
    return (
        kind == "image/gif" or kind.startswith("video/") or (name or "").lower().endswith(SUFFIXES)
    )
