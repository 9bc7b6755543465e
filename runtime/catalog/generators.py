"""The installed CycleGAN generators: those whose graphs are in the engines folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Mapping

from runtime.catalog.styles import LANGUAGES
from runtime.errors import OptionError
from runtime.spec.folder import DEFAULT_ENGINES
from runtime.spec.graphs import GraphSpec, generator_graph, generators_in

#: What the published generators do, in the order in which they are offered.
_TITLES: Mapping[str, Mapping[str, str]] = {
    "horse2zebra": {"en": "Horse to zebra", "ru": "Лошадь в зебру"},
    "horse2zebra-lite": {"en": "Horse to zebra, fast", "ru": "Лошадь в зебру, быстро"},
    "zebra2horse": {"en": "Zebra to horse", "ru": "Зебру в лошадь"},
    "vintage": {"en": "Vintage photo", "ru": "Старинный снимок"},
    "summer2winter_yosemite": {"en": "Summer to winter", "ru": "Лето в зиму"},
    "winter2summer_yosemite": {"en": "Winter to summer", "ru": "Зиму в лето"},
    "style_monet": {"en": "After Monet", "ru": "В духе Моне"},
    "style_cezanne": {"en": "After Cézanne", "ru": "В духе Сезанна"},
    "style_ukiyoe": {"en": "Ukiyo-e woodblock print", "ru": "Гравюра укиё-э"},
    "style_vangogh": {"en": "After van Gogh", "ru": "В духе Ван Гога"},
    "monet2photo": {"en": "Monet to photo", "ru": "Моне в фотографию"},
    "apple2orange": {"en": "Apple to orange", "ru": "Яблоко в апельсин"},
    "orange2apple": {"en": "Orange to apple", "ru": "Апельсин в яблоко"},
    "iphone2dslr_flower": {"en": "Blurred background", "ru": "Размытый фон"},
    "sat2map": {"en": "Aerial photo to map", "ru": "Снимок с воздуха в карту"},
    "map2sat": {"en": "Map to aerial photo", "ru": "Карту в снимок с воздуха"},
    "cityscapes_photo2label": {"en": "Street to label map", "ru": "Улицу в разметку"},
    "cityscapes_label2photo": {"en": "Label map to street", "ru": "Разметку в улицу"},
    "facades_photo2label": {"en": "Facade to label map", "ru": "Фасад в разметку"},
    "facades_label2photo": {"en": "Label map to facade", "ru": "Разметку в фасад"},
}


@dataclass(frozen=True)
class Model:
    """An installed generator; `title` says what it does, by language."""

    name: str
    title: Mapping[str, str]

    @property
    def graph(self) -> GraphSpec:
        """The graph it runs as."""
        return generator_graph(self.name)


def models(engines: Path = DEFAULT_ENGINES) -> Dict[str, Model]:
    """The generators whose graphs are in the folder `engines`, by name.

    The published ones come first; the title of any other is its name.
    """
    found = generators_in(engines)
    published = [name for name in _TITLES if name in found]
    others = [name for name in found if name not in _TITLES]
    return {name: Model(name, _title(name)) for name in published + others}


def find_model(wanted: str, engines: Path = DEFAULT_ENGINES) -> Model:
    """The generator called `wanted`; raises `OptionError`, which lists the installed ones."""
    installed = models(engines)
    if wanted in installed:
        return installed[wanted]
    names = ", ".join(installed) or "none"
    raise OptionError(
        f"There is no model {wanted!r}; installed: {names}. `make weights onnx` fetches the usual "
        'ones, `make weights onnx WEIGHTS="style_vangogh"` others.'
    )


def _title(name: str) -> Mapping[str, str]:
    if name in _TITLES:
        return _TITLES[name]
    return {each: name.replace("-", " ").replace("_", " ") for each in LANGUAGES}
