"""The power modes of a Jetson, by the names in nvpmodel's configuration.

`python3 -m runtime.machine.power start FILE` sets the fastest mode and keeps the present one in FILE;
`stop FILE` restores it. jetbrush-clocks.service runs both. The standard library alone is needed.
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Tuple

from runtime.machine.resources import output_of, read_number, read_text

#: The modes without limits, the faster one first. Their numbers differ: mode 0 is MAXN on a Nano and
#: 15 W on an Orin Nano Super.
_UNLIMITED = ("MAXN_SUPER", "MAXN")
_MODE = re.compile(r"^[ \t]*<\s*POWER_MODEL\s([^>]*)>", re.MULTILINE)
#: More cores than any Jetson has: a name without a number of cores limits none.
_ALL_CORES = 1000


@dataclass(frozen=True)
class PowerMode:
    """A mode of nvpmodel: `nvpmodel -m NUMBER` sets it."""

    number: int
    name: str

    def __str__(self) -> str:
        return f"mode {self.number}, {self.name}"

    @property
    def speed(self) -> Tuple[int, int, int]:
        """What orders the modes of one machine: a mode without limits, or watts and cores."""
        name = self.name.upper().replace(" ", "_")
        if name.startswith("MODE_"):
            name = name[len("MODE_") :]
        unlimited = _UNLIMITED.index(name) if name in _UNLIMITED else len(_UNLIMITED)
        watts = re.search(r"(\d+)W", name)
        cores = re.search(r"(\d+)_?CORE", name)
        return (
            -unlimited,
            int(watts[1]) if watts else 0,
            int(cores[1]) if cores else _ALL_CORES,
        )


def read_modes(root: Path = Path("/")) -> List[PowerMode]:
    """The modes in nvpmodel's configuration; none without it. `root` is for tests."""
    modes = []
    for fields in _MODE.findall(read_text(root / "etc/nvpmodel.conf")):
        number, name = re.search(r"\bID=(\d+)", fields), re.search(r"\bNAME=(\S+)", fields)
        if number and name:
            modes.append(PowerMode(int(number[1]), name[1]))
    return modes


def fastest_mode(root: Path = Path("/")) -> Optional[PowerMode]:
    """The mode with the most power; None if the configuration names none."""
    return max(read_modes(root), key=lambda mode: mode.speed, default=None)


def current_mode() -> Optional[PowerMode]:
    """The mode that nvpmodel reports; None if it reports none."""
    output = output_of("nvpmodel", "-q")
    name = re.search(r"Power Mode: *(\S+)", output)
    number = re.search(r"^\d+$", output, re.MULTILINE)
    return PowerMode(int(number[0]), name[1]) if name and number else None


def start(kept: Path, root: Path = Path("/")) -> str:
    """Set the fastest mode and keep the number of the present one in `kept`; returns a sentence.

    Raises `OSError` when `kept` cannot be written; then the mode stays.
    """
    fastest, before = fastest_mode(root), current_mode()
    if fastest is None or before is None:
        return "nvpmodel names no mode; the power mode stays."
    # `kept` stays: after a power cut the service itself set this mode, and `kept` has the owner's.
    if before.number == fastest.number:
        return f"The power mode is {fastest} already."
    kept.write_text(f"{before.number}\n", encoding="ascii")
    if _set_mode(fastest.number):
        return f"The power mode was {before}; it is {fastest} until the service stops."
    kept.unlink()
    return (
        f"The power mode stays {before}: {fastest} needs a restart. Run `sudo nvpmodel -m"
        f" {fastest.number}` and answer yes."
    )


def stop(kept: Path, root: Path = Path("/")) -> str:
    """Restore the mode whose number is in `kept` and remove `kept`; returns a sentence.

    A mode that somebody else set meanwhile stays. Raises `OSError` when `kept` cannot be removed.
    """
    before, current, fastest = read_number(kept), current_mode(), fastest_mode(root)
    if before is None:
        return "There is no power mode to restore."
    kept.unlink()
    if current is None or fastest is None or current.number != fastest.number:
        return "Another program changed the power mode; it stays."
    if _set_mode(before):
        return f"The power mode is {before} again."
    return (
        f"The power mode stays {current}: mode {before} needs a restart. Run `sudo nvpmodel -m"
        f" {before}` and answer yes."
    )


def main(arguments: Optional[List[str]] = None) -> int:
    """Run `start` or `stop` and print what it did; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python3 -m runtime.machine.power", description=__doc__)
    parser.add_argument("action", choices=("start", "stop"))
    parser.add_argument("kept", type=Path, metavar="FILE", help="where the owner's mode is kept")
    args = parser.parse_args(arguments)
    try:
        print((start if args.action == "start" else stop)(args.kept))
    except OSError as error:
        print(f"error: {args.kept} cannot be changed: {error.strerror}.", file=sys.stderr)
        return 1
    return 0


def _set_mode(number: int) -> bool:
    """Whether nvpmodel changed to the mode; with no answer to its question it refuses a restart."""
    output_of("nvpmodel", "-m", str(number))
    current = current_mode()
    # Its exit code does not say whether the mode changed.
    return current is not None and current.number == number


if __name__ == "__main__":
    sys.exit(main())
