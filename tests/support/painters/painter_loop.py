"""What the programs that stand for the painter have in common: they speak its protocol."""

from __future__ import annotations

import json
import os
import queue
import sys
import threading


def say(kind, **fields):
    print(json.dumps({"kind": kind, **fields}), flush=True)


def serve(work):
    """Do `work(request, cancelled)` for each request, until standard input ends."""
    cancelled, requests = threading.Event(), queue.Queue()
    threading.Thread(target=_listen, args=(cancelled, requests), daemon=True).start()
    say("ready")
    while True:
        work(requests.get(), cancelled)


def _listen(cancelled, requests):
    for line in sys.stdin:
        message = json.loads(line)
        if message["kind"] == "cancel":
            cancelled.set()
        else:
            cancelled.clear()
            requests.put(message["request"])
    os._exit(0)
