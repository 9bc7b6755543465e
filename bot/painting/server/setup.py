"""What `scripts/fleet` does: the server's configuration, and a file of credentials for each machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import List

from bot.errors import FleetError
from bot.painting.fleet.credentials import write_credentials
from bot.painting.fleet.subjects import BOT, SERVER, Permissions, is_name, permissions_of
from bot.painting.server.authority import Authority
from runtime.files import atomic_write

_SERVER = """# Written by scripts/fleet; your changes would be lost.
server_name: {server}
listen: "0.0.0.0:{port}"
# One painter needs a quarter of a gigabyte at most.
jetstream {{
  store_dir: {store}
  max_memory_store: 0
  max_file_store: {disk}GB
}}
max_connections: 300
max_payload: 1MB
# Who connects must have a certificate of this authority; its name is the user.
tls {{
  cert_file: {server_pem}
  key_file: {server_pem}
  ca_file: {ca_pem}
  verify_and_map: true
  timeout: 10
}}
include users.conf
"""


class Setup:
    """The files in `folder`; all methods raise `FleetError`, and `OSError` of the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._authority = Authority(folder)
        self._address = folder / "address"
        self._names = folder / "painters"

    @property
    def painters(self) -> List[str]:
        """The painters that may connect."""
        return self._names.read_text().split() if self._names.exists() else []

    def init(self, address: str, *, store: Path, disk: int, port: int) -> Path:
        """Write the server's configuration and the bot's credentials; returns the latter's path.

        address, port: where the other machines reach this one. store, disk: the folder of what the
        server keeps, and how many gigabytes at most. Called again, it changes these and keeps the painters.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._authority.make()
        self._write(self._address, f"tls://{_bracketed(address)}:{port}\n")
        server_pem = self._folder / "server.pem"
        if not server_pem.exists():
            self._write(server_pem, self._authority.issue(SERVER, "server"), 0o640)
        text = _SERVER.format(
            server=SERVER,
            port=port,
            disk=disk,
            store=json.dumps(str(store)),
            server_pem=json.dumps(str(server_pem)),
            ca_pem=json.dumps(str(self._authority.certificate)),
        )
        self._write(self._folder / "nats.conf", text)
        self._write_users(self.painters)
        return self._issue(BOT, self._folder / "bot.fleet", 0o640)

    def add(self, name: str, output: Path) -> None:
        """Let a painter connect, with the credentials that are written to `output`."""
        if not self._address.exists():
            raise FleetError(f"There is no server in {self._folder} yet: run `scripts/fleet init`.")
        if not is_name(name):
            raise FleetError(
                f"{name!r} is no painter's name; expected up to 32 of a to z, 0 to 9 and -, such as"
                " nano-2."
            )
        if name in self.painters:
            raise FleetError(
                f"{name} is there already. `scripts/fleet remove {name}` takes it back."
            )
        self._issue(name, output, 0o600)
        self._save([*self.painters, name])

    def remove(self, name: str) -> None:
        """Take a painter's credentials back."""
        if name not in self.painters:
            known = ", ".join(self.painters) or "none"
            raise FleetError(f"There is no painter {name!r}; there are: {known}.")
        self._save([each for each in self.painters if each != name])

    def _issue(self, user: str, path: Path, mode: int) -> Path:
        pem = self._authority.issue(user, "client")
        self._write(path, write_credentials(user, self._address.read_text().strip(), pem), mode)
        return path

    def _save(self, painters: List[str]) -> None:
        self._write(self._names, "".join(f"{name}\n" for name in sorted(painters)))
        self._write_users(painters)

    def _write_users(self, painters: List[str]) -> None:
        users = [f"    {{ user: {BOT} }}"]
        users += [_user(name, permissions_of(name)) for name in sorted(painters)]
        text = "authorization {\n  users: [\n" + "\n".join(users) + "\n  ]\n}\n"
        self._write(self._folder / "users.conf", text)

    def _write(self, path: Path, text: str, mode: int = 0o644) -> None:
        with atomic_write(path, durable=True, mode=mode) as file:
            file.write(text.encode())


def _user(name: str, permissions: Permissions) -> str:
    publish, subscribe = json.dumps(permissions.publish), json.dumps(permissions.subscribe)
    return f"    {{ user: {name}, permissions: {{ publish: {publish}, subscribe: {subscribe} }} }}"


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
