"""Logging to stderr: plain in a terminal, with priorities for the journal, never a secret."""

from __future__ import annotations

import logging
import os
import sys
from types import TracebackType
from typing import Iterable, List, Mapping, Optional, Type
from urllib.parse import quote

_log = logging.getLogger(__name__)

#: Libraries that tell more than an owner wants to read at their own level.
_QUIET: Mapping[str, int] = {
    "aiohttp.access": logging.WARNING,
    "aiogram.event": logging.WARNING,
    "asyncio": logging.INFO,
    "PIL": logging.INFO,
}

#: The journal's priorities (sd-daemon(3)), each for its level and above.
_PRIORITIES = (
    (logging.CRITICAL, "<2>"),
    (logging.ERROR, "<3>"),
    (logging.WARNING, "<4>"),
    (logging.INFO, "<6>"),
    (logging.NOTSET, "<7>"),
)


class SafeFormatter(logging.Formatter):
    """Writes `***` in the place of every secret, tracebacks included.

    For the journal each line begins with its priority, and has no time: the journal has its own.
    """

    def __init__(self, *, secrets: Iterable[str], journal: bool) -> None:
        time = "" if journal else "%(asctime)s "
        super().__init__(f"{time}%(levelname)s %(name)s: %(message)s")
        self._journal = journal
        self._hidden: List[str] = []
        for secret in secrets:
            self.hide(secret)

    def hide(self, secret: str) -> None:
        """Write `***` for `secret` from now on."""
        # In an URL a token's colon may be escaped.
        self._hidden += {secret, quote(secret, safe="")}

    def format(self, record: logging.LogRecord) -> str:
        """The record's lines."""
        text = super().format(record)
        for secret in self._hidden:
            text = text.replace(secret, "***")
        if not self._journal:
            return text
        priority = next(sign for level, sign in _PRIORITIES if record.levelno >= level)
        return "\n".join(priority + line for line in text.splitlines())


class Problem:
    """What is wrong, in words. It is logged when it changes, not each time it is found again."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self.text: Optional[str] = None

    def tell(self, text: Optional[str]) -> None:
        """Say what is wrong now, `None` when nothing is."""
        if text == self.text:
            return
        if text is None:
            self._log.info("This is over: %s", self.text)
        else:
            self._log.warning("%s", text)
        self.text = text


def set_up_logging(level: str, secrets: Iterable[str], environ: Mapping[str, str]) -> SafeFormatter:
    """Log to stderr from `level` on; hide secrets that become known later with the formatter.

    Warnings and errors that nobody caught are logged too, so that they cannot show a secret.
    """
    formatter = SafeFormatter(secrets=secrets, journal=_is_journal(environ))
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name, quiet in _QUIET.items():
        logging.getLogger(name).setLevel(max(quiet, logging.getLevelName(level)))
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    return formatter


def _is_journal(environ: Mapping[str, str]) -> bool:
    """Whether stderr is the journal: the variable alone is inherited by redirected programs."""
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def _log_uncaught(
    kind: Type[BaseException], error: BaseException, trace: Optional[TracebackType]
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    _log.critical("Nobody caught this", exc_info=(kind, error, trace))
