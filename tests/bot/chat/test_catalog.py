from __future__ import annotations

import threading

import pytest

from bot.chat import catalog as catalog_module
from bot.chat.catalog import Catalog, key_of
from runtime.spec.graphs import generator_graph


@pytest.fixture()
def catalog(tmp_path):
    return Catalog(tmp_path, tmp_path)


async def test_what_is_installed_later_is_found_without_a_restart(catalog, tmp_path):
    assert await catalog.generators() == {} and await catalog.examples() == []
    (tmp_path / generator_graph("vintage").onnx_file).touch()
    assert list(await catalog.generators()) == ["vintage"]
    assert (await catalog.generator_of_key(key_of("vintage"))).name == "vintage"
    assert await catalog.generator_of_key(key_of("unicorn")) is None


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
