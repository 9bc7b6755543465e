"""Writes MP4 files: H.264, which every phone plays."""

from __future__ import annotations

import contextlib
from collections import deque
from fractions import Fraction
from pathlib import Path
from typing import Any, Deque, Iterable, Iterator, Optional

import numpy as np
from PIL import Image

from runtime.errors import VideoError
from runtime.files import atomic_path
from runtime.spec.engines import Size
from runtime.video.library import open_library

#: Ticks per second: a time of any usual frame rate is a whole number of them.
_CLOCK = 90_000

#: Without frames that refer to later ones, packets come in the order of the frames. The conversion
#: from RGB uses the matrix of BT.601; many players assume another one if the file names none.
_ENCODER = {
    "preset": "veryfast",
    "crf": "23",
    "bf": "0",
    "x264-params": "colormatrix=smpte170m:log-level=none",
}


def write_video(frames: Iterable[Image.Image], path: Path, fps: float) -> None:
    """Write RGB pictures of one size at `path` as a silent MP4, `fps` of them per second.

    An odd width or height grows by one pixel, because H.264 has half as many of colour. The file
    appears whole or not at all. Raises `VideoError` for no pictures, pictures of several sizes, or a
    file that cannot be written, and `VideoUnavailable` without PyAV.
    """
    count = 0
    with new_video(path, fps) as video:
        for frame in frames:
            video.add(frame, count / fps)
            count += 1
        video.finish(count / fps)


@contextlib.contextmanager
def new_video(path: Path, fps: float, *, durable: bool = False) -> Iterator[VideoWriter]:
    """A writer of the MP4 file that appears at `path` when the block ends, and not if it raises.

    fps: about how many frames per second will be added.
    durable: the file survives a power cut from the end of the block on.
    """
    av = open_library()
    # Players begin before they have all of a file whose index is at its front.
    options = {"movflags": "+faststart"}
    try:
        with atomic_path(path, durable=durable) as partial, av.open(
            # FFmpeg takes what is before the first colon for a protocol.
            f"file:{partial}",
            "w",
            format="mp4",
            options=options,
        ) as container:
            yield VideoWriter(av, container, fps)
    except (OSError, av.error.FFmpegError) as error:
        raise VideoError(f"{path} cannot be written: {error.strerror or error}.") from error


class VideoWriter:
    """Adds frames, and packets of sound, to an MP4 file."""

    def __init__(self, av: Any, container: Any, fps: float) -> None:
        self._av = av
        self.container = container
        self._stream = container.add_stream(
            "libx264", rate=Fraction(fps).limit_denominator(1001), options=dict(_ENCODER)
        )
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = Fraction(1, _CLOCK)
        self._size: Optional[Size] = None
        #: When each frame is shown whose packet is not in the file yet, and these packets.
        self._times: Deque[int] = deque()
        self._packets: Deque[Any] = deque()

    def add(self, picture: Image.Image, seconds: float) -> None:
        """Show an RGB picture from `seconds` on; raises `VideoError` if the size changes."""
        if self._size is None:
            self._size = picture.size
            self._stream.width, self._stream.height = (side + side % 2 for side in picture.size)
        if picture.size != self._size:
            raise VideoError(
                f"The frames of a video have one size, and {picture.size[0]}x{picture.size[1]} "
                f"follows {self._size[0]}x{self._size[1]}."
            )
        width, height = self._size
        pixels = np.pad(np.asarray(picture), ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        frame = self._av.VideoFrame.from_ndarray(pixels, format="rgb24")
        frame.pts, frame.time_base = round(seconds * _CLOCK), Fraction(1, _CLOCK)
        self._times.append(frame.pts)
        self._put(self._stream.encode(frame))

    def finish(self, seconds: float) -> None:
        """Show the last frame until `seconds`; raises `VideoError` if there is none."""
        if self._size is None:
            raise VideoError("A video needs at least one frame, and none was given.")
        self._times.append(round(seconds * _CLOCK))
        self._put(self._stream.encode(None))

    def _put(self, packets: Iterable[Any]) -> None:
        """Write the packets of which the next frame's time is known: it ends theirs."""
        self._packets.extend(packets)
        while self._packets and len(self._times) > 1:
            packet = self._packets.popleft()
            packet.duration = max(1, self._times[1] - self._times.popleft())
            self.container.mux(packet)
