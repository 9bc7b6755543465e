"""Settings of a bot against a sandbox, and pictures to send to it."""

from __future__ import annotations

import io
import socket

import numpy as np
from PIL import Image

from bot.config import Config
from bot.config_types import Mode
from runtime.imaging.reading import read_picture


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def config_for(sandbox, state_dir, **changes):
    port = free_port()
    values = {
        "bot_token": sandbox.token,
        "api_url": sandbox.url,
        "mode": Mode.WEBHOOK,
        "webhook_url": f"http://127.0.0.1:{port}",
        "port": port,
        "state_dir": state_dir,
        "size": 64,
        "file_size": 64,
        "steps": 20,
        "stop_grace": 0,
    }
    return Config(**{**values, **changes})


def jpeg(image):
    return _encoded(image, "JPEG", quality=95)


def png(image):
    return _encoded(image, "PNG")


def plain(colour, size=(120, 90)):
    return Image.new("RGB", size, colour)


def picture_of(sandbox, message):
    """The picture that a message carries."""
    return read_picture(sandbox.bytes_of(message.file_id))


def difference(one, other):
    """How far two pictures of one size are apart on average, from 0 to 255."""
    return float(np.abs(np.asarray(one, float) - np.asarray(other, float)).mean())


def likeness(one, other):
    """How far the forms of two pictures agree, whatever their colours: 1 for the same forms."""
    greys = [np.asarray(each.convert("L").resize((32, 32)), float).ravel() for each in (one, other)]
    return float(np.corrcoef(greys)[0, 1])


def _encoded(image, file_format, **options):
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()
