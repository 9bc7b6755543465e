"""The checkpoint of a training: all that a run needs to go on as if it had never stopped."""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional

from export.errors import StateError
from runtime.files import atomic_write

FILE = "checkpoint.pt"

#: torch 1.13 reads no numbers with a point where it reads only weights: they are stored as text.
_FLOAT = "float.hex"


@dataclass(frozen=True)
class Epoch:
    """One epoch's figures: accuracies are shares of 1, `rate` is the new layers' at its end."""

    number: int
    phase: str
    train_loss: float
    train_accuracy: float
    loss: float
    accuracy: float
    rate: float


@dataclass(frozen=True)
class Best:
    """The epoch of the best accuracy: what is kept of it, and its confusions.

    `confusion[i][j]` counts pictures of class i that were taken for class j.
    """

    epoch: int
    accuracy: float
    tensors: Dict[str, Any]
    confusion: List[List[int]]


@dataclass
class State:
    """What changes from step to step, beside the network, the optimiser and the generators."""

    epoch: int = 0
    drawn: int = 0
    loss_sum: float = 0.0
    right: int = 0
    history: List[Epoch] = field(default_factory=list)
    best: Optional[Best] = None

    def to_stored(self) -> Dict[str, Any]:
        """As plain values and tensors."""
        history = [dict(vars(each)) for each in self.history]
        best = dict(vars(self.best)) if self.best else None
        return {**vars(self), "history": history, "best": best}

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> State:
        """Out of a checkpoint, whatever else that holds."""
        values = {each.name: stored[each.name] for each in fields(cls)}
        values["history"] = [Epoch(**each) for each in stored["history"]]
        values["best"] = Best(**stored["best"]) if stored["best"] else None
        return cls(**values)


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write the checkpoint, whole or not at all: through power cuts there is always a good one.

    Raises `StateError` if it cannot be written; the one before is kept.
    """
    import torch

    # Not into the file: on a full disk the writer of torch 1.13 ends the process.
    whole = io.BytesIO()
    torch.save(_packed(state), whole)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path, durable=True) as file:
            file.write(whole.getbuffer())
    except OSError as error:
        kept = f"The last good one, {path}, is kept" if path.exists() else "There is none yet"
        raise StateError(
            f"the checkpoint cannot be written to {path.parent} ({_reason(error)}). {kept}. Make "
            "room on the disk and run the same command again: it goes on from there."
        ) from error


def load_state(path: Path, identity: Mapping[str, Any]) -> Dict[str, Any]:
    """Read the checkpoint of a run with this `identity`.

    Raises `StateError` if it is damaged, or of a run with other options, pictures or weights.
    """
    import torch

    try:
        state = _unpacked(torch.load(str(path), map_location="cpu", weights_only=True))
        found = state["identity"]
    except (OSError, RuntimeError, EOFError, KeyError, TypeError, pickle.PickleError) as error:
        raise StateError(
            f"{path} is damaged ({_reason(error)}). Begin anew with --restart."
        ) from error
    differing = [
        f"{name} {found.get(name)!r}, now {identity.get(name)!r}"
        for name in {**found, **identity}
        if found.get(name) != identity.get(name)
    ]
    if differing:
        raise StateError(
            f"{path} is of a run with other settings: {'; '.join(differing)}. Go on with those of "
            "the checkpoint, or begin anew with --restart."
        )
    return dict(state)


def _packed(value: Any) -> Any:
    if isinstance(value, float):
        return {_FLOAT: value.hex()}
    return _mapped(value, _packed)


def _unpacked(value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {_FLOAT}:
        return float.fromhex(value[_FLOAT])
    return _mapped(value, _unpacked)


def _mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """The same with all that a container holds changed."""
    if isinstance(value, Mapping):
        return {key: change(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(change(each) for each in value)
    return value


def _reason(error: Exception) -> str:
    """What the operating system said, if it is at the bottom of it, in a line."""
    cause: Any = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return str(cause.strerror)
        cause = cause.__cause__ or cause.__context__
    return (str(error).splitlines() or [type(error).__name__])[0]
