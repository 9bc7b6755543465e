"""Videos of strangers: what is read of each, and the sentence for what cannot be read."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from runtime.errors import DamagedVideo, NotAVideo, VideoError, VideoTooLarge, VideoTooSmall
from runtime.video.reading import open_video
from tests.support import videos

av = pytest.importorskip("av")

#: A folder for each thread of this process.
TASKS = Path("/proc/self/task")

RED, GREEN = videos.plain("#c82828"), videos.plain("#28a028")


def read(path, longest=512):
    with open_video(path, longest) as video:
        return video.plan, list(video.frames(lambda _packet: None))


def shown(path, longest=512):
    return read(path, longest)[1][0].picture


def near(picture, colour, tolerance=12):
    middle = np.asarray(picture.resize((1, 1), Image.Resampling.BOX)).astype(int)
    return np.abs(middle - np.asarray(Image.new("RGB", (1, 1), colour))).max() <= tolerance


def test_frames_come_with_their_times(tmp_path):
    plan, frames = read(videos.make_video(tmp_path / "a.mp4", [RED, GREEN, RED], fps=10))
    assert [frame.seconds for frame in frames] == pytest.approx([0, 0.1, 0.2], abs=1e-3)
    assert (plan.count, plan.is_cut) == (3, False)
    assert plan.seconds == pytest.approx(0.3, abs=0.01)
    assert near(frames[0].picture, "#c82828") and near(frames[1].picture, "#28a028")


def test_variable_rate_keeps_its_times(tmp_path):
    times = [0, 0.04, 0.5, 0.54, 2.0]
    _, frames = read(videos.make_video(tmp_path / "a.mp4", [RED] * 5, times))
    assert [frame.seconds for frame in frames] == pytest.approx(times, abs=1e-3)


def test_of_sixty_frames_a_second_half_are_taken(tmp_path):
    times = [index / 60 for index in range(60)]
    plan, frames = read(
        videos.make_video(tmp_path / "a.mp4", [RED] * 60, times, preset="ultrafast")
    )
    assert plan.count == len(frames) == 30 and 27 < plan.rate <= 30


def test_of_a_long_video_the_first_fifteen_seconds_are_taken(tmp_path):
    plan, frames = read(videos.make_video(tmp_path / "a.mp4", [RED] * 20, range(20)))
    assert (plan.seconds, plan.is_cut, len(frames)) == (15, True, 15)


def test_a_phone_s_video_is_upright(tmp_path):
    halves = np.concatenate([RED, GREEN], axis=1)
    picture = shown(videos.turn(videos.make_video(tmp_path / "a.mp4", [halves])))
    assert picture.size == (48, 128)
    assert near(picture.crop((0, 0, 48, 60)), "#c82828")
    assert near(picture.crop((0, 68, 48, 128)), "#28a028")


@pytest.mark.parametrize(
    ("matrix", "transposition"),
    [
        ((-1, 0, 0, -1), Image.Transpose.ROTATE_180),
        ((0, -1, 1, 0), Image.Transpose.ROTATE_90),
        ((-1, 0, 0, 1), Image.Transpose.FLIP_LEFT_RIGHT),
        ((1, 0, 0, -1), Image.Transpose.FLIP_TOP_BOTTOM),
        ((0, 1, 1, 0), Image.Transpose.TRANSPOSE),
    ],
)
def test_a_front_camera_s_video_is_not_mirrored(tmp_path, matrix, transposition):
    pixels = videos.plain("#202020").copy()
    pixels[:20, :30] = 220
    path = videos.turn(videos.make_video(tmp_path / "a.mp4", [pixels]), *matrix)
    expected = Image.fromarray(pixels).transpose(transposition)
    found = shown(path)
    assert found.size == expected.size
    assert np.abs(np.asarray(found, int) - np.asarray(expected, int)).mean() < 8


@pytest.mark.skipif(not TASKS.exists(), reason="the system does not list threads")
def test_a_video_that_was_read_leaves_no_decoder(tmp_path):
    path = videos.make_video(tmp_path / "a.mp4", [RED] * 3)
    read(path)
    before = len(list(TASKS.iterdir()))
    gc.disable()
    try:
        for _ in range(5):
            read(path)
        assert len(list(TASKS.iterdir())) <= before
    finally:
        gc.enable()


def test_frames_have_the_size_of_the_first_one(tmp_path):
    sizes = [(64, 48), (96, 48), (32, 64)]
    _, frames = read(videos.make_video_of_changing_size(tmp_path / "a.mkv", sizes))
    assert [frame.picture.size for frame in frames] == [(64, 48)] * 3
    assert all(near(frame.picture, "#c82828") for frame in frames)


def test_the_colours_of_hd_videos_are_right(tmp_path):
    path = videos.make_coloured_video(tmp_path / "a.mp4", "#28a028", 1, colormatrix="bt709")
    assert near(shown(path), "#28a028", 4)


@pytest.mark.parametrize(
    ("transfer", "colour", "expected"),
    [
        # White on paper, and a grey of 18 %: ITU-R BT.2408 gives them 75 and 38 % in HLG.
        ("arib-std-b67", "#bfbfbf", "#eeeeee"),
        ("arib-std-b67", "#616161", "#656565"),
        ("smpte2084", "#949494", "#eeeeee"),
        ("arib-std-b67", "#ffffff", "#ffffff"),
        ("smpte2084", "#000000", "#000000"),
    ],
)
def test_hdr_videos_are_as_bright_as_others(tmp_path, transfer, colour, expected):
    names = {"colormatrix": "bt2020nc", "colorprim": "bt2020", "transfer": transfer}
    # Greys are the same in every matrix, and PyAV 12 does not know that of BT.2020.
    path = videos.make_coloured_video(tmp_path / "a.mp4", colour, 1, **names)
    assert near(shown(path), expected, 5)


@pytest.mark.parametrize(
    ("name", "size", "options", "read_size"),
    [
        ("odd.mp4", (63, 47), {"pix_fmt": "yuv444p"}, (64, 48)),
        ("hevc.mp4", (64, 64), {"codec": "libx265", "pix_fmt": "yuv420p10le"}, (64, 64)),
        ("4k.mp4", (3840, 2160), {"preset": "ultrafast"}, (512, 288)),
        ("vp8.webm", (64, 48), {"codec": "libvpx"}, (64, 48)),
        ("motion.avi", (64, 48), {"codec": "mjpeg", "pix_fmt": "yuvj420p"}, (64, 48)),
    ],
)
def test_formats_and_sizes(tmp_path, name, size, options, read_size):
    if options.get("codec", "libx264") not in av.codecs_available:
        pytest.skip(f"this PyAV does not write {options['codec']}")
    pictures = [videos.plain("#c82828", size)] * 2
    _, frames = read(videos.make_video(tmp_path / name, pictures, **options))
    assert [frame.picture.size for frame in frames] == [read_size] * 2
    assert near(frames[1].picture, "#c82828")


def test_pixels_that_are_not_square(tmp_path):
    path = videos.make_video(tmp_path / "a.mp4", [RED], **{"x264-params": "sar=2/1"})
    assert shown(path).size == (128, 48)


def test_what_is_transparent_in_a_gif_is_white(tmp_path):
    image = Image.new("P", (64, 48), 0)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.paste(1, (0, 0, 32, 48))
    image.info["transparency"] = 0
    other = image.copy()
    other.paste(1, (0, 0, 32, 40))
    _, frames = read(videos.make_gif(tmp_path / "a.gif", [image, other]))
    assert near(frames[0].picture.crop((0, 0, 30, 40)), "#0000ff")
    assert near(frames[0].picture.crop((34, 0, 64, 48)), "#ffffff")


def test_a_gif_of_one_frame_is_shown_for_a_second(tmp_path):
    path = videos.make_gif(tmp_path / "a.gif", [Image.new("RGB", (64, 48), "#c82828")])
    plan, frames = read(path)
    assert (plan.count, len(frames)) == (1, 1) and 0 < plan.seconds <= 1


def test_a_gif_of_100_000_frames_is_read_up_to_the_limit(tmp_path):
    plan, frames = read(videos.many_frames_gif(tmp_path / "a.gif", 100_000))
    assert (plan.is_cut, plan.count, len(frames)) == (True, 150, 150)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
def test_a_title_in_any_encoding_does_no_harm(tmp_path, name):
    path = videos.make_video(tmp_path / name, [RED], codec="mpeg4")
    data = path.read_bytes()
    assert b"Lavf" in data
    path.write_bytes(data.replace(b"Lavf", "Фото".encode("cp1251")))
    assert near(shown(path), "#c82828")


def test_of_an_incomplete_video_the_beginning_is_read(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (20, 48, 64, 3), np.uint8)
    path = videos.make_video(tmp_path / "a.mkv", list(noise), g="1")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    _, frames = read(path)
    assert 5 < len(frames) < 15


def make_cut_off(path):
    videos.make_video(path, [RED] * 5)
    path.write_bytes(path.read_bytes()[:-200])


def make_sound(path):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48000, layout="mono")
        videos._put_tone(av, container, stream, 0.2)


@pytest.mark.parametrize(
    ("name", "make", "error", "message"),
    [
        ("a.mp4", make_cut_off, DamagedVideo, "incomplete"),
        ("a.mp4", make_sound, NotAVideo, "only sound"),
        (
            "a.mkv",
            lambda path: videos.make_video(path, [RED], codec="ffv1"),
            NotAVideo,
            "codec ffv1 is not supported",
        ),
        ("a.mp4", lambda path: path.write_bytes(b"#EXTM3U\n/etc/passwd"), NotAVideo, "MP4"),
        ("a.mp4", lambda path: path.write_bytes(b""), NotAVideo, "MP4"),
        ("a.gif", lambda path: path.write_bytes(b"GIF89a"), DamagedVideo, "damaged"),
        (
            "a.gif",
            lambda path: path.write_bytes(
                videos.many_frames_gif(path, 2)
                .read_bytes()
                .replace(b"\x40\x00\x40\x00", b"\xff" * 4)
            ),
            VideoTooLarge,
            "65535x65535",
        ),
        (
            "a.mp4",
            lambda path: videos.make_video(path, [videos.plain("red", (64, 16))]),
            VideoTooSmall,
            "64x16",
        ),
        ("a.mp4", lambda path: None, VideoError, "No such file"),
    ],
)
def test_what_cannot_be_read_has_a_sentence(tmp_path, name, make, error, message):
    path = tmp_path / name
    make(path)
    with pytest.raises(error, match=message):
        read(path)
