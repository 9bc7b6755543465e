"""The exceptions of `runtime`.

JetbrushError
├── PictureError       the photo or the style cannot be used; the message suits a chat user
│   ├── NotAPicture          a file of another kind
│   ├── DamagedPicture       its data are broken or cut short
│   ├── PictureTooLarge      more pixels than are decoded
│   └── PictureTooSmall      a side too short to repaint
├── OptionError        an option has a value outside its range
├── BackendError       an inference library, a driver or a graph failed
│   ├── BackendUnavailable   not installed, or no device for it
│   ├── GraphMissing         the ONNX file or the engine is not there
│   │   └── StaleEngine      it is, but damaged, or built from or for something else
│   ├── GraphMismatch        names, shapes or dtypes differ from `runtime.spec`
│   └── DeviceMemoryError    the memory of the GPU is full
└── Cancelled          the caller's cancel event was set
"""

from __future__ import annotations


class JetbrushError(Exception):
    """Anything Jetbrush reports in a sentence instead of a traceback."""


class PictureError(JetbrushError):
    """A picture that cannot be read, used or written; the message suits a chat user."""


class NotAPicture(PictureError):
    """A file of another kind, or of a picture format that is not read."""


class DamagedPicture(PictureError):
    """A picture whose data are broken or cut short."""


class PictureTooLarge(PictureError):
    """A picture with more pixels than are decoded."""


class PictureTooSmall(PictureError):
    """A picture with a side too short to repaint."""


class OptionError(JetbrushError):
    """An option has a value outside its range."""


class BackendError(JetbrushError):
    """An inference library, a driver or a graph failed."""


class BackendUnavailable(BackendError):
    """The backend's library is not installed, or there is no device for it."""


class GraphMissing(BackendError):
    """The ONNX file or the engine of a graph is not there."""


class StaleEngine(GraphMissing):
    """A plan is there, but is damaged or was built from or for something else."""


class DeviceMemoryError(BackendError):
    """The GPU, or on a Jetson the memory that it shares with the processor, is full."""


class GraphMismatch(BackendError):
    """Names, shapes or dtypes differ from what `runtime.spec` says."""


class Cancelled(JetbrushError):
    """The caller's cancel event was set; nothing was written."""
