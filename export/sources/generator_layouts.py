"""Reads a CycleGAN generator from a checkpoint of any of the three known layouts.

All are the residual generator of Johnson et al. 2016 that CycleGAN uses (Zhu, Park, Isola and
Efros, ICCV 2017, appendix 7.2): a wide convolution, two that halve the picture, residual blocks,
two that double it, a wide convolution. They differ in the names and in the blocks:

    CycleGAN         model.10.conv_block.1.weight           instance norm without weights
    GAN Compression  model.10.conv_block.1.conv.0.weight    depthwise, norm, pointwise (Li et al.,
                                                            CVPR 2020), instance norm without weights
    affine           model.10.block.1.weight, .block.2.weight   instance norm with scale and shift

Widths, the number of blocks and the layout are inferred from the tensors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, Optional, Set, Tuple

import numpy as np

from export.errors import CheckpointError
from export.sources.checkpoint import read_tensors

#: Their indices in `nn.Sequential`: paddings, norms and ReLUs have the others.
_STEM = 1
_DOWN = (4, 7)
_FIRST_BLOCK = 10
_UP_AFTER_BLOCKS = (0, 3)
_HEAD_AFTER_BLOCKS = 7

#: The second one follows a dropout layer, which has no effect after training.
_SECOND_IN_BLOCK = (5, 6)

#: Statistics that instance norms of torch before 0.4 saved but never used.
_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")

_BLOCK_NAME = re.compile(r"model\.(\d+)\.(conv_block|block)\.")


@dataclass(frozen=True)
class Convolution:
    """A convolution, its instance norm and their float32 arrays.

    `weight` is OIHW, or IOHW where it doubles the picture; with `groups` > 1 its I is 1. `bias` is
    None where an instance norm follows, which subtracts any constant; `scale` and `shift` [O] belong
    to that norm and are None if it has none.
    """

    name: str
    weight: np.ndarray
    groups: int = 1
    bias: Optional[np.ndarray] = None
    scale: Optional[np.ndarray] = None
    shift: Optional[np.ndarray] = None


#: Consecutive convolutions, each with a norm; only the last may be followed by a ReLU.
Stage = Tuple[Convolution, ...]


@dataclass(frozen=True)
class Generator:
    """A generator's parts in order; each block has two stages."""

    layout: str
    stem: Convolution
    down: Tuple[Convolution, ...]
    blocks: Tuple[Tuple[Stage, Stage], ...]
    up: Tuple[Convolution, ...]
    head: Convolution

    def convolutions(self) -> Iterator[Convolution]:
        """Every convolution, in order."""
        yield self.stem
        yield from self.down
        for first, second in self.blocks:
            yield from first
            yield from second
        yield from self.up
        yield self.head

    def __str__(self) -> str:
        """The description in a report."""
        weights = sum(each.weight.size for each in self.convolutions())
        return (
            f"{self.layout} generator of {len(self.blocks)} blocks, "
            f"{self.stem.weight.shape[0]} channels wide, {weights / 1e6:.2f} M weights"
        )


def load_generator(path: Path) -> Generator:
    """Read the generator in the checkpoint at `path`.

    Raises `CheckpointError` as `read_tensors` does, and for a checkpoint of something else.
    """
    tensors = read_tensors(path)
    try:
        return read_generator(tensors)
    except CheckpointError as error:
        raise CheckpointError(f"{path.name} cannot be used: {error}.") from error


def read_generator(tensors: Mapping[str, np.ndarray]) -> Generator:
    """Infer the generator from its tensors' names and shapes.

    Raises `CheckpointError` with what was found if they are another network's.
    """
    kinds = _block_kinds(tensors)
    reader = _Reader(tensors)
    end = _FIRST_BLOCK + len(kinds)
    stem = reader.convolution(f"model.{_STEM}", 3)
    width = stem.weight.shape[0]
    down: List[Convolution] = []
    for index in _DOWN:
        down.append(reader.convolution(f"model.{index}", width, kernel=3))
        width = down[-1].weight.shape[0]
    blocks = tuple(
        reader.block(f"model.{_FIRST_BLOCK + index}.{kind}", width)
        for index, kind in enumerate(kinds)
    )
    up: List[Convolution] = []
    for offset in _UP_AFTER_BLOCKS:
        up.append(reader.convolution(f"model.{end + offset}", width, kernel=3, transposed=True))
        width = up[-1].weight.shape[1]
    head = reader.head(f"model.{end + _HEAD_AFTER_BLOCKS}", width)
    reader.check_all_used()
    return Generator(
        layout=_layout(blocks, stem),
        stem=stem,
        down=tuple(down),
        blocks=blocks,
        up=tuple(up),
        head=head,
    )


def _layout(blocks: Tuple[Tuple[Stage, Stage], ...], stem: Convolution) -> str:
    if len(blocks[0][0]) == 2:
        return "GAN Compression"
    return "CycleGAN" if stem.scale is None else "affine"


def _block_kinds(tensors: Mapping[str, np.ndarray]) -> List[str]:
    """The name of each block, in order: "conv_block" or "block"."""
    kinds: Dict[int, str] = {}
    for name in tensors:
        found = _BLOCK_NAME.match(name)
        if found:
            kinds[int(found.group(1))] = found.group(2)
    if sorted(kinds) != list(range(_FIRST_BLOCK, _FIRST_BLOCK + len(kinds))) or not kinds:
        where = f"are at model.{', '.join(map(str, sorted(kinds)))}" if kinds else "are missing"
        raise CheckpointError(
            f"it holds {_summary(tensors)}; residual blocks {where}, where a CycleGAN generator "
            f"(resnet_9blocks, GAN Compression or affine) has them from model.{_FIRST_BLOCK} on"
        )
    return [kinds[index] for index in sorted(kinds)]


def _summary(tensors: Mapping[str, np.ndarray]) -> str:
    first = [f"{name} {list(array.shape)}" for name, array in list(tensors.items())[:3]]
    rest = ", …" if len(tensors) > len(first) else ""
    return f"{len(tensors)} tensors ({', '.join(first)}{rest})" if first else "no tensors"


class _Reader:
    """Takes tensors by name, checks their shapes, and records which were used."""

    def __init__(self, tensors: Mapping[str, np.ndarray]) -> None:
        self._tensors = tensors
        self._used: Set[str] = set()

    def convolution(
        self,
        name: str,
        width: int,
        *,
        kernel: Optional[int] = None,
        groups: int = 1,
        transposed: bool = False,
        norm: Optional[str] = None,
    ) -> Convolution:
        """A convolution of `width` input channels; `norm` names its norm (default: the next layer)."""
        weight = self._weight(name, width, kernel, groups, transposed)
        channels = weight.shape[1 if transposed else 0]
        self._take_if_there(f"{name}.bias", channels)
        scale, shift = self._norm(norm or _next(name), channels)
        return Convolution(name=name, weight=weight, groups=groups, scale=scale, shift=shift)

    def head(self, name: str, width: int) -> Convolution:
        """The last convolution: it has three output channels, and no norm follows."""
        weight = self._weight(name, width, None, 1, False)
        if weight.shape[0] != 3:
            raise CheckpointError(
                f"its {name}.weight gives {weight.shape[0]} channels; a picture has 3"
            )
        return Convolution(name=name, weight=weight, bias=self._take_if_there(f"{name}.bias", 3))

    def block(self, name: str, width: int) -> Tuple[Stage, Stage]:
        """A residual block with `width` input and output channels."""
        first = self._stage(f"{name}.1", width)
        inner = first[-1].weight.shape[0]
        places = [each for each in _SECOND_IN_BLOCK if self._has_convolution(f"{name}.{each}")]
        second = self._stage(f"{name}.{(places or _SECOND_IN_BLOCK)[0]}", inner)
        outer = second[-1].weight.shape[0]
        if outer != width:
            raise CheckpointError(
                f"its residual block {name} takes {width} channels and gives {outer}"
            )
        return first, second

    def check_all_used(self) -> None:
        """Raise `CheckpointError` if some tensors were not used."""
        left = {name: self._tensors[name] for name in self._tensors if name not in self._used}
        norms = [name for name in left if name.rsplit(".", 1)[-1] in _STATISTICS]
        for name in norms:
            if name.rsplit(".", 1)[0] + ".weight" in self._tensors:
                raise CheckpointError(
                    f"it has {name} beside a scale: batch normalisation, where a CycleGAN "
                    "generator has instance normalisation"
                )
            del left[name]
        if left:
            raise CheckpointError(
                f"beside a generator it holds {_summary(left)}, which no known generator has"
            )

    def _stage(self, name: str, width: int) -> Stage:
        if f"{name}.conv.0.weight" not in self._tensors:
            return (self.convolution(name, width, kernel=3),)
        inner, outer = f"{name}.conv.0", f"{name}.conv.2"
        depthwise = self.convolution(inner, width, kernel=3, groups=width)
        channels = depthwise.weight.shape[0]
        return (depthwise, self.convolution(outer, channels, kernel=1, norm=_next(name)))

    def _has_convolution(self, name: str) -> bool:
        for weight in (f"{name}.weight", f"{name}.conv.0.weight"):
            if weight in self._tensors and self._tensors[weight].ndim == 4:
                return True
        return False

    def _weight(
        self, name: str, width: int, kernel: Optional[int], groups: int, transposed: bool
    ) -> np.ndarray:
        weight = self._take(f"{name}.weight")
        shape = weight.shape
        expected: List[object] = ["out", width // groups, kernel or "odd", kernel or "odd"]
        if transposed:
            expected[:2] = [width, "out"]
        fits = (
            len(shape) == 4
            and shape[0 if transposed else 1] == width // groups
            and shape[0] % groups == 0
            and 0 not in shape
            and shape[2] == shape[3]
            and (shape[2] == kernel if kernel else shape[2] % 2 == 1)
        )
        if not fits:
            raise CheckpointError(
                f"its {name}.weight has the shape {list(shape)}, where a CycleGAN generator has "
                f"[{', '.join(map(str, expected))}]"
            )
        return weight

    def _norm(self, name: str, channels: int) -> Tuple[Optional[np.ndarray], Optional[np.ndarray]]:
        scale = self._take_if_there(f"{name}.weight", channels)
        return scale, self._take_if_there(f"{name}.bias", channels)

    def _take_if_there(self, name: str, channels: int) -> Optional[np.ndarray]:
        if name not in self._tensors:
            return None
        vector = self._take(name)
        if vector.shape != (channels,):
            raise CheckpointError(
                f"its {name} has the shape {list(vector.shape)}, expected [{channels}]"
            )
        return vector

    def _take(self, name: str) -> np.ndarray:
        if name not in self._tensors:
            raise CheckpointError(
                f"it holds {_summary(self._tensors)}, but lacks {name}, which a CycleGAN generator "
                "of that layout has"
            )
        self._used.add(name)
        array = self._tensors[name]
        if array.dtype.kind != "f":
            raise CheckpointError(f"its {name} is of {array.dtype}, not of floating point")
        array = np.ascontiguousarray(array, np.float32)
        if not np.isfinite(array).all():
            raise CheckpointError(f"its {name} holds values that are infinite or not numbers")
        return array


def _next(name: str) -> str:
    """The name of the layer after `name` in its `nn.Sequential`."""
    parent, _, index = name.rpartition(".")
    return f"{parent}.{int(index) + 1}"
