"""What a training shows while it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from export.training.options import TrainOptions
from export.training.state import Epoch


class Display:
    """A progress bar and a line an epoch, and TensorBoard's log where it is installed."""

    def __init__(self, options: TrainOptions, folder: Path) -> None:
        from tqdm import tqdm

        # In a log a bar is noise; the lines of the epochs are enough there.
        self._options = options
        self._bar = tqdm(unit="picture", dynamic_ncols=True, disable=None)
        self._writer = _tensorboard(folder / "tensorboard")

    def __enter__(self) -> Display:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()
        if self._writer is not None:
            self._writer.close()

    def pictures(self, epoch: int, phase: str, done: int, total: int, loss: float) -> None:
        """Move the bar."""
        if done < self._bar.n or self._bar.total != total:
            self._bar.reset(total)
        self._bar.set_description(f"epoch {epoch + 1}/{self._options.all_epochs}, {phase}", False)
        self._bar.set_postfix(loss=f"{loss:.3g}", refresh=False)
        self._bar.update(done - self._bar.n)

    def epoch(self, epoch: Epoch) -> None:
        """Say how an epoch went."""
        self._bar.write(
            f"epoch {epoch.number}/{self._options.all_epochs}, {epoch.phase}: loss "
            f"{epoch.train_loss:.3f}, validation loss {epoch.loss:.3f}, accuracy "
            f"{epoch.accuracy:.1%}"
        )
        if self._writer is not None:
            for name in ("train_loss", "train_accuracy", "loss", "accuracy", "rate"):
                self._writer.add_scalar(name, getattr(epoch, name), epoch.number)
            self._writer.flush()


def _tensorboard(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        print(f"TensorBoard's log is not written: {error}. `pip install tensorboard` adds it.")
        return None
    return SummaryWriter(str(folder))
