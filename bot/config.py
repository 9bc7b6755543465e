"""The settings, from the environment and the file .env; .env.example tells of each."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple
from urllib.parse import urlsplit

from dotenv import dotenv_values

from bot.errors import ConfigError
from runtime.errors import OptionError
from runtime.options import StylizeOptions

WEBHOOK, POLLING = "webhook", "polling"
MODES = (WEBHOOK, POLLING)
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

#: Telegram sends updates to no other ports (core.telegram.org/bots/webhooks).
WEBHOOK_PORTS = (443, 80, 88, 8443)

_TOKEN = re.compile(r"[0-9]+:[A-Za-z0-9_-]{3,}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]*[a-z0-9]", re.IGNORECASE)
_PAINTING = StylizeOptions()


@dataclass(frozen=True)
class Config:
    """What the owner decided. Each field is the variable of its name in capitals.

    mode: how updates arrive, `webhook` or `polling`; behind ngrok, the normal case, it is the
        former.
    webhook_url, webhook_url_file, ngrok_domain, ngrok_api: where the public URL of the web hook is
        found, asked in this order; the file is read anew when it changes.
    webhook_secret: what Telegram sends with each update; `None` to have one made and kept.
    host, port: where the bot listens.
    jobs_per_user, jobs_in_all: the most that may wait.
    keep_hours: how long finished jobs and their pictures are kept.
    patience: seconds that a painting may go without progress.
    stop_grace: seconds that a stopping bot lets the running job go on; then it is handed back.
    size, steps, backend: as in `runtime.StylizeOptions`.
    """

    bot_token: str = field(repr=False)
    mode: str = WEBHOOK
    webhook_url: Optional[str] = None
    webhook_url_file: Optional[Path] = None
    webhook_secret: Optional[str] = field(default=None, repr=False)
    ngrok_domain: Optional[str] = None
    ngrok_api: str = "http://127.0.0.1:4040"
    host: str = "127.0.0.1"
    port: int = 8080
    api_url: str = "https://api.telegram.org"
    state_dir: Path = Path("state")
    admin_ids: Tuple[int, ...] = ()
    jobs_per_user: int = 3
    jobs_in_all: int = 50
    keep_hours: int = 48
    patience: int = 600
    stop_grace: int = 20
    size: int = _PAINTING.size
    steps: int = _PAINTING.steps
    backend: str = _PAINTING.backend
    log_level: str = "INFO"

    @property
    def secrets(self) -> Tuple[str, ...]:
        """What must not reach a log."""
        return tuple(each for each in (self.bot_token, self.webhook_secret) if each)


def load_config(environ: Mapping[str, str], env_file: Path = Path(".env")) -> Config:
    """Read the settings; `environ` wins over `env_file`, which need not exist.

    An empty value counts as none. Raises `ConfigError` that names every wrong variable at once.
    """
    given = {**_read_env_file(env_file), **environ}
    given = {name: value.strip() for name, value in given.items() if value.strip()}
    problems: List[str] = []
    values: Dict[str, Any] = {}
    try:
        values["bot_token"] = _token(given)
    except _Wrong as wrong:
        problems.append(str(wrong))
    for name, read in _READERS.items():
        if name not in given:
            continue
        try:
            values[name.lower()] = read(given[name])
        except _Wrong as wrong:
            problems.append(f"{name} {_shown(name, given[name])}; {wrong}")
    if problems:
        raise ConfigError("\n".join(problems))
    return Config(**values)


def read_webhook_url(value: str) -> str:
    """A public URL, checked; raises `ValueError` that says what was expected."""
    return _url(value, ports=WEBHOOK_PORTS)


class _Wrong(ValueError):
    """Says what was expected and what to do."""


def _read_env_file(path: Path) -> Dict[str, str]:
    try:
        # Without interpolation: a dollar sign in a value is a dollar sign.
        values = dotenv_values(path, interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}. Mend it or take it away.") from error
    return {name: value or "" for name, value in values.items()}


def _token(given: Mapping[str, str]) -> str:
    if "BOT_TOKEN" in given and "BOT_TOKEN_FILE" in given:
        raise _Wrong("BOT_TOKEN and BOT_TOKEN_FILE are both given; keep one of them.")
    if "BOT_TOKEN_FILE" in given:
        name, path = "BOT_TOKEN_FILE", Path(given["BOT_TOKEN_FILE"])
        try:
            token = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise _Wrong(
                f"BOT_TOKEN_FILE is {str(path)!r}, which cannot be read"
                f" ({getattr(error, 'strerror', None) or 'it is not text'});"
                " expected a file that holds the token and nothing else."
            ) from error
    elif "BOT_TOKEN" in given:
        name, token = "BOT_TOKEN", given["BOT_TOKEN"]
    else:
        raise _Wrong(
            "BOT_TOKEN is not set. Ask @BotFather in Telegram for a bot (/newbot) and write the"
            " token it answers with into .env; `make chat` tries the bot without one."
        )
    if not _TOKEN.fullmatch(token):
        raise _Wrong(
            f"{name} does not hold a bot's token, which looks like 123456789:AAE... (its value is"
            " not shown here). Copy it anew from @BotFather in Telegram (/mybots, API Token)."
        )
    return token


def _shown(name: str, value: str) -> str:
    if name == "WEBHOOK_SECRET":
        return "is wrong (its value is not shown here)"
    # A token may have been pasted into the wrong line, a password into an URL.
    value = re.sub(r"//[^/@]*@", "//***@", value)
    return "is " + repr(_TOKEN.sub("***", value))


def _choice(choices: Tuple[str, ...]) -> Callable[[str], str]:
    def read(value: str) -> str:
        for choice in choices:
            if value.lower() == choice.lower():
                return choice
        raise _Wrong(f"it can be {', '.join(choices)}.")

    return read


def _whole_number(least: int, most: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", value) or not least <= int(value) <= most:
            raise _Wrong(f"expected a whole number from {least} to {most}.")
        return int(value)

    return read


def _painting(name: str, convert: Callable[[str], Any]) -> Callable[[str], Any]:
    """A reader for an option whose range `runtime` knows."""

    def read(value: str) -> Any:
        try:
            converted = convert(value)
            StylizeOptions(**{name: converted})
        except OptionError as error:
            raise _Wrong(str(error)) from error
        except ValueError as error:
            raise _Wrong("expected a whole number.") from error
        return converted

    return read


def _url(value: str, ports: Optional[Tuple[int, ...]] = None) -> str:
    problem = _Wrong(
        "expected an address that begins with https:// (http:// on this machine only, such as"
        " http://127.0.0.1:8081) and has no name, password, ? or # in it."
    )
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise problem from None
    local = host is not None and _is_loopback(host)
    if not host or parts.username is not None or parts.query or parts.fragment:
        raise problem
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise problem
    if ports and not local and (port or 443) not in ports:
        known = ", ".join(map(str, ports))
        raise _Wrong(f"Telegram sends updates to the ports {known} only; use one of them.")
    return value.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _matching(pattern: re.Pattern[str], expected: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if not pattern.fullmatch(value):
            raise _Wrong(expected)
        return value

    return read


def _ids(value: str) -> Tuple[int, ...]:
    numbers = [each.strip() for each in value.split(",") if each.strip()]
    if not all(re.fullmatch(r"[0-9]{1,19}", number) for number in numbers):
        raise _Wrong(
            "expected Telegram user numbers with commas between them, such as 123456,234567;"
            " @userinfobot in Telegram tells people theirs."
        )
    return tuple(map(int, numbers))


#: How each variable but the token is read; the reader raises `_Wrong`.
_READERS: Mapping[str, Callable[[str], Any]] = {
    "MODE": _choice(MODES),
    "WEBHOOK_URL": read_webhook_url,
    "WEBHOOK_URL_FILE": Path,
    "WEBHOOK_SECRET": _matching(
        _SECRET, "expected 1 to 256 letters, digits, - and _. Leave it away to have one made."
    ),
    "NGROK_DOMAIN": _matching(
        _DOMAIN,
        "expected a name alone, such as your-name.ngrok-free.app, without https:// and path;"
        " dashboard.ngrok.com/domains shows yours.",
    ),
    "NGROK_API": _url,
    "HOST": _matching(
        re.compile(r"[A-Za-z0-9.:_-]+"), "expected an address to listen on, such as 127.0.0.1."
    ),
    "PORT": _whole_number(1, 65535),
    "API_URL": _url,
    "STATE_DIR": Path,
    "ADMIN_IDS": _ids,
    "JOBS_PER_USER": _whole_number(1, 1000),
    "JOBS_IN_ALL": _whole_number(1, 100_000),
    "KEEP_HOURS": _whole_number(1, 24 * 365),
    "PATIENCE": _whole_number(10, 24 * 3600),
    "STOP_GRACE": _whole_number(0, 3600),
    "SIZE": _painting("size", int),
    "STEPS": _painting("steps", int),
    "BACKEND": _painting("backend", str),
    "LOG_LEVEL": _choice(LOG_LEVELS),
}
