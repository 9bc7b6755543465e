"""The exceptions of `export`.

JetbrushError                    (of runtime.errors)
└── ExportError
    ├── WeightsError             weights are missing or wrong
    │   ├── WeightsMissing       a weights file does not exist, or lacks the requested layers
    │   ├── UnknownWeights       the catalogue has no entry of this name
    │   └── CheckpointError      a checkpoint is damaged, or has an unknown layout
    │       └── CheckpointRefused   its pickle contains more than tensors, perhaps code
    ├── DownloadError            a file could not be downloaded or written
    │   └── ChecksumMismatch     a downloaded file is not the published one
    ├── CannotBuild              TensorRT, pycuda or the GPU is missing on this machine
    ├── BuilderBusy              another process builds engines in the same folder
    ├── EngineFailed             an engine could not be built
    │   └── DiskFull             there is no room for it; the existing one is kept
    └── TrainingFailed           fine-tuning cannot start or continue
        ├── DatasetError         the training pictures are missing or too few
        ├── BatchTooLarge        a batch does not fit into memory
        └── StateError           the training's checkpoint cannot be written, read or resumed
"""

from __future__ import annotations

from runtime.errors import JetbrushError


class ExportError(JetbrushError):
    """Base of all errors of `export`."""


class WeightsError(ExportError):
    """Weights are missing or wrong."""


class WeightsMissing(WeightsError):
    """A weights file does not exist, or lacks the requested layers."""


class UnknownWeights(WeightsError):
    """The catalogue has no entry of this name."""


class CheckpointError(WeightsError):
    """A checkpoint file is damaged, or its tensors have an unknown layout."""


class CheckpointRefused(CheckpointError):
    """A checkpoint's pickle contains more than tensors; none of it was executed."""


class DownloadError(ExportError):
    """A file could not be downloaded or written."""


class ChecksumMismatch(DownloadError):
    """A downloaded file does not have the sha256 of the published one."""


class CannotBuild(ExportError):
    """TensorRT, pycuda or the GPU is missing on this machine."""


class BuilderBusy(ExportError):
    """Another process builds engines in the same folder."""


class EngineFailed(ExportError):
    """An engine could not be built."""


class DiskFull(EngineFailed):
    """There is no room for the engine; the existing one is kept."""


class TrainingFailed(ExportError):
    """Fine-tuning cannot start or continue."""


class DatasetError(TrainingFailed):
    """The training pictures are missing or too few."""


class BatchTooLarge(TrainingFailed):
    """A batch does not fit into the memory of the GPU or the machine."""


class StateError(TrainingFailed):
    """The training's checkpoint cannot be written, read or resumed; the previous one is kept."""
