"""Reads damaged files: each is a whole one with a few changes, given by its number.

A program that calls `main` prints the numbers of the files that raise an unexpected exception, and
ends with status 1 then. The number of the file that crashes the process stays in the file `--at`.
"""

from __future__ import annotations

import argparse
import collections
import faulthandler
import resource
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

#: Seconds for one file, after which the process ends with the stack of all threads.
LONGEST = 10

ROOT = Path(__file__).resolve().parent.parent.parent


def check(module, count, at):
    """Run such a program in a process of its own; `at` is a file that it may write."""
    command = [sys.executable, "-m", module, "--count", str(count), "--at", str(at)]
    done = subprocess.run(
        command, cwd=str(ROOT), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    where = at.read_text() if at.exists() else "the start"
    assert done.returncode == 0, f"at {where}:\n{done.stdout.decode()}"


def main(description, files, outcome_of, good):
    """Read changed `files`, bytes by their names; returns the process's status.

    outcome_of: reads a file's bytes; returns a word, with an exclamation mark for a fault.
    good: the outcomes of whole files.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--count", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--at", type=Path)
    args = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_DATA, (2 << 30, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    names, contents = list(files), list(files.values())
    for name, data in files.items():
        outcome = outcome_of(data)
        # The longest-lived failure is a harness that tests nothing.
        assert outcome in good, f"{name}: {outcome}"
    outcomes, slowest, faults = collections.Counter(), (0.0, 0), 0
    began = time.monotonic()
    for number in range(args.first, args.first + args.count):
        rng = np.random.default_rng((args.seed, number))
        which = int(rng.integers(len(names)))
        if args.at:
            args.at.write_text(f"{number} {names[which]}")
        started = time.monotonic()
        faulthandler.dump_traceback_later(LONGEST, exit=True)
        outcome = outcome_of(change(contents[which], rng, contents))
        faulthandler.cancel_dump_traceback_later()
        slowest = max(slowest, (time.monotonic() - started, number))
        outcomes[outcome] += 1
        if outcome.startswith("!"):
            faults += 1
            print(f"{number}, {names[which]}: {outcome}", flush=True)
    print(
        f"{args.count} files in {time.monotonic() - began:.0f} s, the slowest (number "
        f"{slowest[1]}) in {slowest[0]:.2f} s: {dict(outcomes)}"
    )
    return int(faults > 0)


def change(data, rng, others):
    """The file with one to four changes."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        if not data:
            break
        # Half of them where the headers are.
        at = int(rng.integers(min(len(data), 600) if rng.random() < 0.5 else len(data)))
        kind = rng.integers(8)
        length = int(rng.integers(1, 65))
        if kind == 0:
            data[at] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            data[at] = int(rng.choice([0, 1, 0x7F, 0x80, 0xFF]))
        elif kind == 2:
            order = rng.choice(["<", ">"])
            number = int(rng.choice([0, 1, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, len(data), length]))
            data[at : at + 4] = struct.pack(f"{order}I", number)
        elif kind == 3:
            data[at : at + length] = rng.bytes(length)
        elif kind == 4:
            del data[at : at + length]
        elif kind == 5:
            data[at:at] = data[int(rng.integers(len(data))) :][:length]
        elif kind == 6 and rng.random() < 0.3:
            del data[at:]
        elif kind == 7:
            other = others[int(rng.integers(len(others)))]
            start = int(rng.integers(len(other)))
            data[at : at + length] = other[start : start + length]
    return bytes(data)
