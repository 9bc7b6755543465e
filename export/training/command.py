"""`python -m export train-vgg19`: fine-tunes VGG-19 on a folder of pictures per class."""

from __future__ import annotations

import argparse
import hashlib
import importlib
import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Dict, Optional, Sequence, Tuple

from export.errors import DatasetError, TrainingFailed
from export.sources.catalogue import WEIGHTS
from export.sources.vgg import Convolution
from export.sources.vgg_finetuned import FINE_TUNED, write_finetuned
from export.training.checkpoint import FILE
from export.training.dataset import Dataset, download, find_class_folders, scan, split
from export.training.network import (
    STARTS,
    build_network,
    default_start,
    kept_convolutions,
    load_start,
)
from export.training.options import TrainOptions, add_options, parse_options
from export.training.progress import ProgressDisplay
from export.training.report import (
    CONFUSION,
    CURVES,
    REPORT,
    build_report,
    describe_skipped,
    summary,
    write_report,
)
from export.training.trainer import RunSettings, Trainer

if TYPE_CHECKING:
    import torch

#: The folder of the data and the runs; not under version control.
TRAINING = Path(__file__).resolve().parent.parent.parent / "state" / "training"


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `train-vgg19`."""
    parser = subparsers.add_parser(
        "train-vgg19",
        help="fine-tune VGG-19 on Caltech-101, or on pictures of your own",
        description="Fine-tunes VGG-19 and stores conv1_1 to conv3_1 as the weight set "
        f"{FINE_TUNED}. After Ctrl-C or a power cut, the same command resumes from the "
        "checkpoint.",
    )
    add = parser.add_argument
    add("--data", type=Path, metavar="DIR",
        help="folder with one folder of pictures per class (default: Caltech-101, downloaded)")  # fmt: skip
    add("--run", type=Path, default=TRAINING / FINE_TUNED, metavar="DIR", dest="folder",
        help="folder of the checkpoint, log and report (default: %(default)s)")  # fmt: skip
    add("--start", choices=STARTS, help="weight set to start from (default: the first installed)")
    add("--weights", type=Path, default=WEIGHTS, metavar="DIR",
        help="folder of the weight sets (default: %(default)s)")  # fmt: skip
    add("--restart", action="store_true", help="delete the checkpoint and start again")
    add("--device", help="cuda, cpu, ... (default: cuda if there is a GPU)")
    add(
        "--workers", type=int, default=2, help="processes that load pictures (default: %(default)s)"
    )
    add("--checkpoint-minutes", type=float, default=RunSettings.checkpoint_s / 60, metavar="N",
        help="minutes between checkpoints, besides one per epoch (default: %(default)g)")  # fmt: skip
    add_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train, install the weights, write the report and print its summary."""
    options = parse_options(args)
    _check_libraries()
    dataset = _scan(_find_data(args.data))
    training, validation = split(dataset, options.validation, options.seed)
    start = args.start or default_start(args.weights)
    start_weights = load_start(start, options.last_layer, args.weights)
    settings = _run_settings(args)
    if args.restart and (settings.folder / FILE).exists():
        (settings.folder / FILE).unlink()
    network, pretrained = _seeded_network(options, len(dataset.classes), start_weights)
    identity = {
        **options.identity(),
        "pictures": dataset.sha256,
        "start": f"{start} {_digest(start_weights)}",
    }
    print(
        f"{len(dataset.classes)} classes, {len(training)} pictures to train with and "
        f"{len(validation)} to validate with, on {settings.device}; {len(pretrained)} layers start "
        f"with the weights {start}."
    )
    trainer = Trainer(
        options, network, pretrained, dataset.folder, training, validation, settings, identity
    )
    if trainer.resume():
        print(f"Resuming from {settings.folder / FILE}, after {trainer.epochs_done} epochs.")
    with ProgressDisplay(options, settings.folder) as display:
        best, history = trainer.run(display.on_epoch, display.on_batch)
    report = build_report(
        options,
        dataset,
        start=start,
        training=len(training),
        validation=len(validation),
        best=best,
        history=history,
        versions=_versions(),
    )
    write_report(settings.folder, report, best, history, dataset.classes)
    path = write_finetuned(args.weights, kept_convolutions(best.tensors), report)
    print(summary(report))
    print(f"{CURVES}, {CONFUSION} and {REPORT} are in {settings.folder}; the weights are {path}.")
    print(f"To paint with them: make onnx VGG_WEIGHTS={FINE_TUNED}")
    return 0


def _check_libraries() -> None:
    """Fail now, not when the training is complete and its plots are drawn."""
    for name in ("torch", "matplotlib"):
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise TrainingFailed(
                f"{name} is not installed ({error}), but the training needs it. Run `make "
                "train-vgg19`, which installs it, or `pip install -r requirements-train.txt`."
            ) from error


def _find_data(given: Optional[Path]) -> Path:
    """The folder of the class folders; without `given`, Caltech-101, downloaded if missing."""
    if given is not None:
        return find_class_folders(given)
    try:
        return find_class_folders(TRAINING / "data")
    except DatasetError:
        print("Downloading Caltech-101 ...", flush=True)
        download(TRAINING / "data")
    return find_class_folders(TRAINING / "data")


def _scan(folder: Path) -> Dataset:
    from tqdm import tqdm

    with tqdm(desc=f"reading {folder}", unit="picture", dynamic_ncols=True, disable=None) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        dataset = scan(folder, show)
    for line in describe_skipped(dataset):
        print(line, file=sys.stderr)
    return dataset


def _run_settings(args: argparse.Namespace) -> RunSettings:
    import torch

    device = args.device or ("cuda" if torch.cuda.is_available() else "cpu")
    if device.startswith("cuda"):
        if not torch.cuda.is_available():
            raise TrainingFailed(f"--device is {device}, but torch finds no CUDA GPU here.")
        # cuBLAS computes reproducibly only with this variable, which it reads at its first use.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.backends.cudnn.benchmark = False
    return RunSettings(args.folder, device, args.workers, args.checkpoint_minutes * 60)


def _seeded_network(
    options: TrainOptions, classes: int, start: Sequence[Convolution]
) -> Tuple[torch.nn.Module, Tuple[str, ...]]:
    """`build_network` on the processor, from the seed: the same weights for every device."""
    import torch

    torch.manual_seed(options.seed)
    return build_network(options, classes, start)


def _digest(convolutions: Sequence[Convolution]) -> str:
    """A short digest of the weights."""
    digest = hashlib.sha256()
    for conv in convolutions:
        digest.update(conv.weight.tobytes() + conv.bias.tobytes())
    return digest.hexdigest()[:16]


def _versions() -> Dict[str, str]:
    import torch

    return {"python": platform.python_version(), "torch": str(torch.__version__)}
