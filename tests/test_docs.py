"""The Markdown pages: their links lead somewhere, and they name what there is."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import unicodedata
from pathlib import Path

import pytest

pytestmark = pytest.mark.any_python

ROOT = Path(__file__).resolve().parent.parent


def repository_files():
    """Every file but those in hidden folders, such as the virtual environment, and the bot's state."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name[0] != "." and name != "state"]
        yield from (Path(folder, name) for name in names)


FILES = sorted(repository_files())
PAGES = [path for path in FILES if path.suffix == ".md"]
BOT_PAGES = (ROOT / "docs" / "bot.md", ROOT / "docs" / "ru" / "bot.md")

#: A page that is read in one go.
MOST_LINES = 120

#: Files that are made, fetched or the reader's own, besides all in `engines/`.
MADE = (".jpg", ".png", ".pth", ".npz", ".onnx", ".plan", ".whl", ".sqlite3", ".mo", ".pot")

_FENCE = re.compile(r"^( *)```.*?^\1``` *$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
_CODE = re.compile(r"`([^`]+)`")
_SETTING = re.compile(r"^#?([A-Z][A-Z_]+)=", re.MULTILINE)
_TARGET = re.compile(r"^([a-z][a-z0-9-]*):.*## ", re.MULTILINE)
_MAKE = re.compile(
    r"(?<!install git )\bmake((?: +(?:[A-Z_]+=(?:\"[^\"]*\"|\S+)|-C +\S+|[a-z][a-z0-9-]*))+)"
)
_PATH = re.compile(r"\.?[a-z0-9_]+(?:/[A-Za-z0-9_.-]+)*/?")
_FILE = re.compile(r"[a-z0-9_-]+\.(?:py|md|toml|txt|sql|service)")
_MODULE = re.compile(r"(?:bot|export|runtime|styles|tests)(?:\.\w+)+")
_PYTHON_M = re.compile(r"python3? -m ((?:bot|export|runtime|styles|tests)(?:\.\w+)*)")


def text_of(page):
    return page.read_text(encoding="utf-8")


def prose_of(page):
    """The page without its fenced blocks."""
    return _FENCE.sub("", text_of(page))


def inline_code(page):
    return [" ".join(each.split()) for each in _CODE.findall(prose_of(page))]


def code_of(page):
    """The lines of fenced blocks, without comments, and what stands in backticks."""
    blocks = (each.group(0) for each in _FENCE.finditer(text_of(page)))
    lines = [line.partition(" #")[0] for block in blocks for line in block.splitlines()]
    return [*lines, *inline_code(page)]


def anchor(heading):
    """The anchor that GitHub gives a heading."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    kept = "".join(
        each for each in plain if each in " -_" or unicodedata.category(each)[0] in "LNM"
    )
    return kept.replace(" ", "-")


def anchors_of(page):
    return {anchor(heading) for heading in _HEADING.findall(prose_of(page))}


def in_pages(pages, collect):
    return [pytest.param(page, id=str(page.relative_to(ROOT))) for page in pages if collect(page)]


def targets():
    return set(_TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))


def made_targets(page):
    """Every target that the page lets `make` make."""
    for code in code_of(page):
        for words in _MAKE.findall(code):
            arguments = re.sub(r"[A-Z_]+=(?:\"[^\"]*\"|\S+)|-C +\S+", "", words)
            yield from arguments.split()


def test_anchors_are_made_as_on_github():
    assert anchor("`python -m runtime`") == "python--m-runtime"
    assert anchor("From the SD card to the first photo") == "from-the-sd-card-to-the-first-photo"
    assert anchor("Отключение света, копии") == "отключение-света-копии"
    assert anchor("On a GPU: `make bench-gpu`") == "on-a-gpu-make-bench-gpu"


@pytest.mark.parametrize("page", in_pages(PAGES, prose_of))
def test_relative_links_and_anchors_lead_somewhere(page):
    wrong = []
    for link in _LINK.findall(prose_of(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (fragment and fragment not in anchors_of(target)):
            wrong.append(link)
    assert not wrong


def test_no_page_is_out_of_reach():
    """Each page is linked from another one."""
    linked = {
        (page.parent / link.partition("#")[0]).resolve()
        for page in PAGES
        for link in _LINK.findall(prose_of(page))
        if link.partition("#")[0]
    }
    # GitHub shows the README of a folder beside its files.
    unlinked = [page for page in PAGES if page not in linked and page.name != "README.md"]
    assert not unlinked


@pytest.mark.parametrize("name", ["README.md", "README.ru.md"])
def test_readme_is_short(name):
    assert len(text_of(ROOT / name).splitlines()) < MOST_LINES


@pytest.mark.parametrize("page", BOT_PAGES, ids=lambda page: page.parent.name)
def test_every_setting_is_explained_with_its_default(page):
    settings = set(_SETTING.findall((ROOT / ".env.example").read_text(encoding="utf-8")))
    rows = [line for line in text_of(page).splitlines() if line.startswith("| `")]
    explained = {
        match.group(1) for match in (re.match(r"\| `([A-Z_]+)`", row) for row in rows) if match
    }
    assert explained == settings


@pytest.mark.parametrize("page", BOT_PAGES, ids=lambda page: page.parent.name)
def test_defaults_are_those_of_the_example(page):
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| `([^`]+)` \|", text_of(page), re.MULTILINE))
    for name, default in re.findall(r"^#([A-Z_]+)=(\S+)$", example, re.MULTILINE):
        assert rows[name] == default, name


def test_make_help_lists_every_target_with_a_description():
    done = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=str(ROOT), stdout=subprocess.PIPE, check=True
    )
    assert {line.split()[0] for line in done.stdout.decode().splitlines()} == targets()


def test_every_make_target_is_named_in_a_page():
    named = {target for page in PAGES for target in made_targets(page)}
    assert targets() - {"help"} <= named


@pytest.mark.parametrize("page", in_pages(PAGES, lambda page: "make " in text_of(page)))
def test_pages_name_only_targets_that_there_are(page):
    assert set(made_targets(page)) <= targets()


@pytest.mark.parametrize("page", in_pages(PAGES, inline_code))
def test_files_in_backticks_exist(page):
    folders = {path.name for path in ROOT.iterdir() if path.is_dir()} - {"state"}
    names = {path.name for path in FILES}
    wrong = []
    for code in inline_code(page):
        # Capitals stand for a name that the reader chooses.
        if (
            code.endswith(MADE)
            or code.startswith("engines/")
            or re.search(r"\b(NAME|NNNN|CODE)\b|NNNN_|test_NAME", code)
        ):
            continue
        is_path = _PATH.fullmatch(code) and "/" in code and code.split("/")[0] in folders
        if is_path and not any((base / code).exists() for base in (ROOT, page.parent)):
            wrong.append(code)
        if _FILE.fullmatch(code) and code not in names:
            wrong.append(code)
    assert not wrong


@pytest.mark.parametrize("page", in_pages(PAGES, inline_code))
def test_modules_in_backticks_exist(page):
    named = {code for code in inline_code(page) if _MODULE.fullmatch(code)}
    named |= {name for code in code_of(page) for name in _PYTHON_M.findall(code)}
    assert not [name for name in named if not is_there(name)]


@pytest.mark.parametrize(
    "module", ["runtime.__main__", "export.__main__", "bot.__main__", "styles.__main__"]
)
def test_every_option_of_the_command_line_is_explained(module, capsys):
    page = text_of(ROOT / "docs" / "cli.md")
    main = importlib.import_module(module).main
    commands = re.findall(r"^    ([a-z][a-z0-9-]*)", help_of(main, capsys), re.MULTILINE)
    assert commands
    for command in commands:
        explained = explanation_of(command, page)
        assert explained, command
        options = re.findall(
            r"^  (?:-\w.*, )?(--[a-z-]+)", help_of(main, capsys, command), re.MULTILINE
        )
        for option in set(options) - {"--help"}:
            assert f"`{option}`" in explained, f"{command} {option}"


def explanation_of(command, page):
    """The section whose heading begins with the command, or the rows of a table that do."""
    section = re.search(rf"^### `{command}\b.*?(?=^##|\Z)", page, re.MULTILINE | re.DOTALL)
    rows = re.findall(rf"^\| `{command}[` ].*", page, re.MULTILINE)
    return section[0] if section else "\n".join(rows)


def help_of(main, capsys, *command):
    with pytest.raises(SystemExit):
        main([*command, "--help"])
    return capsys.readouterr().out


def is_there(name):
    """Whether a dotted name is a module, or something in one."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        path = ROOT.joinpath(*parts[:length])
        if path.is_dir() or path.with_suffix(".py").exists():
            rest = parts[length:]
            if not rest:
                return True
            source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
            return re.search(rf"\b{rest[0]}\b", source.read_text(encoding="utf-8")) is not None
    return False
