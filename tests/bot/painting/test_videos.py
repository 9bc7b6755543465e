"""A request for a video in the painter: its result, and why a video is refused."""

from __future__ import annotations

import json
import sys
import threading

import pytest
from PIL import Image

from bot.errors import PictureRefused
from bot.outcomes import PictureRole, Reason, Refusal
from bot.painting.protocol import PaintRequest, StyleFile
from bot.painting.videos import repaint_video
from runtime import VideoOptions
from tests.support import sketcher, videos

pytest.importorskip("av")


@pytest.fixture
def request_of(tmp_path, monkeypatch):
    sketcher.use(monkeypatch)
    monkeypatch.setattr(
        "runtime.video.repainting.candidates", lambda name, folder: [sketcher.Sketcher]
    )
    Image.new("RGB", (64, 64), "blue").save(tmp_path / "style.png")

    def make(video):
        request = PaintRequest(
            photo=str(video),
            output=str(tmp_path / "1.mp4"),
            previews=str(tmp_path),
            options=VideoOptions(keep_colours=True),
            styles=(StyleFile(str(tmp_path / "style.png")),),
        )
        # As it arrives in the painter.
        return PaintRequest.from_message(json.loads(json.dumps(request.to_message())))

    return make


def repainted(request, **handed):
    said = []
    handed.update(cancel=threading.Event(), on_progress=lambda now: said.append(now.share))
    made = repaint_video(request, request.options, lambda *_, **__: None, handed)
    return made, said


def test_the_video_of_a_request_is_repainted(request_of, tmp_path):
    source = videos.make_video(tmp_path / "a.mp4", [videos.plain("red")] * 4)
    request = request_of(source)
    assert request.options == VideoOptions(keep_colours=True)
    made, said = repainted(request)
    assert (made.size, said) == ((64, 48), [0.25, 0.5, 0.75, 1])
    assert len(videos.read_video(tmp_path / "1.mp4")[0]) == 4


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"text", Reason.NOT_A_PICTURE), (b"GIF89a", Reason.DAMAGED)],
)
def test_what_cannot_be_used_is_refused(request_of, tmp_path, content, reason):
    (tmp_path / "a.gif").write_bytes(content)
    with pytest.raises(PictureRefused) as refused:
        repainted(request_of(tmp_path / "a.gif"))
    assert refused.value.refusal == Refusal(PictureRole.VIDEO, reason)


@pytest.mark.parametrize("missing", ["library", "networks"])
def test_what_the_owner_has_not_installed_is_logged(
    request_of, tmp_path, monkeypatch, caplog, missing
):
    source = videos.make_video(tmp_path / "a.mp4", [videos.plain("red")])
    if missing == "library":
        monkeypatch.setitem(sys.modules, "av", None)
    else:
        monkeypatch.setattr(sketcher.Sketcher, "_load", lambda backend: backend._onnx_path())
    with pytest.raises(PictureRefused) as refused:
        repainted(request_of(source), engines=tmp_path)
    assert refused.value.refusal.reason is Reason.FORMAT_UNAVAILABLE
    assert ("pip install av" if missing == "library" else "WEIGHTS=sketch") in caplog.text
