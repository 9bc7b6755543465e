"""The options of fine-tuning: defaults, ranges and help texts."""

from __future__ import annotations

import argparse
from dataclasses import Field, asdict, dataclass, field, fields
from typing import Any, Dict, Optional, Tuple

from export.sources.vgg import ALL_CHANNELS
from runtime.errors import OptionError
from runtime.spec.vgg import CLASSIC

#: The layers whose weights are kept. They always have all channels, whatever --width is.
KEPT_LAYERS: Tuple[str, ...] = CLASSIC.layers
LAST_LAYERS = tuple(ALL_CHANNELS)[len(KEPT_LAYERS) - 1 :]


def _option(default: Any, low: float, high: float, text: str) -> Any:
    return field(default=default, metadata={"help": text, "range": (low, high)})


@dataclass(frozen=True)
class TrainOptions:
    """The options that, with the pictures and the start weights, determine the trained weights."""

    side: int = _option(224, 32, 512, "width and height that pictures are cropped to, in pixels")
    batch: int = _option(16, 1, 1024, "pictures per batch; fewer need less memory")
    accumulate: int = _option(2, 1, 1024, "batches per step of the optimiser")
    head_epochs: int = _option(4, 0, 1000, "epochs that train the new layers only")
    epochs: int = _option(24, 1, 1000, "epochs that train all layers, at most")
    patience: int = _option(6, 1, 1000, "stop after this many of them without a better accuracy")
    rate: float = _option(1e-3, 1e-8, 1, "learning rate of the new layers")
    lower_rate: float = _option(2e-5, 1e-8, 1, "learning rate of the pretrained layers")
    smoothing: float = _option(0.1, 0, 0.9, "label smoothing")
    decay: float = _option(1e-2, 0, 1, "weight decay")
    validation: float = _option(0.2, 0.01, 0.9, "share of each class to validate with")
    width: float = _option(
        1.0, 0.05, 1, "share of the channels to keep in the layers above conv3_1"
    )
    last_layer: str = field(
        default=LAST_LAYERS[-1],
        metadata={"help": "last convolution of the network", "choices": LAST_LAYERS},
    )
    mixed: bool = field(default=True, metadata={"help": "compute in float32 on a CUDA GPU too"})
    seed: int = _option(
        0, 0, 2**31 - 1, "random seed of the split, the order, the augmentation and all else"
    )

    def __post_init__(self) -> None:
        """Raise `OptionError` for a value outside its range."""
        for each in fields(self):
            value = getattr(self, each.name)
            low, high = each.metadata.get("range", (None, None))
            if low is not None and not low <= value <= high:
                raise OptionError(f"{_flag(each)} is {value}; expected {low:g} to {high:g}.")
        if self.last_layer not in LAST_LAYERS:
            raise OptionError(
                f"--last-layer is {self.last_layer}; expected one of {', '.join(LAST_LAYERS)}."
            )

    @property
    def all_epochs(self) -> int:
        """The number of epochs of both phases, without early stopping."""
        return self.head_epochs + self.epochs

    @property
    def step_pictures(self) -> int:
        """The number of pictures per step of the optimiser."""
        return self.batch * self.accumulate

    def advice_for_less_memory(self) -> str:
        """A sentence: which options to try when the memory is full."""
        half = self.batch // 2
        if half and self.step_pictures % half == 0:
            return (
                f"Try --batch {half} --accumulate {self.step_pictures // half}: the steps stay the "
                "same, and the run resumes from the last checkpoint."
            )
        if half:
            return f"Try --batch {half} with --restart."
        return (
            f"Try smaller pictures, --side {max(32, self.side * 3 // 4)}, or a smaller network, "
            "--last-layer conv4_4, with --restart."
        )

    def identity(self) -> Dict[str, Any]:
        """The values in which a checkpoint and the run that resumes it must agree.

        Batch size and accumulation may change while their product stays: the steps are the same.
        """
        values = asdict(self)
        del values["batch"], values["accumulate"]
        return {**values, "batch x accumulate": self.step_pictures}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add a command-line option for every field."""
    for each in fields(TrainOptions):
        if each.name == "mixed":
            parser.add_argument("--no-mixed", dest="mixed", action="store_false", help=_help(each))
            continue
        choices: Optional[Tuple[str, ...]] = each.metadata.get("choices")
        parser.add_argument(
            _flag(each),
            type=type(each.default),
            choices=choices,
            default=each.default,
            metavar=None if choices is None else "LAYER",
            help=f"{_help(each)} (default: %(default)s)",
        )


def parse_options(args: argparse.Namespace) -> TrainOptions:
    """The options from the command line; raises `OptionError` for a value outside its range."""
    return TrainOptions(**{each.name: getattr(args, each.name) for each in fields(TrainOptions)})


def _flag(each: Field[Any]) -> str:
    return "--" + each.name.replace("_", "-")


def _help(each: Field[Any]) -> str:
    return str(each.metadata["help"])
