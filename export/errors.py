"""The exceptions of `export`.

JetbrushError                    (of runtime.errors)
└── ExportError
    ├── WeightsError             weights are missing, or not what they should be
    │   ├── WeightsMissing       a file of weights is not there, or lacks what is asked of it
    │   ├── UnknownWeights       no entry of the catalogue has this name
    │   └── CheckpointError      a checkpoint is broken, or of another layout than expected
    │       └── CheckpointRefused   its pickle asks for more than tensors: code, perhaps
    ├── DownloadError            a file could not be had from its source
    │   └── ChecksumMismatch     it could, but is not the file that was published
    ├── CannotBuild              TensorRT, pycuda or the GPU is missing on this machine
    ├── EngineFailed             an engine could not be built
    │   └── DiskFull             there is no room for it; the existing one is kept
    └── TrainingFailed           fine-tuning cannot start or continue
        ├── DatasetError         the pictures are not there, or too few
        ├── BatchTooLarge        a batch does not fit into the memory
        └── StateError           the training's checkpoint cannot be written, read or resumed
"""

from __future__ import annotations

from runtime.errors import JetbrushError


class ExportError(JetbrushError):
    """Anything that goes wrong between published weights and finished graphs and engines."""


class WeightsError(ExportError):
    """Weights are missing, or not what they should be."""


class WeightsMissing(WeightsError):
    """A file of weights is not there, or lacks what is asked of it."""


class UnknownWeights(WeightsError):
    """No entry of the catalogue has this name."""


class CheckpointError(WeightsError):
    """A checkpoint file is broken, or its tensors are of another layout than expected."""


class CheckpointRefused(CheckpointError):
    """A checkpoint's pickle asks for more than tensors; nothing of it was executed."""


class DownloadError(ExportError):
    """A file could not be had from its source."""


class ChecksumMismatch(DownloadError):
    """A file was had from its source, but its sha256 is not the published file's."""


class CannotBuild(ExportError):
    """TensorRT, pycuda or the GPU is missing on this machine."""


class EngineFailed(ExportError):
    """An engine could not be built."""


class DiskFull(EngineFailed):
    """There is no room for the engine; the existing one is kept."""


class TrainingFailed(ExportError):
    """Fine-tuning cannot start or continue."""


class DatasetError(TrainingFailed):
    """The pictures to train with are not there, or too few."""


class BatchTooLarge(TrainingFailed):
    """A batch does not fit into the memory of the GPU or the machine."""


class StateError(TrainingFailed):
    """The training's checkpoint cannot be written, read or resumed; the previous one is kept."""
