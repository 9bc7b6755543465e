"""Repaints videos in the painter. They come from strangers, as pictures do.

A video is decoded frame by frame while it is repainted, so its frames are never all in memory.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Mapping, Type

from bot.errors import PictureRefused
from bot.outcomes import PictureRole, Reason
from bot.painting.protocol import PaintRequest
from bot.painting.reading import Say, styles_of
from runtime import VideoOptions
from runtime.errors import (
    DamagedVideo,
    GraphMissing,
    JetbrushError,
    NotAVideo,
    VideoTooLarge,
    VideoTooSmall,
    VideoUnavailable,
)
from runtime.files import remove_partial

if TYPE_CHECKING:
    from runtime.video.repainting import RepaintedVideo

#: Why the runtime refuses a video; without PyAV or the networks for sketches it can repaint none.
REASONS: Mapping[Type[JetbrushError], Reason] = {
    GraphMissing: Reason.FORMAT_UNAVAILABLE,
    NotAVideo: Reason.NOT_A_PICTURE,
    VideoUnavailable: Reason.FORMAT_UNAVAILABLE,
    DamagedVideo: Reason.DAMAGED,
    VideoTooLarge: Reason.TOO_LARGE,
    VideoTooSmall: Reason.TOO_SMALL,
}

_log = logging.getLogger(__name__)


def repaint_video(
    request: PaintRequest, options: VideoOptions, say: Say, handed: Mapping[str, Any]
) -> RepaintedVideo:
    """Repaint the video of a request; `handed` is what the runtime takes for every request.

    Raises `PictureRefused` for what is wrong with the video or a style, and what
    `runtime.repaint_video` raises besides.
    """
    from runtime import repaint_video

    styles, output = styles_of(request, say), Path(request.output)
    # This process may have been killed while it wrote the video of an earlier attempt.
    remove_partial(output)
    try:
        return repaint_video(Path(request.photo), styles, output, options, durable=True, **handed)
    except tuple(REASONS) as error:
        reason = next(found for kind, found in REASONS.items() if isinstance(error, kind))
        if reason is Reason.FORMAT_UNAVAILABLE:
            # The user cannot do anything about it, and the owner can.
            _log.error("%s", error)
        raise PictureRefused(str(error), PictureRole.VIDEO, reason) from error
