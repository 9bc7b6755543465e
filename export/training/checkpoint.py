"""The checkpoint of a training run: all that it needs to resume as if it had never stopped."""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional

from export.errors import StateError
from runtime.files import atomic_write, remove_partial

FILE = "checkpoint.pt"

#: With weights_only=True, torch 1.13 loads no floats: they are stored as text under this key.
_FLOAT = "float.hex"


@dataclass(frozen=True)
class Epoch:
    """The metrics of one epoch, counted from 1.

    Losses are means per picture, accuracies are in [0, 1], `rate` is the learning rate of the new
    layers at the end. Names without `train_` are those of the validation.
    """

    number: int
    phase: str
    train_loss: float
    train_accuracy: float
    loss: float
    accuracy: float
    rate: float


@dataclass(frozen=True)
class Best:
    """The epoch of the best validation accuracy, with the weights that are kept of it.

    `confusion[i][j]` counts pictures of class i that were classified as j.
    """

    epoch: int
    accuracy: float
    tensors: Dict[str, Any]
    confusion: List[List[int]]


@dataclass
class State:
    """What changes from step to step, besides the network, the optimiser and the generators.

    `drawn`, `loss_sum` and `right` are of the current epoch: pictures so far, the sum of their
    losses, and how many of them were classified correctly.
    """

    epoch: int = 0
    drawn: int = 0
    loss_sum: float = 0.0
    right: int = 0
    history: List[Epoch] = field(default_factory=list)
    best: Optional[Best] = None

    def to_stored(self) -> Dict[str, Any]:
        """Convert to plain values and tensors."""
        history = [dict(vars(each)) for each in self.history]
        best = dict(vars(self.best)) if self.best else None
        return {**vars(self), "history": history, "best": best}

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> State:
        """Restore from a checkpoint; its other keys are ignored."""
        values = {each.name: stored[each.name] for each in fields(cls)}
        values["history"] = [Epoch(**each) for each in stored["history"]]
        values["best"] = Best(**stored["best"]) if stored["best"] else None
        return cls(**values)


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Replace the checkpoint atomically: a power cut leaves either the old or the new one.

    Raises `StateError` if it cannot be written; the previous one is kept.
    """
    import torch

    # Not straight into the file: on a full disk torch 1.13 aborts the process.
    content = io.BytesIO()
    torch.save(_pack(state), content)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A run that was killed while it wrote leaves files as large as the checkpoint.
        remove_partial(path)
        with atomic_write(path, durable=True) as file:
            file.write(content.getbuffer())
    except OSError as error:
        kept = f"The previous one, {path}, is kept" if path.exists() else "There is none yet"
        raise StateError(
            f"the checkpoint cannot be written to {path.parent} ({_reason(error)}). {kept}. Free "
            "space on the disk and run the same command again: it resumes from there."
        ) from error


def load_checkpoint(path: Path, identity: Mapping[str, Any]) -> Dict[str, Any]:
    """Read the checkpoint of a run with this `identity`.

    Raises `StateError` if it is damaged, or from a run with other options, pictures or weights.
    """
    import torch

    try:
        state = _unpack(torch.load(str(path), map_location="cpu", weights_only=True))
        found = state["identity"]
    except (OSError, RuntimeError, EOFError, KeyError, TypeError, pickle.PickleError) as error:
        raise StateError(
            f"{path} is damaged ({_reason(error)}). Start again with --restart."
        ) from error
    differing = [
        f"{name} {found.get(name)!r}, now {identity.get(name)!r}"
        for name in {**found, **identity}
        if found.get(name) != identity.get(name)
    ]
    if differing:
        raise StateError(
            f"{path} is from a run with other settings: {'; '.join(differing)}. Use those of the "
            "checkpoint, or start again with --restart."
        )
    return dict(state)


def _pack(value: Any) -> Any:
    if isinstance(value, float):
        return {_FLOAT: value.hex()}
    return _map(value, _pack)


def _unpack(value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {_FLOAT}:
        return float.fromhex(value[_FLOAT])
    return _map(value, _unpack)


def _map(value: Any, change: Callable[[Any], Any]) -> Any:
    """Apply `change` to every item of a container; returns other values unchanged."""
    if isinstance(value, Mapping):
        return {key: change(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(change(each) for each in value)
    return value


def _reason(error: Exception) -> str:
    """The operating system's message if it caused the error, otherwise the error's first line."""
    cause: Any = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return str(cause.strerror)
        cause = cause.__cause__ or cause.__context__
    return (str(error).splitlines() or [type(error).__name__])[0]
