"""PyAV, the library that reads and writes videos: imported when a video comes."""

from __future__ import annotations

from typing import Any

from runtime.errors import VideoUnavailable


def open_library() -> Any:
    """The module `av`; raises `VideoUnavailable` where it is not installed or does not load."""
    try:
        import av
    except (ImportError, OSError) as error:
        raise VideoUnavailable(
            f"Videos need PyAV, which cannot be imported here ({error}). Install what the "
            "requirements list: make setup, or python -m pip install av."
        ) from error
    # FFmpeg would report each damaged file on stderr.
    av.logging.set_level(av.logging.PANIC)
    return av
