"""A stand-in for systemd that runs one service, and the `systemctl` that talks to it.

It takes the service's commands from its unit file, as the installer left it, and restarts it when it
ends. It is no child of those who call `systemctl`, so killing them does not touch the service.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shlex
import signal
import socket

#: The client: the arguments go to the socket as JSON, the answer comes back as text.
SYSTEMCTL = """#!/bin/sh
exec {python} -S -E -c '
import json, socket, sys
with socket.socket(socket.AF_UNIX) as link:
    link.connect("{address}")
    link.sendall(json.dumps(sys.argv[1:]).encode() + b"\\n")
    sys.stdout.write(link.makefile().read())
' "$@"
"""
_RESTART_SECONDS = 0.2


class FakeSystemd:
    """Runs `jetbrush.service` of the installation under `root`, whose paths are moved there."""

    def __init__(self, root, folder, environment):
        self.root, self.folder, self._environment = root, folder, environment
        self.status = ""
        self.is_ready = False
        self.starts = 0
        self._process = None
        self._keeper = None
        self._address = folder / "notify"

    @property
    def pid(self):
        return self._process.pid if self._process else 0

    async def __aenter__(self):
        self.folder.mkdir(exist_ok=True)
        self._notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notified.bind(str(self._address))
        self._notified.setblocking(False)
        asyncio.get_running_loop().add_reader(self._notified, self._receive)
        self._server = await asyncio.start_unix_server(self._serve, str(self.folder / "control"))
        return self

    async def __aexit__(self, *error):
        await self.stop()
        self._server.close()
        asyncio.get_running_loop().remove_reader(self._notified)
        self._notified.close()

    def write_systemctl(self, path, python):
        path.write_text(SYSTEMCTL.format(python=python, address=self.folder / "control"))
        path.chmod(0o755)

    def commands(self, name):
        """The command lines of that directive, with the paths under the root."""
        unit = self.root / "etc/systemd/system/jetbrush.service"
        for line in re.findall(rf"^{name}=[-+]*(.*)$", unit.read_text(), re.MULTILINE):
            moved = re.sub(r"(?<=[ =])/(opt|var|etc)/", rf"{self.root}/\1/", f" {line}")
            yield [each.replace("$$", "$") for each in shlex.split(moved)]

    async def restart(self):
        await self.stop()
        self._keeper = asyncio.ensure_future(self._keep())

    async def stop(self):
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()
        self.is_ready, self.status = False, ""

    def kill(self):
        """End the service's process; it is started again."""
        os.kill(self.pid, signal.SIGKILL)

    async def _keep(self):
        while True:
            self.is_ready, self.status = False, ""
            for command in self.commands("ExecStartPre"):
                await (await self._start(command)).wait()
            (command,) = self.commands("ExecStart")
            self.starts += 1
            self._process = await self._start(command)
            ended = asyncio.ensure_future(self._process.wait())
            while not self.is_ready and not ended.done():
                await asyncio.wait([ended], timeout=0.02)
            if self.is_ready:
                for command in self.commands("ExecStartPost"):
                    await (await self._start(command)).wait()
            await ended
            await asyncio.sleep(_RESTART_SECONDS)

    async def _start(self, command):
        with (self.folder / "journal").open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *command,
                cwd=str(self.root / "opt/jetbrush"),
                env={**os.environ, **self._environment, "NOTIFY_SOCKET": str(self._address)},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _receive(self):
        with contextlib.suppress(BlockingIOError):
            while True:
                for line in self._notified.recv(4096).decode().splitlines():
                    name, _, value = line.partition("=")
                    if name == "READY":
                        self.is_ready = True
                    elif name == "STATUS":
                        self.status = value

    async def _serve(self, reader, writer):
        arguments = json.loads(await reader.readline())
        # Whoever asked may be gone before the answer.
        with contextlib.suppress(ConnectionError):
            writer.write(self._answer(arguments).encode())
            await writer.drain()
        writer.close()

    def _answer(self, arguments):
        if arguments == ["restart", "jetbrush.target"]:
            self._restarting = asyncio.ensure_future(self.restart())
        elif arguments == ["--version"]:
            return "systemd 252 (252.1)\n"
        elif arguments[0] == "show":
            state = "active" if self.is_ready else "activating"
            return f"ActiveState={state}\nStatusText={self.status}\nMainPID={self.pid}\n"
        return ""
