"""Repaints a video frame by frame in the style of a picture."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Optional, Type

import numpy as np
from PIL import Image

from runtime.backends import candidates, first_success
from runtime.backends.base import Backend
from runtime.backends.kept import GraphsOf, KeptGraphs, kept_or_new
from runtime.imaging.finish import enlarge, with_colours_of
from runtime.options import VideoOptions
from runtime.progress import Event, OnProgress, Progress
from runtime.sketching import DETAIL, AnyStyle, Look, checked_style, transformer, vectors_for
from runtime.spec.engines import Size
from runtime.spec.folder import DEFAULT_ENGINES
from runtime.video.pace import Plan
from runtime.video.reading import Frame, Video, open_video
from runtime.video.sound import Sound
from runtime.video.steadying import Steadying
from runtime.video.writing import new_video


@dataclass(frozen=True)
class RepaintedVideo:
    """What was written: (width, height), the number of frames, and how many seconds they last.

    is_cut: the source is longer than what is repainted of a video.
    """

    size: Size
    frames: int
    seconds: float
    is_cut: bool


def repaint_video(
    source: Path,
    style: AnyStyle,
    output: Path,
    options: Optional[VideoOptions] = None,
    *,
    durable: bool = False,
    engines: Path = DEFAULT_ENGINES,
    graphs: Optional[KeptGraphs] = None,
    on_progress: Optional[OnProgress] = None,
    cancel: Optional[Event] = None,
) -> RepaintedVideo:
    """Repaint the GIF or video `source` in the style of `style`, and write it at `output` as MP4.

    Up to 30 frames per second of the first 15 seconds are repainted, and the sound is kept. All
    frames have the same style. `on_progress` is called after each frame, and `cancel` is checked
    before each; `output` appears whole or not at all, and a `durable` one survives a power cut. The
    other parameters are those of `runtime.sketching.sketch`.

    Raises `VideoError` for a video that cannot be read or written, and what `sketch` raises.
    """
    options = options or VideoOptions()
    look = checked_style(style)

    with kept_or_new(graphs) as kept:

        def paint(backend: Type[Backend]) -> RepaintedVideo:
            with open_video(source, options.size) as video:
                painter = _Painter(options, GraphsOf(kept, backend, engines), on_progress, cancel)
                return painter.paint(video, look, output, durable=durable)

        return first_success(candidates(options.backend, engines), paint)


@dataclass(frozen=True)
class _Painter:
    """Repaints videos with one backend."""

    options: VideoOptions
    graphs: GraphsOf
    on_progress: Optional[OnProgress]
    cancel: Optional[Event]

    def paint(self, video: Video, look: Look, output: Path, *, durable: bool) -> RepaintedVideo:
        """Repaint an open video."""
        plan = video.plan
        with new_video(output, plan.rate, durable=durable) as writer:
            sound = Sound(video.sound, writer.container, plan) if video.sound is not None else None
            frames = video.frames(sound.add if sound is not None else lambda _packet: None)
            first = next(frames)
            size = first.picture.size
            for count, painted in enumerate(
                self._painted(itertools.chain([first], frames), size, look), 1
            ):
                writer.add(painted.picture, painted.seconds)
                if sound is not None:
                    sound.write()
                self._report(count, plan, painted.picture)
            if sound is not None:
                sound.finish()
            writer.finish(plan.seconds)
        return RepaintedVideo(size, count, plan.seconds, plan.is_cut)

    def _painted(self, frames: Iterator[Frame], size: Size, look: Look) -> Iterator[Frame]:
        """The frames, all of `size`; a strength below 1 mixes in the style of the first one."""
        options, steadying = self.options, Steadying()
        vector: Optional[np.ndarray] = None
        with transformer(size, options.size, self.graphs) as network:
            for frame in frames:
                source = frame.picture
                if vector is None:
                    (vector,) = vectors_for(
                        source, [look], options.strength, self.graphs, self.cancel
                    )
                painted = network.paint(network.frame.put(source), vector, self.cancel)
                painted = enlarge(painted, source, DETAIL)
                if options.keep_colours:
                    painted = with_colours_of(source, painted)
                yield Frame(steadying.steady(source, painted), frame.seconds)

    def _report(self, count: int, plan: Plan, painted: Image.Image) -> None:
        if self.on_progress is None:
            return
        steps = max(count, plan.count)
        self.on_progress(
            Progress(step=count, steps=steps, share=count / steps, loss=None, draw=painted.copy)
        )
