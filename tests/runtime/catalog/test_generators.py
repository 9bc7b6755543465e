"""Which generators are installed, in which order, and what they are called."""

from __future__ import annotations

import pytest

import runtime
from runtime.catalog.generators import find_model
from runtime.errors import OptionError
from runtime.spec.graphs import generator_graph


@pytest.fixture
def engines(tmp_path):
    for name in ("my_own-model", "vintage", "horse2zebra"):
        (tmp_path / generator_graph(name).onnx_file).touch()
    (tmp_path / "gatys-classic-average-vgg19.onnx").touch()
    return tmp_path


def test_published_models_come_first_and_all_have_titles(engines):
    found = runtime.models(engines)
    assert list(found) == ["horse2zebra", "vintage", "my_own-model"]
    assert found["horse2zebra"].title == "Horse to zebra"
    assert found["my_own-model"].title == "my own model"


def test_a_model_is_found_by_its_name(engines):
    assert find_model("vintage", engines).graph == generator_graph("vintage")
    with pytest.raises(OptionError, match=r"'zebra'; installed: horse2zebra, vintage, my_own-mod"):
        find_model("zebra", engines)


def test_where_no_model_is_installed_it_says_so(tmp_path):
    assert runtime.models(tmp_path) == {}
    with pytest.raises(OptionError, match="installed: none"):
        find_model("horse2zebra", tmp_path)
