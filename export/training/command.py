"""`python -m export train-vgg19`: fine-tunes VGG-19 on the pictures of a folder of classes."""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import sys
from pathlib import Path
from typing import Any, Dict, Optional, Sequence

from export.errors import DatasetError, TrainingFailed
from export.sources.vgg import Convolution
from export.sources.vgg_finetuned import FINE_TUNED, write_finetuned
from export.sources.vgg_slice import WEIGHTS
from export.training.data import Collection, class_folder, scan, split
from export.training.display import Display
from export.training.download import download
from export.training.loop import Place, Training
from export.training.network import STARTS, best_start, build, kept_convolutions, load_start
from export.training.options import TrainOptions, add_options, options_of
from export.training.report import CONFUSION, CURVES, REPORT, compose, left_out, told, write_report
from export.training.state import FILE

#: Where data and runs are kept; not under version control.
TRAINING = Path(__file__).resolve().parent.parent.parent / "state" / "training"


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `train-vgg19`."""
    parser = subparsers.add_parser(
        "train-vgg19",
        help="fine-tune VGG-19 on Caltech-101, or on pictures of your own",
        description="Fine-tunes VGG-19 and keeps conv1_1 to conv3_1 as the weights "
        f"{FINE_TUNED}. Stopped, by Ctrl-C or a power cut, it goes on from its checkpoint when "
        "the same command is given again.",
    )
    add = parser.add_argument
    add("--data", type=Path, metavar="DIR", help="a folder with a folder of pictures a class")
    add("--run", type=Path, default=TRAINING / FINE_TUNED, metavar="DIR", dest="folder",
        help="where checkpoint, logs and report go (default: %(default)s)")  # fmt: skip
    add("--start", choices=STARTS, help="weights to start from (default: the first installed)")
    add("--weights", type=Path, default=WEIGHTS, metavar="DIR",
        help="the weights folder (default: %(default)s)")  # fmt: skip
    add("--restart", action="store_true", help="begin anew, the checkpoint is deleted")
    add("--device", help="such as cuda or cpu (default: CUDA where there is a GPU)")
    add(
        "--workers", type=int, default=2, help="processes that read pictures (default: %(default)s)"
    )
    add("--checkpoint-minutes", type=float, default=Place.checkpoint_s / 60, metavar="N",
        help="between checkpoints, besides one an epoch (default: %(default)g)")  # fmt: skip
    add_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train as the command line says, install the weights, and print the report."""
    options = options_of(args)
    _check_torch()
    collection = _scanned(_data(args.data))
    learn, validate = split(collection, options.validation, options.seed)
    start = args.start or best_start(args.weights)
    given = load_start(start, options.last_layer, args.weights)
    place = _place(args)
    if args.restart and (place.folder / FILE).exists():
        (place.folder / FILE).unlink()
    network, pretrained = _network(options, len(collection.classes), given, place)
    identity = {
        **options.identity(),
        "pictures": collection.sha256,
        "start": f"{start} {_sum(given)}",
    }
    print(
        f"{len(collection.classes)} classes, {len(learn)} pictures to learn from and "
        f"{len(validate)} to validate with, on {place.device}; start: {start}, "
        f"{len(pretrained)} layers of it."
    )
    training = Training(
        options, network, pretrained, collection.folder, learn, validate, place, identity
    )
    if training.resume():
        print(f"Going on from {place.folder / FILE}, after {training.epochs_done} epochs.")
    with Display(options, place.folder) as display:
        best, history = training.run(display.epoch, display.pictures)
    report = compose(
        options,
        collection,
        start=start,
        learnt=len(learn),
        validated=len(validate),
        best=best,
        history=history,
        versions=_versions(),
    )
    write_report(place.folder, report, best, history, collection.classes)
    path = write_finetuned(args.weights, kept_convolutions(best.tensors), report)
    print(told(report))
    print(f"{CURVES}, {CONFUSION} and {REPORT} are in {place.folder}; the weights are {path}.")
    print(f"Paint with them: make onnx VGG_WEIGHTS={FINE_TUNED}")
    return 0


def _check_torch() -> None:
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise TrainingFailed(
            f"torch is not installed here ({error}), and training needs it. `make train-vgg19` "
            "installs it."
        ) from error


def _data(given: Optional[Path]) -> Path:
    """The folder of the classes; fetched, unless one was given, if it is not there."""
    if given is not None:
        return class_folder(given)
    try:
        return class_folder(TRAINING / "data")
    except DatasetError:
        print("Fetching Caltech-101 ...", flush=True)
        download(TRAINING / "data")
    return class_folder(TRAINING / "data")


def _scanned(folder: Path) -> Collection:
    from tqdm import tqdm

    with tqdm(desc=f"reading {folder}", unit="picture", dynamic_ncols=True, disable=None) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        collection = scan(folder, show)
    for line in left_out(collection):
        print(line, file=sys.stderr)
    return collection


def _place(args: argparse.Namespace) -> Place:
    import torch

    device = args.device or ("cuda" if torch.cuda.is_available() else "cpu")
    if device.startswith("cuda"):
        if not torch.cuda.is_available():
            raise TrainingFailed(f"--device is {device}, but torch finds no CUDA GPU here.")
        # cuBLAS gives the same sums twice only with this, which it reads when it is first used.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.backends.cudnn.benchmark = False
    return Place(args.folder, device, args.workers, args.checkpoint_minutes * 60)


def _network(
    options: TrainOptions, classes: int, given: Sequence[Convolution], place: Place
) -> Any:
    """Built on the processor from the seed: the same on every device."""
    import torch

    torch.manual_seed(options.seed)
    return build(options, classes, given)


def _sum(convolutions: Sequence[Convolution]) -> str:
    """A short sum of the weights that it starts from."""
    digest = hashlib.sha256()
    for conv in convolutions:
        digest.update(conv.weight.tobytes() + conv.bias.tobytes())
    return digest.hexdigest()[:16]


def _versions() -> Dict[str, str]:
    import torch

    return {"python": platform.python_version(), "torch": str(torch.__version__)}
