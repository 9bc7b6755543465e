from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bot.config import Config, PainterConfig, load_config, load_settings
from bot.errors import ConfigError
from bot.metrics import Metrics
from bot.painting.painters import LocalPainter
from bot.service import fleet
from bot.service.fleet import painters_of
from bot.tools.fleet_painter import painter_link

ROOT = Path(__file__).resolve().parent.parent.parent.parent
TOKEN = "123456:AAE-example-token"
#: There is none: no test reads the developer's own.
NO_FILE = Path("no-such-file")


def painters(**settings):
    return painters_of(Config(bot_token=TOKEN, **settings), None, Metrics())


def test_without_a_server_this_machine_paints_alone():
    assert isinstance(painters(), LocalPainter)


def test_without_a_server_nothing_of_the_fleet_is_imported():
    program = (
        "import sys, bot.__main__, bot.service.assembly as a\n"
        "from bot.config import Config\n"
        f"a.painters_of(Config(bot_token='{TOKEN}'), None, None)\n"
        "print([n for n in sys.modules if n.split('.')[0] == 'nats' or n.startswith('bot.painting.fleet')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, stdout=subprocess.PIPE
    )
    assert done.stdout.decode().strip() == "[]"


@pytest.mark.parametrize(
    ("local_painter", "graphs", "paints"),
    [("auto", True, True), ("auto", False, False), ("yes", False, True), ("no", True, False)],
)
async def test_this_machine_paints_beside_a_fleet_if_it_should(
    tmp_path, monkeypatch, local_painter, graphs, paints
):
    monkeypatch.setattr(fleet, "DEFAULT_ENGINES", tmp_path)
    if graphs:
        (tmp_path / "any.onnx").touch()
    both = painters(nats_url="nats://127.0.0.1:4222", local_painter=local_painter)
    assert both.idle == paints


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"NATS_URL": "nats://192.168.1.20:4222"},
            "; expected the address of the fleet's server",
        ),
        ({"NATS_URL": "tls://user:secret@host:4222"}, "***"),
        ({"LOCAL_PAINTER": "maybe"}, "expected one of auto, yes, no"),
        ({"NATS_CREDENTIAL": "x"}, "NATS_CREDENTIALS"),
    ],
)
def test_wrong_settings_are_refused_with_a_sentence(settings, words):
    with pytest.raises(ConfigError) as caught:
        load_config({"BOT_TOKEN": TOKEN, **settings}, NO_FILE)
    assert words in str(caught.value) and "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"local_painter": "no"}, "nobody would paint"),
        ({"nats_url": "tls://a:4222"}, "NATS_CREDENTIALS"),
    ],
)
def test_settings_that_leave_nobody_to_paint_are_refused(settings, words):
    with pytest.raises(ConfigError, match=words):
        painters(**settings)


def test_a_painter_needs_a_server_and_no_token():
    config = load_settings(PainterConfig, {"NATS_URL": "nats://127.0.0.1:4222"}, NO_FILE)
    assert painter_link(config, "nano").user == "nano"
    with pytest.raises(ConfigError, match="no painter's name"):
        painter_link(config, "a.b")
    with pytest.raises(ConfigError, match="NATS_CREDENTIALS"):
        painter_link(load_settings(PainterConfig, {}, NO_FILE), None)
