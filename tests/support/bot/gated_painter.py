"""A painter that inverts the photo's colours; it stays halfway while the file GATE is there.

Its number is in GATE.pid; GATE.NUMBER is made when it has begun a picture.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path

from PIL import Image, ImageOps


def say(kind, **fields):
    print(json.dumps({"kind": kind, **fields}), flush=True)


def paint(request, gate, cancelled):
    begin = time.monotonic()
    output = Path(request["output"])
    photo = Image.open(request["photo"]).convert("RGB")
    preview = Path(request["previews"]) / f"{output.stem}-preview.jpg"
    photo.save(preview)
    say("progress", share=0.5, step=5, steps=10, preview=True)
    Path(f"{gate}.{os.getpid()}").touch()
    while gate.exists():
        if cancelled.wait(0.02):
            say("cancelled")
            return
    ImageOps.invert(photo).save(output)
    say("done", seconds=time.monotonic() - begin, steps=10, width=photo.width, height=photo.height)


def main():
    gate, cancelled = Path(sys.argv[1]), threading.Event()
    requests, wake = [], threading.Event()

    def listen():
        for line in sys.stdin:
            message = json.loads(line)
            if message["kind"] == "cancel":
                cancelled.set()
            else:
                cancelled.clear()
                requests.append(message["request"])
                wake.set()
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    Path(f"{gate}.pid").write_text(str(os.getpid()))
    say("ready")
    while True:
        wake.wait()
        wake.clear()
        while requests:
            paint(requests.pop(0), gate, cancelled)


main()
