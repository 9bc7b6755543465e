"""`repaint_video`: the frames in their style, steady, with the sound, whole or not at all."""

from __future__ import annotations

import itertools
import threading

import numpy as np
import pytest
from PIL import Image

from runtime import SketchOptions, VideoOptions, repaint_video
from runtime.errors import Cancelled, DamagedVideo
from runtime.video.sound import Sound
from runtime.video.steadying import Steadying
from tests.support import sketcher, videos

pytest.importorskip("av")

BLUE = Image.new("RGB", (40, 40), "#0000ff")
FRAMES = [videos.plain(colour) for colour in ("#c82828", "#28a028", "#c82828")]


@pytest.fixture
def backend(monkeypatch):
    monkeypatch.setattr(
        "runtime.video.repainting.candidates", lambda name, folder: [sketcher.Sketcher]
    )
    return sketcher.use(monkeypatch)


def repainted(tmp_path, source, **options):
    output = tmp_path / "out.mp4"
    return repaint_video(source, BLUE, output, VideoOptions(**options)), output


def test_each_frame_is_repainted_in_one_style(backend, tmp_path):
    source = videos.make_video(tmp_path / "a.mp4", FRAMES)
    made, output = repainted(tmp_path, source)
    frames, sound = videos.read_video(output)
    assert (made.size, made.frames, made.is_cut, sound) == ((64, 48), 3, False, None)
    assert made.seconds == pytest.approx(0.3, abs=0.01)
    assert [time for time, _ in frames] == pytest.approx([0, 0.1, 0.2], abs=1e-3)
    assert backend.styles == 1
    expected = (np.asarray(FRAMES[1][0, 0], int) + (0, 0, 255)) / 2
    assert np.abs(frames[1][1][24, 32] - expected).max() <= 8


def test_the_result_is_small_and_upright(backend, tmp_path):
    wide = [videos.plain("#c82828", (400, 200))] * 2
    source = videos.turn(videos.make_video(tmp_path / "a.mp4", wide))
    made, output = repainted(tmp_path, source, size=128)
    assert made.size == (64, 128)
    assert videos.read_video(output)[0][0][1].shape == (128, 64, 3)


@pytest.mark.parametrize(
    ("name", "pictures", "codec"),
    [("a.mp4", "libx264", "aac"), ("a.avi", "mpeg4", "pcm_s16le"), ("a.mkv", "libx264", "flac")],
)
def test_the_sound_is_kept(backend, tmp_path, name, pictures, codec):
    source = videos.make_video(tmp_path / name, FRAMES * 4, codec=pictures, sound=codec)
    _, output = repainted(tmp_path, source)
    frames, sound = videos.read_video(output)
    assert (sound, len(frames)) == ("aac", 12)
    assert heard(output) == pytest.approx(heard(source), abs=0.06)


def heard(path):
    """The seconds of sound."""
    import av

    with av.open(str(path)) as container:
        return sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))


def test_sound_that_goes_back_in_time_is_left_out(backend, tmp_path, monkeypatch):
    source = videos.make_video(tmp_path / "a.mkv", FRAMES * 4, sound="flac")
    add, numbers = Sound.add, itertools.count()

    def add_damaged(sound, packet):
        number = next(numbers)
        if number == 4:
            packet.dts = packet.pts = 0
        elif number == 6:
            packet.pts = None
        add(sound, packet)

    monkeypatch.setattr(Sound, "add", add_damaged)
    _, output = repainted(tmp_path, source)
    assert 0.6 < heard(output) < heard(source)


def test_sound_is_decoded_by_the_listed_decoders_alone(backend, tmp_path):
    source = videos.make_video(tmp_path / "a.avi", FRAMES, codec="mpeg4", sound="adpcm_ima_wav")
    _, output = repainted(tmp_path, source)
    frames, sound = videos.read_video(output)
    assert (len(frames), sound) == (3, None)


def test_progress_counts_the_frames(backend, tmp_path):
    seen = []
    source = videos.make_video(tmp_path / "a.mp4", FRAMES)
    repaint_video(
        source,
        BLUE,
        tmp_path / "out.mp4",
        on_progress=lambda now: seen.append((now.step, now.steps, now.share, now.draw().size)),
    )
    assert seen == [(n, 3, n / 3, (64, 48)) for n in (1, 2, 3)]


def test_a_picture_of_the_progress_may_be_changed(backend, tmp_path):
    source, output = videos.make_video(tmp_path / "a.mp4", FRAMES), tmp_path / "out.mp4"
    repaint_video(source, BLUE, output, on_progress=lambda now: now.draw().thumbnail((8, 8)))
    assert {pixels.shape for _, pixels in videos.read_video(output)[0]} == {(48, 64, 3)}


def test_cancelling_leaves_nothing(backend, tmp_path):
    cancel = threading.Event()
    source = videos.make_video(tmp_path / "a.mp4", FRAMES)
    with pytest.raises(Cancelled):
        repaint_video(
            source,
            BLUE,
            tmp_path / "out.mp4",
            on_progress=lambda _progress: cancel.set(),
            cancel=cancel,
        )
    assert len(backend.given) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["a.mp4"]


def test_a_damaged_video_replaces_no_file(backend, tmp_path):
    source, output = tmp_path / "a.gif", tmp_path / "out.mp4"
    source.write_bytes(b"GIF89a")
    output.write_bytes(b"kept")
    with pytest.raises(DamagedVideo):
        repaint_video(source, BLUE, output)
    assert output.read_bytes() == b"kept"


def test_options_are_those_of_sketches_at_a_smaller_size():
    assert isinstance(VideoOptions(), SketchOptions) and VideoOptions().size == 512


def noisy(seed):
    scene = np.random.default_rng(7).integers(0, 255, (12, 16, 3)).astype(np.uint8)
    large = np.asarray(Image.fromarray(scene).resize((160, 120), Image.Resampling.BICUBIC), int)
    noise = np.random.default_rng(seed).normal(0, 3, large.shape)
    return np.clip(large + noise, 0, 255).astype(np.uint8)


def changes(pictures):
    arrays = [np.asarray(each, int) for each in pictures]
    return np.mean([np.abs(after - before).mean() for before, after in zip(arrays, arrays[1:])])


def steadied(sources, painted):
    steadying = Steadying()
    return [steadying.steady(*map(Image.fromarray, pair)) for pair in zip(sources, painted)]


def test_what_stands_still_hardly_flickers():
    sources = [noisy(seed) for seed in range(6)]
    painted = [np.roll(noisy(seed), seed % 3 * 40, axis=2) ^ (seed % 2 * 63) for seed in range(6)]
    painted = [each.astype(np.uint8) for each in painted]
    assert changes(steadied(sources, painted)) < 0.4 * changes(painted)


def test_a_painting_moves_along_with_the_camera():
    scene = np.tile(noisy(1), (1, 2, 1))
    sources = [scene[:, 3 * n : 3 * n + 160] for n in range(4)]
    first = np.random.default_rng(3).integers(0, 255, (120, 160, 3), np.uint8)
    blank = np.zeros_like(first)
    result = np.asarray(steadied(sources[:2], [first, blank])[1], int)
    expected = 0.8 * first[:, 3:].astype(int)
    assert np.abs(result[10:-10, 10:-13] - expected[10:-10, 10:-10]).mean() < 8


def test_after_a_cut_nothing_of_the_painting_before_is_left():
    before, after = videos.plain("#202020"), videos.plain("#d0d0d0")
    painted = [videos.plain("#ff0000"), videos.plain("#00ff00")]
    _, last = steadied([before, after], painted)
    np.testing.assert_array_equal(np.asarray(last), painted[1])
