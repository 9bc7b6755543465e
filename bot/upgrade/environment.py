"""The settings of the installed service, as systemd reads them from its environment file.

The standard library alone is imported.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Dict, Mapping

from bot.storage.database import FILE_NAME

#: The settings in the unit, which the file may override.
_OF_UNIT = {"STATE_DIR": "/var/lib/jetbrush"}


def read_environment(file: Path) -> Dict[str, str]:
    """The variables that the service starts with; those of the unit without the file."""
    found = dict(_OF_UNIT)
    if not file.exists():
        return found
    for line in file.read_text(encoding="utf-8").splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith(("#", ";")):
            found[name] = _unquoted(value)
    return found


def database_in(environment: Mapping[str, str]) -> Path:
    """The bot's database."""
    return Path(environment["STATE_DIR"]) / FILE_NAME


def _unquoted(value: str) -> str:
    if value[:1] not in ("'", '"'):
        return value.strip()
    try:
        return "".join(shlex.split(value)[:1])
    except ValueError:
        # The quote is not closed. The bot checks its settings itself.
        return value
