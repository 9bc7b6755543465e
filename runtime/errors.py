"""The exceptions of `runtime`.

JetbrushError
├── PictureError       the photo or the style cannot be used; the message suits a chat user
│   ├── NotAPicture          the file is no picture, or of a format that is not read
│   ├── DamagedPicture       its data are broken or incomplete
│   ├── FormatUnavailable    no library on this machine reads its format
│   ├── DecodingTooSlow      decoding it would take too long
│   ├── PictureTooLarge      it has more pixels than the limit, or takes too much memory
│   └── PictureTooSmall      one side is shorter than the limit
├── VideoError         the video cannot be read, used or written; the message suits a chat user
│   ├── NotAVideo            the file is no video, or of a format that is not read
│   ├── DamagedVideo         its data are broken or incomplete
│   ├── VideoTooLarge        its frames have more pixels than the limit
│   ├── VideoTooSmall        one side of its frames is shorter than the limit
│   └── VideoUnavailable     PyAV is not installed on this machine
├── OptionError        an option has a value outside its range
├── BackendError       an inference library, a driver or a graph failed
│   ├── BackendUnavailable   the library is not installed, or finds no device
│   ├── GraphMissing         the ONNX file or the engine does not exist
│   │   └── StaleEngine      the engine is damaged, or built from or for something else
│   ├── GraphMismatch        names, shapes or dtypes differ from `runtime.spec`
│   └── DeviceMemoryError    the memory of the GPU is full
└── Cancelled          the caller's cancel event was set
"""

from __future__ import annotations


class JetbrushError(Exception):
    """Any error that Jetbrush reports in a sentence instead of a traceback."""


class PictureError(JetbrushError):
    """A picture that cannot be read, used or written; the message suits a chat user."""


class NotAPicture(PictureError):
    """The file is no picture, or of a format that is not read."""


class DamagedPicture(PictureError):
    """The picture's data are broken or incomplete."""


class FormatUnavailable(PictureError):
    """The picture is in a format that no library on this machine reads."""


class DecodingTooSlow(PictureError):
    """Decoding the picture would take too long."""


class PictureTooLarge(PictureError):
    """The picture has more pixels than the limit, or takes too much memory to decode."""


class PictureTooSmall(PictureError):
    """One side of the picture is shorter than the limit."""


class VideoError(JetbrushError):
    """A video that cannot be read, used or written; the message suits a chat user."""


class NotAVideo(VideoError):
    """The file is no video, or of a format that is not read."""


class DamagedVideo(VideoError):
    """The video's data are broken or incomplete."""


class VideoTooLarge(VideoError):
    """The video's frames have more pixels than the limit."""


class VideoTooSmall(VideoError):
    """One side of the video's frames is shorter than the limit."""


class VideoUnavailable(VideoError):
    """PyAV, the library for videos, is not installed on this machine."""


class OptionError(JetbrushError):
    """An option has a value outside its range."""


class BackendError(JetbrushError):
    """An inference library, a driver or a graph failed."""


class BackendUnavailable(BackendError):
    """The backend's library is not installed, or finds no device."""


class GraphMissing(BackendError):
    """The ONNX file or the engine of a graph does not exist."""


class StaleEngine(GraphMissing):
    """The engine is damaged, or was built from or for something else."""


class DeviceMemoryError(BackendError):
    """The memory of the GPU is full; on a Jetson it is shared with the processor."""


class GraphMismatch(BackendError):
    """Names, shapes or dtypes differ from `runtime.spec`."""


class Cancelled(JetbrushError):
    """The caller's cancel event was set; nothing was written."""
