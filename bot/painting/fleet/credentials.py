"""The one file that a machine needs: who it is, where the server is, and how both prove it.

The first lines are settings, the rest is PEM: the private key, its certificate, and the authority's.
OpenSSL, which reads the file too, skips everything outside of PEM blocks.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from bot.errors import FleetError


class Credentials(NamedTuple):
    """Who a file is for, and the address of the server."""

    user: str
    url: str


def read_credentials(path: Path) -> Credentials:
    """What the first lines of a file say; raises `FleetError` for a file of another kind."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FleetError(
            f"{path} cannot be read ({error}). Expected the file that `scripts/fleet add` made."
        ) from error
    values = dict(line.split("=", 1) for line in lines[:5] if "=" in line and line[0] != "#")
    try:
        return Credentials(values["NATS_USER"], values["NATS_URL"])
    except KeyError as error:
        raise FleetError(
            f"{path} has no line {error.args[0]}=. Expected the file that `scripts/fleet add` made."
        ) from error


def write_credentials(user: str, url: str, pem: str) -> str:
    """The content of a file; `pem` is the key and both certificates."""
    return (
        f"# Jetbrush fleet: the credentials of {user}. Whoever has this file can act as {user}.\n"
        f"NATS_USER={user}\nNATS_URL={url}\n\n{pem}"
    )
