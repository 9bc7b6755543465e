"""The bot and a sandbox, over real HTTP."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
import pytest_asyncio

from bot.chat.catalog import Catalog
from bot.config_types import Mode
from bot.metrics import Metrics
from bot.painting.client import PainterClient, painter_command
from bot.sandbox import Sandbox
from bot.service.assembly import Service
from bot.telegram.rate_limits import Limits, RateLimiter
from export.graphs.builder import GraphBuilder
from runtime.spec.graphs import generator_graph
from tests.support.bot.bot_process import BotProcess
from tests.support.bot.doubles import FakePainterClient
from tests.support.bot.guest import Guest
from tests.support.bot.running import FAST, SOON, running
from tests.support.bot.stage import config_for, free_port


@pytest.fixture()
async def sandbox():
    async with Sandbox(redelivery=SOON) as sandbox:
        yield sandbox


@pytest.fixture()
async def bot(sandbox, tmp_path):
    """The bot as a process of its own."""
    process = BotProcess(sandbox, tmp_path, free_port())
    await process.start()
    yield process
    await process.kill()


@pytest.fixture(params=[Mode.WEBHOOK, Mode.POLLING])
def mode(request):
    return request.param


@pytest.fixture()
async def painter_client():
    return FakePainterClient()


@pytest.fixture()
async def service(sandbox, painter_client, mode, tmp_path):
    """The whole bot in this process, painting with `painter_client`."""
    async with running(
        config_for(sandbox, tmp_path / "state", mode=mode), painter_client
    ) as service:
        yield service


class Scene(NamedTuple):
    """A bot that paints with the real runtime, its Telegram, and the folder of its results."""

    sandbox: Sandbox
    service: Service
    results: Path
    language: str


@pytest.fixture(scope="module")
def studio(engines, tmp_path_factory):
    """The folder of the classic graphs and one generator, which makes negatives."""
    folder = tmp_path_factory.mktemp("studio") / "engines"
    shutil.copytree(str(engines), str(folder))
    graph = GraphBuilder(generator_graph("horse2zebra"))
    graph.output(graph.node("Mul", ["image", graph.floats(-1.0)], "negative"), "picture")
    graph.save(folder)
    return folder


#: Each language is spoken once: how updates arrive does not depend on it.
SCENES = [
    (Mode.WEBHOOK, "ru"),
    pytest.param((Mode.POLLING, "en"), marks=pytest.mark.any_python),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=SCENES)
async def scene(request, studio, tmp_path_factory):
    """One for all tests of a module, each of which has users of its own."""
    mode, language = request.param
    async with Sandbox(redelivery=SOON) as sandbox:
        config = config_for(sandbox, tmp_path_factory.mktemp("state"), mode=mode)
        metrics = Metrics()
        parts = {
            "catalog": Catalog(studio),
            "metrics": metrics,
            "rate_limiter": RateLimiter(metrics, Limits(*[FAST] * 3)),
        }
        async with running(config, PainterClient(painter_command(studio)), **parts) as service:
            yield Scene(sandbox, service, config.state_dir / "results", language)


@pytest.fixture()
def guest(scene):
    """Someone who gets messages in the scene's language only."""
    guest = Guest(scene.sandbox, scene.language)
    yield guest
    guest.check()
