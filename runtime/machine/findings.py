"""The findings of an examination of the machine, and their report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable

OK, MISSING, NOTE = "ok", "missing", "note"


@dataclass(frozen=True)
class Finding:
    """One line of the report; `advice` is what to do about it, empty if nothing."""

    topic: str
    state: str
    text: str
    advice: str = ""


def report(findings: Iterable[Finding]) -> str:
    """The findings as aligned lines, each with its advice below."""
    lines = []
    for each in findings:
        lines.append(f"{each.state:8}{each.topic:13}{each.text}")
        if each.advice:
            lines.append(f"{'':21}-> {each.advice}")
    return "\n".join(lines)
