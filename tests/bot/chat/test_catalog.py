from __future__ import annotations

import threading

import pytest

from bot.chat import catalog as catalog_module
from bot.chat.catalog import Catalog, key_of
from bot.chat.languages import make_i18n
from runtime import TranslateOptions
from runtime.spec.graphs import generator_graph
from tests.support.bot.orders import order


@pytest.fixture()
def catalog(tmp_path):
    return Catalog(tmp_path, tmp_path)


async def test_what_is_installed_later_is_found_without_a_restart(catalog, tmp_path):
    assert await catalog.generators() == {} and await catalog.examples() == []
    (tmp_path / generator_graph("vintage").onnx_file).touch()
    assert list(await catalog.generators()) == ["vintage"]
    assert (await catalog.generator_of_key(key_of("vintage"))).name == "vintage"
    assert await catalog.generator_of_key(key_of("unicorn")) is None


class Painters:
    """A fleet with these generators; `here` says whether this machine paints too."""

    def __init__(self, here, *generators):
        self.here = here
        self.generators = lambda: generators


@pytest.mark.parametrize(
    ("here", "offered"), [(True, ["zebra2horse", "vintage"]), (False, ["vintage"])]
)
async def test_what_any_painter_can_do_is_on_offer(tmp_path, here, offered):
    (tmp_path / generator_graph("zebra2horse").onnx_file).touch()
    catalog = Catalog(tmp_path, painters=Painters(here, "vintage", "vintage"))
    found = await catalog.generators()
    assert list(found) == offered and found["vintage"].title == "Vintage photo"


async def test_a_painter_cannot_make_the_menu_unusable(tmp_path):
    names = ["", " - ", "a\nb", "\ud800", "x" * 65, *(f"own{number}" for number in range(200))]
    found = await Catalog(tmp_path, painters=Painters(False, *names)).generators()
    assert len(found) == 60 and all(name.startswith("own") for name in found)


async def test_a_generator_that_nobody_has_any_more_keeps_its_title(catalog):
    with make_i18n().context():
        wanted = order(options=TranslateOptions(), styles=(), model="vintage")
        assert await catalog.title_of_order(wanted, "en") == "Vintage photo"


async def test_the_disk_is_read_beside_the_event_loop(catalog, monkeypatch):
    threads = []

    def watched(read):
        def do(*arguments):
            threads.append(threading.get_ident())
            return read(*arguments)

        return do

    for name in ("installed_styles", "models", "_installed_examples"):
        monkeypatch.setattr(catalog_module, name, watched(getattr(catalog_module, name)))
    await catalog.styles()
    await catalog.generators()
    await catalog.examples()
    assert len(threads) == 3 and threading.get_ident() not in threads
