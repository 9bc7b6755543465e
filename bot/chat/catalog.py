"""What is on offer: the gallery's styles, the generators that a painter has, and examples.

A button's data has room for 64 bytes, and the owner may call a style anything: buttons carry short
keys instead of names.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Dict, List, Mapping, NamedTuple, Optional, TypeVar

from aiogram.utils.i18n import gettext as _

from bot.painting.painters import Painters
from bot.storage.orders import Order
from bot.storage.styles import StyleChoice, Styles
from bot.threads import on_thread
from runtime import Model, Style, installed_styles, models, models_named
from runtime.spec.engine_progress import EngineProgress, read_progress

Offer = TypeVar("Offer", Style, Model)


#: A keyboard has room for 100 buttons (core.telegram.org/bots/api), and a painter on another machine
#: may say anything: the most generators, and the most characters of a name.
_MOST_GENERATORS, _LONGEST_NAME = 60, 64

#: `make examples` writes the pictures and their index.
EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


class Example(NamedTuple):
    """A picture that shows before and after side by side; `title` is by language."""

    path: Path
    title: Mapping[str, str]


def key_of(name: str) -> str:
    """Ten characters that stand for a name."""
    return hashlib.sha256(name.encode("utf-8")).hexdigest()[:10]


class Catalog:
    """Reads what is installed at each question, so that nothing needs a restart.

    The disk is read beside the event loop. `engines` is the folder of the generators' graphs,
    `examples` that of the examples' pictures, and without `painters` only this machine paints.
    """

    def __init__(
        self, engines: Path, examples: Path = EXAMPLES, painters: Optional[Painters] = None
    ) -> None:
        self._engines = engines
        self._examples = examples
        self._painters = painters

    async def styles(self) -> Dict[str, Style]:
        """The gallery by name, in its order."""
        return await on_thread(installed_styles)

    async def generators(self) -> Dict[str, Model]:
        """The generators that a painter has, by name, in the order in which they are offered."""
        painters = self._painters
        here = painters is None or painters.here
        installed = await on_thread(models, self._engines) if here else {}
        others = () if painters is None else filter(_is_printable, painters.generators())
        offered = models_named([*installed, *others])
        return dict(list(offered.items())[:_MOST_GENERATORS])

    async def engine_progress(self) -> Optional[EngineProgress]:
        """How far the engines are built, `None` when none is to be built."""
        return await on_thread(read_progress, self._engines)

    async def examples(self) -> List[Example]:
        """The examples whose pictures are there."""
        return await on_thread(_installed_examples, self._examples)

    async def find_style(self, name: str) -> Optional[Style]:
        """The gallery's style, `None` when there is none or no longer."""
        return (await self.styles()).get(name)

    async def style_of_key(self, key: str) -> Optional[Style]:
        """The gallery's style, `None` when there is none or no longer."""
        return _of_key(key, await self.styles())

    async def generator_of_key(self, key: str) -> Optional[Model]:
        """The generator on offer, `None` when there is none or no longer."""
        return _of_key(key, await self.generators())

    async def title_of_style(self, choice: StyleChoice, language: str) -> str:
        """What a user knows the style by."""
        style = await self.find_style(choice.name or "")
        if style is not None:
            return style.title[language]
        return choice.name or _("your own picture")

    async def title_of_styles(self, styles: Styles, language: str) -> str:
        """What a user knows the style by; of a mix, all styles with their shares."""
        titles = [await self.title_of_style(style.choice, language) for style in styles]
        if len(titles) == 1:
            return titles[0]
        whole = sum(style.weight for style in styles)
        return ", ".join(
            _("{percent}% {style}").format(percent=round(100 * style.weight / whole), style=title)
            for style, title in zip(styles, titles)
        )

    async def title_of_order(self, order: Order, language: str) -> str:
        """What a user knows the job by: the title of the styles, or of the generator."""
        if order.model is None:
            return await self.title_of_styles(order.styles, language)
        # Whether a painter still has it or not.
        return _(models_named([order.model])[order.model].title)


def _of_key(key: str, offers: Mapping[str, Offer]) -> Optional[Offer]:
    return next((offer for name, offer in offers.items() if key_of(name) == key), None)


def _is_printable(name: str) -> bool:
    """Whether a button may show the name."""
    return name.isprintable() and bool(name.strip("-_ ")) and len(name) <= _LONGEST_NAME


def _installed_examples(folder: Path) -> List[Example]:
    index = folder / "index.json"
    if not index.exists():
        return []
    entries = json.loads(index.read_text(encoding="utf-8"))
    found = [Example(folder / entry["file"], entry["title"]) for entry in entries]
    return [example for example in found if example.path.exists()]
