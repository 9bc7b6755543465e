"""The training loop: epochs of training and validation, with checkpoints.

Everything that a step depends on is in the checkpoint or drawn from the seed and the position in
the epoch: a run that was killed and resumed ends with the very same weights, on the same machine
with the same number of threads.
"""

from __future__ import annotations

import contextlib
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, Optional, Sequence, Tuple

import numpy as np

from export.errors import BatchTooLarge, TrainingFailed
from export.training.checkpoint import (
    FILE,
    Best,
    Epoch,
    State,
    load_checkpoint,
    save_checkpoint,
)
from export.training.dataset import Picture
from export.training.network import kept_tensors
from export.training.optimizer import ALL_LAYERS, PhasedOptimizer
from export.training.options import TrainOptions
from export.training.samples import Samples, balanced_order

if TYPE_CHECKING:
    import torch

#: What torch says when the memory of the GPU or the machine is full; no exception covers both.
_MEMORY_ERRORS = ("out of memory", "can't allocate memory", "not enough memory")


@dataclass(frozen=True)
class RunSettings:
    """Where a training runs. Of these, only the device affects the trained weights.

    folder: of the checkpoint. workers: processes that load pictures, 0 for none.
    checkpoint_s: seconds between two checkpoints, besides one after every epoch.
    """

    folder: Path
    device: str = "cpu"
    workers: int = 0
    checkpoint_s: float = 600.0


#: Called after each batch: the epoch (from 0), its phase, pictures done, their total, mean loss.
OnBatch = Callable[[int, str, int, int, float], None]


class Trainer:
    """Trains `network` with the pictures `training`, files in `pictures_folder`.

    `validation` selects the best epoch. `pretrained` names the layers that start with trained
    weights. `identity` is what a checkpoint must match to be resumed.
    """

    def __init__(
        self,
        options: TrainOptions,
        network: torch.nn.Module,
        pretrained: Tuple[str, ...],
        pictures_folder: Path,
        training: Tuple[Picture, ...],
        validation: Tuple[Picture, ...],
        settings: RunSettings,
        identity: Dict[str, Any],
    ) -> None:
        import torch

        self._options = options
        self._device = torch.device(settings.device)
        self._network = network.to(self._device)
        self._pictures_folder = pictures_folder
        self._training = training
        self._validation = validation
        self._settings = settings
        self._identity = identity
        self._state = State()
        self._optimizer = PhasedOptimizer(options, self._network, pretrained, self._device)
        self._optimizer.start_epoch(0)

    @property
    def epochs_done(self) -> int:
        """The number of finished epochs, of previous runs too once `resume` was called."""
        return self._state.epoch

    def resume(self) -> bool:
        """Load the checkpoint; returns False if there is none. Raises `StateError` if it is unfit."""
        import torch

        path = self._settings.folder / FILE
        if not path.exists():
            return False
        stored = load_checkpoint(path, self._identity)
        self._state = State.from_stored(stored)
        self._network.load_state_dict(stored["network"])
        self._optimizer.start_epoch(self._state.epoch)
        self._optimizer.load_state_dict(stored)
        torch.set_rng_state(stored["random"])
        if self._device.type == "cuda":
            torch.cuda.set_rng_state(stored["cuda_random"], self._device)
        return True

    def run(
        self,
        on_epoch: Callable[[Epoch], None] = lambda epoch: None,
        on_batch: OnBatch = lambda *_: None,
    ) -> Tuple[Best, Tuple[Epoch, ...]]:
        """Train to the end; returns the best epoch of the second phase, and all epochs.

        Raises `BatchTooLarge` when the memory is full, `StateError` when the checkpoint cannot be
        written, `TrainingFailed` when the loss is not finite.
        """
        with _translate_memory_errors(self._options, self._device.type):
            while not self._is_finished():
                self._train_epoch(on_batch)
                on_epoch(self._validate())
                self._save()
        assert self._state.best is not None  # the second phase has at least one epoch
        return self._state.best, tuple(self._state.history)

    def _is_finished(self) -> bool:
        state = self._state
        if state.epoch >= self._options.all_epochs:
            return True
        return state.best is not None and state.epoch - state.best.epoch >= self._options.patience

    def _train_epoch(self, on_batch: OnBatch) -> None:
        """Train with those pictures of the epoch that were not drawn yet."""
        import torch

        state, options = self._state, self._options
        order = balanced_order([each.label for each in self._training], options.seed, state.epoch)
        samples = Samples(
            self._pictures_folder,
            [self._training[index] for index in order],
            side=options.side,
            seed=options.seed,
            epoch=state.epoch,
        )
        self._network.train()
        saved = time.monotonic()
        total = len(samples)
        for images, labels in self._load(samples, range(state.drawn, total)):
            step_start = state.drawn // options.step_pictures * options.step_pictures
            step_size = min(options.step_pictures, total - step_start)
            with self._optimizer.autocast():
                scores = self._network(images)
                losses = torch.nn.functional.cross_entropy(
                    scores, labels, label_smoothing=options.smoothing, reduction="sum"
                )
            self._optimizer.backward(losses / step_size)
            state.drawn += len(labels)
            state.loss_sum += float(losses.item())
            state.right += int((scores.argmax(1) == labels).sum().item())
            if not math.isfinite(state.loss_sum):
                raise TrainingFailed(
                    f"the loss is {state.loss_sum} in epoch {state.epoch + 1}, after {state.drawn} "
                    f"pictures; expected a finite number. Try --rate {options.rate / 3:.2g} "
                    f"--lower-rate {options.lower_rate / 3:.2g}, with --restart."
                )
            phase = self._optimizer.phase
            on_batch(state.epoch, phase, state.drawn, total, state.loss_sum / state.drawn)
            if state.drawn == step_start + step_size:
                self._optimizer.step(state.epoch + state.drawn / total)
                if time.monotonic() - saved >= self._settings.checkpoint_s:
                    self._save()
                    saved = time.monotonic()

    def _validate(self) -> Epoch:
        """Validate, record the epoch's metrics and whether it is the best, and start the next."""
        import torch

        state = self._state
        self._network.eval()
        classes = 1 + max(each.label for each in self._validation)
        confusion = np.zeros((classes, classes), np.int64)
        loss_sum = 0.0
        samples = Samples(self._pictures_folder, self._validation, side=self._options.side)
        with torch.no_grad():
            for images, labels in self._load(samples):
                with self._optimizer.autocast():
                    scores = self._network(images)
                    loss = torch.nn.functional.cross_entropy(scores, labels, reduction="sum")
                loss_sum += float(loss.item())
                np.add.at(confusion, (labels.cpu().numpy(), scores.argmax(1).cpu().numpy()), 1)
        epoch = Epoch(
            number=state.epoch + 1,
            phase=self._optimizer.phase,
            train_loss=state.loss_sum / state.drawn,
            train_accuracy=state.right / state.drawn,
            loss=loss_sum / len(self._validation),
            accuracy=float(np.trace(confusion)) / len(self._validation),
            rate=self._optimizer.rate,
        )
        state.history.append(epoch)
        is_best = state.best is None or epoch.accuracy > state.best.accuracy
        if epoch.phase == ALL_LAYERS and is_best:
            tensors = kept_tensors(self._network)
            state.best = Best(epoch.number, epoch.accuracy, tensors, confusion.tolist())
        state.epoch, state.drawn, state.loss_sum, state.right = epoch.number, 0, 0.0, 0
        self._optimizer.start_epoch(state.epoch)
        return epoch

    def _save(self) -> None:
        import torch

        cuda = self._device.type == "cuda"
        save_checkpoint(
            self._settings.folder / FILE,
            {
                "identity": self._identity,
                **self._state.to_stored(),
                "network": self._network.state_dict(),
                **self._optimizer.state_dict(),
                "random": torch.get_rng_state(),
                "cuda_random": torch.cuda.get_rng_state(self._device) if cuda else None,
            },
        )

    def _load(
        self, samples: Samples, positions: Optional[Sequence[int]] = None
    ) -> Iterator[Tuple[torch.Tensor, torch.Tensor]]:
        """Batches of the samples at `positions`, or of all, on the device."""
        import torch
        from torch.utils.data import DataLoader

        loader: DataLoader[Any] = DataLoader(
            samples,  # type: ignore[arg-type]
            batch_size=self._options.batch,
            sampler=positions,
            num_workers=self._settings.workers,
            pin_memory=self._device.type == "cuda",
            # Without its own, the loader would draw from the generator that the dropout uses.
            generator=torch.Generator(),
        )
        for images, labels in loader:
            yield (
                images.to(self._device, non_blocking=True),
                labels.to(self._device, non_blocking=True),
            )


@contextlib.contextmanager
def _translate_memory_errors(options: TrainOptions, device: str) -> Iterator[None]:
    """Raise `BatchTooLarge` in place of the errors that torch raises when the memory is full."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        text = str(error).lower()
        if not (isinstance(error, MemoryError) or any(each in text for each in _MEMORY_ERRORS)):
            raise
        raise BatchTooLarge(
            f"a batch of {options.batch} does not fit into the memory of the {device}. "
            f"{options.advice_for_less_memory()}"
        ) from error
