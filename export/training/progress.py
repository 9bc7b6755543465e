"""What a training run shows meanwhile: a progress bar, a line per epoch, and TensorBoard's log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from export.training.checkpoint import Epoch
from export.training.options import TrainOptions


class ProgressDisplay:
    """A progress bar and a line per epoch; TensorBoard's log too, where it is installed."""

    def __init__(self, options: TrainOptions, folder: Path) -> None:
        from tqdm import tqdm

        self._options = options
        # disable=None: no bar in a log file, where the lines of the epochs are enough.
        self._bar = tqdm(unit="picture", dynamic_ncols=True, disable=None)
        self._writer = _summary_writer(folder / "tensorboard")

    def __enter__(self) -> ProgressDisplay:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()
        if self._writer is not None:
            self._writer.close()

    def on_batch(self, epoch: int, phase: str, done: int, total: int, loss: float) -> None:
        """Move the bar to `done` of `total` pictures of `epoch`, which counts from 0."""
        if done < self._bar.n or self._bar.total != total:
            self._bar.reset(total)
        self._bar.set_description(f"epoch {epoch + 1}/{self._options.all_epochs}, {phase}", False)
        self._bar.set_postfix(loss=f"{loss:.3g}", refresh=False)
        self._bar.update(done - self._bar.n)

    def on_epoch(self, epoch: Epoch) -> None:
        """Print and log the metrics of a finished epoch."""
        self._bar.write(
            f"epoch {epoch.number}/{self._options.all_epochs}, {epoch.phase}: loss "
            f"{epoch.train_loss:.3f}, validation loss {epoch.loss:.3f}, accuracy "
            f"{epoch.accuracy:.1%}"
        )
        if self._writer is not None:
            for name in ("train_loss", "train_accuracy", "loss", "accuracy", "rate"):
                self._writer.add_scalar(name, getattr(epoch, name), epoch.number)
            self._writer.flush()


def _summary_writer(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        print(f"TensorBoard's log is not written: {error}. `pip install tensorboard` adds it.")
        return None
    return SummaryWriter(str(folder))
