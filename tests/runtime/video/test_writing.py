"""`write_video`: what a player gets from the file, and what cannot be written."""

from __future__ import annotations

import sys
import tempfile

import numpy as np
import pytest
from PIL import Image

from runtime import VideoError, write_video
from runtime.files import remove_partial
from runtime.video.writing import new_video

av = pytest.importorskip("av")

COLOURS = ["#c04020", "#20a040", "#2040c0"]


def read(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(0)]
        return stream.codec_context.name, float(stream.duration * stream.time_base), frames


@pytest.mark.parametrize(("size", "even"), [((64, 48), (64, 48)), ((63, 47), (64, 48))], ids=str)
def test_pictures_follow_each_other_at_the_rate(tmp_path, size, even):
    path = tmp_path / "out.mp4"
    write_video((Image.new("RGB", size, colour) for colour in COLOURS), path, 8)
    codec, duration, frames = read(path)
    assert (codec, duration) == ("h264", 3 / 8)
    assert [time for time, _ in frames] == [0, 1 / 8, 2 / 8]
    for (_, pixels), colour in zip(frames, COLOURS):
        assert pixels.shape == (even[1], even[0], 3)
        expected = np.asarray(Image.new("RGB", (1, 1), colour))
        assert np.abs(pixels.astype(int) - expected).max() <= 6


def test_players_may_begin_before_they_have_all_of_the_file(tmp_path):
    path = tmp_path / "out.mp4"
    write_video([Image.new("RGB", (64, 48))] * 3, path, 3)
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_what_a_killed_process_has_written_is_found_and_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = tmp_path / "out.mp4"
    with pytest.raises(VideoError), new_video(path, 10) as video:
        for second in range(99):
            video.add(Image.new("RGB", (64, 48)), second)
        assert list(tmp_path.iterdir())
        remove_partial(path)
        assert not list(tmp_path.iterdir())
    assert not path.exists()


@pytest.mark.parametrize(
    ("sizes", "message"), [([], "at least one"), ([(64, 48), (48, 64)], "48x64 follows 64x48")]
)
def test_frames_that_make_no_video_leave_no_file(tmp_path, sizes, message):
    with pytest.raises(VideoError, match=message):
        write_video([Image.new("RGB", size) for size in sizes], tmp_path / "out.mp4", 3)
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(VideoError, match=r"missing.*cannot be written"):
        write_video([Image.new("RGB", (64, 48))], tmp_path / "missing" / "out.mp4", 3)


def test_without_the_library_the_message_names_the_cure(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(VideoError, match="pip install av"):
        write_video([Image.new("RGB", (64, 48))], tmp_path / "out.mp4", 3)
