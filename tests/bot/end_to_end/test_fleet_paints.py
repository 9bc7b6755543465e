"""Two real painters paint real photos for a bot that has none itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.bot.albums import order_pair
from tests.support.bot.running import running
from tests.support.bot.stage import config_for, jpeg, picture_of
from tests.support.pictures import photo as real_photo

ROOT = Path(__file__).resolve().parent.parent.parent.parent


def start_painter(url, name, engines, folder):
    """`python -m bot painter`, in a folder without settings."""
    command = [sys.executable, "-m", "bot", "painter", "--name", name, "--engines", str(engines)]
    environment = {**os.environ, "NATS_URL": url, "PYTHONPATH": str(ROOT)}
    with (folder / f"{name}.log").open("wb") as log:
        return subprocess.Popen(command, cwd=str(folder), env=environment, stderr=log)


async def test_photos_of_two_people_are_painted_by_two_painters(sandbox, server, engines, tmp_path):
    config = config_for(sandbox, tmp_path / "state", nats_url=server.url, local_painter="no")
    painters = [start_painter(server.url, name, engines, tmp_path) for name in ("one", "two")]
    try:
        async with running(config, None) as service:
            photos = [jpeg(real_photo(120, 90)), jpeg(real_photo(90, 120))]
            people = [sandbox.user(name=name) for name in ("Anna", "Boris")]
            for person in people:
                await order_pair(person, photos)
            for person in people:
                result = await person.wait_for(lambda message: "Your photo" in message.text, 120)
                assert picture_of(sandbox, result).size in ((120, 90), (90, 120))
            states = service.parts.painters.states()
            assert sum(each.painted for each in states) == 2
            assert {each.backend for each in states} <= {"openvino", "onnxrt", "pyt"}
    finally:
        for painter in painters:
            painter.terminate()
        assert [painter.wait(60) for painter in painters] == [0, 0]
