"""Logging to stderr: with times in a terminal, with priorities in the journal, without secrets."""

from __future__ import annotations

import logging
import os
import sys
from types import TracebackType
from typing import Iterable, List, Mapping, Optional, Type
from urllib.parse import quote

_log = logging.getLogger(__name__)

#: Libraries that log too much, and the least severe level that is logged of each.
_QUIET: Mapping[str, int] = {
    "aiohttp.access": logging.WARNING,
    "aiogram.event": logging.WARNING,
    # Its warning at each end of a TLS connection that nats-py made says nothing.
    "asyncio": logging.ERROR,
    "PIL": logging.INFO,
}

#: The journal's priority (sd-daemon(3)) for each level and those above it.
_PRIORITIES = (
    (logging.CRITICAL, "<2>"),
    (logging.ERROR, "<3>"),
    (logging.WARNING, "<4>"),
    (logging.INFO, "<6>"),
    (logging.NOTSET, "<7>"),
)


class SafeFormatter(logging.Formatter):
    """Replaces every secret with `***`, in tracebacks too.

    For the journal each line begins with its priority, and has no time: the journal adds one.
    """

    def __init__(self, *, secrets: Iterable[str], journal: bool) -> None:
        time = "" if journal else "%(asctime)s "
        super().__init__(f"{time}%(levelname)s %(name)s: %(message)s")
        self._journal = journal
        self._secrets: List[str] = []
        for secret in secrets:
            self.add_secret(secret)

    def add_secret(self, secret: str) -> None:
        """Replace `secret` from now on."""
        # In a URL the colon of a token may be escaped.
        self._secrets += {secret, quote(secret, safe="")}

    def format(self, record: logging.LogRecord) -> str:
        """The record as lines of text."""
        text = super().format(record)
        for secret in self._secrets:
            text = text.replace(secret, "***")
        if not self._journal:
            return text
        priority = next(prefix for level, prefix in _PRIORITIES if record.levelno >= level)
        return "\n".join(priority + line for line in text.splitlines())


class Problem:
    """A problem that may last: logged when it changes, not each time it is found again."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self.text: Optional[str] = None

    def report(self, text: Optional[str]) -> None:
        """Set what is wrong now, `None` when nothing is."""
        if text == self.text:
            return
        if text is None:
            self._log.info("No longer a problem: %s", self.text)
        else:
            self._log.warning("%s", text)
        self.text = text


def set_up_logging(level: str, secrets: Iterable[str], environ: Mapping[str, str]) -> SafeFormatter:
    """Log to stderr from `level` on; returns the formatter, which takes further secrets.

    Warnings and uncaught errors are logged too, so that they cannot show a secret either.
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
    """Whether stderr is the journal; a program with redirected output inherits the variable too."""
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
    _log.critical("Uncaught error", exc_info=(kind, error, trace))
