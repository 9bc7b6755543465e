"""A painter that inverts the photo's colours and copies videos; it stays halfway while the file GATE is there.

Its number is in GATE.pid; GATE.NUMBER is made when it has begun a picture.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from functools import partial
from pathlib import Path

from PIL import Image, ImageOps

from tests.support.painters.painter_loop import say, serve


def paint(gate, request, cancelled):
    begin = time.monotonic()
    output = Path(request["output"])
    is_video = request["kind"] == "video"
    photo = Image.new("RGB", (64, 48))
    if not is_video:
        photo = Image.open(request["photo"]).convert("RGB")
    preview = Path(request["previews"]) / f"{output.stem}-preview.jpg"
    photo.save(preview)
    say("progress", share=0.5, step=5, steps=10, preview=True)
    Path(f"{gate}.{os.getpid()}").touch()
    while gate.exists():
        if cancelled.wait(0.02):
            say("cancelled")
            return
    if is_video:
        shutil.copyfile(request["photo"], str(output))
    else:
        ImageOps.invert(photo).save(output)
    say("done", seconds=time.monotonic() - begin, steps=10, width=photo.width, height=photo.height)


def main():
    gate = Path(sys.argv[1])
    # At once, for those who read it meanwhile.
    number = Path(f"{gate}.{os.getpid()}.new")
    number.write_text(str(os.getpid()))
    number.replace(f"{gate}.pid")
    serve(partial(paint, gate))


main()
