"""Pictures as the network sees them: augmented to learn from, cut out of the middle to validate.

All that is random in a picture is drawn from the seed, the epoch and the picture's place in it: a
run that goes on from a checkpoint sees the same pictures, with any number of worker processes.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from export.sources.vgg import MEAN_RGB
from export.sources.vgg_sets import TORCHVISION_STD
from export.training.data import Picture
from runtime.imaging.picture import read_picture

#: The cut's share of the picture's area and the most that its aspect differs from the picture's,
#: degrees of rotation, and the share by which brightness, contrast and saturation change.
CUT_AREA, CUT_ASPECT, ROTATION, COLOUR = (0.6, 1.0), 4 / 3, 12.0, 0.3

_MEAN_COLOUR = tuple(round(each * 255) for each in MEAN_RGB.tolist())


class Samples:
    """The pictures of an epoch, for torch's DataLoader: (float32 [3, side, side], class).

    `epoch` is None for pictures to validate with, which are not augmented. `first` is the place
    in the epoch of the first of `pictures`.
    """

    def __init__(
        self,
        folder: Path,
        pictures: Sequence[Picture],
        *,
        side: int,
        seed: int = 0,
        epoch: Optional[int] = None,
        first: int = 0,
    ) -> None:
        self._folder = folder
        self._pictures = list(pictures)
        self._side = side
        self._seed = seed
        self._epoch = epoch
        self._first = first

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: int) -> Tuple[np.ndarray, int]:
        picture = self._pictures[index]
        image = read_picture(self._folder / picture.file)
        if self._epoch is None:
            image = ImageOps.fit(image, (self._side, self._side), Image.Resampling.BICUBIC)
        else:
            rng = np.random.default_rng([self._seed, self._epoch, self._first + index])
            image = augmented(image, self._side, rng)
        return network_input(image), picture.label


def balanced_order(labels: Sequence[int], seed: int, epoch: int) -> List[int]:
    """Which pictures an epoch draws: as many as there are, each class as often as any other.

    A class's pictures all come before one of them comes again, within an epoch.
    """
    rng = np.random.default_rng([seed, epoch])
    by_class = [np.flatnonzero(np.equal(labels, label)) for label in sorted(set(labels))]
    rounds = math.ceil(len(labels) / len(by_class))
    drawn = []
    for members in by_class:
        turns = math.ceil(rounds / len(members))
        drawn.append(np.concatenate([rng.permutation(members) for _ in range(turns)])[:rounds])
    # Every round takes one picture of each class, in an order of its own.
    order = [int(one) for turn in zip(*drawn) for one in rng.permutation(turn)]
    return order[: len(labels)]


def augmented(image: Image.Image, side: int, rng: np.random.Generator) -> Image.Image:
    """A random cut of `image`, turned, perhaps mirrored, in changed colours, `side` squared."""
    # Shrunk first: the transformation takes single pixels and would alias.
    shrink = max(1, min(image.size) // (2 * side))
    if shrink > 1:
        image = image.reduce(shrink)
    width, height = image.size
    aspect = CUT_ASPECT ** rng.uniform(-0.5, 0.5)
    area = rng.uniform(*CUT_AREA)
    cut_width = width * min(1.0, math.sqrt(area) * aspect)
    cut_height = height * min(1.0, math.sqrt(area) / aspect)
    across = rng.uniform(cut_width / 2, width - cut_width / 2)
    down = rng.uniform(cut_height / 2, height - cut_height / 2)
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    angle = math.radians(rng.uniform(-ROTATION, ROTATION))
    scale_x, scale_y = mirror * cut_width / side, cut_height / side
    cos, sin = math.cos(angle), math.sin(angle)
    # From a pixel of the result to one of the picture, about the middles of both.
    a, b = cos * scale_x, -sin * scale_y
    d, e = sin * scale_x, cos * scale_y
    middle = side / 2
    image = image.transform(
        (side, side),
        Image.Transform.AFFINE,
        (a, b, across - (a + b) * middle, d, e, down - (d + e) * middle),
        Image.Resampling.BILINEAR,
        fillcolor=_MEAN_COLOUR,
    )
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhance(image).enhance(1 + rng.uniform(-COLOUR, COLOUR))
    return image


def network_input(image: Image.Image) -> np.ndarray:
    """RGB as float32 [3, H, W]: [0, 1] minus `MEAN_RGB`, divided by the standard deviation."""
    pixels = np.asarray(image, np.float32) * np.float32(1 / 255)
    return np.ascontiguousarray(((pixels - MEAN_RGB) / TORCHVISION_STD).transpose(2, 0, 1))
