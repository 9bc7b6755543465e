"""What the programs that stand for the painter have in common: they speak its protocol."""

from __future__ import annotations

import json
import os
import queue
import sys
import threading

_saying = threading.Lock()


def say(kind, **fields):
    # Sketches are answered in another thread, and print() writes the end of the line by itself.
    with _saying:
        print(json.dumps({"kind": kind, **fields}), flush=True)


def no_sketch(request):
    return {"kind": "unsketched", "message": "This painter sketches nothing."}


def serve(work, sketch=no_sketch):
    """Do `work(request, cancelled)` for each request, and `sketch` beside, until the input ends."""
    cancelled, requests = threading.Event(), queue.Queue()
    arguments = (cancelled, requests, sketch)
    threading.Thread(target=_listen, args=arguments, daemon=True).start()
    say("ready", backend="a double")
    while True:
        work(requests.get(), cancelled)


def _listen(cancelled, requests, sketch):
    for line in sys.stdin:
        message = json.loads(line)
        if message["kind"] == "cancel":
            cancelled.set()
        elif message["kind"] == "sketch":
            answer = sketch(message["request"])
            if answer is not None:
                say(**answer, number=message["number"])
        elif message["kind"] == "request":
            cancelled.clear()
            requests.put(message["request"])
    os._exit(0)
