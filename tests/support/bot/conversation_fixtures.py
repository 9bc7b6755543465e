"""Fixtures: the conversation over real HTTP, with a sandbox; nothing is painted."""

from __future__ import annotations

import pytest

from bot.chat.catalog import Catalog
from bot.sandbox import Sandbox
from runtime.spec.graphs import generator_graph
from tests.support.bot.conversation import Conversation, Speaker, check_language


@pytest.fixture()
async def sandbox():
    async with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture()
def folder(tmp_path):
    return tmp_path


@pytest.fixture()
def examples(tmp_path):
    """The folder of the examples, which is empty."""
    folder = tmp_path / "examples"
    folder.mkdir()
    return folder


@pytest.fixture()
def engines(tmp_path):
    """The folder of the generators, which is empty."""
    folder = tmp_path / "engines"
    folder.mkdir()
    return folder


@pytest.fixture()
def generators(engines):
    """Installs generators by name; there are none at first."""

    def install(*names):
        for name in names:
            (engines / generator_graph(name).onnx_file).touch()

    return install


@pytest.fixture()
async def conversation(sandbox, folder, examples, engines):
    conversation = Conversation(sandbox, folder, Catalog(engines, examples), admins=(777,))
    await conversation.start()
    yield conversation
    await conversation.stop()


@pytest.fixture(params=["en", pytest.param("ru", marks=pytest.mark.any_python)])
async def anna(request, sandbox, conversation):
    """Someone who reads English, then someone who reads Russian."""
    speaker = Speaker(conversation, sandbox.user(language_code=request.param, name="Anna"))
    yield speaker
    for message in speaker.heard():
        check_language(message, speaker.language)


@pytest.fixture()
def boris(sandbox, conversation):
    return Speaker(conversation, sandbox.user(language_code="en", name="Boris"))
