"""A certificate authority of the fleet's own, by the program `openssl`.

A user of the server is whoever has a certificate of this authority for the user's name: there are no
passwords. Python's own library makes no certificates, and a package that does has no wheel for every
Python of a Jetson.
"""

from __future__ import annotations

import secrets
import subprocess
import tempfile
from pathlib import Path
from typing import Sequence

from bot.errors import FleetError
from runtime.files import atomic_write

#: Nobody renews them; a painter is taken back by its name, see `bot.painting.server.setup`.
_DAYS = 3650

_CONFIG = """
[req]
distinguished_name = name
prompt = no
[name]
CN = {name}
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
extendedKeyUsage = serverAuth
{common}
[client]
extendedKeyUsage = clientAuth
{common}
"""
_COMMON = """
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:{name}
"""


class Authority:
    """The authority in `folder`: the files ca.pem and ca.key, which never leaves it."""

    def __init__(self, folder: Path) -> None:
        self._key = folder / "ca.key"
        self.certificate = folder / "ca.pem"

    def make(self) -> None:
        """Make the authority, if there is none; raises `FleetError`."""
        if self._key.exists() and self.certificate.exists():
            return
        with tempfile.TemporaryDirectory() as name:
            work = Path(name)
            key = _new_key(work)
            config = _config(work, "Jetbrush fleet")
            made = work / "ca.pem"
            _openssl(
                ["req", "-new", "-x509", "-key", str(key), "-out", str(made), "-days", str(_DAYS)]
                + ["-config", str(config), "-extensions", "authority"]
            )
            _write(self._key, key.read_text(), 0o600)
            _write(self.certificate, made.read_text(), 0o644)

    def issue(self, name: str, kind: str) -> str:
        """A new key with its certificate for `name`, and the authority's, as PEM.

        kind: `server` or `client`. Raises `FleetError`.
        """
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            key, config = _new_key(work), _config(work, name)
            request, made = work / "request", work / "certificate"
            _openssl(
                ["req", "-new", "-key", str(key), "-out", str(request), "-config", str(config)]
            )
            _openssl(
                ["x509", "-req", "-in", str(request), "-out", str(made), "-days", str(_DAYS)]
                + ["-CA", str(self.certificate), "-CAkey", str(self._key)]
                + ["-set_serial", f"0x{secrets.token_hex(16)}"]
                + ["-extfile", str(config), "-extensions", kind]
            )
            return key.read_text() + made.read_text() + self.certificate.read_text()


def _new_key(folder: Path) -> Path:
    key = folder / "key"
    _openssl(["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(key)])
    return key


def _config(folder: Path, name: str) -> Path:
    path = folder / "config"
    path.write_text(_CONFIG.format(name=name, common=_COMMON.format(name=name)))
    return path


def _write(path: Path, text: str, mode: int) -> None:
    with atomic_write(path, durable=True, mode=mode) as file:
        file.write(text.encode())


def _openssl(arguments: Sequence[str]) -> None:
    try:
        done = subprocess.run(["openssl", *arguments], check=False, capture_output=True)
    except OSError as error:
        raise FleetError(
            f"openssl cannot be started ({error}): sudo apt install openssl"
        ) from error
    if done.returncode != 0:
        raise FleetError(f"openssl failed: {done.stderr.decode(errors='replace').strip()}")
