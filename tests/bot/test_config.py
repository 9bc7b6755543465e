from __future__ import annotations

import re
import traceback
from pathlib import Path

import pytest

from bot.config import Config, load_config
from bot.config_types import Mode
from bot.errors import ConfigError
from runtime import StylizeOptions, TranslateOptions

TOKEN = "123456789:AAE-a_token_of_nobody"
EXAMPLE = Path(__file__).resolve().parents[2] / ".env.example"


@pytest.fixture()
def env_file(tmp_path):
    return tmp_path / ".env"


def problems(environ, env_file=Path("/nonexistent/.env")):
    with pytest.raises(ConfigError) as caught:
        load_config(environ, env_file)
    return str(caught.value)


def test_token_is_enough(env_file):
    config = load_config({"BOT_TOKEN": TOKEN}, env_file)
    assert config == Config(bot_token=TOKEN)
    assert config.mode is Mode.WEBHOOK and config.host == "127.0.0.1"


def test_environment_wins_over_the_file(env_file):
    env_file.write_text(f"BOT_TOKEN={TOKEN}\nPORT=8001\nMODE=polling\n")
    config = load_config({"PORT": "8002"}, env_file)
    assert config.bot_token.get_secret_value() == TOKEN
    assert (config.port, config.mode) == (8002, Mode.POLLING)


def test_every_variable_is_read(env_file):
    config = load_config(
        {
            "BOT_TOKEN": TOKEN,
            "MODE": "Polling",
            "WEBHOOK_URL": "https://bot.example.org/",
            "WEBHOOK_URL_FILE": "run/url",
            "WEBHOOK_SECRET": "s-e_cret",
            "NGROK_DOMAIN": "owl.ngrok-free.app",
            "NGROK_API": "http://127.0.0.1:4041",
            "HOST": "::1",
            "PORT": "81",
            "API_URL": "http://127.0.0.1:8081",
            "STATE_DIR": "/var/lib/jetbrush",
            "ADMIN_IDS": "12, 34,",
            "JOBS_PER_USER": "1",
            "JOBS_IN_ALL": "7",
            "KEEP_HOURS": "2",
            "PATIENCE": "30",
            "SIZE": "256",
            "STEPS": "9",
            "BACKEND": "OpenVINO",
            "STOP_GRACE": "5",
            "LOG_LEVEL": "debug",
        },
        env_file,
    )
    assert config == Config(
        bot_token=TOKEN,
        mode=Mode.POLLING,
        webhook_url="https://bot.example.org",
        webhook_url_file=Path("run/url"),
        webhook_secret="s-e_cret",
        ngrok_domain="owl.ngrok-free.app",
        ngrok_api="http://127.0.0.1:4041",
        host="::1",
        port=81,
        api_url="http://127.0.0.1:8081",
        state_dir=Path("/var/lib/jetbrush"),
        admin_ids=(12, 34),
        jobs_per_user=1,
        jobs_in_all=7,
        keep_hours=2,
        patience=30,
        stop_grace=5,
        size=256,
        steps=9,
        backend="openvino",
        log_level="DEBUG",
    )


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("MODE", "hook", "webhook, polling"),
        ("WEBHOOK_URL", "http://bot.example.org", "https://"),
        ("WEBHOOK_URL", "bot.example.org", "https://"),
        ("WEBHOOK_URL", "https://bot.example.org:8080", "443, 80, 88, 8443"),
        ("WEBHOOK_URL", "https://[bot", "https://"),
        ("NGROK_DOMAIN", "https://owl.ngrok-free.app", "a name alone"),
        ("PORT", "65536", "from 1 to 65535"),
        ("PORT", "http", "whole number"),
        ("ADMIN_IDS", "@owner", "user numbers"),
        ("API_URL", "http://example.org", "https://"),
        ("JOBS_PER_USER", "0", "from 1"),
        ("PATIENCE", "-1", "from 10"),
        ("SIZE", "20", "from 64 to 16384"),
        ("BACKEND", "fake", "one of auto, trt, openvino, onnxrt, pyt."),
        ("STEPS", "many", "whole number"),
        ("BACKEND", "cuda", "openvino"),
        ("LOG_LEVEL", "LOUD", "DEBUG, INFO"),
    ],
)
def test_wrong_value_is_named_with_what_was_expected(name, value, expected):
    message = problems({"BOT_TOKEN": TOKEN, name: value})
    assert message.startswith(f"{name} is {value!r}; ") and expected in message


def test_all_problems_are_named_at_once():
    lines = problems({"PORT": "none", "SIZE": "1"}).splitlines()
    assert [line.split()[0] for line in lines] == ["BOT_TOKEN", "PORT", "SIZE"]
    assert "@BotFather" in lines[0]


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("KEEP_HOUR", "KEEP_HOURS"), ("LOGLEVEL", "LOG_LEVEL"), ("TOKEN", "BOT_TOKEN")],
)
def test_unknown_name_in_the_file_is_refused_with_the_nearest_one(env_file, name, nearest):
    env_file.write_text(f"{name}=\n")
    message = problems({"BOT_TOKEN": TOKEN}, env_file)
    assert (
        message
        == f"{name} in {env_file} is no setting of the bot. The nearest setting is {nearest}."
    )


def test_name_in_the_file_that_is_like_no_setting_is_refused(env_file):
    env_file.write_text("LD_PRELOAD=/lib/libgomp.so.1\n")
    assert "LD_PRELOAD" in problems({"BOT_TOKEN": TOKEN}, env_file)


def test_the_file_may_hold_the_tunnel_s_setting(env_file):
    env_file.write_text("NGROK_AUTHTOKEN=2xyz\n")
    assert load_config({"BOT_TOKEN": TOKEN}, env_file) == Config(bot_token=TOKEN)


@pytest.mark.parametrize(("name", "nearest"), [("ADMIN_ID", "ADMIN_IDS"), ("BACKENDS", "BACKEND")])
def test_misspelt_variable_of_the_environment_is_refused(name, nearest):
    message = problems({"BOT_TOKEN": TOKEN, name: "1"})
    assert name in message and f"nearest setting is {nearest};" in message


def test_variables_of_other_programs_are_no_concern_of_the_bot(env_file):
    others = "HOSTNAME MODEL PORTS STATE_DIRECTORY XDG_STATE_HOME NGROK_API_KEY PATH LOGNAME LANG"
    environ = {"BOT_TOKEN": TOKEN, **dict.fromkeys(others.split(), "x")}
    assert load_config(environ, env_file) == Config(bot_token=TOKEN)


def test_empty_value_is_none(env_file):
    env_file.write_text("PORT=\nNGROK_DOMAIN\n")
    assert load_config({"BOT_TOKEN": TOKEN, "ADMIN_IDS": " "}, env_file) == Config(bot_token=TOKEN)


def test_token_from_a_file(env_file, tmp_path):
    (tmp_path / "token").write_text(f"  {TOKEN}\n")
    config = load_config({"BOT_TOKEN_FILE": str(tmp_path / "token")}, env_file)
    assert config.bot_token.get_secret_value() == TOKEN


def test_one_source_of_the_token_only():
    assert "both" in problems({"BOT_TOKEN": TOKEN, "BOT_TOKEN_FILE": "token"})


def test_missing_token_file(tmp_path):
    message = problems({"BOT_TOKEN_FILE": str(tmp_path / "token")})
    assert "BOT_TOKEN_FILE" in message and str(tmp_path / "token") in message


def test_unreadable_env_file(env_file):
    env_file.write_bytes(b"BOT_TOKEN=\xff\xfe\n")
    assert str(env_file) in problems({}, env_file)


@pytest.mark.parametrize("token", ["hello", "123:has space", "abc:def", f"{TOKEN}!"])
def test_malformed_token_is_refused_unseen(token):
    message = problems({"BOT_TOKEN": token})
    assert message.startswith("BOT_TOKEN") and "@BotFather" in message and token not in message


@pytest.mark.parametrize("name", ["ADMIN_IDS", "PORT", "WEBHOOK_SECRET", "API_URL", "MODE"])
def test_secret_in_the_wrong_line_is_not_shown(name):
    assert "a_token_of_nobody" not in problems({"BOT_TOKEN": TOKEN, name: f"http://x/{TOKEN} "})


def test_password_in_an_url_is_not_shown():
    assert "pass" not in problems({"BOT_TOKEN": TOKEN, "API_URL": "https://me:pass@x.org"}).replace(
        "password", ""
    )


def test_secrets_are_not_in_the_repr():
    config = Config(bot_token=TOKEN, webhook_secret="hidden-secret")
    shown = f"{config!r} {config} {config.bot_token}"
    assert TOKEN not in shown and "hidden-secret" not in shown
    assert config.secrets == (TOKEN, "hidden-secret")


def test_wrong_secret_is_not_in_the_traceback():
    environ = {"BOT_TOKEN": TOKEN, "WEBHOOK_SECRET": "not " + "valid"}
    with pytest.raises(ConfigError) as caught:
        load_config(environ, Path("/nonexistent/.env"))
    shown = "".join(traceback.format_exception(caught.type, caught.value, caught.tb))
    assert "WEBHOOK_SECRET" in shown and "not valid" not in shown


def test_config_made_by_hand_does_not_read_the_environment(monkeypatch):
    monkeypatch.setenv("PORT", "8001")
    assert Config(bot_token=TOKEN).port == 8080


def test_blank_variable_hides_the_value_of_the_file(env_file, tmp_path):
    env_file.write_text("PORT=8001\nBOT_TOKEN_FILE=/nonexistent/token\n")
    config = load_config({"BOT_TOKEN": TOKEN, "PORT": " ", "BOT_TOKEN_FILE": ""}, env_file)
    assert config == Config(bot_token=TOKEN)


def test_dollar_sign_in_the_file_is_a_dollar_sign(env_file):
    env_file.write_text(f"BOT_TOKEN={TOKEN}\nSTATE_DIR=${{HOME}}/state\n")
    assert load_config({}, env_file).state_dir == Path("${HOME}/state")


def test_painting_options_are_made_of_the_settings():
    config = Config(bot_token=TOKEN, size=256, steps=9, backend="onnxrt")
    assert config.stylize_options == StylizeOptions(fine=256, steps=9, backend="onnxrt")
    assert config.translate_options == TranslateOptions(backend="onnxrt")


@pytest.mark.parametrize(
    ("given", "gibibytes", "file_fine"),
    [
        ({}, 4, 768),
        ({}, 8, 4096),
        ({"SIZE": "640"}, 8, 640),
        ({"FILE_SIZE": "2000"}, 4, 2000),
        ({"SIZE": "1024", "FILE_SIZE": "512"}, 8, 1024),
    ],
)
def test_files_are_painted_at_their_own_size_where_memory_allows(
    given, gibibytes, file_fine, monkeypatch
):
    monkeypatch.setattr("bot.config.usable_memory", lambda: gibibytes << 30)
    config = load_config({"BOT_TOKEN": TOKEN, **given}, Path("/nonexistent/.env"))
    assert config.file_fine == file_fine


@pytest.mark.parametrize(("gibibytes", "fine"), [(4, 768), (8, 1280)])
def test_the_size_of_the_strokes_follows_the_memory(monkeypatch, gibibytes, fine):
    monkeypatch.setattr("bot.config.usable_memory", lambda: gibibytes << 30)
    assert Config(bot_token=TOKEN).stylize_options.fine == fine
    assert Config(bot_token=TOKEN, size=1000).stylize_options.fine == 1000


def test_motifs_are_not_painted_larger_than_strokes():
    options = Config(bot_token=TOKEN, size=100).stylize_options
    assert (options.size, options.fine) == (100, 100)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("localhost", "http://localhost:80"),
        ("::1", "http://[::1]:80"),
    ],
)
def test_local_url_has_brackets_around_an_ipv6_address(host, url):
    assert Config(bot_token=TOKEN, host=host, port=80).local_url == url


def test_example_describes_every_variable_and_its_default():
    text = EXAMPLE.read_text(encoding="utf-8")
    described = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", text, re.MULTILINE))
    expected = {"BOT_TOKEN": "", "BOT_TOKEN_FILE": ""}
    for name, field in Config.model_fields.items():
        has_default = not field.is_required() and field.default not in (None, ())
        expected[name.upper()] = str(field.default) if has_default else ""
    assert described == expected


def test_example_with_a_token_is_a_valid_file(env_file):
    text = EXAMPLE.read_text(encoding="utf-8")
    env_file.write_text(re.sub(r"^#([A-Z_]+=)", r"\1", text, flags=re.MULTILINE))
    assert load_config({"BOT_TOKEN": TOKEN}, env_file) == Config(bot_token=TOKEN)
