"""The types of the settings: each accepts what it means, and says in a sentence what it expects."""

from __future__ import annotations

import ipaddress
import re
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Tuple, TypeVar, get_args
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr
from typing_extensions import Annotated

from runtime.options import BACKEND_CHOICES

#: Telegram sends updates to no other ports (core.telegram.org/bots/webhooks).
WEBHOOK_PORTS = (443, 80, 88, 8443)

TOKEN_PATTERN = re.compile(r"[0-9]+:[A-Za-z0-9_-]{3,}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]*[a-z0-9]", re.IGNORECASE)
_HOST = re.compile(r"[A-Za-z0-9.:_-]+")

_Level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
Text = TypeVar("Text", str, SecretStr)


class Mode(str, Enum):
    """How updates arrive: Telegram calls the web hook, or the bot asks for them."""

    WEBHOOK = "webhook"
    POLLING = "polling"

    def __str__(self) -> str:
        return self.value


class LocalPainting(str, Enum):
    """Whether the bot's own machine paints where there is a fleet; `auto`: if it has graphs."""

    AUTO = "auto"
    YES = "yes"
    NO = "no"

    def __str__(self) -> str:
        return self.value


def _matching(pattern: re.Pattern[str], expected: str) -> AfterValidator:
    def check(value: Text) -> Text:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if not pattern.fullmatch(text):
            raise ValueError(expected)
        return value

    return AfterValidator(check)


def _one_of(choices: Tuple[str, ...]) -> BeforeValidator:
    """Accept a choice in capitals or not."""

    def check(value: object) -> str:
        for choice in choices:
            if str(value).lower() == choice.lower():
                return choice
        raise ValueError(f"expected one of {', '.join(choices)}.")

    return BeforeValidator(check)


def _read_token_file(value: Any) -> Any:
    """The content of a file in place of its path; any other value as it is."""
    if not isinstance(value, Path):
        return value
    try:
        return value.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ValueError(
            f"the file cannot be read ({reason}). Expected a file that holds the token and"
            " nothing else."
        ) from error


def _split_ids(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    numbers = [each.strip() for each in value.split(",") if each.strip()]
    if not all(re.fullmatch(r"[0-9]{1,19}", number) for number in numbers):
        raise ValueError(
            "expected Telegram user numbers separated by commas, such as 123456,234567;"
            " @userinfobot in Telegram shows yours."
        )
    return tuple(map(int, numbers))


def _split_chat_ids(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    numbers = [each.strip() for each in value.split(",") if each.strip()]
    if not all(re.fullmatch(r"-?[0-9]{1,19}", number) for number in numbers):
        raise ValueError(
            "expected Telegram chat numbers separated by commas, such as -1001234567890;"
            " a group's number begins with a minus sign, and @getidsbot shows it."
        )
    return tuple(map(int, numbers))


def check_webhook_url(value: str) -> str:
    """A public URL without a slash at its end; raises `ValueError` that says what is expected."""
    url = _check_url(value)
    parts = urlsplit(url)
    if not _is_loopback(parts.hostname or "") and (parts.port or 443) not in WEBHOOK_PORTS:
        allowed = ", ".join(map(str, WEBHOOK_PORTS))
        raise ValueError(f"Telegram sends updates only to the ports {allowed}; use one of them.")
    return url


# Pydantic before 2.9 passes its own object to a check that takes a second argument.
def _check_url(value: str) -> str:
    problem = ValueError(
        "expected an address that begins with https:// (http:// only for this machine, such as"
        " http://127.0.0.1:8081), without a user name, a password, ? or #."
    )
    if _split(value, "https", "http", problem).fragment:
        raise problem
    return value.rstrip("/")


def _check_nats_url(value: str) -> str:
    problem = ValueError(
        "expected the address of the fleet's server, such as tls://192.168.1.20:4222"
        " (nats://127.0.0.1:4222, without TLS, only for this machine)."
    )
    if _split(value, "tls", "nats", problem).path.strip("/"):
        raise problem
    return value.rstrip("/")


def _split(value: str, secure: str, plain: str, problem: ValueError) -> SplitResult:
    """The parts of an address without a user name or a query; raises `problem`.

    Its scheme is `secure`, or `plain` for this machine only.
    """
    try:
        parts = urlsplit(value)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise problem from None
    if not host or parts.username is not None or parts.query:
        raise problem
    if parts.scheme != secure and not (parts.scheme == plain and _is_loopback(host)):
        raise problem
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


BotToken = Annotated[
    SecretStr,
    _matching(
        TOKEN_PATTERN,
        "expected a bot token, which looks like 123456789:AAE... Copy it again from @BotFather in"
        " Telegram (/mybots, API Token).",
    ),
    BeforeValidator(_read_token_file),
]
WebhookSecret = Annotated[
    SecretStr,
    _matching(
        _SECRET,
        "expected 1 to 256 letters, digits, - and _. Without the setting the bot makes a secret.",
    ),
]
Domain = Annotated[
    str,
    _matching(
        _DOMAIN,
        "expected a name alone, such as your-name.ngrok-free.dev, without https:// and path;"
        " dashboard.ngrok.com/domains shows yours.",
    ),
]
Host = Annotated[
    str, _matching(_HOST, "expected an address to listen on, such as 127.0.0.1 or ::1.")
]
Url = Annotated[str, AfterValidator(_check_url)]
WebhookUrl = Annotated[str, AfterValidator(check_webhook_url)]
ChatIds = Annotated[Tuple[int, ...], BeforeValidator(_split_chat_ids)]
UserIds = Annotated[Tuple[int, ...], BeforeValidator(_split_ids)]
Backend = Annotated[str, _one_of(BACKEND_CHOICES)]
ModeInAnyCase = Annotated[Mode, _one_of(tuple(each.value for each in Mode))]
NatsUrl = Annotated[str, AfterValidator(_check_nats_url)]
LocalPainterInAnyCase = Annotated[
    LocalPainting, _one_of(tuple(each.value for each in LocalPainting))
]
LogLevel = Annotated[_Level, _one_of(get_args(_Level))]
