"""The training itself: the new layers first, then all of them, each phase with a cosine schedule.

Everything that a step depends on is in the checkpoint or drawn from the seed and the place in the
epoch: a run that was killed and goes on ends with the very same weights, on the same machine with
the same number of threads.
"""

from __future__ import annotations

import contextlib
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Tuple

import numpy as np

from export.errors import TrainingFailed
from export.training.data import Picture
from export.training.memory import memory_told
from export.training.network import kept_tensors
from export.training.options import TrainOptions
from export.training.samples import Samples, balanced_order
from export.training.state import FILE, Best, Epoch, State, load_state, save_state

if TYPE_CHECKING:
    import torch

#: The phases, as they are called in what is shown.
NEW_LAYERS, ALL_LAYERS = "new layers", "all layers"

#: The norm that a step's gradient is cut to, and the share of the rate that a phase ends with.
LARGEST_GRADIENT, LAST_RATE = 5.0, 0.01


@dataclass(frozen=True)
class Place:
    """Where a training runs: nothing of it but the device changes the weights that come out.

    folder: of the checkpoint. workers: processes that prepare pictures, 0 for none.
    checkpoint_s: seconds between two checkpoints, besides one after every epoch.
    """

    folder: Path
    device: str = "cpu"
    workers: int = 0
    checkpoint_s: float = 600.0


#: Called while pictures go by: the epoch (from 0), its phase, pictures done and all, loss so far.
OnPictures = Callable[[int, str, int, int, float], None]


class Training:
    """A training of `network` on `learn`, judged by `validate`; `run` it."""

    def __init__(
        self,
        options: TrainOptions,
        network: torch.nn.Module,
        pretrained: Tuple[str, ...],
        pictures: Path,
        learn: Tuple[Picture, ...],
        validate: Tuple[Picture, ...],
        place: Place,
        identity: Dict[str, Any],
    ) -> None:
        import torch

        self._options = options
        self._device = torch.device(place.device)
        self._network = network.to(self._device)
        self._pretrained = pretrained
        self._pictures = pictures
        self._learn = learn
        self._validate = validate
        self._place = place
        self._identity = identity
        self._state = State()
        self._phase = ""
        self._mixed = options.mixed and self._device.type == "cuda"
        self._scaler = _gradient_scaler(self._mixed)
        self._enter_phase()

    @property
    def epochs_done(self) -> int:
        """How many are behind it; more than 0 right after `resume` if there was a checkpoint."""
        return self._state.epoch

    def resume(self) -> bool:
        """Go on from the checkpoint, if there is one; raises `StateError` for an unfit one."""
        import torch

        path = self._place.folder / FILE
        if not path.exists():
            return False
        stored = load_state(path, self._identity)
        self._state = State.from_stored(stored)
        self._network.load_state_dict(stored["network"])
        self._enter_phase()
        self._optimizer.load_state_dict(stored["optimizer"])
        self._scaler.load_state_dict(stored["scaler"])
        torch.set_rng_state(stored["random"])
        if self._device.type == "cuda":
            torch.cuda.set_rng_state(stored["cuda_random"], self._device)
        return True

    def run(
        self,
        on_epoch: Callable[[Epoch], None] = lambda epoch: None,
        on_pictures: OnPictures = lambda *_: None,
    ) -> Tuple[Best, Tuple[Epoch, ...]]:
        """Train to the end; returns the best epoch with all layers learning, and all epochs.

        Raises `BatchTooLarge` when the memory is full, `StateError` when the checkpoint cannot be
        written, `TrainingFailed` when the loss is no number any more.
        """
        with memory_told(self._options, self._device.type):
            while not self._is_finished():
                self._train(on_pictures)
                on_epoch(self._judge())
                self._save()
        assert self._state.best is not None  # there is one epoch with all layers at the least
        return self._state.best, tuple(self._state.history)

    def _is_finished(self) -> bool:
        state = self._state
        if state.epoch >= self._options.all_epochs:
            return True
        return state.best is not None and state.epoch - state.best.epoch >= self._options.patience

    def _enter_phase(self) -> None:
        """A phase begins with an optimiser of its own; does nothing in the midst of one."""
        import torch

        new = self._state.epoch < self._options.head_epochs
        phase = NEW_LAYERS if new else ALL_LAYERS
        if phase == self._phase:
            return
        self._phase = phase
        fresh: List[Any] = []
        given: List[Any] = []
        for name, part in self._network.named_children():
            (given if name in self._pretrained else fresh).extend(part.parameters())
        for parameter in given:
            parameter.requires_grad_(not new)
        groups = [{"params": fresh, "full_rate": self._options.rate}]
        if not new and given:
            groups.append({"params": given, "full_rate": self._options.lower_rate})
        self._optimizer = torch.optim.AdamW(groups, weight_decay=self._options.decay)

    def _train(self, on_pictures: OnPictures) -> None:
        """The rest of the epoch."""
        import torch

        state, options = self._state, self._options
        order = balanced_order([each.label for each in self._learn], options.seed, state.epoch)
        pictures = [self._learn[index] for index in order]
        samples = Samples(
            self._pictures,
            pictures[state.drawn :],
            side=options.side,
            seed=options.seed,
            epoch=state.epoch,
            first=state.drawn,
        )
        self._network.train()
        saved = time.monotonic()
        total = len(pictures)
        for images, labels in self._loader(samples):
            begin = state.drawn // options.step_pictures * options.step_pictures
            step = min(options.step_pictures, total - begin)
            with self._autocast():
                scores = self._network(images)
                losses = torch.nn.functional.cross_entropy(
                    scores, labels, label_smoothing=options.smoothing, reduction="sum"
                )
            self._scaler.scale(losses / step).backward()
            state.drawn += len(labels)
            state.loss_sum += float(losses.item())
            state.right += int((scores.argmax(1) == labels).sum().item())
            if not math.isfinite(state.loss_sum):
                raise TrainingFailed(
                    f"the loss is {state.loss_sum} in epoch {state.epoch + 1}, after {state.drawn} "
                    f"pictures; expected a number. Try --rate {options.rate / 3:.2g} "
                    f"--lower-rate {options.lower_rate / 3:.2g}, with --restart."
                )
            on_pictures(state.epoch, self._phase, state.drawn, total, state.loss_sum / state.drawn)
            if state.drawn == total or state.drawn == begin + step:
                self._step(state.drawn, total)
                if time.monotonic() - saved >= self._place.checkpoint_s:
                    self._save()
                    saved = time.monotonic()

    def _step(self, drawn: int, total: int) -> None:
        """One step of the optimiser, at the rate of this place in the phase."""
        import torch

        options = self._options
        first = 0 if self._phase == NEW_LAYERS else options.head_epochs
        epochs = options.head_epochs if self._phase == NEW_LAYERS else options.epochs
        done = (self._state.epoch - first + drawn / total) / epochs
        share = LAST_RATE + (1 - LAST_RATE) * (1 + math.cos(math.pi * done)) / 2
        for group in self._optimizer.param_groups:
            group["lr"] = group["full_rate"] * share
        self._scaler.unscale_(self._optimizer)
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), LARGEST_GRADIENT)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._optimizer.zero_grad(set_to_none=True)

    def _judge(self) -> Epoch:
        """Validate, note the epoch's figures and whether it is the best, and begin the next."""
        import torch

        state, options = self._state, self._options
        self._network.eval()
        classes = 1 + max(each.label for each in self._validate)
        confusion = np.zeros((classes, classes), np.int64)
        loss_sum = 0.0
        samples = Samples(self._pictures, self._validate, side=options.side)
        with torch.no_grad():
            for images, labels in self._loader(samples):
                with self._autocast():
                    scores = self._network(images)
                    loss = torch.nn.functional.cross_entropy(scores, labels, reduction="sum")
                loss_sum += float(loss.item())
                np.add.at(confusion, (labels.cpu().numpy(), scores.argmax(1).cpu().numpy()), 1)
        epoch = Epoch(
            number=state.epoch + 1,
            phase=self._phase,
            train_loss=state.loss_sum / state.drawn,
            train_accuracy=state.right / state.drawn,
            loss=loss_sum / len(self._validate),
            accuracy=float(np.trace(confusion)) / len(self._validate),
            rate=float(self._optimizer.param_groups[0]["lr"]),
        )
        state.history.append(epoch)
        if self._phase == ALL_LAYERS and (
            state.best is None or epoch.accuracy > state.best.accuracy
        ):
            tensors = kept_tensors(self._network)
            state.best = Best(epoch.number, epoch.accuracy, tensors, confusion.tolist())
        state.epoch, state.drawn, state.loss_sum, state.right = epoch.number, 0, 0.0, 0
        self._enter_phase()
        return epoch

    def _save(self) -> None:
        import torch

        cuda = self._device.type == "cuda"
        save_state(
            self._place.folder / FILE,
            {
                "identity": self._identity,
                **self._state.to_stored(),
                "network": self._network.state_dict(),
                "optimizer": self._optimizer.state_dict(),
                "scaler": self._scaler.state_dict(),
                "random": torch.get_rng_state(),
                "cuda_random": torch.cuda.get_rng_state(self._device) if cuda else None,
            },
        )

    def _loader(self, samples: Samples) -> Iterator[Tuple[torch.Tensor, torch.Tensor]]:
        import torch
        from torch.utils.data import DataLoader

        loader: DataLoader[Any] = DataLoader(
            samples,  # type: ignore[arg-type]
            batch_size=self._options.batch,
            num_workers=self._place.workers,
            pin_memory=self._device.type == "cuda",
            # Its own, or the loader would draw from the generator that the dropout draws from.
            generator=torch.Generator(),
        )
        for images, labels in loader:
            yield (
                images.to(self._device, non_blocking=True),
                labels.to(self._device, non_blocking=True),
            )

    def _autocast(self) -> Any:
        import torch

        # Not torch's own way to switch it off: torch 1.13 refuses float16 on a processor even so.
        if not self._mixed:
            return contextlib.nullcontext()
        return torch.autocast(self._device.type, dtype=torch.float16)


def _gradient_scaler(enabled: bool) -> Any:
    """The scaler of float16 gradients, which newer torch has in another place."""
    import torch

    if hasattr(torch.amp, "GradScaler"):
        return torch.amp.GradScaler("cuda", enabled=enabled)
    return torch.cuda.amp.GradScaler(enabled=enabled)
