"""What an examination of the machine finds: one line each, with what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable

OK, MISSING, NOTE = "ok", "missing", "note"


@dataclass(frozen=True)
class Finding:
    """One line of the report: `advice` says what to do, and is empty where nothing is to do."""

    topic: str
    state: str
    text: str
    advice: str = ""


def report(findings: Iterable[Finding]) -> str:
    """The findings as aligned lines, each advice under what it is for."""
    lines = []
    for each in findings:
        lines.append(f"{each.state:8}{each.topic:13}{each.text}")
        if each.advice:
            lines.append(f"{'':21}-> {each.advice}")
    return "\n".join(lines)
