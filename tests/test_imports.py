"""Who may import what, read off the syntax trees: late imports count too."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = ("export", "runtime", "bot", "styles")
MODULES = [path for package in OURS for path in sorted((ROOT / package).rglob("*.py"))]

#: What export may use of runtime; its verifying step may run the backends besides.
EXPORT_USES = ("runtime.spec", "runtime.errors", "runtime.picture", "runtime.backends")
#: Each vendor's library, and the modules that may import it.
VENDORS = {
    "openvino": ("runtime/backends/ov",),
    "onnxruntime": ("runtime/backends/onnxrt.py", "export/"),
    "torch": ("runtime/backends/pyt.py", "export/train"),
    "tensorrt": ("runtime/backends/trt", "export/engine"),
    "pycuda": ("runtime/backends/trt", "export/engine"),
    "aiogram": ("bot/",),
}


def imports(path):
    """Every module that `path` imports anywhere, and whether it does so at its top level."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = set(map(id, tree.body))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, id(node) in top
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports here are absolute"
            yield node.module, id(node) in top


def within(name, packages):
    return any(name == each or name.startswith(each + ".") for each in packages)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_keeps_to_its_side(path):
    package = path.relative_to(ROOT).parts[0]
    for name, _ in imports(path):
        if package == "runtime":
            assert not within(name, ("export", "bot", "styles")), name
        if package == "export":
            assert not within(name, ("bot", "styles")), name
            if within(name, ("runtime",)):
                assert within(name, EXPORT_USES), name
        if package == "bot":
            assert not within(name, ("export",)), name
        if path.relative_to(ROOT).parts[:2] == ("bot", "sandbox"):
            independent = within(name, ("bot.sandbox",)) or not within(name, (*OURS, "aiogram"))
            assert independent, f"{path} judges the bot and imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_vendors_stay_in_their_modules_and_come_late(path):
    here = path.relative_to(ROOT).as_posix()
    for name, at_top in imports(path):
        vendor = name.split(".")[0]
        if vendor in VENDORS:
            assert here.startswith(VENDORS[vendor]), f"{here} imports {name}"
            # The bot is built on aiogram: without it there is nothing to import.
            late = not at_top or vendor == "aiogram"
            assert late, f"{here} imports {name} when it is imported itself"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_annotations_are_never_evaluated(path):
    source = path.read_text(encoding="utf-8")
    assert "from __future__ import annotations" in source or not ast.parse(source).body[1:]


def test_no_module_is_named_like_a_library():
    libraries = {"torch", "onnx", "openvino", "onnxruntime", "tensorrt", "aiogram", "numpy", "PIL"}
    assert not libraries & {path.stem for path in MODULES}


def test_importing_runtime_loads_nothing_heavy():
    program = "import sys, runtime; print(' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=str(ROOT), check=True, stdout=subprocess.PIPE
    )
    loaded = set(done.stdout.decode().split())
    assert not loaded & {"numpy", "scipy", "PIL", "onnx", "onnxruntime", "openvino", "torch"}
