"""A child process that speaks JSON lines: its start, its messages, its end.

What it writes to standard error becomes lines of this process's log.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import os
import signal
from pathlib import Path
from typing import Any, Awaitable, Dict, Optional, Sequence, Union

from bot.errors import PainterDied, PainterStuck, PaintingError

ROOT = Path(__file__).resolve().parent.parent.parent

#: Seconds that a process has to end once it was asked to, and again once it was killed. After a kill
#: it stays only if a driver holds it.
PARTING = 1.0

#: The longest line that is read, in bytes.
LONGEST_LINE = 1 << 20

#: The signals with which the system ends a process for what its own code did.
CRASHES = frozenset(
    (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL, signal.SIGSYS)
)

Message = Dict[str, Any]

#: The child opens pictures of strangers, and does not need these.
SECRETS = ("BOT_TOKEN", "BOT_TOKEN_FILE", "WEBHOOK_SECRET", "NGROK_AUTHTOKEN")

_log = logging.getLogger(__name__)


class PainterProcess:
    """One run of the child process. `close` must be called, by whoever called `spawn`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._stuck_for: Optional[float] = None
        self._killed = False
        self._messages: asyncio.Queue[Union[Message, PaintingError]] = asyncio.Queue()
        self._numbers = itertools.count(1)
        self._asked: Dict[int, asyncio.Future[Message]] = {}
        self._end: Optional[PaintingError] = None
        self._log_lines = asyncio.ensure_future(self._pass_on_log())
        self._sorting = asyncio.ensure_future(self._sort_messages())

    @classmethod
    async def spawn(cls, command: Sequence[str]) -> PainterProcess:
        """Start `command`, which finds this application's packages.

        Raises `PainterDied` when the system does not start it.
        """
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={**_without_secrets(), "PYTHONPATH": path},
                limit=LONGEST_LINE,
                # Ctrl-C in a terminal goes to a whole group; here the parent decides.
                start_new_session=True,
            )
        except OSError as error:
            raise PainterDied(
                f"{command[0]} cannot be started: {error.strerror}. See that memory and processes "
                "are not used up."
            ) from error
        return cls(process)

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it has neither ended nor been killed."""
        return self._process.returncode is None and not self._killed

    def send(self, kind: str, **fields: object) -> None:
        """Send a message; if the process is dead, the next `receive` says so."""
        line = json.dumps({"kind": kind, **fields}) + "\n"
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode())

    async def receive(self, patience: float) -> Message:
        """Wait up to `patience` seconds for a message that answers no question.

        Raises `PainterDied` when the process ends instead, `PainterStuck` when nothing comes; then
        it has been killed.
        """
        # Not wait_for: before Python 3.12 it can swallow a cancellation that comes with a message.
        timer = asyncio.get_running_loop().call_later(patience, self._give_up, patience)
        try:
            message = await self._messages.get()
        finally:
            timer.cancel()
        if isinstance(message, PaintingError):
            # For those who ask after this.
            self._messages.put_nowait(message)
            raise message
        return message

    async def ask(self, kind: str, **fields: object) -> Message:
        """Send a numbered message and wait for the one that answers it, beside what `receive` gets.

        A caller that is cancelled drops the question. Raises `PainterDied` or `PainterStuck` when
        the process ends first.
        """
        if self._end is not None:
            raise self._end
        number = next(self._numbers)
        self._asked[number] = answer = asyncio.get_running_loop().create_future()
        try:
            self.send(kind, number=number, **fields)
            return await answer
        except asyncio.CancelledError:
            self.send("drop", number=number)
            raise
        finally:
            del self._asked[number]

    def kill(self) -> None:
        """Kill the process without waiting for its end; `close` must be called all the same."""
        self._killed = True
        if self._process.returncode is None:
            # It may have ended a moment ago, without the loop having heard of it.
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def close(self) -> None:
        """End the process, by force if need be; a second call does nothing."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            if self.alive:
                await self._ends()
        finally:
            self.kill()
            self._log_lines.cancel()
        if not await self._ends():
            _log.error("Process %d was killed and is still there: a driver holds it.", self.pid)
        await asyncio.wait({self._log_lines, self._sorting}, timeout=4 * PARTING)
        self._sorting.cancel()

    def _give_up(self, patience: float) -> None:
        self._stuck_for = patience
        self.kill()

    async def _ends(self) -> bool:
        """Whether the process is gone within `PARTING` seconds."""
        return await _within(PARTING, self._process.wait())

    async def _sort_messages(self) -> None:
        """Give each message to whoever waits for it, and the reason of the end to all."""
        try:
            await self._sort_until_end()
        except ValueError:
            _log.exception("The painter sent a line that is no message, and is killed.")
            self.kill()
        self._end = await self._death()
        self._messages.put_nowait(self._end)
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(self._end)

    async def _sort_until_end(self) -> None:
        assert self._process.stdout is not None
        while True:
            line = await self._process.stdout.readline()
            if not line.endswith(b"\n"):
                return
            message = _message(line)
            if "number" not in message:
                self._messages.put_nowait(message)
                continue
            answer = self._asked.get(message["number"])
            # It may be dropped at this moment.
            if answer is not None and not answer.done():
                answer.set_result(message)

    async def _death(self) -> PaintingError:
        """Why there are no more messages; the last lines of its log are passed on first."""
        if not await self._ends():
            self.kill()
            await self._ends()
        await _within(PARTING, asyncio.shield(self._log_lines))
        if self._stuck_for is not None:
            return PainterStuck(
                f"The painter (process {self.pid}) gave no sign of life for "
                f"{self._stuck_for:.3g} s and was killed."
            )
        status = self._process.returncode
        return PainterDied(
            f"The painter (process {self.pid}) {self._how_it_ended()}.",
            crashed=status is not None and -status in CRASHES,
        )

    def _how_it_ended(self) -> str:
        status = self._process.returncode
        if status is None:
            return "fell silent and cannot be killed"
        if status >= 0:
            return f"ended with status {status}; the lines before this one say why"
        name = signal.Signals(-status).name if -status in set(signal.Signals) else str(-status)
        if -status == signal.SIGKILL:
            return f"was killed by {name}: by hand or, see `dmesg`, because memory ran out"
        return f"was ended by the signal {name}"

    async def _pass_on_log(self) -> None:
        """Log each line that the process writes to standard error, at the level it begins with."""
        assert self._process.stderr is not None
        while True:
            try:
                line = await self._process.stderr.readline()
            except ValueError:
                _log.warning("painter: a line of more than %d bytes is left out", LONGEST_LINE)
                continue
            if not line:
                return
            text = line.decode(errors="replace").rstrip()
            first, _, rest = text.partition(" ")
            level = logging.getLevelName(first)
            if isinstance(level, int):
                _log.log(level, "painter: %s", rest)
            else:
                _log.info("painter: %s", text)


def _message(line: bytes) -> Message:
    """The message on a line; raises `ValueError` for anything else."""
    try:
        message = json.loads(line)
    except RecursionError as error:
        raise ValueError("The line is nested too deeply.") from error
    is_message = (
        isinstance(message, dict)
        and isinstance(message.get("kind"), str)
        and isinstance(message.get("number", 0), int)
    )
    if not is_message:
        raise ValueError(f"{line[:80]!r} is no object with a kind, and a number if it has one.")
    found: Message = message
    return found


async def _within(seconds: float, awaited: Awaitable[object]) -> bool:
    """Whether `awaited` is done within `seconds`; it is cancelled otherwise."""
    future = asyncio.ensure_future(awaited)
    try:
        done, _ = await asyncio.wait({future}, timeout=seconds)
    finally:
        future.cancel()
    return bool(done)


def _without_secrets() -> Dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in SECRETS}
