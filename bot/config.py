"""The settings, from the environment and the file .env; .env.example describes each of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, Mapping, NamedTuple, Optional, Tuple, Type, TypeVar

from dotenv import dotenv_values
from pydantic import Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bot.config_types import (
    TOKEN_PATTERN,
    Backend,
    BotToken,
    ChatIds,
    Domain,
    Host,
    LocalPainterInAnyCase,
    LocalPainting,
    LogLevel,
    Mode,
    ModeInAnyCase,
    NatsUrl,
    Url,
    UserIds,
    WebhookSecret,
    WebhookUrl,
)
from bot.errors import ConfigError
from bot.setting_names import TUNNEL_SETTING, misspelt_in_environment, unknown_in_file
from runtime.imaging.limits import usable_memory
from runtime.options import (
    LEAST_SIZE,
    LEAST_STEPS,
    MOST_FINE,
    MOST_STEPS,
    StylizeOptions,
    TranslateOptions,
)

#: A machine with less memory, such as a Jetson Nano, has the smaller size as its default.
_MUCH_MEMORY, _SMALL_SIZE = 6 << 30, 768
#: Elsewhere a file comes back painted at its own size up to that of a camera with 12 megapixels.
_FILE_SIZE = 4096


class Settings(BaseSettings):
    """What bot and painter have in common. Each field is the variable of its name in capitals.

    nats_url: the server of the fleet; without it this machine paints alone.
    nats_credentials: the file that `scripts/fleet` made for this machine.
    patience: seconds that a painting may take without progress.
    backend: as in `StylizeOptions`.
    """

    model_config = SettingsConfigDict(frozen=True, hide_input_in_errors=True)

    nats_url: Optional[NatsUrl] = None
    nats_credentials: Optional[Path] = None
    patience: int = Field(default=600, ge=10, le=24 * 3600)
    backend: Backend = StylizeOptions.backend
    log_level: LogLevel = "INFO"

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: Type[BaseSettings], init_settings: Any, *args: Any, **others: Any
    ) -> Tuple[PydanticBaseSettingsSource, ...]:
        """Use the arguments alone; `load_config` reads the environment."""
        return (init_settings,)


class PainterConfig(Settings):
    """The settings of `python -m bot painter`."""


class Config(Settings):
    """What the owner decided. Each field is the variable of its name in capitals.

    mode: how updates arrive; behind ngrok, the usual case, by web hook.
    webhook_url, webhook_url_file, ngrok_domain, ngrok_api: where to find the public URL of the web
        hook, in this order; the file is read again when it changes.
    webhook_secret: what Telegram sends with each update; with `None` the bot makes one.
    host, port: where the bot listens.
    admin_ids: who may use /stats.
    allowed_users, allowed_chats: for whom the bot paints; for everybody if both are empty.
    jobs_per_user, jobs_in_all: the most jobs that may wait.
    keep_hours: how long finished jobs and their pictures are kept.
    local_painter: whether this machine paints too where there is a fleet.
    painter_lease: seconds without a sign of life after which a job of the fleet gets another painter.
    stop_grace: seconds that a stopping bot gives the running job before it puts it back.
    size: the longer side in pixels, at most, at which strokes are painted; users may choose less in
        the chat. `None` is the usual one of this machine.
    file_size: the same for photos that are sent as files.
    steps: as in `StylizeOptions`.
    """

    bot_token: BotToken
    mode: ModeInAnyCase = Mode.WEBHOOK
    webhook_url: Optional[WebhookUrl] = None
    webhook_url_file: Optional[Path] = None
    webhook_secret: Optional[WebhookSecret] = None
    ngrok_domain: Optional[Domain] = None
    ngrok_api: Url = "http://127.0.0.1:4040"
    host: Host = "127.0.0.1"
    port: int = Field(default=8080, ge=1, le=65535)
    api_url: Url = "https://api.telegram.org"
    state_dir: Path = Path("state")
    admin_ids: UserIds = ()
    allowed_users: UserIds = ()
    allowed_chats: ChatIds = ()
    jobs_per_user: int = Field(default=10, ge=1, le=1000)
    jobs_in_all: int = Field(default=100, ge=1, le=100_000)
    keep_hours: int = Field(default=48, ge=1, le=24 * 365)
    local_painter: LocalPainterInAnyCase = LocalPainting.AUTO
    painter_lease: int = Field(default=30, ge=1, le=3600)
    stop_grace: int = Field(default=20, ge=0, le=3600)
    size: Optional[int] = Field(default=None, ge=LEAST_SIZE, le=MOST_FINE)
    file_size: Optional[int] = Field(default=None, ge=LEAST_SIZE, le=MOST_FINE)
    steps: int = Field(default=StylizeOptions.steps, ge=LEAST_STEPS, le=MOST_STEPS)

    @property
    def secrets(self) -> Tuple[str, ...]:
        """What must not reach a log."""
        values = (self.bot_token, self.webhook_secret)
        return tuple(each.get_secret_value() for each in values if each is not None)

    @property
    def local_url(self) -> str:
        """Where the bot listens, as this machine reaches it."""
        return f"http://{host_and_port(self.host, self.port)}"

    @property
    def stylize_options(self) -> StylizeOptions:
        """The options of a style transfer as far as the user chooses no others."""
        fine = self.size or usual_sizes(usable_memory()).photo
        # Motifs that are painted larger than the strokes would be lost.
        motifs = min(StylizeOptions.size, fine)
        return StylizeOptions(size=motifs, fine=fine, steps=self.steps, backend=self.backend)

    @property
    def file_fine(self) -> int:
        """The `fine` size for photos that are sent as files, at least that of others."""
        usual = self.size or usual_sizes(usable_memory()).file
        return max(self.file_size or usual, self.stylize_options.fine)

    @property
    def translate_options(self) -> TranslateOptions:
        """The options of a translation; its size is the generators' own."""
        return TranslateOptions(backend=self.backend)


Kind = TypeVar("Kind", bound=Settings)


class UsualSizes(NamedTuple):
    """The defaults of `size` and, where that is not set, of `file_size`."""

    photo: int
    file: int


def usual_sizes(memory: int) -> UsualSizes:
    """The defaults for a machine with so many bytes of memory."""
    if memory < _MUCH_MEMORY:
        return UsualSizes(_SMALL_SIZE, _SMALL_SIZE)
    return UsualSizes(StylizeOptions.fine, _FILE_SIZE)


def load_config(environ: Mapping[str, str], env_file: Path = Path(".env")) -> Config:
    """The bot's settings; raises `ConfigError` as `load_settings` does."""
    return load_settings(Config, environ, env_file)


def load_settings(
    kind: Type[Kind], environ: Mapping[str, str], env_file: Path = Path(".env")
) -> Kind:
    """Read the settings; `environ` wins over `env_file`, which need not exist.

    A blank value counts as not set. Raises `ConfigError` that names every wrong variable at once. A
    name that is no setting is wrong in `env_file`, and in `environ` if it is almost a setting's.
    """
    in_file = _read_env_file(env_file)
    variables = _Variables(kind, environ, in_file)
    known = {*map(str.upper, Config.model_fields), "BOT_TOKEN_FILE", TUNNEL_SETTING}
    problems = [
        *unknown_in_file(in_file, known, env_file),
        *misspelt_in_environment(environ, known),
    ]
    if variables.get("BOT_TOKEN") and variables.get("BOT_TOKEN_FILE"):
        problems.append("BOT_TOKEN and BOT_TOKEN_FILE are both set; keep one of them.")
    try:
        config = kind(**variables())
    except ValidationError as error:
        problems += [_sentence(each) for each in error.errors(include_url=False)]
    if problems:
        raise ConfigError("\n".join(problems))
    return config


def host_and_port(host: str, port: int) -> str:
    """`HOST:PORT` as URLs have it: an IPv6 address stands in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class _Variables(PydanticBaseSettingsSource):
    """The variables of the environment and, below them, those of the file."""

    def __init__(
        self, kind: Type[Settings], environ: Mapping[str, str], in_file: Mapping[str, str]
    ) -> None:
        super().__init__(kind)
        self._values = {**in_file, **environ}

    def get(self, variable: str) -> Optional[str]:
        """The value of a variable, `None` for a blank one."""
        return self._values.get(variable, "").strip() or None

    def get_field_value(self, field: FieldInfo, field_name: str) -> Tuple[Any, str, bool]:
        """The value, the field's name, and that the value is never JSON."""
        value: Any = self.get(field_name.upper())
        token_file = self.get("BOT_TOKEN_FILE")
        if field_name == "bot_token" and value is None and token_file:
            value = Path(token_file)
        return value, field_name, False

    def __call__(self) -> Dict[str, Any]:
        fields = self.settings_cls.model_fields
        values = {name: self.get_field_value(field, name)[0] for name, field in fields.items()}
        return {name: value for name, value in values.items() if value is not None}


def _read_env_file(path: Path) -> Dict[str, str]:
    try:
        # Without interpolation: a dollar sign in a value is a dollar sign.
        values = dotenv_values(path, interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}. Correct it or remove it.") from error
    return {name: value or "" for name, value in values.items()}


def _sentence(error: Any) -> str:
    """What pydantic found wrong with one setting: which, its value, and what was expected."""
    field = str(error["loc"][0])
    name, value = field.upper(), error["input"]
    if error["type"] == "missing":
        return (
            f"{name} is not set. Ask @BotFather in Telegram for a bot (/newbot) and write the token"
            " from its answer into .env; `make chat` tries the bot without one."
        )
    if field == "bot_token" and isinstance(value, Path):
        name = "BOT_TOKEN_FILE"
    elif field in ("bot_token", "webhook_secret"):
        return f"{name} is wrong (its value is not shown here); {_expected(error, field)}"
    # A token may have been pasted into the wrong line, a password into a URL.
    shown = TOKEN_PATTERN.sub("***", re.sub(r"//[^/@]*@", "//***@", str(value)))
    return f"{name} is {shown!r}; {_expected(error, field)}"


def _expected(error: Any, field: str) -> str:
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    limits = {type(each).__name__: each for each in Config.model_fields[field].metadata}
    return f"expected a whole number from {limits['Ge'].ge} to {limits['Le'].le}."
