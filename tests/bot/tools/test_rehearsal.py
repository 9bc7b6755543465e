"""The demonstration's conversation: the bot as a process, painting for real, and its failures."""

from __future__ import annotations

import re
import sys

import pytest

from bot.__main__ import main
from bot.errors import BotError
from bot.tools import rehearsal
from bot.tools.rehearsal import rehearse
from runtime import read_picture
from tests.support.pictures import photo

#: A bot whose painter takes the graphs of a folder.
_BOT = """
import asyncio, os, sys
from pathlib import Path
from bot.service.assembly import serve
from bot.config import load_config
from bot.painting.client import painter_command
painter = painter_command(Path(sys.argv[1]))
asyncio.run(serve(load_config(os.environ), painter=painter))
"""


@pytest.fixture()
def picture(tmp_path):
    path = tmp_path / "photo.jpg"
    photo(200, 150).save(path)
    return path


@pytest.mark.any_python
async def test_a_conversation(picture, tmp_path, engines, capsys, monkeypatch):
    monkeypatch.setattr(rehearsal, "QUICK", {"SIZE": "64", "STEPS": "6"})
    output = tmp_path / "chat.jpg"
    bot = [sys.executable, "-c", _BOT, str(engines)]
    await rehearse(picture, "woodblock-waves", output, command=bot)
    painted = read_picture(output)
    assert painted.size == (200, 150)
    red, _, blue = painted.resize((1, 1)).getpixel((0, 0))
    assert blue > red - 30, "the red cup has taken the blue of the waves"

    told = capsys.readouterr().out
    said = (
        r"You:      /start",
        r"Jetbrush: Hello!",
        r"\[Style transfer\]",
        r"You:      \(presses \[Style transfer\]\)",
        r"Jetbrush: Choose a style:",
        r"2\. Woodblock Waves",
        r"\[1\] \[2\]",
        r"You:      \(presses \[2\]\)",
        r"Jetbrush: The style is “Woodblock Waves”",
        r"You:      \(photo, 200 x 150\)",
        r"Jetbrush: .*Painting",
        r"Jetbrush: .*\(photo, 200 x 150\) Your photo in the style “Woodblock Waves”",
        r"\[Original file \(PNG\)\]",
        re.escape(f"The painting is {output}."),
    )
    assert re.search(".*?".join(said), told, re.DOTALL), told
    assert not re.search(r" +$", told, re.MULTILINE)


async def test_a_bot_that_ends_is_told_with_its_last_words(picture, tmp_path):
    bot = [sys.executable, "-c", "import sys; sys.exit('error: no luck today')"]
    with pytest.raises(BotError, match=r"ended with code 1 instead of sending a menu") as failure:
        await rehearse(picture, "night-swirls", tmp_path / "chat.jpg", command=bot)
    assert "error: no luck today" in str(failure.value)
    assert not (tmp_path / "chat.jpg").exists()


async def test_a_bot_that_is_silent_is_told_and_ended(picture, tmp_path):
    bot = [sys.executable, "-c", "import time; time.sleep(600)"]
    with pytest.raises(BotError, match="did not send a menu in time"):
        await rehearse(
            picture, "night-swirls", tmp_path / "chat.jpg", command=bot, answer_seconds=0.3
        )


def test_a_photo_that_is_not_there_is_a_sentence_and_code_1(tmp_path, capsys):
    lost = str(tmp_path / "lost.jpg")
    assert main(["rehearse", lost, "night-swirls", "-o", str(tmp_path / "chat.jpg")]) == 1
    told = capsys.readouterr()
    assert told.err == f"error: {lost} cannot be read: No such file or directory.\n"
    assert told.out == ""


def test_an_output_that_cannot_be_written_is_reported_before_the_conversation(
    picture, tmp_path, capsys
):
    for name, words in (("x.gif", "JPEG, PNG"), ("absent/x.jpg", "cannot be written")):
        arguments = ["rehearse", str(picture), "night-swirls", "-o", str(tmp_path / name)]
        assert main(arguments) == 1
        told = capsys.readouterr()
        assert words in told.err and told.out == ""
