"""The options of fine-tuning, each with its default, its range and its help in this one place."""

from __future__ import annotations

import argparse
from dataclasses import Field, asdict, dataclass, field, fields
from typing import Any, Dict, Optional, Tuple

from export.sources.vgg import ALL_CHANNELS
from runtime.errors import OptionError
from runtime.spec.vgg import CLASSIC

#: What is kept of the network: always whole, whatever the options leave out above it.
KEPT_LAYERS: Tuple[str, ...] = CLASSIC.layers
LAST_LAYERS = tuple(ALL_CHANNELS)[len(KEPT_LAYERS) - 1 :]


def _option(default: Any, least: float, most: float, text: str) -> Any:
    return field(default=default, metadata={"help": text, "range": (least, most)})


@dataclass(frozen=True)
class TrainOptions:
    """What decides the weights that come out, together with the pictures and the start."""

    side: int = _option(224, 32, 512, "pictures are cut to this many pixels, squared")
    batch: int = _option(16, 1, 1024, "pictures at once; less needs less memory")
    accumulate: int = _option(2, 1, 1024, "batches to a step of the optimiser")
    head_epochs: int = _option(4, 0, 1000, "epochs in which the new layers alone learn")
    epochs: int = _option(24, 1, 1000, "epochs in which all layers learn, at the most")
    patience: int = _option(6, 1, 1000, "stop after so many of them without a better accuracy")
    rate: float = _option(1e-3, 1e-8, 1, "learning rate of the new layers")
    lower_rate: float = _option(2e-5, 1e-8, 1, "learning rate of the pretrained layers")
    smoothing: float = _option(0.1, 0, 0.9, "label smoothing")
    decay: float = _option(1e-2, 0, 1, "weight decay")
    validation: float = _option(0.2, 0.01, 0.9, "share of each class that is validated with")
    width: float = _option(1.0, 0.05, 1, "channels of the layers above conv3_1, as a share")
    last_layer: str = field(
        default=LAST_LAYERS[-1], metadata={"help": "the network ends here", "choices": LAST_LAYERS}
    )
    mixed: bool = field(default=True, metadata={"help": "compute in float32 even on a CUDA GPU"})
    seed: int = _option(0, 0, 2**31 - 1, "of the split, the order, the augmentation and the rest")

    def __post_init__(self) -> None:
        """Raise `OptionError` for a value outside its range."""
        for each in fields(self):
            value = getattr(self, each.name)
            least, most = each.metadata.get("range", (None, None))
            if least is not None and not least <= value <= most:
                raise OptionError(f"{_flag(each)} is {value}; it goes from {least:g} to {most:g}.")
        if self.last_layer not in LAST_LAYERS:
            raise OptionError(
                f"--last-layer is {self.last_layer}; it can be {', '.join(LAST_LAYERS)}."
            )

    @property
    def all_epochs(self) -> int:
        """The epochs of both phases, if none is left out."""
        return self.head_epochs + self.epochs

    @property
    def step_pictures(self) -> int:
        """Pictures to a step of the optimiser."""
        return self.batch * self.accumulate

    def identity(self) -> Dict[str, Any]:
        """What a checkpoint must have in common with the run that goes on from it.

        A smaller batch with more of them accumulated does the same within less memory.
        """
        values = asdict(self)
        del values["batch"], values["accumulate"]
        return {**values, "batch x accumulate": self.step_pictures}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add an option to the command line for every field."""
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


def options_of(args: argparse.Namespace) -> TrainOptions:
    """The options that the command line gives; raises `OptionError` for one out of its range."""
    return TrainOptions(**{each.name: getattr(args, each.name) for each in fields(TrainOptions)})


def _flag(each: Field[Any]) -> str:
    return "--" + each.name.replace("_", "-")


def _help(each: Field[Any]) -> str:
    return str(each.metadata["help"])
