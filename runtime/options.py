"""The options of a job with their defaults, ranges and choices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping

from runtime.backends import AUTO, BACKENDS, FAKE
from runtime.errors import OptionError
from runtime.spec.vgg import OBJECTIVES, POOLINGS, WEIGHT_SETS

LEAST_SIZE, MOST_SIZE = 64, 2048
MOST_FINE = 16384
LEAST_STEPS, MOST_STEPS = 1, 1000

#: The brushes by name, with the size at which the style is seen beside the photo.
BRUSHES: Mapping[str, float] = {"fine": 0.65, "medium": 1.0, "broad": 1.5}

#: What is done to faces.
KEEP, PAINT = "keep", "paint"
FACES = (KEEP, PAINT)

OBJECTIVE_CHOICES = (AUTO, *OBJECTIVES)
WEIGHT_CHOICES = (AUTO, *WEIGHT_SETS)
BACKEND_CHOICES = (AUTO, *BACKENDS)


@dataclass(frozen=True)
class StylizeOptions:
    """How a photo is repainted in a style. Give the fields by keyword.

    objective: `deep` paints the style's motifs, `classic` its texture in a third of the time;
        `auto` takes deep where its graphs are installed.
    weights: which VGG-19 judges the painting; `auto` is the set that `export onnx --vgg` was last
        given.
    size: the longer side in pixels while the motifs are painted; the result has the photo's size.
    fine: the longer side in pixels, at most, while the strokes are painted.
    brush: how large the style's motifs and strokes are, one of `BRUSHES`.
    faces: `keep` paints faces so that one knows them, `paint` paints over them.
    strength: 0 (gentle) to 1 (strong).
    keep_colours: the photo's colours with the style's brush.
    seed: of the noise that the painting starts from; each seed gives a different painting.
    steps: the maximum number of evaluations of the loss; painting stops earlier when they gain
        little.
    """

    objective: str = AUTO
    weights: str = AUTO
    pooling: str = POOLINGS[0]
    size: int = 256
    fine: int = 1280
    brush: str = "medium"
    faces: str = KEEP
    strength: float = 0.5
    keep_colours: bool = False
    seed: int = 0
    steps: int = 130
    backend: str = AUTO

    def __post_init__(self) -> None:
        """Raise `OptionError` for a value outside its range."""
        _check_choice("objective", self.objective, OBJECTIVE_CHOICES)
        _check_choice("weights", self.weights, WEIGHT_CHOICES)
        _check_choice("pooling", self.pooling, POOLINGS)
        _check_backend(self.backend)
        _check_range("size", self.size, LEAST_SIZE, MOST_SIZE)
        _check_range("fine", self.fine, LEAST_SIZE, MOST_FINE)
        _check_choice("brush", self.brush, tuple(BRUSHES))
        _check_choice("faces", self.faces, FACES)
        _check_range("strength", self.strength, 0, 1)
        _check_range("steps", self.steps, LEAST_STEPS, MOST_STEPS)
        _check_range("seed", self.seed, 0, 2**32 - 1)


@dataclass(frozen=True)
class TranslateOptions:
    """How a photo is translated by a generator. Give the fields by keyword.

    size: the longer side in pixels of the generator's input; the result has the photo's size.
        Engines ignore it: they have fixed sizes.
    detail: add the photo's fine luminance, which is lost at a smaller size.
    """

    size: int = 512
    detail: bool = True
    backend: str = AUTO

    def __post_init__(self) -> None:
        """Raise `OptionError` for a value outside its range."""
        _check_backend(self.backend)
        _check_range("size", self.size, LEAST_SIZE, MOST_SIZE)


@dataclass(frozen=True)
class SketchOptions:
    """How a photo is sketched in a style. Give the fields by keyword.

    size: the longer side in pixels, at most, at which it is sketched; the result has the photo's
        size. Engines have fixed sizes: the nearest one is taken.
    strength: 0 (the photo's own style) to 1 (the style alone).
    keep_colours: the photo's colours with the style's brush.
    """

    size: int = 1024
    strength: float = 1.0
    keep_colours: bool = False
    backend: str = AUTO

    def __post_init__(self) -> None:
        """Raise `OptionError` for a value outside its range."""
        _check_backend(self.backend)
        _check_range("size", self.size, LEAST_SIZE, MOST_SIZE)
        _check_range("strength", self.strength, 0, 1)


@dataclass(frozen=True)
class VideoOptions(SketchOptions):
    """How the frames of a video are repainted. Give the fields by keyword.

    size: the longer side in pixels of the result, at most; smaller videos keep their size.
    """

    size: int = 512


def _check_backend(value: str) -> None:
    if value != FAKE:
        _check_choice("backend", value, BACKEND_CHOICES)


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise OptionError(f"{name} is {value!r}; expected one of {', '.join(choices)}.")


def _check_range(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise OptionError(f"{name} is {value}; expected a number from {least} to {most}.")
