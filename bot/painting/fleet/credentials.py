"""The one file that a machine needs: who it is, where the server is, and how both prove it.

The first lines are settings, the rest is PEM: the private key, its certificate, and the authority's.
OpenSSL, which reads the file too, skips everything outside of PEM blocks.
"""

from __future__ import annotations

import re
import ssl
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple, Tuple

from bot.errors import FleetError

#: The painter's own certificate comes first.
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", re.DOTALL)
#: The two times of a certificate in DER, each a UTCTime with two digits of the year
#: (RFC 5280, section 4.1.2.5). Python's library reads no certificate but a peer's.
_TIMES = re.compile(rb"\x17\x0d(?P<begin>\d{12})Z\x17\x0d(?P<end>\d{12})Z")


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


def validity(path: Path) -> Tuple[datetime, datetime]:
    """From when and until when the certificate of a file is valid; raises `FleetError`."""
    found = _CERTIFICATE.search(path.read_text(encoding="ascii", errors="replace"))
    times = None if found is None else _TIMES.search(ssl.PEM_cert_to_DER_cert(found.group()))
    if times is None:
        raise FleetError(f"{path} has no certificate. `scripts/fleet add` makes a new file.")
    begin, end = (
        # Two digits of a year are of this century.
        datetime.strptime(f"20{digits.decode()}", "%Y%m%d%H%M%S").replace(tzinfo=timezone.utc)
        for digits in (times["begin"], times["end"])
    )
    return begin, end


def write_credentials(user: str, url: str, pem: str) -> str:
    """The content of a file; `pem` is the key and both certificates."""
    return (
        f"# Jetbrush fleet: the credentials of {user}. Whoever has this file can act as {user}.\n"
        f"NATS_USER={user}\nNATS_URL={url}\n\n{pem}"
    )
