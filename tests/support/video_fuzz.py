"""Reads damaged videos of all formats: `python -m tests.support.video_fuzz --count 200000`.

Anything but `VideoError` is a fault; see `tests.support.fuzz`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from runtime.errors import VideoError
from runtime.video.reading import open_video
from tests.support import fuzz, videos

#: The codecs of the pictures and of the sound, by the file's name.
_KINDS = {
    "h264.mp4": ("libx264", "aac"),
    "h264.mkv": ("libx264", "flac"),
    "mpeg4.avi": ("mpeg4", "pcm_s16le"),
    "mpeg4.mkv": ("mpeg4", "aac"),
    "jpeg.avi": ("mjpeg", "mp3"),
    "vp8.webm": ("libvpx", "libopus"),
}


def whole_files(folder):
    """A file of every format, by its name."""
    noise = list(np.random.default_rng(0).integers(0, 255, (8, 48, 64, 3), np.uint8))
    for name, (pictures, sound) in _KINDS.items():
        pix_fmt = "yuvj420p" if pictures == "mjpeg" else "yuv420p"
        videos.make_video(folder / name, noise, codec=pictures, pix_fmt=pix_fmt, sound=sound)
    videos.make_gif(folder / "moving.gif", [Image.fromarray(each) for each in noise])
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def main(folder):
    """Read the files; returns the process's status."""
    files, path = whole_files(folder), folder / "damaged"

    def outcome_of(data):
        path.write_bytes(data)
        try:
            with open_video(path, 64) as video:
                pictures = [each.picture for each in video.frames(lambda packet: None)]
        except VideoError as error:
            return type(error).__name__
        except Exception as error:  # noqa: BLE001 - this is what is looked for
            return f"!{type(error).__name__}: {error}"
        return "read" if {each.size for each in pictures} == {pictures[0].size} else "!sizes"

    return fuzz.main(__doc__, files, outcome_of, ("read",))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        sys.exit(main(Path(name)))
