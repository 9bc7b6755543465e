"""`python -m runtime video`."""

from __future__ import annotations

import pytest

from runtime.cli.command import main
from tests.support import sketcher, videos

pytest.importorskip("av")


@pytest.fixture(autouse=True)
def backend(monkeypatch):
    monkeypatch.setattr(
        "runtime.video.repainting.candidates", lambda name, folder: [sketcher.Sketcher]
    )


def test_a_video_is_written_and_its_size_printed(tmp_path, capsys):
    source = videos.make_video(tmp_path / "a.mp4", [videos.plain("red")] * 3)
    assert main(["video", str(source), "sunset-dots", "-o", str(tmp_path / "out.mp4")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'out.mp4'}: 64x48, 3 frames, 0.3 s\n"
    assert len(videos.read_video(tmp_path / "out.mp4")[0]) == 3


def test_a_long_video_is_cut_and_that_is_said(tmp_path, capsys):
    source = videos.make_video(tmp_path / "a.mp4", [videos.plain("red")] * 18, range(18))
    assert main(["video", str(source), "sunset-dots", "-o", str(tmp_path / "out.mp4")]) == 0
    assert "longer; these are its first 15 seconds" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.mp4", "sunset-dots", "-o", "out.gif"], "must end in .mp4"),
        (["a.mp4", "b.mp4", "sunset-dots", "-o", "out.mp4"], "One video"),
        (["missing.mp4", "sunset-dots", "-o", "out.mp4"], "missing.mp4 cannot be read"),
    ],
)
def test_mistakes_are_named(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["video", *arguments]) == 1
    assert message in capsys.readouterr().err
