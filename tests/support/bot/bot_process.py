"""The bot as a process of its own, which a test may kill and whose loop it may time."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path

from bot.config import load_config
from bot.log import set_up_logging
from bot.service.assembly import serve

ROOT = Path(__file__).resolve().parent.parent.parent.parent
PAINTER = ROOT / "tests" / "support" / "painters" / "gated_painter.py"
#: Nanoseconds on a processor and in the queue for one.
SCHEDULING = Path("/proc/thread-self/schedstat")
#: Importing the bot takes seconds, nearly all of them aiogram's. This server imports it once, and
#: each bot is a fork of the server.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([__name__])


class BotProcess:
    """A bot that paints with `gated_painter`; it is started again with the same state."""

    def __init__(self, sandbox, folder, port, **settings):
        self._sandbox = sandbox
        self._gate = folder / "gate"
        self._log = folder / "bot.log"
        self._process = None
        self._environment = {
            **os.environ,
            "BOT_TOKEN": sandbox.token,
            "API_URL": sandbox.url,
            "MODE": "webhook",
            "WEBHOOK_URL": f"http://127.0.0.1:{port}",
            "PORT": str(port),
            "LOG_LEVEL": "DEBUG",
            "STOP_GRACE": "1",
            "STATE_DIR": str(folder / "state"),
            **settings,
        }

    async def start(self):
        """Start it; the web hook is set when this returns."""
        calls = len(self._sandbox.calls)
        arguments = (str(self._gate), str(self._log), self._environment)
        self._process = FORKS.Process(target=run, args=arguments)
        self._process.start()
        await self._sandbox.wait_for_call(
            lambda call: (
                call.method == "setWebhook"
                and call.code == 200
                and call in list(self._sandbox.calls)[calls:]
            ),
            timeout=30.0,
        )

    def close_gate(self):
        self._gate.touch()

    def open_gate(self):
        self._gate.unlink()

    @property
    def gate_is_closed(self):
        return self._gate.exists()

    @property
    def painter_pid(self):
        return int(Path(f"{self._gate}.pid").read_text())

    def kill_painter(self):
        """Kill the painter if there is one."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            pid = self.painter_pid
            # Another process may have the number of one that is gone.
            if PAINTER.name in Path(f"/proc/{pid}/cmdline").read_text():
                os.kill(pid, signal.SIGKILL)

    async def painter_at_work(self, besides):
        """The painter that has begun a picture, when it is none of `besides`."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            # None has written its number yet just after the bot's start.
            with contextlib.suppress(FileNotFoundError):
                pid = self.painter_pid
                if pid not in besides and Path(f"{self._gate}.{pid}").exists():
                    return pid
            await asyncio.sleep(0.02)
        raise AssertionError("no other painter began")

    @property
    def log(self):
        return self._log.read_text()

    @property
    def longest_lag(self):
        """Seconds for which it blocked its event loop at most, not counting waits for a processor."""
        return float(Path(f"{self._gate}.lag").read_text())

    @property
    def memory(self):
        """Its resident set in bytes."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) * 1024

    @property
    def is_alive(self):
        return self._process is not None and self._process.is_alive()

    def freeze(self):
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self._process.pid, signal.SIGCONT)

    async def kill(self):
        """End it as the kernel would when memory runs out, or a pulled plug."""
        if self.is_alive:
            self._process.kill()
            await self._end()

    async def terminate(self):
        """Ask it to stop; returns its exit code."""
        self._process.terminate()
        await self._end()
        return self._process.exitcode

    async def _end(self):
        await asyncio.get_running_loop().run_in_executor(None, self._process.join)


def run(gate, log, environment):
    """Run the bot in this process, with its log at the end of the file `log`."""
    os.environ.clear()
    os.environ.update(environment)
    with Path(log).open("ab") as file:
        os.dup2(file.fileno(), sys.stderr.fileno())
    asyncio.run(serve_and_time(gate))


async def serve_and_time(gate):
    """Run the bot; write the longest time that it blocked its loop, in seconds, to GATE.lag."""
    settings = load_config(os.environ)
    formatter = set_up_logging(settings.log_level, settings.secrets, os.environ)
    timing = asyncio.ensure_future(time_loop(Path(f"{gate}.lag")))
    painter = [sys.executable, str(PAINTER), gate]
    await serve(settings, add_secret=formatter.add_secret, painter=painter)
    timing.cancel()


def seconds_queued():
    """For how long this thread could run and others had the processors; 0 where nothing says so."""
    try:
        return int(SCHEDULING.read_text().split()[1]) / 1e9
    except FileNotFoundError:
        return 0.0


async def time_loop(path, every=0.005):
    longest = 0.0
    # The first second holds the imports that come with the first update.
    await asyncio.sleep(1)
    while True:
        begin, queued = time.monotonic(), seconds_queued()
        await asyncio.sleep(every)
        lag = time.monotonic() - begin - every - (seconds_queued() - queued)
        if lag > longest:
            longest = lag
            path.write_text(f"{longest:.3f}")
