"""The pictures of /examples: what is painted, what is skipped, and what the repository has."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from bot.__main__ import main
from bot.chat.catalog import EXAMPLES
from bot.errors import PaintingFailed
from bot.tools import examples as tool
from bot.tools.examples import GAP, ROOT, paint_all, read_examples
from runtime import installed_styles, read_picture
from tests.support.bot.doubles import FakePainterClient, mean_colour, model_colour

PHOTO = "docs/pictures/coffee.jpg"


@pytest.fixture()
async def painter_client(monkeypatch):
    painter_client = FakePainterClient()
    monkeypatch.setattr(tool, "PainterClient", lambda command: painter_client)
    return painter_client


@pytest.fixture()
def lay_out(tmp_path):
    """A folder of examples with these entries."""

    def write(**entries):
        index = [{"name": name, "file": f"{name}.jpg", **rest} for name, rest in entries.items()]
        (tmp_path / "index.json").write_text(json.dumps(index), encoding="utf-8")
        return read_examples(tmp_path)

    return write


@pytest.fixture()
def studio(tmp_path):
    """An engines folder with no generators."""
    folder = tmp_path / "engines"
    folder.mkdir()
    return folder


def install(studio, name):
    (studio / f"generator-{name}.onnx").touch()


def halves(path):
    """The two pictures of a file, after a look at the gap between them."""
    joined = read_picture(path)
    width = (joined.width - GAP) // 2
    gap = joined.crop((width + 2, 0, width + GAP - 2, joined.height))
    assert min(mean_colour(gap)) > 250
    return joined.crop((0, 0, width, joined.height)), joined.crop(
        (width + GAP, 0, joined.width, joined.height)
    )


async def test_before_and_after_stand_side_by_side(
    lay_out, painter_client, tmp_path, capsys, studio
):
    examples = lay_out(cup={"photo": PHOTO, "style": "night-swirls", "strength": 0.75})
    assert await paint_all(examples, [], studio) == 0
    before, after = halves(tmp_path / "cup.jpg")
    assert before.width * 2 + GAP == 1200
    original = read_picture(ROOT / PHOTO)
    assert before.width / before.height == pytest.approx(original.width / original.height, 0.01)
    close = pytest.approx(mean_colour(original), abs=6)
    assert mean_colour(before) == close and mean_colour(after) != close
    assert painter_client.requests[0].options.strength == 0.75 and painter_client.closed
    assert f"cup: painted, {tmp_path / 'cup.jpg'}." in capsys.readouterr().out


async def test_what_is_there_stays_unless_it_is_named(
    lay_out, painter_client, tmp_path, capsys, studio
):
    entry = {"photo": PHOTO, "style": "night-swirls"}
    examples = lay_out(old=entry, other=entry)
    for name in ("old", "other"):
        Image.new("RGB", (8, 8)).save(tmp_path / f"{name}.jpg")
    assert await paint_all(examples, [], studio) == 0
    assert capsys.readouterr().out.splitlines() == ["old: exists.", "other: exists."]
    assert await paint_all(examples, ["old"], studio) == 0
    assert read_picture(tmp_path / "old.jpg").width == 1200
    assert (tmp_path / "other.jpg").stat().st_size < 2000 and len(painter_client.requests) == 1


async def test_what_is_missing_is_told_and_keeps_no_other_from_being_made(
    lay_out, painter_client, tmp_path, capsys, studio
):
    install(studio, "vintage")
    examples = lay_out(
        photo={"photo": "bot/examples/photos/unicorn.jpg", "generators": ["vintage"]},
        generator={"photo": PHOTO, "generators": ["horse2zebra", "horse2zebra-lite"]},
        made={"photo": PHOTO, "generators": ["vintage"]},
    )
    assert await paint_all(examples, [], studio) == 0
    photo, generator, made = capsys.readouterr().out.splitlines()
    assert "skipped: the photo bot/examples/photos/unicorn.jpg is missing; `make weights`" in photo
    assert "skipped: the generator horse2zebra is not installed; `make weights onnx`" in generator
    assert "made: painted" in made
    assert [path.name for path in tmp_path.glob("*.jpg")] == ["made.jpg"]


@pytest.mark.parametrize("first", ["horse2zebra", "horse2zebra-lite"])
async def test_the_best_generator_that_is_installed(
    lay_out, painter_client, tmp_path, first, studio
):
    install(studio, first)
    install(studio, "horse2zebra-lite")
    examples = lay_out(horse={"photo": PHOTO, "generators": ["horse2zebra", "horse2zebra-lite"]})
    assert await paint_all(examples, [], studio) == 0
    before, after = halves(tmp_path / "horse.jpg")
    expected = [(a + b) / 2 for a, b in zip(mean_colour(before), model_colour(first))]
    assert mean_colour(after) == pytest.approx(expected, abs=6)


async def test_a_painting_that_fails_is_told_and_ends_with_1(
    lay_out, painter_client, tmp_path, capsys, studio
):
    entry = {"photo": PHOTO, "style": "night-swirls"}
    painter_client.fail(PaintingFailed("There is no memory left.", retriable=True), None)
    assert await paint_all(lay_out(bad=entry, good=entry), [], studio) == 1
    told = capsys.readouterr().out
    assert "bad: not painted. There is no memory left." in told and "good: painted" in told
    assert [path.name for path in tmp_path.glob("*.jpg")] == ["good.jpg"]


async def test_a_style_is_really_painted(lay_out, tmp_path, engines, monkeypatch):
    monkeypatch.setattr(tool, "PANEL", 64)
    examples = lay_out(cup={"photo": PHOTO, "style": "night-swirls"})
    assert await paint_all(examples, [], engines) == 0
    before, after = halves(tmp_path / "cup.jpg")
    red, _, blue = mean_colour(before)
    assert red > blue + 50, "a red cup on brown wood"
    red, _, blue = mean_colour(after)
    assert blue > red, "a blue style"


def test_an_unknown_name_is_answered_with_the_known_ones(capsys):
    assert main(["examples", "unicorn"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("error: There is no example unicorn; choose from cat-stained-glass, ")


def test_the_repository_has_its_examples():
    entries = json.loads((EXAMPLES / "index.json").read_text(encoding="utf-8"))
    made_later = {"horse2zebra", "zebra2horse"}
    kinds = set()
    for example, entry in zip(read_examples(EXAMPLES), entries):
        assert set(entry["title"]) == {"en", "ru"} and entry["licence"] and entry["source"]
        kinds.update(example.generators or ["style"])
        if example.name not in made_later:
            assert example.path.stat().st_size < 400_000
            before, after = halves(example.path)
            assert before.size == after.size
        if example.style is not None:
            assert example.style in installed_styles()
    assert kinds >= {"style", "vintage", *made_later}
