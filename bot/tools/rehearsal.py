"""`python -m bot rehearse`: has one conversation with the bot in the sandbox, and prints it.

The bot runs in a process of its own, as its owner runs it, with its state in a temporary folder.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Awaitable, Callable, Mapping, Optional, Sequence, TypeVar

from bot.errors import BotError
from bot.tools.chat_page import environment
from bot.tools.transcript import Transcript
from runtime import installed_styles
from runtime.errors import PictureError
from runtime.imaging.writing import check_writable

if TYPE_CHECKING:
    from bot.sandbox import Message, User

#: Small and quick, because the conversation matters: the longer side in pixels, and the steps.
QUICK = {"SIZE": "512", "STEPS": "24"}

#: Seconds to wait for an answer; a slow machine takes long to import the libraries.
ANSWER_SECONDS = 60.0
#: Seconds to wait for the painting, and for the bot to stop.
_PAINTING_SECONDS, _STOP_SECONDS = 300.0, 30.0
#: How many lines of the bot's log an error shows.
_LOG_LINES = 5

#: The command with which an owner runs the bot.
BOT = (sys.executable, "-m", "bot")

Result = TypeVar("Result")


def add_parser(commands: Any) -> None:
    """Add the command to `python -m bot`."""
    parser = commands.add_parser(
        "rehearse", help="have one conversation with the bot in the sandbox, and print it"
    )
    parser.add_argument("photo", type=Path, metavar="PHOTO", help="the photo to send")
    parser.add_argument(
        "style", metavar="STYLE", choices=list(installed_styles()), help="a style of styles/"
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help="where to write the painting, a JPEG"
    )
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    asyncio.run(rehearse(args.photo, args.style, args.output))
    return 0


async def rehearse(
    photo: Path,
    style: str,
    output: Path,
    *,
    command: Sequence[str] = BOT,
    answer_seconds: float = ANSWER_SECONDS,
) -> None:
    """Choose `style` (a name of the gallery), send `photo`, save the painting as `output`.

    `command` runs the bot, which its environment configures; the bot has `answer_seconds` for each
    answer. Raises `BotError` when an answer is missing, or a file cannot be read or written.
    """
    # Imported here: the bot itself does not need it.
    from bot.sandbox import Sandbox

    try:
        picture = photo.read_bytes()
        # Of any size: Telegram's photos are small.
        check_writable(output, (1, 1))
    except OSError as error:
        raise BotError(f"{photo} cannot be read: {error.strerror}.") from error
    except PictureError as error:
        raise BotError(str(error)) from error
    with tempfile.TemporaryDirectory() as state:
        log = Path(state) / "bot.log"
        async with Sandbox() as sandbox:
            settings = {**environment(sandbox.url, sandbox.token, Path(state)), **QUICK}
            bot = await _start(command, settings, log)
            try:
                actor = _Actor(sandbox.user(name="You"), bot, log, answer_seconds, Transcript())
                actor.user.chat.watchers.add(actor.transcript.watch)
                result = await _converse(actor, picture, style)
                painting = sandbox.bytes_of(result.file_id or "")
            finally:
                await _stop(bot)
    try:
        output.write_bytes(painting)
    except OSError as error:
        raise BotError(f"{output} cannot be written: {error.strerror}.") from error
    print(f"The painting is {output.resolve()}.")


async def _converse(actor: _Actor, picture: bytes, style: str) -> Message:
    """Act as a new user; returns the message with the painting."""
    first = await actor.user.text("/start")
    menu = await actor.expect("a menu", first, lambda message: message.buttons)
    await actor.press(menu, "Style transfer")
    gallery = await actor.expect("the gallery", menu, lambda message: message.buttons)
    await actor.press(gallery, str(list(installed_styles()).index(style) + 1))
    await actor.expect("a request for the photo", gallery, lambda message: message.text)
    sent = await actor.user.photo(picture)
    return await actor.expect("a painting", sent, _is_result, _PAINTING_SECONDS)


def _is_result(message: Message) -> bool:
    """Whether it is the result: a preview is a photo too, but has only a button to cancel."""
    labels = [button.text for row in message.buttons for button in row]
    return message.kind == "photo" and "Another style" in labels


@dataclass(frozen=True)
class _Actor:
    """The user of the conversation, who notices when the bot stops answering or ends."""

    user: User
    bot: asyncio.subprocess.Process
    log: Path
    answer_seconds: float
    transcript: Transcript

    async def press(self, message: Message, label: str) -> None:
        """Press a button and wait for the answer."""
        from bot.sandbox import NoSuchButton

        try:
            press = await self.user.press(message, label)
        except NoSuchButton as error:
            raise BotError(f"{error} The conversation cannot continue.") from error
        self.transcript.press(self.user.raw, label)
        await self._wait_for("an answer to the button", press.answered(self.answer_seconds))

    async def expect(
        self,
        what: str,
        after: Message,
        predicate: Callable[[Message], object],
        seconds: Optional[float] = None,
    ) -> Message:
        """The first of the bot's messages below `after` that satisfies `predicate`."""
        coming = self.user.wait_for(predicate, seconds or self.answer_seconds, after=after)
        return await self._wait_for(what, coming)

    async def _wait_for(self, what: str, coming: Awaitable[Result]) -> Result:
        from bot.sandbox import WaitTimeout

        answered, ended = asyncio.ensure_future(coming), asyncio.ensure_future(self.bot.wait())
        try:
            await asyncio.wait([answered, ended], return_when=asyncio.FIRST_COMPLETED)
            if answered.done():
                return answered.result()
            problem = f"The bot ended with code {ended.result()} instead of sending {what}."
            raise BotError(problem + self._log_end())
        except WaitTimeout as error:
            problem = f"The bot did not send {what} in time."
            raise BotError(problem + self._log_end()) from error
        finally:
            answered.cancel()
            ended.cancel()

    def _log_end(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "".join(f"\n    {line}" for line in ["Its log ends with:", *lines[-_LOG_LINES:]])


async def _start(
    command: Sequence[str], settings: Mapping[str, str], log: Path
) -> asyncio.subprocess.Process:
    with log.open("wb") as file:
        return await asyncio.create_subprocess_exec(
            *command, env=settings, stdout=file, stderr=file
        )


async def _stop(bot: asyncio.subprocess.Process) -> None:
    if bot.returncode is None:
        bot.terminate()
        try:
            await asyncio.wait_for(bot.wait(), _STOP_SECONDS)
        except asyncio.TimeoutError:
            bot.kill()
            await bot.wait()
