"""Carries the sound of a video over: as it is where MP4 files hold it, else as AAC."""

from __future__ import annotations

import logging
from typing import Any, List, Optional

from runtime.video.library import open_library
from runtime.video.pace import Plan

#: Sound that every player takes in an MP4 file.
_COPIED = ("aac", "mp3", "mp3float")

#: How the sound is encoded where it cannot be copied.
_CODEC, _LAYOUT, _RATE = "aac", "stereo", 48_000

_log = logging.getLogger(__name__)


class Sound:
    """The sound of an open video on its way into a container that is written.

    Make it before the first frame is written. Sound that cannot be decoded is left out: a silent
    video is better than none.
    """

    def __init__(self, source: Any, container: Any, plan: Plan) -> None:
        self._ticks = round(plan.start / source.time_base)
        self._end = plan.seconds / source.time_base
        self._packets: List[Any] = []
        self._last: Optional[int] = None
        context = source.codec_context
        # In an AVI file each packet of AAC has a header, which none in an MP4 file may have.
        self._is_copied = context.name in _COPIED and (
            context.name != "aac" or bool(context.extradata)
        )
        if not self._is_copied:
            self._stream = container.add_stream(_CODEC, rate=_RATE, layout=_LAYOUT)
        elif hasattr(container, "add_stream_from_template"):
            self._stream = container.add_stream_from_template(source)
        else:
            # PyAV before 14.
            self._stream = container.add_stream(template=source)
        self._container = container

    def add(self, packet: Any) -> None:
        """Keep a packet of the source until `write`, unless it has no place in the sound."""
        if packet.dts is None or packet.pts is None:
            return
        # In a damaged file packets may go back in time, which no MP4 file may.
        is_later = self._last is None or packet.dts > self._last
        if is_later and 0 <= packet.pts - self._ticks < self._end:
            self._last = packet.dts
            self._packets.append(packet)

    def write(self) -> None:
        """Write what was added; call it after a frame was written."""
        for packet in self._packets:
            if self._is_copied:
                packet.pts -= self._ticks
                packet.dts -= self._ticks
                packet.stream = self._stream
                self._container.mux(packet)
            else:
                self._encode(packet)
        self._packets.clear()

    def finish(self) -> None:
        """Write the rest."""
        self.write()
        if not self._is_copied:
            self._container.mux(self._stream.encode(None))

    def _encode(self, packet: Any) -> None:
        try:
            frames = packet.decode()
        except open_library().error.FFmpegError as error:
            _log.warning("A piece of the sound is left out: %s", error)
            return
        for frame in frames:
            frame.pts = None if frame.pts is None else frame.pts - self._ticks
            self._container.mux(self._stream.encode(frame))
