"""The style pictures: those in the index, and any others in the folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Mapping, Optional

from runtime.catalog.titles import title_of_name
from runtime.errors import PictureError
from runtime.imaging.formats import SUFFIXES

FOLDER = Path(__file__).resolve().parent.parent.parent / "styles"
LANGUAGES = ("en", "ru")


@dataclass(frozen=True)
class Style:
    """A style picture. `title` and `author` are by language; unknown values are `None`."""

    name: str
    path: Path
    title: Mapping[str, str]
    author: Optional[Mapping[str, str]] = None
    year: Optional[int] = None
    licence: Optional[str] = None


def installed_styles(folder: Path = FOLDER) -> Dict[str, Style]:
    """The styles whose pictures are in `folder`, by name: first those in the index, in its order."""
    found = {}
    entries = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    listed = {entry["file"] for entry in entries}
    for entry in entries:
        path = folder / entry["file"]
        if path.exists():
            found[entry["name"]] = Style(
                name=entry["name"],
                path=path,
                title=entry["title"],
                author=entry["author"],
                year=entry["year"],
                licence=entry["licence"],
            )
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in SUFFIXES and path.name not in listed:
            title = dict.fromkeys(LANGUAGES, title_of_name(path.stem))
            found[path.stem] = Style(path.stem, path, title)
    return found


def find_style(wanted: str, folder: Path = FOLDER) -> Path:
    """The picture of the style called `wanted`, or the file of that name.

    Raises `PictureError`, which lists the styles, if there is neither.
    """
    styles = installed_styles(folder)
    if wanted in styles:
        return styles[wanted].path
    if Path(wanted).exists():
        return Path(wanted)
    raise PictureError(
        f"There is no style or file called {wanted!r}. The styles are {', '.join(styles)}."
    )
