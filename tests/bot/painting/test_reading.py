"""Decoding may not take all memory."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bot.outcomes import Reason
from bot.painting import reading
from bot.painting.reading import memory_limit
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
def test_a_picture_that_takes_too_much_is_refused(tmp_path, suffix, reason):
    """In a process of its own: one that has done other work has freed memory to decode in."""
    large, small = tmp_path / f"large.{suffix}", tmp_path / f"small.{suffix}"
    Image.new("RGB", (4000, 3000)).save(large)
    photo(64, 48).save(small)
    done = subprocess.run(
        [sys.executable, "-c", REFUSE, str(large), str(small)],
        cwd=str(ROOT),
        stdout=subprocess.PIPE,
        check=True,
    )
    assert done.stdout.decode().splitlines() == [
        "{'picture': 'style'}",
        "{'picture': None}",
        reason.value,
        "(64, 48)",
    ]


#: Reads a picture that takes more than is allowed, and then a small one.
REFUSE = """
import sys
from bot.errors import PictureRefused
from bot.outcomes import PictureRole
from bot.painting import reading

def say(kind, picture):
    print({"picture": picture and picture.value})

reading.DECODING_BYTES = 8 << 20
try:
    reading.read_picture(PictureRole.STYLE, sys.argv[1], say)
except PictureRefused as error:
    assert error.refusal.picture is PictureRole.STYLE
    print(error.refusal.reason.value)
print(reading.read_picture(PictureRole.PHOTO, sys.argv[2], lambda *_, **__: None).size)
"""


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
