"""A program that speaks the painter's protocol and paints nothing: the request's model says what it does.

It logs its number, and each request it gets.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time


def say(kind, **fields):
    print(json.dumps({"kind": kind, **fields}), flush=True)


def log(text):
    print(text, file=sys.stderr, flush=True)


def step(number, preview=False):
    say("progress", share=number / 10, step=number, steps=10, preview=preview)


def listen(cancelled, requests, wake):
    for line in sys.stdin:
        message = json.loads(line)
        if message["kind"] == "cancel":
            cancelled.set()
        else:
            cancelled.clear()
            requests.append(message["request"])
        wake.set()
    os._exit(0)


def work(what, cancelled):
    say("reading", picture="style")
    if what == "slow picture":
        time.sleep(600)
    elif what in ("crash of a decoder", "kill while reading"):
        os.kill(os.getpid(), signal.SIGSEGV if "crash" in what else signal.SIGKILL)
    say("reading", picture=None)
    step(1)
    if what == "die":
        log("ERROR fake.painter: it is all over")
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "crash":
        raise RuntimeError("a mistake")
    elif what == "sleep":
        while not cancelled.wait(0.02):
            step(2)
        say("cancelled")
        return
    elif what == "deaf":
        time.sleep(600)
    elif what == "refuse":
        say("refused", message="Broken.", picture="style", reason="damaged")
        return
    elif what in ("out of memory", "no graph"):
        say("failed", message=what, retriable=what == "out of memory")
        return
    elif what == "much noise":
        sys.stderr.write("x" * (3 << 20) + "\nafter the noise\n")
    step(9, preview=True)
    say("done", seconds=0.5, steps=9, width=640, height=480)


def main():
    how = sys.argv[1] if len(sys.argv) > 1 else ""
    if how == "dies at start":
        log("No library.")
        sys.exit(3)
    if how == "never ready":
        time.sleep(600)
    cancelled, wake, requests = threading.Event(), threading.Event(), []
    threading.Thread(target=listen, args=(cancelled, requests, wake), daemon=True).start()
    log(f"WARNING fake.painter: process {os.getpid()}")
    say("ready")
    while True:
        wake.wait()
        wake.clear()
        while requests:
            request = requests.pop(0)
            log(f"request {request['output']}")
            work(request["model"], cancelled)


main()
