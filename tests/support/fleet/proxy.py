"""A TCP proxy on loopback that stands for a cable: cut, it carries nothing, and nobody is told."""

from __future__ import annotations

import asyncio


class Cable:
    """Carries connections to `port` while it is whole."""

    def __init__(self, port):
        self._to = port
        self._whole = asyncio.Event()
        self._whole.set()
        self._server = None
        self._tasks = []

    async def open(self):
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)

    @property
    def port(self):
        return self._server.sockets[0].getsockname()[1]

    def cut(self):
        self._whole.clear()

    def mend(self):
        self._whole.set()

    async def close(self):
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _carry(self, reader, writer):
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._to)
        for one, other in ((reader, there_writer), (there_reader, writer)):
            self._tasks.append(asyncio.ensure_future(self._copy(one, other)))

    async def _copy(self, reader, writer):
        try:
            while data := await reader.read(1 << 16):
                await self._whole.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            # The other end is gone.
            pass
        finally:
            writer.close()
