"""Pictures as the network takes them: augmented for training, cropped centrally for validation.

What is random about a picture is drawn from the seed, the epoch and the picture's position in it:
a resumed run sees the same pictures, with any number of worker processes.

torchvision is not used here. Its transforms can be seeded in the same way, but take 1.2 to 2 times
the processor time (8 instead of 4.3 ms for a picture of 1200x900), and torchvision loads only
beside the torch build that it was compiled for, which the tests' torch is not. torch's
`WeightedRandomSampler` draws with replacement: an epoch would miss 36 % of the pictures.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from export.sources.vgg import MEAN_RGB
from export.sources.vgg_sets import TORCHVISION_STD
from export.training.dataset import Picture
from runtime.imaging.reading import read_picture

#: The crop's share of the picture's area, and the largest factor between its aspect ratio and the
#: picture's.
CROP_AREA, CROP_ASPECT = (0.6, 1.0), 4 / 3
#: The largest rotation in degrees, and the largest relative change of brightness, contrast and
#: saturation.
ROTATION, COLOUR_CHANGE = 12.0, 0.3

_MEAN_COLOUR = tuple(round(each * 255) for each in MEAN_RGB.tolist())


class Samples:
    """Pictures in the order of an epoch, for torch's DataLoader: (float32 [3, side, side], class).

    `epoch` is None for validation, which does not augment.
    """

    def __init__(
        self,
        folder: Path,
        pictures: Sequence[Picture],
        *,
        side: int,
        seed: int = 0,
        epoch: Optional[int] = None,
    ) -> None:
        self._folder = folder
        self._pictures = list(pictures)
        self._side = side
        self._seed = seed
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, position: int) -> Tuple[np.ndarray, int]:
        picture = self._pictures[position]
        image = read_picture(self._folder / picture.file)
        if self._epoch is None:
            image = ImageOps.fit(image, (self._side, self._side), Image.Resampling.BICUBIC)
        else:
            rng = np.random.default_rng([self._seed, self._epoch, position])
            image = augment(image, self._side, rng)
        return network_input(image), picture.label


def balanced_order(labels: Sequence[int], seed: int, epoch: int) -> List[int]:
    """The indices that an epoch draws: as many as there are labels, equally many of each class.

    Within an epoch, no picture is repeated before all of its class were drawn.
    """
    rng = np.random.default_rng([seed, epoch])
    by_class = [np.flatnonzero(np.equal(labels, label)) for label in sorted(set(labels))]
    rounds = math.ceil(len(labels) / len(by_class))
    drawn = []
    for members in by_class:
        repeats = math.ceil(rounds / len(members))
        drawn.append(np.concatenate([rng.permutation(members) for _ in range(repeats)])[:rounds])
    # Each round has one picture of each class, in random order.
    order = [int(index) for members in zip(*drawn) for index in rng.permutation(members)]
    return order[: len(labels)]


def augment(image: Image.Image, side: int, rng: np.random.Generator) -> Image.Image:
    """A random crop of `image`, randomly rotated, mirrored and recoloured; `side` x `side`."""
    # The transform below samples single pixels: without this reduction it would alias.
    shrink = max(1, min(image.size) // (2 * side))
    if shrink > 1:
        image = image.reduce(shrink)
    width, height = image.size
    aspect = CROP_ASPECT ** rng.uniform(-0.5, 0.5)
    area = rng.uniform(*CROP_AREA)
    crop_width = width * min(1.0, math.sqrt(area) * aspect)
    crop_height = height * min(1.0, math.sqrt(area) / aspect)
    center_x = rng.uniform(crop_width / 2, width - crop_width / 2)
    center_y = rng.uniform(crop_height / 2, height - crop_height / 2)
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    angle = math.radians(rng.uniform(-ROTATION, ROTATION))
    scale_x, scale_y = mirror * crop_width / side, crop_height / side
    cos, sin = math.cos(angle), math.sin(angle)
    # Maps pixels of the result to pixels of the picture, center to center.
    a, b = cos * scale_x, -sin * scale_y
    d, e = sin * scale_x, cos * scale_y
    middle = side / 2
    image = image.transform(
        (side, side),
        Image.Transform.AFFINE,
        (a, b, center_x - (a + b) * middle, d, e, center_y - (d + e) * middle),
        Image.Resampling.BILINEAR,
        fillcolor=_MEAN_COLOUR,
    )
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhance(image).enhance(1 + rng.uniform(-COLOUR_CHANGE, COLOUR_CHANGE))
    return image


def network_input(image: Image.Image) -> np.ndarray:
    """RGB as float32 [3, H, W]: [0, 1] minus `MEAN_RGB`, divided by the standard deviation."""
    pixels = np.asarray(image, np.float32) * np.float32(1 / 255)
    return np.ascontiguousarray(((pixels - MEAN_RGB) / TORCHVISION_STD).transpose(2, 0, 1))
