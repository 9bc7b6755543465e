"""The kinds of video files that are read: names, how their content begins, what decodes them."""

from __future__ import annotations

from typing import Mapping, Optional, Tuple

#: FFmpeg's name of a format, by the place of a mark in its files and the mark.
FORMATS: Mapping[Tuple[int, bytes], str] = {
    (0, b"GIF8"): "gif",
    (0, b"\x1a\x45\xdf\xa3"): "matroska",
    (0, b"RIFF"): "avi",
    **{(4, box): "mov" for box in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")},
}

#: The decoders of pictures and of sound that may be used, as FFmpeg's options take them.
DECODERS = (
    "av1,libdav1d,gif,h263,h264,hevc,mjpeg,mpeg4,vp8,vp9,libvpx,libvpx-vp9,"
    "aac,ac3,amrnb,amrwb,flac,mp3,mp3float,opus,libopus,pcm_s16le,pcm_u8,vorbis,libvorbis"
)

SUFFIXES = (".gif", ".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi")


def may_be_video(name: Optional[str], mime_type: Optional[str]) -> bool:
    """Whether a file with this name and type, as its sender has them, may be a GIF or a video."""
    kind = (mime_type or "").lower()
    return (
        kind == "image/gif" or kind.startswith("video/") or (name or "").lower().endswith(SUFFIXES)
    )
