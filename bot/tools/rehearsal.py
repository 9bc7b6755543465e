"""`python -m bot rehearse`: holds one conversation with the bot in the sandbox, and prints it.

The bot is a process of its own, as its owner runs it, with its state in a temporary folder.
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

if TYPE_CHECKING:
    from bot.sandbox import Message, User

#: Small, as it is the conversation that is shown: the longer side in pixels, and the steps.
QUICK = {"SIZE": "192", "STEPS": "40"}

#: A slow machine takes long to import its libraries, and longer to paint.
PATIENCE, _RESULT_SECONDS, _STOP_SECONDS = 60.0, 300.0, 30.0
_LAST_LINES = 5

#: How its owner runs the bot.
BOT = (sys.executable, "-m", "bot")

Came = TypeVar("Came")


def add_parser(commands: Any) -> None:
    """Add the command to `python -m bot`."""
    parser = commands.add_parser("rehearse", help="hold one conversation in the sandbox, and show")
    parser.add_argument("photo", type=Path, metavar="PHOTO", help="what to send")
    parser.add_argument(
        "style", metavar="STYLE", choices=list(installed_styles()), help="a style of styles/"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="for the painting, a JPEG")
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
    patience: float = PATIENCE,
) -> None:
    """Choose `style` (a name of the gallery), send `photo`, save what comes back at `output`.

    `command` runs the bot, set up by its environment; `patience` is in seconds, for an answer of
    the bot. Raises `BotError` when the bot does not play its part, or a file cannot be read or
    written.
    """
    # Imported here, as the bot itself has no use for it.
    from bot.sandbox import Sandbox

    try:
        picture = photo.read_bytes()
    except OSError as error:
        raise BotError(f"{photo} cannot be read: {error.strerror}.") from error
    with tempfile.TemporaryDirectory() as state:
        log = Path(state) / "bot.log"
        async with Sandbox() as sandbox:
            settings = {**environment(sandbox.url, sandbox.token, Path(state)), **QUICK}
            bot = await _start(command, settings, log)
            try:
                actor = _Actor(sandbox.user(name="You"), bot, log, patience, Transcript())
                actor.person.chat.watchers.add(actor.transcript.tell)
                result = await _converse(actor, picture, style)
                painting = sandbox.bytes_of(result.file_id or "")
            finally:
                await _stop(bot)
    try:
        output.write_bytes(painting)
    except OSError as error:
        raise BotError(f"{output} cannot be written: {error.strerror}.") from error
    print(f"The painting that came is {output.resolve()}.")


async def _converse(actor: _Actor, picture: bytes, style: str) -> Message:
    """Do what a new user would; returns the message with the painting."""
    first = await actor.person.text("/start")
    menu = await actor.expect("a menu", first, lambda message: message.buttons)
    await actor.press(menu, "Style transfer")
    gallery = await actor.expect("the gallery", menu, lambda message: message.buttons)
    await actor.press(gallery, str(list(installed_styles()).index(style) + 1))
    await actor.expect("a request for the photo", gallery, lambda message: message.text)
    sent = await actor.person.photo(picture)
    return await actor.expect("a painting", sent, _is_result, _RESULT_SECONDS)


def _is_result(message: Message) -> bool:
    """A preview is a photo too, but can only be cancelled."""
    labels = [button.text for row in message.buttons for button in row]
    return message.kind == "photo" and "Another style" in labels


@dataclass(frozen=True)
class _Actor:
    """The person who talks, and who notices when the bot falls silent or dies."""

    person: User
    bot: asyncio.subprocess.Process
    log: Path
    patience: float
    transcript: Transcript

    async def press(self, message: Message, label: str) -> None:
        """Press a button, and wait for its answer."""
        from bot.sandbox import NoSuchButton

        try:
            press = await self.person.press(message, label)
        except NoSuchButton as error:
            raise BotError(f"{error} The conversation cannot go on.") from error
        self.transcript.press(self.person.raw, label)
        await self._unless_it_ends("an answer to the button", press.answered(self.patience))

    async def expect(
        self,
        what: str,
        after: Message,
        predicate: Callable[[Message], object],
        seconds: Optional[float] = None,
    ) -> Message:
        """The first of the bot's messages below `after` that satisfies `predicate`."""
        coming = self.person.wait_for(predicate, seconds or self.patience, after=after)
        return await self._unless_it_ends(what, coming)

    async def _unless_it_ends(self, what: str, coming: Awaitable[Came]) -> Came:
        from bot.sandbox import WaitTimeout

        came, ended = asyncio.ensure_future(coming), asyncio.ensure_future(self.bot.wait())
        try:
            await asyncio.wait([came, ended], return_when=asyncio.FIRST_COMPLETED)
            if came.done():
                return came.result()
            problem = f"The bot ended with code {ended.result()} instead of sending {what}."
            raise BotError(problem + self._last_logged())
        except WaitTimeout as error:
            problem = f"The bot did not send {what} in time."
            raise BotError(problem + self._last_logged()) from error
        finally:
            came.cancel()
            ended.cancel()

    def _last_logged(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "".join(f"\n    {line}" for line in ["Its log ends with:", *lines[-_LAST_LINES:]])


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
