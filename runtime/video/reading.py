"""Reads the frames of a video: upright, small, with their times, and within limits.

Files come from strangers. FFmpeg gets an open file and the format that its first bytes name, so that
no name in it leads anywhere, and it may use only the decoders of `runtime.video.formats`.
"""

from __future__ import annotations

import contextlib
import itertools
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping, NamedTuple, Optional, Sequence, Tuple

from PIL import Image

from runtime.errors import DamagedVideo, NotAVideo, VideoError, VideoTooLarge, VideoTooSmall
from runtime.imaging.limits import LEAST_SIDE
from runtime.spec.engines import Size
from runtime.video.colour import picture_of
from runtime.video.formats import DECODERS, FORMATS
from runtime.video.library import open_library
from runtime.video.pace import MOST_SECONDS, Pace, Plan, plan_of

#: DCI 4K: no phone films more.
MOST_PIXELS = 4096 * 2304

#: The packets of pictures and sound that are read; 15 seconds of a camera's slow motion have a
#: quarter of them.
_MOST_PACKETS = 20_000

#: Broken frames after which the rest is left out.
_MOST_BROKEN = 100


@dataclass(frozen=True)
class Frame:
    """An RGB picture, and when it is shown, in seconds from the first one."""

    picture: Image.Image
    seconds: float


class Video:
    """The frames and the sound of an open video; made by `open_video`.

    plan: how many of its frames are read, and until when.
    sound: PyAV's stream of sound; `None` without one that may be decoded.
    """

    def __init__(self, av: Any, container: Any, plan: Plan, longest: int) -> None:
        self._av = av
        self._container = container
        self._stream = container.streams.video[0]
        # AVI files have the times of decoding only.
        self._is_avi = container.format.name == "avi"
        self._longest = longest
        self._shape: Optional[Tuple[Size, Optional[Image.Transpose]]] = None
        self.plan = plan
        self.sound = next(filter(_is_decoded, container.streams.audio), None)

    def frames(self, on_sound: Callable[[Any], None]) -> Iterator[Frame]:
        """The frames, one after the other; `on_sound` gets each packet of `sound`.

        Raises `DamagedVideo` if there is none.
        """
        pace, count = Pace(), 0
        for frame, seconds in self._decoded(on_sound):
            if seconds >= MOST_SECONDS:
                break
            if pace.takes(seconds):
                count += 1
                yield Frame(self._upright(frame), seconds)
        if not count:
            raise _no_frame()

    def _decoded(self, on_sound: Callable[[Any], None]) -> Iterator[Tuple[Any, float]]:
        """Each frame as PyAV has it, and its time."""
        streams = [each for each in (self._stream, self.sound) if each is not None]
        broken = 0
        for packet in _packets(self._av, self._container, streams):
            if packet.stream is self.sound:
                on_sound(packet)
                continue
            try:
                frames = packet.decode()
            except self._av.error.FFmpegError:
                # One broken frame does not spoil the others.
                broken += 1
                if broken > _MOST_BROKEN:
                    return
                continue
            for frame in frames:
                times = (frame.dts, frame.pts) if self._is_avi else (frame.pts, frame.dts)
                ticks = next((each for each in times if each is not None), None)
                if ticks is not None:
                    yield frame, float(ticks * frame.time_base) - self.plan.start

    def _upright(self, frame: Any) -> Image.Image:
        """A frame as it is shown, at the size of the first one: in some files the size changes."""
        if self._shape is None:
            self._shape = self._size_of(frame), _turn(frame)
        size, turn = self._shape
        picture = picture_of(frame, size, int(self._stream.codec_context.color_trc))
        return picture if turn is None else picture.transpose(turn)

    def _size_of(self, frame: Any) -> Size:
        """The even width and height at which a frame is read, before it is turned."""
        # The pixels of some cameras and discs are not square.
        width = max(1, round(frame.width * (self._stream.sample_aspect_ratio or 1)))
        scale = min(1.0, self._longest / max(width, frame.height))
        even = (max(2, round(side * scale / 2) * 2) for side in (width, frame.height))
        return next(even), next(even)


#: How a frame is made upright, by the signs of the display matrix's entries a, b, c and d.
_TURNS: Mapping[Tuple[int, ...], Image.Transpose] = {
    (0, 1, -1, 0): Image.Transpose.ROTATE_270,
    (-1, 0, 0, -1): Image.Transpose.ROTATE_180,
    (0, -1, 1, 0): Image.Transpose.ROTATE_90,
    (-1, 0, 0, 1): Image.Transpose.FLIP_LEFT_RIGHT,
    (1, 0, 0, -1): Image.Transpose.FLIP_TOP_BOTTOM,
    (0, 1, 1, 0): Image.Transpose.TRANSPOSE,
    (0, -1, -1, 0): Image.Transpose.TRANSVERSE,
}


@contextlib.contextmanager
def open_video(path: Path, longest: int) -> Iterator[Video]:
    """The video at `path`, with frames of at most `longest` pixels on their longer side.

    Raises `NotAVideo`, `DamagedVideo` or `VideoTooLarge` for what is wrong with it, another
    `VideoError` if the file cannot be opened, and `VideoUnavailable` without PyAV.
    """
    av = open_library()
    with _container(av, path) as container:
        plan = _plan(av, container)
    # Not a seek back: not every file can.
    with _container(av, path) as container:
        container.streams.video[0].codec_context.options = {"max_pixels": str(MOST_PIXELS)}
        yield Video(av, container, plan, longest)


class Measures(NamedTuple):
    """Width and height of a video in pixels, and its length in seconds."""

    width: int
    height: int
    seconds: float


def measure_video(path: Path) -> Measures:
    """The measures of a video that Jetbrush wrote; raises what `open_video` raises."""
    with _container(open_library(), path) as container:
        stream = container.streams.video[0]
        seconds = float((stream.duration or 0) * stream.time_base)
        return Measures(stream.width, stream.height, seconds)


@contextlib.contextmanager
def _container(av: Any, path: Path) -> Iterator[Any]:
    """PyAV's container of a video whose size and formats are allowed."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
            file.seek(0)
            kind = _format(head)
            if kind == "gif" and len(head) > 9:
                # FFmpeg decodes its first frame to know this.
                _check_size(*struct.unpack("<HH", head[6:10]))
            options = {"codec_whitelist": DECODERS}
            try:
                # Titles are in any encoding, and nobody reads them.
                container = av.open(file, format=kind, options=options, metadata_errors="ignore")
            except av.error.FFmpegError as error:
                raise _damaged() from error
            with container:
                _check(container)
                yield container
    except OSError as error:
        raise VideoError(f"{path} cannot be read: {error.strerror or error}.") from error


def _format(head: bytes) -> str:
    for (start, mark), name in FORMATS.items():
        if head[start : start + len(mark)] == mark:
            return name
    raise NotAVideo("The file is no GIF, MP4, MOV, WebM, MKV or AVI video.")


def _check(container: Any) -> None:
    """Raise `NotAVideo`, `DamagedVideo` or what `_check_size` raises unless the pictures may be decoded."""
    if not container.streams.video:
        raise NotAVideo("The file has no pictures, only sound.")
    context = container.streams.video[0].codec_context
    if not _is_decoded(container.streams.video[0]):
        name = "of this video" if context is None else context.codec.name
        raise NotAVideo(f"The codec {name} is not supported; H.264 is.")
    if not context.width:
        raise _damaged()
    _check_size(context.width, context.height)


def _is_decoded(stream: Any) -> bool:
    """Whether the stream's decoder is one of those listed: FFmpeg's own list is for formats only."""
    context = stream.codec_context
    return context is not None and context.codec.name in DECODERS.split(",")


def _check_size(width: int, height: int) -> None:
    """Raise `VideoTooLarge` or `VideoTooSmall` for frames outside the limits."""
    if width * height > MOST_PIXELS:
        raise VideoTooLarge(f"The video is {width}x{height} pixels; the limit is 4096x2304.")
    if min(width, height) < LEAST_SIDE:
        raise VideoTooSmall(
            f"The video is {width}x{height} pixels; each side needs at least {LEAST_SIDE}."
        )


def _plan(av: Any, container: Any) -> Plan:
    """Which frames are taken, from the packets' times alone, which is fast."""
    stream = container.streams.video[0]
    times, end = [], 0.0
    for packet in _packets(av, container, [stream]):
        ticks = packet.dts if packet.pts is None else packet.pts
        if ticks is None or packet.is_discard:
            continue
        time = float(ticks * stream.time_base)
        times.append(time)
        end = max(end, time + float((packet.duration or 0) * stream.time_base))
        # Frames may be stored before others that are shown sooner, but not seconds before.
        if time > times[0] + MOST_SECONDS + 2:
            break
    if not times:
        raise _no_frame()
    return plan_of(times, end)


def _packets(av: Any, container: Any, streams: Sequence[Any]) -> Iterator[Any]:
    """The packets of these streams, up to the first that cannot be read."""
    try:
        yield from itertools.islice(container.demux(*streams), _MOST_PACKETS)
    except av.error.FFmpegError:
        # The rest of an incomplete file; what was read before is of use.
        return


def _turn(frame: Any) -> Optional[Image.Transpose]:
    """How a decoded frame is turned or mirrored to be upright; None if it is."""
    # Not of the frame itself: PyAV makes a reference cycle of it, which would keep the decoder with
    # all its frames and threads until Python's next full collection.
    small = frame.reformat(width=2, height=2, format="rgb24")
    for each in small.side_data:
        if each.type.name == "DISPLAYMATRIX":
            entries = struct.unpack_from("=2i4x2i", bytes(each))
            return _TURNS.get(tuple((entry > 0) - (entry < 0) for entry in entries))
    return None


def _damaged() -> DamagedVideo:
    return DamagedVideo("The video is damaged or incomplete, and cannot be opened.")


def _no_frame() -> DamagedVideo:
    return DamagedVideo("The video has no frame that can be read; it may be incomplete.")
