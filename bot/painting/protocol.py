"""What the bot asks the painter for, and what it hears back. All of it fits into JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, Tuple

from bot.stored_options import Kind, PaintOptions, kind_of, options_from_json, options_to_json
from runtime import SketchOptions


class StyleFile(NamedTuple):
    """A picture file whose style is wanted, and its share in a mix."""

    path: str
    weight: float = 1.0


@dataclass(frozen=True)
class PaintRequest:
    """One picture to paint. Give the fields by keyword; paths are of files on this disk.

    output: where the result goes, as PNG; it is written whole or not at all.
    previews: the folder for the preview, see `preview`.
    options: how it is painted. `StylizeOptions` need `styles`, `TranslateOptions` need `model`.
    styles: one style, or several that are mixed.
    model: the name of an installed generator.
    """

    photo: str
    output: str
    previews: str
    options: PaintOptions
    styles: Tuple[StyleFile, ...] = ()
    model: Optional[str] = None

    @property
    def preview(self) -> Path:
        """The one preview file of this request, a JPEG that each newer preview replaces whole."""
        return Path(self.previews) / f"{Path(self.output).stem}-preview.jpg"

    @property
    def inputs(self) -> Tuple[str, ...]:
        """The files that are read."""
        return (self.photo, *(style.path for style in self.styles))

    def with_paths(self, change: Callable[[str], str]) -> PaintRequest:
        """The request for another disk: each path is what `change` makes of it."""
        styles = tuple(style._replace(path=change(style.path)) for style in self.styles)
        return replace(
            self,
            photo=change(self.photo),
            output=change(self.output),
            previews=change(self.previews),
            styles=styles,
        )

    def with_backend(self, backend: str) -> PaintRequest:
        """The request for a machine whose graphs run on `backend`."""
        return replace(self, options=replace(self.options, backend=backend))

    def to_message(self) -> Dict[str, Any]:
        """The request as values that JSON knows."""
        options = json.loads(options_to_json(self.options))
        kind = kind_of(self.options).value
        return {**vars(self), "kind": kind, "options": options}

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> PaintRequest:
        """The request that `to_message` wrote; raises `KeyError`, `TypeError` or `ValueError`."""
        values = dict(message)
        kind = Kind(values.pop("kind"))
        options = options_from_json(kind, json.dumps(values.pop("options")))
        styles = tuple(StyleFile(*each) for each in values.pop("styles"))
        return cls(options=options, styles=styles, **values)


#: A style, or the styles of a mix.
Look = Tuple[StyleFile, ...]


@dataclass(frozen=True)
class SketchRequest:
    """One photo to sketch at once, beside what is painted. Give the fields by keyword.

    output: where the sketch goes, as JPEG; it is written whole or not at all.
    looks: the styles to sketch it in. Several give one sheet, on which the sketches are numbered
        from 1.
    options: `size` is the longer side of each sketch, or that of the photo if it has fewer pixels.
    """

    photo: str
    output: str
    looks: Tuple[Look, ...]
    options: SketchOptions

    @property
    def inputs(self) -> Tuple[str, ...]:
        """The files that are read."""
        return (self.photo, *(style.path for look in self.looks for style in look))

    def with_paths(self, change: Callable[[str], str]) -> SketchRequest:
        """The request for another disk: each path is what `change` makes of it."""
        looks = tuple(
            tuple(style._replace(path=change(style.path)) for style in look) for look in self.looks
        )
        return replace(self, photo=change(self.photo), output=change(self.output), looks=looks)

    def with_backend(self, backend: str) -> SketchRequest:
        """The request for a machine whose graphs run on `backend`."""
        return replace(self, options=replace(self.options, backend=backend))

    def to_message(self) -> Dict[str, Any]:
        """The request as values that JSON knows."""
        return {**vars(self), "options": asdict(self.options)}

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> SketchRequest:
        """The request that `to_message` wrote; raises `KeyError`, `TypeError` or `ValueError`."""
        values = dict(message)
        options = SketchOptions(**values.pop("options"))
        looks = tuple(tuple(StyleFile(*each) for each in look) for look in values.pop("looks"))
        return cls(options=options, looks=looks, **values)


@dataclass(frozen=True)
class PaintProgress:
    """How far a painting is: `step` of at most `steps`, `share` of it done, from 0 to 1.

    `preview` is the request's preview file when it has just been written, else `None`.
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
