"""A program that speaks the painter's protocol and paints nothing: the request's model says what it does.

It logs its number, and each request it gets.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from tests.support.painters.painter_loop import say, serve


def log(text):
    print(text, file=sys.stderr, flush=True)


def step(number, preview=False):
    say("progress", share=number / 10, step=number, steps=10, preview=preview)


def work(request, cancelled):
    log(f"request {request['output']}")
    what = request["model"]
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
    elif what.startswith("line "):
        print(what[len("line ") :], flush=True)
        time.sleep(600)
    step(9, preview=True)
    if what == "new engines":
        say("done", backend="trt", seconds=0.5, steps=9, width=640, height=480)
        return
    say("done", seconds=0.5, steps=9, width=640, height=480)


def sketch(request):
    """What the name of the output says; a sketch is an empty file."""
    output = Path(request["output"])
    what = output.stem
    log(f"sketch {what}")
    if what == "never":
        return None
    if what == "no graph":
        return {"kind": "unsketched", "message": what}
    if what == "kill once" and not output.exists():
        output.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    output.write_bytes(b"sketched")
    return {"kind": "sketched"}


def main():
    how = sys.argv[1] if len(sys.argv) > 1 else ""
    if how == "dies at start":
        log("No library.")
        sys.exit(3)
    if how == "never ready":
        time.sleep(600)
    log(f"WARNING fake.painter: process {os.getpid()}")
    serve(work, sketch)


main()
