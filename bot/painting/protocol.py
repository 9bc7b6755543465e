"""What the bot asks the painter for, and what it hears back. All of it fits into JSON."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from runtime import StylizeOptions

STYLIZE, TRANSLATE = "stylize", "translate"


@dataclass(frozen=True)
class PaintRequest:
    """One picture to paint. Give the fields by keyword; paths are of files on this disk.

    kind: `STYLIZE`, which needs `style`, or `TRANSLATE`, which needs `model`.
    output: where the result goes, as PNG; it is written whole or not at all.
    previews: the folder for the preview, see `preview`.
    size: the longer side in pixels that is worked at; the result has the photo's size.
    style: the picture file whose style is wanted.
    model: the name of an installed generator.

    The others are those of `runtime.StylizeOptions`; a generator heeds `backend` alone.
    """

    kind: str
    photo: str
    output: str
    previews: str
    size: int
    style: Optional[str] = None
    model: Optional[str] = None
    strength: float = StylizeOptions.strength
    keep_colours: bool = StylizeOptions.keep_colours
    steps: int = StylizeOptions.steps
    seed: int = StylizeOptions.seed
    backend: str = StylizeOptions.backend

    @property
    def preview(self) -> Path:
        """The one preview file of this task, a JPEG that each newer preview replaces whole."""
        return Path(self.previews) / f"{Path(self.output).stem}-preview.jpg"


@dataclass(frozen=True)
class PaintProgress:
    """How far a painting is: `step` of `steps` at the most, `share` of it done, from 0 to 1.

    `preview` is the task's preview file when it has just been written, else `None`.
    """

    share: float
    step: int
    steps: int
    preview: Optional[Path] = None


@dataclass(frozen=True)
class PaintResult:
    """A finished painting: the seconds and steps it took, its width and height in pixels."""

    seconds: float
    steps: int
    width: int
    height: int
