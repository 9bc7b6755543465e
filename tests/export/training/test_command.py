"""Fine-tuning from the command line: it learns, resumes after kill -9, and explains errors."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from export.__main__ import main
from export.graphs import command as onnx_files
from export.sources.catalogue import WEIGHTS
from export.sources.vgg_finetuned import FINE_TUNED, finetuned_path, read_finetuned
from export.sources.vgg_slice import slice_path
from export.training import command as train_command
from runtime import StylizeOptions, stylize
from runtime.spec.vgg import CLASSIC
from tests.support.export.drawn_classes import CLASSES, draw_classes
from tests.support.pictures import photo

torch = pytest.importorskip("torch")

#: The narrow network of the tests.
NARROW = ("--side", "32", "--last-layer", "conv4_1", "--width", "0.25", "--workers", "0")
#: A training of seconds, on a few pictures of three classes.
SHORT = (*NARROW, "--batch", "4", "--accumulate", "2", "--head-epochs", "1", "--epochs", "2")
ONE_EPOCH = (*SHORT, "--head-epochs", "0", "--epochs", "1")

DEADLINE_S = 240


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A weights folder with the shipped slice."""
    folder = tmp_path_factory.mktemp("weights")
    shutil.copy(str(slice_path(WEIGHTS, CLASSIC)), str(folder))
    return folder


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Fifteen pictures to train with, three to validate with."""
    return draw_classes(tmp_path_factory.mktemp("few"), 6, names=("disc", "grid", "star"))


def arguments(data, run, weights, *options):
    folders = ["--data", str(data), "--run", str(run), "--weights", str(weights)]
    return ["train-vgg19", *folders, "--device", "cpu", *options]


@pytest.fixture(scope="module")
def trained(tmp_path_factory, weights):
    """A run with the dozen classes: its folder, its processor time, and the weights' folder."""
    data = draw_classes(tmp_path_factory.mktemp("dozen") / "101_ObjectCategories", 24).parent
    run = tmp_path_factory.mktemp("run")
    options = (*NARROW, "--batch", "8", "--accumulate", "1", "--rate", "2e-3")
    options += ("--lower-rate", "1e-4", "--head-epochs", "2", "--epochs", "9")
    begin = time.process_time()
    assert main(arguments(data, run, weights, *options)) == 0
    return run, time.process_time() - begin, weights


@pytest.mark.any_python
def test_learns_a_dozen_classes_in_two_minutes(trained):
    run, seconds, weights = trained
    report = json.loads((run / "report.json").read_text(encoding="utf-8"))
    assert report["accuracy"] >= 0.9
    # Processor time, which other work on the machine does not change.
    assert seconds < 120
    assert report["data"]["classes"] == len(CLASSES)
    assert report["split"]["learnt from"] + report["split"]["validated with"] == 24 * 12
    assert report["settings"]["seed"] == 0 and report["start"] == "vgg19"
    assert read_finetuned(weights).report == report
    for name in ("curves.png", "confusion.png"):
        with Image.open(run / name) as picture:
            assert min(picture.size) > 300


@pytest.mark.any_python
def test_its_weights_paint(trained, tmp_path, monkeypatch):
    weights = trained[2]
    changed = read_finetuned(weights).convolutions
    monkeypatch.setattr(onnx_files, "WEIGHTS", weights)
    assert main(["onnx", "--vgg", FINE_TUNED, "-o", str(tmp_path)]) == 0
    assert [each.name for each in changed] == list(CLASSIC.layers)
    losses = []
    content, style = photo(96, 64), photo(80, 80, "cat.jpg")
    options = StylizeOptions(size=96, fine=96, steps=30, objective="classic", backend="onnxrt")
    painted = stylize(
        content,
        style,
        options,
        engines=tmp_path,
        on_progress=lambda progress: losses.append(progress.loss),
    )
    assert np.isfinite(losses).all() and losses[-1] < 0.5 * losses[0]
    before, after = (np.asarray(each, np.float64) for each in (content, painted))
    assert after.std() > 10 and np.abs(before - after).mean() > 5
    # It still shows the photo.
    gray = [each.mean(axis=2).ravel() for each in (before, after)]
    assert np.corrcoef(*gray)[0, 1] > 0.5


@pytest.fixture(scope="module")
def one_epoch(tmp_path_factory, few, weights):
    """The folder of a run of one epoch that ended; not to be changed."""
    folder = tmp_path_factory.mktemp("one_epoch")
    assert main(arguments(few, folder, weights, *ONE_EPOCH)) == 0
    return folder


class Run:
    """`python -m export train-vgg19` in a separate process, with one thread as in this one."""

    def __init__(self, *command):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "export", *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            universal_newlines=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
        )

    def finish(self):
        output = self.process.communicate(timeout=DEADLINE_S)[0]
        assert self.process.returncode == 0, output
        return output


def wait_for_midst_of_epoch(run, checkpoint):
    """Wait for a checkpoint in the midst of an epoch of the second phase."""
    deadline, seen = time.monotonic() + DEADLINE_S, None
    while time.monotonic() < deadline:
        assert run.process.poll() is None, "it ended before it could be killed"
        # Each checkpoint is a new file: this one reads none twice.
        if checkpoint.exists() and checkpoint.stat().st_ino != seen:
            seen = checkpoint.stat().st_ino
            state = torch.load(str(checkpoint), weights_only=True)
            if state["epoch"] >= 1 and state["drawn"]:
                return
        time.sleep(0.01)
    raise AssertionError("there was no checkpoint")


def test_killed_and_resumed_it_ends_with_the_very_same_weights(few, weights, tmp_path):
    through, killed = tmp_path / "through", tmp_path / "killed"
    commands = {}
    for folder in (through, killed):
        shutil.copytree(str(weights), str(folder), ignore=shutil.ignore_patterns(f"{FINE_TUNED}*"))
        commands[folder] = arguments(few, folder / "run", folder, *SHORT)
    run = Run(*commands[killed], "--checkpoint-minutes", "0")
    wait_for_midst_of_epoch(run, killed / "run" / "checkpoint.pt")
    run.process.send_signal(signal.SIGKILL)
    run.process.communicate()
    assert not finetuned_path(killed).exists()
    # Now other processes load the pictures: that must not matter either.
    assert "Resuming from" in Run(*commands[killed], "--workers", "2").finish()
    assert main(commands[through]) == 0
    expected, found = read_finetuned(through), read_finetuned(killed)
    assert expected.report["history"] == found.report["history"]
    for one, other in zip(expected.convolutions, found.convolutions):
        assert one.weight.tobytes() == other.weight.tobytes(), one.name
        assert one.bias.tobytes() == other.bias.tobytes(), one.name


def test_a_full_memory_suggests_a_batch_that_then_resumes(
    few, weights, tmp_path, monkeypatch, capsys
):
    command = arguments(few, tmp_path, weights, *SHORT)
    loss, calls = torch.nn.functional.cross_entropy, []

    def full(*args, **options):
        calls.append(args)
        if len(calls) > 6:  # in the second epoch: the first has four batches and one to validate
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return loss(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(torch.nn.functional, "cross_entropy", full)
        assert main(command) == 1
    error = capsys.readouterr().err
    assert "a batch of 4 does not fit" in error
    assert "Try --batch 2 --accumulate 4" in error
    assert main([*command, "--batch", "2", "--accumulate", "4"]) == 0
    assert "after 1 epochs" in capsys.readouterr().out


@pytest.mark.any_python
def test_it_stops_when_the_accuracy_no_longer_improves(few, weights, tmp_path, capsys):
    # At such low rates the first epoch stays the best.
    still = ("--rate", "1e-8", "--lower-rate", "1e-8", "--epochs", "50", "--patience", "2")
    assert main(arguments(few, tmp_path, weights, *SHORT, *still)) == 0
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert (report["best epoch"], report["epochs"]) == (2, 4)
    # The same command trains no further.
    assert main(arguments(few, tmp_path, weights, *SHORT, *still)) == 0
    assert "after 4 epochs" in capsys.readouterr().out


def test_other_options_do_not_resume_from_the_checkpoint(one_epoch, few, weights, tmp_path, capsys):
    run = tmp_path / "run"
    shutil.copytree(str(one_epoch), str(run))
    command = arguments(few, run, weights, *ONE_EPOCH, "--seed", "5")
    assert main(command) == 1
    assert "seed 0, now 5" in capsys.readouterr().err
    assert main([*command, "--restart"]) == 0
    assert "Resuming" not in capsys.readouterr().out


@pytest.mark.any_python
def test_without_tensorboard_it_says_so_and_trains(few, weights, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    assert main(arguments(few, tmp_path, weights, *ONE_EPOCH)) == 0
    assert "TensorBoard's log is not written" in capsys.readouterr().out


def test_tensorboard_gets_the_metrics(one_epoch):
    pytest.importorskip("torch.utils.tensorboard")
    events = b"".join(path.read_bytes() for path in (one_epoch / "tensorboard").iterdir())
    assert b"train_accuracy" in events


@pytest.mark.parametrize("library", ["torch", "matplotlib"])
def test_a_missing_library_is_named_before_it_trains(
    few, weights, tmp_path, monkeypatch, capsys, library
):
    monkeypatch.setitem(sys.modules, library, None)
    assert main(arguments(few, tmp_path, weights, *ONE_EPOCH)) == 1
    error = capsys.readouterr().err
    assert f"{library} is not installed" in error and "make train-vgg19" in error
    assert not list(tmp_path.iterdir())


def test_a_loss_that_is_not_finite_suggests_lower_rates(
    few, weights, tmp_path, monkeypatch, capsys
):
    loss = torch.nn.functional.cross_entropy
    monkeypatch.setattr(
        torch.nn.functional, "cross_entropy", lambda *a, **k: loss(*a, **k) * float("nan")
    )
    assert main(arguments(few, tmp_path, weights, *SHORT)) == 1
    error = capsys.readouterr().err
    assert "the loss is nan in epoch 1, after 4 pictures" in error
    assert "--rate 0.00033 --lower-rate 6.7e-06, with --restart" in error


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--side", "7"), "--side is 7; expected 32 to 512"),
        (("--validation", "0"), "--validation is 0.0; expected 0.01 to 0.9"),
        (("--device", "cuda:9"), "torch finds no CUDA GPU here"),
    ],
)
def test_bad_options_are_reported(few, weights, tmp_path, capsys, options, message):
    if options[0] == "--device" and torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    assert main([*arguments(few, tmp_path, weights), *options]) == 1
    assert message in capsys.readouterr().err


def test_without_data_it_downloads_them_or_explains_how(weights, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(train_command, "TRAINING", tmp_path)
    monkeypatch.setitem(sys.modules, "torchvision.datasets", None)
    assert main(["train-vgg19", "--weights", str(weights)]) == 1
    assert "By hand: get it from" in capsys.readouterr().err
