"""The installed CycleGAN generators: those whose graphs are in the engines folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterable, Mapping

from runtime.catalog.titles import title_of_name, translatable
from runtime.errors import OptionError
from runtime.spec.folder import DEFAULT_ENGINES
from runtime.spec.graphs import GraphSpec, generator_graph, generators_in

#: What the published generators do, in the order of the menu.
_TITLES: Mapping[str, str] = {
    "horse2zebra": translatable("Horse to zebra"),
    "horse2zebra-lite": translatable("Horse to zebra, fast"),
    "zebra2horse": translatable("Zebra to horse"),
    "vintage": translatable("Vintage photo"),
    "summer2winter_yosemite": translatable("Summer to winter"),
    "winter2summer_yosemite": translatable("Winter to summer"),
    "style_monet": translatable("After Monet"),
    "style_cezanne": translatable("After Cézanne"),
    "style_ukiyoe": translatable("Ukiyo-e woodblock print"),
    "style_vangogh": translatable("After van Gogh"),
    "monet2photo": translatable("Monet to photo"),
    "apple2orange": translatable("Apple to orange"),
    "orange2apple": translatable("Orange to apple"),
    "iphone2dslr_flower": translatable("Blurred background"),
    "sat2map": translatable("Aerial photo to map"),
    "map2sat": translatable("Map to aerial photo"),
    "cityscapes_photo2label": translatable("Street to label map"),
    "cityscapes_label2photo": translatable("Label map to street"),
    "facades_photo2label": translatable("Facade to label map"),
    "facades_label2photo": translatable("Label map to facade"),
}


@dataclass(frozen=True)
class Model:
    """A generator; `title` says in English what it does."""

    name: str
    title: str

    @property
    def graph(self) -> GraphSpec:
        """The graph that runs it."""
        return generator_graph(self.name)


def models(engines: Path = DEFAULT_ENGINES) -> Dict[str, Model]:
    """The generators whose graphs are in the folder `engines`, by name."""
    return models_named(generators_in(engines))


def models_named(names: Iterable[str]) -> Dict[str, Model]:
    """The generators of these names, installed here or not, by name.

    The published ones come first; the title of any other is its name.
    """
    found = sorted(set(names))
    published = [name for name in _TITLES if name in found]
    others = [name for name in found if name not in _TITLES]
    return {
        name: Model(name, _TITLES.get(name) or title_of_name(name)) for name in published + others
    }


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
