from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from runtime import cli
from runtime.backends import backend_class
from runtime.errors import BackendError, OptionError
from runtime.options import StylizeOptions
from runtime.progress import Progress
from tests.support.pictures import SAMPLES, photo, png_header

ROOT = Path(__file__).resolve().parents[3]
QUICK = ["--size", "64", "--fine", "64", "--steps", "3", "--backend", "onnxrt"]


@pytest.fixture()
def files(tmp_path):
    photo(90, 70).save(tmp_path / "photo.png")
    whole = (SAMPLES / "cat.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.jpg").write_text("not a picture at all")
    (tmp_path / "bomb.png").write_bytes(png_header(30000, 30000))
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    Image.new("L", (16384, 32)).save(tmp_path / "wide.png")
    photo(90, 70).convert("CMYK").save(tmp_path / "cmyk.jpg")
    frames = [photo(90, 70), photo(90, 70, "cat.jpg")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    return tmp_path


def stylize(photo_file, style, output, *more):
    return cli.main(["stylize", str(photo_file), str(style), "-o", str(output), *QUICK, *more])


@pytest.mark.parametrize("name", ["photo.png", "cmyk.jpg", "moving.gif"])
def test_repaints_a_photo_in_its_own_size(files, engines, name, capsys):
    output = files / "out.jpg"
    assert stylize(files / name, "night-swirls", output, "--engines", str(engines)) == 0
    with Image.open(output) as painted:
        assert painted.size == (90, 70) and painted.format == "JPEG"
    assert "90x70" in capsys.readouterr().out


def test_progress_bar_reaches_the_end(files, engines, capsys):
    output = files / "out.png"
    assert stylize(files / "photo.png", "night-swirls", output, "--engines", str(engines)) == 0
    assert "step 6/6" in capsys.readouterr().err


def test_progress_bar_stays_where_an_error_stopped_it(files, engines, capsys, monkeypatch):
    def fails(*_, on_progress, **__):
        on_progress(Progress(1, 10, 1 / 10, 0.5, lambda: Image.new("RGB", (8, 8))))
        raise BackendError("The GPU is gone.")

    monkeypatch.setattr("runtime.style_transfer.stylize", fails)
    assert stylize(files / "photo.png", "night-swirls", files / "out.png", "--steps", "10") == 1
    error = capsys.readouterr().err
    assert "1/10" in error and "100%" not in error and "error: The GPU is gone." in error


@pytest.mark.parametrize(
    "photo_file, style, output, message",
    [
        ("absent.jpg", "night-swirls", "out.png", "no file"),
        ("text.jpg", "night-swirls", "out.png", "not a picture"),
        ("cut.jpg", "night-swirls", "out.png", "damaged or incomplete"),
        ("dot.png", "night-swirls", "out.png", "1x1"),
        ("bomb.png", "night-swirls", "out.png", "megapixels"),
        ("photo.png", "starry", "out.png", "night-swirls, "),
        ("photo.png", "text.jpg", "out.png", "no style or file"),
        ("photo.png", "night-swirls", "out", "end the name in one of .jpg"),
        ("photo.png", "night-swirls", "out.gif", "JPEG, PNG, WebP, BMP or TIFF"),
        ("photo.png", "night-swirls", "n" * 252 + ".png", "File name too long"),
        ("wide.png", "night-swirls", "out.webp", "16384x32, and WebP holds at most 16383"),
        ("photo.png", "night-swirls", "no/such/folder/out.png", "cannot be written"),
    ],
)
def test_bad_input_is_told_in_a_sentence(files, capsys, photo_file, style, output, message):
    before = sorted(files.iterdir())
    assert stylize(files / photo_file, style, files / output) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and message in error and "Traceback" not in error
    assert sorted(files.iterdir()) == before


def test_bad_option_is_told_in_a_sentence(files, capsys):
    assert stylize(files / "photo.png", "night-swirls", files / "o.png", "--strength", "3") == 1
    assert "strength is 3.0; expected a number from 0 to 1" in capsys.readouterr().err


def test_missing_graphs_name_the_command(files, capsys):
    engines = ["--engines", str(files / "nothing")]
    assert stylize(files / "photo.png", "night-swirls", files / "out.png", *engines) == 1
    assert "make onnx" in capsys.readouterr().err


def test_ctrl_c_leaves_no_half_written_file(files, engines):
    """The real program, interrupted by a real signal once the bar has moved."""
    output = files / "out.png"
    command = ["stylize", str(files / "photo.png"), "night-swirls", "-o", str(output)]
    command += ["--engines", str(engines), "--size", "256", "--steps", "1000"]
    process = subprocess.Popen(
        [sys.executable, "-m", "runtime", *command],
        cwd=str(ROOT),
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stderr is not None
    seen = b""
    while b"loss=" not in seen:
        read = process.stderr.read(1)
        assert read, seen
        seen += read
    process.send_signal(signal.SIGINT)
    rest = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 130
    assert b"interrupted; nothing was written" in rest and b"Traceback" not in rest
    # The bar stays where the painting was.
    assert b"/1010" in rest and b"100%" not in rest
    assert not [each for each in files.iterdir() if each.name.startswith((".out", "out"))]


@pytest.mark.parametrize("arguments", [[], ["paint"], ["stylize", "photo.jpg"]])
def test_wrong_command_shows_the_usage(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2
    assert "usage: python -m runtime" in capsys.readouterr().err


def test_the_backend_for_tests_is_not_offered(capsys):
    with pytest.raises(SystemExit):
        cli.main(["stylize", "--help"])
    assert "{auto,trt,openvino,onnxrt,pyt}" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        cli.main(["translate", "photo.jpg", "horse2zebra", "-o", "o.jpg", "--backend", "fake"])
    said = capsys.readouterr().err
    assert "invalid choice: 'fake'" in said and said.count("fake") == 1
    for name in ("no-such", "Fake"):
        with pytest.raises(OptionError) as caught:
            StylizeOptions(backend=name)
        assert "auto, trt, openvino, onnxrt, pyt." in str(caught.value)
        with pytest.raises(OptionError) as caught:
            backend_class(name)
        assert "auto, trt, openvino, onnxrt, pyt." in str(caught.value)
