"""scripts/install and scripts/uninstall, staged under a folder or as a dry run."""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SETTINGS = {
    "BOT_TOKEN": "42:abc_DEF-ghi",
    "NGROK_AUTHTOKEN": "2xyz",
    "NGROK_DOMAIN": "owl.ngrok.app",
}
#: A Python that passes for a newer one: the installer takes 3.8 on a Jetson only.
NEWER = """#!/bin/sh
case "$*" in *version_info*) exit 0 ;; esac
exec {python} "$@"
"""


def tool(folder, name, text):
    """A program of that name, which a PATH that begins with `folder` finds first."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


@pytest.fixture(scope="module", autouse=True)
def python(tmp_path_factory):
    """What the installer takes for Python, unless a test says otherwise."""
    newer = tmp_path_factory.mktemp("python") / "python3"
    tool(newer.parent, newer.name, NEWER.format(python=sys.executable))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHON", sys.executable if sys.version_info >= (3, 9) else str(newer))
        yield


def as_lines(settings):
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def run(script, *options, settings=None, **environment):
    """A script's exit code and all that it says; `settings` go to its standard input."""
    if settings is not None:
        options = (*options, "--settings", "-")
    clean = {name: value for name, value in os.environ.items() if name not in (*SETTINGS, "MODE")}
    done = subprocess.run(
        [str(ROOT / "scripts" / script), *options],
        env={**clean, **environment},
        input=as_lines(settings or {}).encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout.decode()


def stage(folder, **settings):
    code, said = run("install", DESTDIR=str(folder), settings=settings)
    assert code == 0, said
    return said


@pytest.fixture()
def elsewhere(tmp_path):
    """A checkout that installs into folders of `tmp_path`, without DESTDIR."""
    checkout = tmp_path / "checkout"
    shutil.copytree(str(ROOT / "scripts"), str(checkout / "scripts"))
    for name in (".env.example", "bot", "runtime", "systemd"):
        (checkout / name).symlink_to(ROOT / name)
    common = checkout / "scripts" / "common.sh"
    root = tmp_path / "root"
    common.write_text(
        re.sub(r"^([A-Z_]+)=/", rf"\1={root}/", common.read_text(), flags=re.MULTILINE)
    )
    return checkout


def test_staged_files_lie_where_the_units_look_for_them(tmp_path):
    stage(tmp_path, **SETTINGS)
    app = tmp_path / "opt/jetbrush"
    for name in (
        "bot/__main__.py",
        "runtime/style_transfer.py",
        "styles/index.json",
        "requirements.txt",
    ):
        assert (app / name).is_file()
    assert not list(app.rglob("__pycache__")) and not (app / "tests").exists()
    units = tmp_path / "etc/systemd/system"
    assert (units / "jetbrush.service").read_bytes() == (
        ROOT / "systemd/jetbrush.service"
    ).read_bytes()
    assert (units / "jetbrush.service.d/jetbrush-239.conf").exists()


def test_installed_pages_and_units_link_to_installed_files(tmp_path):
    stage(tmp_path, **SETTINGS)
    app = tmp_path / "opt" / "jetbrush"
    for page in app.rglob("*.md"):
        for link in re.findall(r"\]\(([^)#:]+)[)#]", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page}: {link}"
    for unit in (tmp_path / "etc" / "systemd" / "system").glob("jetbrush*.*"):
        if unit.is_file():
            (page,) = re.findall(r"file:/(\S+)", unit.read_text(encoding="utf-8"))
            assert (tmp_path / page).exists(), unit


def test_environment_file_is_made_of_the_variables_and_closed_to_others(tmp_path):
    stage(tmp_path, **SETTINGS)
    file = tmp_path / "etc/jetbrush/jetbrush.env"
    lines = file.read_text().splitlines()
    assert {f"{name}={value}" for name, value in SETTINGS.items()} <= set(lines)
    assert {"MODE=webhook", "WEBHOOK_URL_FILE=/run/jetbrush-ngrok/url"} <= set(lines)
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_strict_umask_closes_nothing_to_the_bot(tmp_path):
    before = os.umask(0o077)
    try:
        stage(tmp_path, **SETTINGS)
    finally:
        os.umask(before)
    staged = list(tmp_path.rglob("*"))
    closed = [path.name for path in staged if not path.stat().st_mode & stat.S_IROTH]
    assert closed == ["jetbrush.env"]
    assert all(path.stat().st_mode & stat.S_IXOTH for path in staged if path.is_dir())
    assert os.access(str(tmp_path / "opt/jetbrush/scripts/ngrok-bootstrap"), os.X_OK)


def test_without_ngrok_the_bot_polls(tmp_path):
    stage(tmp_path, BOT_TOKEN="42:abc")
    assert "MODE=polling" in (tmp_path / "etc/jetbrush/jetbrush.env").read_text()


def test_second_run_upgrades_and_keeps_what_is_the_owner_s(tmp_path):
    stage(tmp_path, **SETTINGS)
    app, settings = tmp_path / "opt/jetbrush", tmp_path / "etc/jetbrush/jetbrush.env"
    settings.write_text("BOT_TOKEN=43:mine\n")
    drop_ins = tmp_path / "etc/systemd/system/jetbrush.service.d"
    for name in ("own.conf", "jetbrush-999.conf"):
        (drop_ins / name).write_text("[Service]\n")
    for name in ("bot/left_over.py", "styles/owl.jpg", "engines/x.plan", "export/weights/x.npz"):
        (app / name).write_text("mine")
    said = stage(tmp_path, **SETTINGS)
    assert "stays as it is" in said
    assert settings.read_text() == "BOT_TOKEN=43:mine\n"
    assert not (app / "bot/left_over.py").exists()
    assert (drop_ins / "own.conf").exists() and not (drop_ins / "jetbrush-999.conf").exists()
    for name in ("styles/owl.jpg", "engines/x.plan", "export/weights/x.npz"):
        assert (app / name).read_text() == "mine"


def test_dry_run_shows_every_step_and_does_none(tmp_path):
    code, said = run("install", "--dry-run", DESTDIR=str(tmp_path / "root"), settings=SETTINGS)
    assert code == 0, said
    assert not list(tmp_path.iterdir())
    for step in ("== The machine", "== Plan", "== Files", "== Settings", "== Units"):
        assert step in said
    assert "+ cp -R" in said and SETTINGS["BOT_TOKEN"] not in said


def steps(said):
    """The commands of a dry run."""
    return [line[5:] for line in said.splitlines() if line.startswith("   + ")]


def test_dry_run_of_the_real_thing_shows_users_packages_and_services(elsewhere, tmp_path):
    path = tool(tmp_path / "bin", "id", "#!/bin/sh\nexit 1\n")
    code, said = run(elsewhere / "scripts/install", "--dry-run", settings=SETTINGS, **path)
    assert code == 0, said
    shown = "\n".join(steps(said))
    for user in ("jetbrush", "jetbrush-ngrok"):
        assert re.search(rf"^useradd --system .* {user}$", shown, re.MULTILINE)
    assert re.search(r"^env PATH=/usr/local/cuda/bin:.* make .* setup$", shown, re.MULTILINE)
    # The settings that it would write count as written.
    assert "systemctl enable jetbrush-ngrok.service" in steps(said)
    shown = steps(said)
    (restart,) = (place for place, each in enumerate(shown) if " restart " in each)
    for first in ("setup", "bot.upgrade.self_test", "bot.upgrade.trial use"):
        assert any(first in each for each in shown[:restart]), first
    assert any("bot.upgrade.health" in each for each in shown[restart:])
    # The running bot is not stopped for it.
    assert not any("systemctl stop" in each for each in shown)
    assert not any(words in said for words in ("disable", "not set", "The bot runs"))
    assert not any(value in said for value in SETTINGS.values())
    assert not (tmp_path / "root").exists()


def test_a_bot_whose_machine_does_not_paint_gets_no_networks(elsewhere, tmp_path):
    settings = tmp_path / "root/etc/jetbrush/jetbrush.env"
    settings.parent.mkdir(parents=True)
    for value, networks in (("yes", True), ("no", False)):
        settings.write_text(f"{as_lines(SETTINGS)}LOCAL_PAINTER={value}\n")
        code, said = run(elsewhere / "scripts/install", "--dry-run", "--yes")
        assert code == 0 and ("== Weights and networks" in said) == networks, said


def test_a_pc_with_nvidia_s_driver_gets_tensorrt_and_engines(elsewhere, tmp_path):
    code, said = run(
        elsewhere / "scripts/install", "--dry-run", NVIDIA_DRIVER=str(tmp_path / "none")
    )
    assert code == 0 and "setup-gpu" not in said and " engines" not in said
    driver = tmp_path / "version"
    driver.touch()
    code, said = run(elsewhere / "scripts/install", "--dry-run", NVIDIA_DRIVER=str(driver))
    assert code == 0
    order = [
        said.index(each) for each in (" setup\n", " setup-gpu\n", " engines ENGINES_ARGS=--first\n")
    ]
    assert order == sorted(order)


def test_dry_run_shows_every_question_and_what_a_yes_leads_to(elsewhere):
    code, said = run(elsewhere / "scripts/install", "--dry-run")
    assert code == 0, said
    questions = [line[5:] for line in said.splitlines() if line.startswith("   ? ")]
    assert questions[0] == "Continue? [y/N]"
    for words in ("bot's token", "authtoken", "ngrok domain", "user numbers"):
        assert any(words in each for each in questions), words
    assert "systemctl restart jetbrush.target" in steps(said)
    code, said = run(elsewhere / "scripts/install", "--dry-run", "--yes")
    assert code == 0 and "   ? " not in said


def test_what_is_missing_stops_the_installation_with_the_cure(elsewhere, tmp_path):
    lacking = f"""#!/bin/sh
case "$*" in
    *preflight*) echo "missing card -> sudo growpart"; exit 1 ;;
    *version_info*) exit 0 ;;
esac
exec {sys.executable} "$@"
"""
    tool(tmp_path / "bin", "python3", lacking)
    tool(tmp_path / "bin", "systemctl", "#!/bin/sh\n")
    path = tool(tmp_path / "bin", "id", "#!/bin/sh\necho 0\n")
    python = {"PYTHON": str(tmp_path / "bin" / "python3"), **path}
    code, said = run(elsewhere / "scripts/install", "--yes", **python)
    assert code == 1 and said.rstrip().endswith("sudo growpart")
    assert not (tmp_path / "root").exists() and not steps(said)
    # A dry run shows the rest.
    code, said = run(elsewhere / "scripts/install", "--dry-run", **python)
    assert code == 0 and "would stop here" in said
    assert "systemctl restart jetbrush.target" in steps(said)


@pytest.mark.parametrize(
    ("version", "known"),
    [("237", []), ("245", [239, 242, 243, 245]), ("252", [239, 242, 243, 245, 247])],
)
def test_old_systemd_gets_the_drop_ins_that_it_knows(elsewhere, tmp_path, version, known):
    says = f'#!/bin/sh\n[ "$1" = --version ] && echo "systemd {version} ({version}.4-4ubuntu3)"\n'
    path = tool(tmp_path / "bin", "systemctl", says)
    code, said = run(elsewhere / "scripts/install", "--dry-run", **path)
    assert code == 0, said
    copied = re.findall(r"/jetbrush\.service\.d/jetbrush-(\d+)\.conf$", said, re.MULTILINE)
    assert [int(each) for each in copied] == known


def test_installed_copy_does_not_install_itself(elsewhere, tmp_path):
    common = elsewhere / "scripts" / "common.sh"
    common.write_text(
        re.sub(r"^APP=.*$", f"APP={elsewhere}", common.read_text(), flags=re.MULTILINE)
    )
    code, said = run(elsewhere / "scripts/install", DESTDIR=str(tmp_path / "root"))
    assert code == 1
    assert "this is the installed copy" in said and "checkout it came from" in said
    assert not (tmp_path / "root").exists()


@pytest.mark.parametrize("value", ["4 2", "a;b", "$(id)", "x'y", "é", "1\nEVIL=1"])
@pytest.mark.parametrize("name", ["BOT_TOKEN", "WEBHOOK_URL", "MODE"])
def test_strange_values_are_refused_before_anything_is_done(tmp_path, name, value):
    given = {"settings": {name: value}} if name == "BOT_TOKEN" else {name: value}
    code, said = run("install", DESTDIR=str(tmp_path), **given)
    assert code == 1
    if "EVIL" in value and "settings" in given:
        assert "line 2 of standard input is wrong" in said
    else:
        assert f"{name} contains characters that its value cannot have" in said
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["BOT_TOKEN", "NGROK_AUTHTOKEN"])
def test_secrets_on_the_command_line_are_refused_with_the_cure(tmp_path, name):
    """sudo logs its command line, and the variables of one for make are the recipe's too."""
    code, said = run("install", "--yes", DESTDIR=str(tmp_path), **{name: "42:abc-secret"})
    assert code == 1
    assert f"{name} is a secret" in said and "sudo make install INSTALL_ARGS=" in said
    assert "--settings settings.txt" in said and "abc-secret" not in said
    made = subprocess.run(
        ["make", "--no-print-directory", "install", f"{name}=42:abc-secret"],
        cwd=str(ROOT),
        env={**os.environ, "DESTDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert made.returncode and f"{name} is a secret" in made.stdout.decode()
    assert not list(tmp_path.iterdir())


@pytest.fixture()
def settings_file(tmp_path):
    file = tmp_path / "settings.txt"
    file.write_text("# for the Nano\n\n" + as_lines({**SETTINGS, "ADMIN_IDS": "12,34"}).rstrip())
    file.chmod(0o600)
    return file


def test_settings_come_from_a_file_that_only_the_owner_can_read(tmp_path, settings_file):
    root = tmp_path / "root"
    code, said = run("install", "--yes", "--settings", str(settings_file), DESTDIR=str(root))
    assert code == 0, said
    lines = (root / "etc/jetbrush/jetbrush.env").read_text().splitlines()
    assert {f"{name}={value}" for name, value in SETTINGS.items()} <= set(lines)
    assert {"MODE=webhook", "ADMIN_IDS=12,34"} <= set(lines)
    assert not any(value in said for value in SETTINGS.values())


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o666])
@pytest.mark.parametrize("redirected", [False, True])
def test_a_settings_file_that_others_may_read_is_refused(tmp_path, settings_file, mode, redirected):
    settings_file.chmod(mode)
    with settings_file.open() as file:
        done = subprocess.run(
            [str(ROOT / "scripts" / "install"), "--settings"]
            + (["-"] if redirected else [str(settings_file)]),
            env={**os.environ, "DESTDIR": str(tmp_path / "root")},
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
    said = done.stdout.decode()
    assert done.returncode == 1
    assert f"is open to other users (mode {mode:o})" in said and "chmod 600" in said
    assert not (tmp_path / "root").exists()


def test_a_settings_file_of_another_user_is_refused(tmp_path, settings_file):
    says = '#!/bin/sh\ncase "$*" in *%u*) echo 4711 ;; *) echo 600 ;; esac\n'
    path = tool(tmp_path / "bin", "stat", says)
    command = ("install", "--settings", str(settings_file))
    code, said = run(*command, DESTDIR=str(tmp_path / "root"), **path)
    assert code == 1 and "belongs to the user number 4711" in said
    code, said = run(*command, "--dry-run", DESTDIR=str(tmp_path), SUDO_UID="4711", **path)
    assert code == 0, said


def test_a_wrong_line_of_the_settings_is_named_without_its_text(tmp_path, settings_file):
    for line in ("42:abc-secret", "TOKEN=42:abc-secret", "BOT_TOKEN ADMIN_IDS=42:abc-secret", "=x"):
        settings_file.write_text(f"MODE=polling\n{line}\n")
        code, said = run("install", "--settings", str(settings_file), DESTDIR=str(tmp_path / "r"))
        assert code == 1 and "abc-secret" not in said
        assert f"line 2 of {settings_file} is wrong: expected BOT_TOKEN" in said
    for missing in (str(tmp_path / "none"), str(tmp_path)):
        code, said = run("install", "--settings", missing, DESTDIR=str(tmp_path / "r"))
        assert code == 1 and f"the settings file {missing} does not exist" in said
    code, said = run("install", "--settings", DESTDIR=str(tmp_path / "r"))
    assert code == 1 and "--settings needs a file" in said


@pytest.mark.parametrize(
    ("line", "near"), [("TOKEN=42:abc-secret", "BOT_TOKEN"), ("ADMIN_ID=42", "ADMIN_IDS")]
)
def test_a_name_that_is_no_setting_is_refused_with_the_nearest_one(tmp_path, line, near):
    settings = dict([line.split("=")])
    code, said = run("install", DESTDIR=str(tmp_path / "r"), settings=settings)
    assert code == 1 and f"The nearest setting is {near}." in said
    assert "abc-secret" not in said and not list(tmp_path.iterdir())


def test_an_upgrade_refuses_a_misspelt_setting_and_keeps_other_variables(tmp_path):
    stage(tmp_path, **SETTINGS)
    file = tmp_path / "etc/jetbrush/jetbrush.env"
    file.write_text(file.read_text() + "TZ=Asia/Tokyo\nOMP_NUM_THREADS=2\nMODES=polling\n")
    code, said = run("install", DESTDIR=str(tmp_path))
    assert code == 1 and f"MODES in {file} is no setting. The nearest setting is MODE." in said
    file.write_text(file.read_text().replace("MODES", "HOST"))
    stage(tmp_path)


def test_the_pages_show_no_secret_on_a_command_line():
    for page in ("README.md", "README.ru.md", "docs/jetson.md", "docs/ru/jetson.md", "docs/bot.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        assert not re.search(r"sudo[^`\n]*(TOKEN|AUTHTOKEN)=|make[^`\n]*TOKEN=", text), page
    for page in ("docs/jetson.md", "docs/ru/jetson.md"):
        assert "--settings" in (ROOT / page).read_text(encoding="utf-8")


def test_unknown_mode_is_refused(tmp_path):
    code, said = run("install", DESTDIR=str(tmp_path), MODE="webhok")
    assert code == 1
    assert "MODE is webhok; it can be webhook or polling" in said


def test_unknown_option_is_refused_with_the_usage(tmp_path):
    for script in ("install", "uninstall"):
        code, said = run(script, "--fast", DESTDIR=str(tmp_path))
        assert code == 1
        assert "Usage: sudo scripts/" in said and "unknown option --fast" in said


def test_too_old_python_is_refused(tmp_path):
    says = '#!/bin/sh\n[ "$1" != --version ] || echo Python 3.6.9\n[ "$1" = --version ]\n'
    tool(tmp_path, "python3", says)
    old = str(tmp_path / "python3")
    code, said = run("install", DESTDIR=str(tmp_path / "root"), PYTHON=old)
    assert code == 1
    assert "Python 3.6.9 is too old" in said and "choose another with PYTHON=" in said


def test_only_root_may_install(tmp_path):
    # Unless root looks for itself: then `id` says that it is somebody else.
    code, said = run("install", **tool(tmp_path, "id", "#!/bin/sh\necho 1000\n"))
    assert code == 1
    assert "this needs root: run it with sudo" in said and "--dry-run" in said


#: Waits until its terminal is gone, and then does what the installer does: say, run, start children.
LOSES_ITS_TERMINAL = """
set -eu
. "$SCRIPTS/common.sh"
LOG=$FOLDER/log
prepare_shell
keep_output
say begun
read -r line || true
"$PYTHON" -c "print('from a child', flush=True)"
run touch "$FOLDER/done"
"""


def test_a_lost_connection_ends_nothing(tmp_path):
    terminal, end = os.openpty()
    process = subprocess.Popen(
        ["sh", "-c", LOSES_ITS_TERMINAL],
        env={**os.environ, "SCRIPTS": str(ROOT / "scripts"), "FOLDER": str(tmp_path)},
        stdin=end,
        stdout=end,
        stderr=end,
        start_new_session=True,
    )
    os.close(end)
    assert b"begun" in os.read(terminal, 1000)
    os.killpg(process.pid, signal.SIGHUP)
    os.close(terminal)
    assert process.wait(timeout=60) == 0
    assert (tmp_path / "done").exists()
    said = (tmp_path / "log").read_text()
    assert "begun" in said and "from a child" in said and "+ touch" in said


def test_uninstall_removes_the_files_and_keeps_settings_unless_purged(tmp_path):
    stage(tmp_path, **SETTINGS)
    own = tmp_path / "etc/systemd/system/jetbrush.service.d/own.conf"
    own.write_text("[Service]\n")
    code, said = run("uninstall", DESTDIR=str(tmp_path))
    assert code == 0, said
    assert not (tmp_path / "opt/jetbrush").exists()
    assert [each for each in tmp_path.rglob("*jetbrush*") if each.is_file()] == [
        tmp_path / "etc/jetbrush/jetbrush.env"
    ]
    assert own.exists()
    # The fleet's server keeps pictures of users.
    for state in ("jetbrush", "jetbrush-clocks", "jetbrush-nats"):
        (tmp_path / "var/lib" / state).mkdir(parents=True, exist_ok=True)
    code, said = run("uninstall", "--purge", DESTDIR=str(tmp_path))
    assert code == 0, said
    assert not (tmp_path / "etc/jetbrush").exists()
    assert not list((tmp_path / "var/lib").iterdir())


def test_ngrok_bootstrap_says_what_is_missing(tmp_path):
    script = tmp_path / "scripts" / "ngrok-bootstrap"
    script.parent.mkdir()
    shutil.copy(str(ROOT / "scripts" / "ngrok-bootstrap"), str(script))
    done = subprocess.run([str(script)], stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert "run `make setup` or `sudo make install`" in done.stderr.decode()


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_shellcheck_finds_nothing():
    scripts = sorted(str(path) for path in (ROOT / "scripts").iterdir() if path.is_file())
    done = subprocess.run(
        [
            "shellcheck",
            "--external-sources",
            *scripts,
            ".ci/run",
            "tests/support/tensorrt/with_real_modules",
        ],
        cwd=str(ROOT),
        stdout=subprocess.PIPE,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode()
