"""Decoding may not take all memory."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bot.errors import PictureRefused
from bot.outcomes import PictureRole, Reason, Refusal
from bot.painting import reading
from bot.painting.reading import memory_limit, read_picture
from tests.support.pictures import photo

ROOT = Path(__file__).resolve().parent.parent.parent.parent

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="the system does not say what it gave"
)


def test_what_takes_more_than_the_limit_fails():
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with memory_limit(100 << 20):
        np.ones(20 << 20, np.uint8)
        with pytest.raises(MemoryError):
            np.ones(500 << 20, np.uint8)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    np.ones(500 << 20, np.uint8)


def test_the_limit_ends_with_an_error():
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with pytest.raises(KeyError), memory_limit(1 << 20):
        raise KeyError
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


@pytest.mark.parametrize(
    ("suffix", "reason"),
    [
        *((suffix, Reason.TOO_LARGE) for suffix in ("jpg", "png", "tif", "bmp")),
        # libwebp does not say why it fails.
        ("webp", Reason.DAMAGED),
    ],
)
def test_a_picture_that_takes_too_much_is_refused(tmp_path, monkeypatch, suffix, reason):
    monkeypatch.setattr(reading, "DECODING_BYTES", 8 << 20)
    path = tmp_path / f"large.{suffix}"
    Image.new("RGB", (4000, 3000)).save(path)
    told = []
    with pytest.raises(PictureRefused) as refused:
        read_picture(PictureRole.STYLE, str(path), lambda kind, **fields: told.append(fields))
    assert refused.value.refusal == Refusal(PictureRole.STYLE, reason)
    assert told == [{"picture": PictureRole.STYLE}, {"picture": None}]
    small = tmp_path / f"small.{suffix}"
    photo(64, 48).save(small)
    assert read_picture(PictureRole.PHOTO, str(small), lambda *_, **__: None).size == (64, 48)


#: Prints how many bytes a picture took to decode for each of its pixels.
MEASURE = """
import resource, sys
from runtime.imaging.reading import read_picture

read_picture(sys.argv[2])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
picture = read_picture(sys.argv[1])
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print((after - before) * 1024 / (picture.width * picture.height))
"""


@pytest.mark.parametrize(
    "pixels, options",
    [
        (Image.new("RGB", (4000, 3000)), {"format": "JPEG", "progressive": True, "subsampling": 0}),
        (Image.new("RGBA", (4000, 3000)), {"format": "PNG"}),
        (Image.new("CMYK", (4000, 3000)), {"format": "TIFF"}),
        (Image.new("F", (4000, 3000), 0.5), {"format": "TIFF"}),
        (Image.fromarray(np.full((3000, 4000), 4000, np.uint16)), {"format": "PNG"}),
    ],
    ids=["progressive", "transparent", "CMYK", "fractions", "16 bits"],
)
def test_a_decoder_takes_a_few_bytes_for_a_pixel(tmp_path, pixels, options):
    large, small = tmp_path / "large", tmp_path / "small"
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels.save(large, exif=exif, **options)
    pixels.crop((0, 0, 64, 64)).save(small, **options)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(large), str(small)],
        cwd=str(ROOT),
        stdout=subprocess.PIPE,
        check=True,
    )
    assert float(done.stdout) < reading.BYTES_PER_PIXEL
