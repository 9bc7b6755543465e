"""Who may import what, read off the syntax trees: late imports count too."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.any_python

ROOT = Path(__file__).resolve().parent.parent
OURS = ("export", "runtime", "bot", "styles")
MODULES = [path for package in OURS for path in sorted((ROOT / package).rglob("*.py"))]
TEST_MODULES = sorted((ROOT / "tests").rglob("*.py"))

#: No folder holds more modules than can be taken in at a glance.
MOST_MODULES = 16

#: What each folder may import of its own package: itself, and what comes before it here. Modules
#: on the same level are listed together.
LAYERS = {
    "bot": (
        (
            "bot.errors",
            "bot.outcomes",
            "bot.stored_options",
            "bot.log",
            "bot.config_types",
            "bot.setting_names",
            "bot.config",
            "bot.metrics",
            "bot.systemd",
            "bot.status_words",
            "bot.background",
            "bot.backoff",
            "bot.process_privacy",
            "bot.threads",
        ),
        ("bot.sandbox",),
        ("bot.storage",),
        ("bot.painting",),
        ("bot.telegram",),
        ("bot.jobs",),
        ("bot.chat",),
        ("bot.handlers",),
        ("bot.service",),
        ("bot.tools", "bot.upgrade"),
        ("bot.__main__",),
    ),
    "export": (
        ("export.errors",),
        ("export.sources",),
        ("export.graphs",),
        ("export.engines", "export.training"),
        ("export.__main__",),
    ),
    "runtime": (
        ("runtime.errors", "runtime.exit_codes", "runtime.files", "runtime.systemd"),
        ("runtime.spec",),
        ("runtime.imaging", "runtime.catalog"),
        ("runtime.progress",),
        ("runtime.backends",),
        ("runtime.options",),
        ("runtime.machine",),
        ("runtime.faces", "runtime.lbfgs"),
        ("runtime.gatys",),
        ("runtime.style_transfer", "runtime.translation", "runtime.sketching"),
        ("runtime.sheets", "runtime.video"),
        ("runtime.cli",),
        ("runtime.__main__",),
    ),
    "styles": (("styles",),),
}
#: What may import all of its package: the package itself, which names what is public.
FACADES = ("runtime",)

#: What a package may import of the others. `export` runs the backends only to verify engines.
NEIGHBOURS = {
    "runtime": (),
    "export": (
        "runtime.spec",
        "runtime.errors",
        "runtime.exit_codes",
        "runtime.files",
        "runtime.systemd",
        "runtime.imaging",
        "runtime.backends",
        "runtime.machine.nvidia",
        "runtime.machine.power",
        "runtime.machine.resources",
    ),
    "bot": ("runtime",),
    "styles": ("runtime",),
}
#: What the comparison of weights and the command line of `export` may use besides.
EXCEPTIONS = {
    "export.training.compare": ("runtime",),
}

#: Each vendor's library, and the modules that may import it.
VENDORS = {
    "openvino": ("runtime/backends/ov",),
    "onnxruntime": ("runtime/backends/onnxrt.py", "export/"),
    "torch": ("runtime/backends/pyt.py", "export/training/"),
    "torchvision": ("export/training/",),
    "matplotlib": ("export/training/",),
    "tensorrt": ("runtime/backends/trt", "export/engines/"),
    "av": ("runtime/video/",),
    "pycuda": ("runtime/backends/trt_device.py",),
    "cuda": ("runtime/backends/trt_device.py",),
    "nats": ("bot/painting/fleet/",),
    "aiogram": (
        "bot/telegram/",
        "bot/jobs/",
        "bot/chat/",
        "bot/handlers/",
        "bot/service/",
        "bot/storage/fsm.py",
    ),
}


def name_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


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
            # `from package import module` names the module in its second half.
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                if (ROOT / full.replace(".", "/")).with_suffix(".py").exists():
                    yield full, id(node) in top


def within(name, packages):
    return any(name == each or name.startswith(each + ".") for each in packages)


def layer_of(name):
    """The number of the layer that holds `name`, None for a package itself."""
    for number, level in enumerate(LAYERS[name.split(".")[0]]):
        if within(name, level):
            return number
    return None


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_imports_only_what_lies_below_it(path):
    here = name_of(path)
    package = here.split(".")[0]
    if here in FACADES:
        return
    layer = layer_of(here)
    assert layer is not None or here == package, f"{here} has no place in LAYERS"
    for name, _ in imports(path):
        if name == package or not within(name, (package,)):
            continue
        target = layer_of(name)
        assert target is not None, f"{here} imports {name}, which has no place in LAYERS"
        same = LAYERS[package][target]
        siblings = target == layer and any(within(here, (e,)) and within(name, (e,)) for e in same)
        assert target < layer or siblings or (len(same) > 1 and target == layer), (
            f"{here} imports {name}, which lies above it"
        )


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_uses_other_packages_by_the_rules(path):
    here = name_of(path)
    package = here.split(".")[0]
    allowed = NEIGHBOURS[package] + EXCEPTIONS.get(here, ())
    for name, _ in imports(path):
        other = name.split(".")[0]
        if other in OURS and other != package:
            assert within(name, allowed), f"{here} imports {name}"
        if within(here, ("bot.sandbox",)):
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


@pytest.mark.parametrize("path", TEST_MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_tests_share_only_what_lies_in_support(path):
    for name, _ in imports(path):
        shared = within(name, ("tests.support", "tests.bench"))
        assert shared or name.split(".")[0] != "tests", f"{path} imports {name}"
        last = name.rsplit(".", 1)[-1]
        ours = name.split(".")[0] in (*OURS, "tests")
        assert not (ours and (last.startswith("test_") or last == "conftest")), f"{path}: {name}"


def test_no_folder_holds_too_many_modules():
    count = {}
    for path in (*MODULES, *TEST_MODULES):
        count[path.parent] = count.get(path.parent, 0) + 1
    crowded = {str(folder.relative_to(ROOT)): n for folder, n in count.items() if n > MOST_MODULES}
    assert not crowded


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
