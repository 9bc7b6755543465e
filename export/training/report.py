"""The report of a training run: its data, its settings and its accuracy."""

from __future__ import annotations

import datetime
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence

import numpy as np

from export.errors import TrainingFailed
from export.training.checkpoint import Best, Epoch
from export.training.dataset import Dataset
from export.training.options import KEPT_LAYERS, TrainOptions
from export.training.plots import draw_confusion, draw_curves

#: The files in the run's folder.
REPORT, CURVES, CONFUSION = "report.json", "curves.png", "confusion.png"

#: The largest numbers of confusions in the report, and of skipped files that are printed.
_MAX_CONFUSIONS, _MAX_SKIPPED = 10, 20


def build_report(
    options: TrainOptions,
    dataset: Dataset,
    *,
    start: str,
    training: int,
    validation: int,
    best: Best,
    history: Sequence[Epoch],
    versions: Mapping[str, str],
) -> Dict[str, Any]:
    """The report as plain values, for JSON.

    `start` describes the start weights; `training` and `validation` are numbers of pictures.
    """
    counts = np.asarray(best.confusion, np.float64)
    per_class = np.diag(counts) / counts.sum(axis=1)
    return {
        "date": datetime.date.today().isoformat(),
        "kept": list(KEPT_LAYERS),
        "start": start,
        "data": {
            "folder": str(dataset.folder),
            "sha256": dataset.sha256,
            "classes": len(dataset.classes),
            "pictures": len(dataset.pictures),
            "unreadable": dict(dataset.unreadable),
            "empty": list(dataset.empty),
        },
        "split": {
            "learnt from": training,
            "validated with": validation,
            "by": "class",
            "seed": options.seed,
        },
        "settings": asdict(options),
        "versions": dict(versions),
        "accuracy": best.accuracy,
        "mean accuracy of the classes": float(per_class.mean()),
        "best epoch": best.epoch,
        "epochs": len(history),
        "accuracies": dict(zip(dataset.classes, per_class.round(4).tolist())),
        "confusions": _confusions(counts, dataset.classes),
        "history": [asdict(each) for each in history],
    }


def write_report(
    folder: Path,
    report: Mapping[str, Any],
    best: Best,
    history: Sequence[Epoch],
    classes: Sequence[str],
) -> None:
    """Write the report and both plots into `folder`; raises `TrainingFailed` if that fails."""
    try:
        text = json.dumps(report, indent=1, ensure_ascii=False)
        (folder / REPORT).write_text(text + "\n", encoding="utf-8")
        draw_curves(history, best.epoch).savefig(folder / CURVES)
        confusion = draw_confusion(best.confusion, classes)
        confusion.savefig(folder / CONFUSION, bbox_inches="tight")
    except OSError as error:
        raise TrainingFailed(
            f"the report cannot be written to {folder}: {error.strerror or error}. The training is "
            "complete; solve that and run the same command again."
        ) from error


def summary(report: Mapping[str, Any]) -> str:
    """The most important values of the report, in a few lines."""
    data, parts = report["data"], report["split"]
    lines = [
        (
            f"Data: {data['pictures']} pictures in {data['classes']} classes; "
            f"{parts['learnt from']} to train with, {parts['validated with']} to validate with "
            f"(split by class, seed {parts['seed']})."
        ),
        (
            f"Start weights: {report['start']}. Epochs: {report['epochs']}, of which number "
            f"{report['best epoch']} is the best."
        ),
        (
            f"Validation accuracy: {report['accuracy']:.1%}; mean of the classes: "
            f"{report['mean accuracy of the classes']:.1%}. It selected the best epoch, so expect "
            "slightly less on new pictures."
        ),
    ]
    if report["confusions"]:
        lines.append("Most frequent confusions: " + "; ".join(report["confusions"][:3]) + ".")
    return "\n".join(lines)


def describe_skipped(dataset: Dataset) -> List[str]:
    """Lines that list the empty class folders and the unreadable files of `dataset`."""
    lines = []
    if dataset.empty:
        names = ", ".join(dataset.empty)
        lines.append(f"{len(dataset.empty)} class folders without pictures: {names}")
    if dataset.unreadable:
        lines.append(f"{len(dataset.unreadable)} files that cannot be read are skipped:")
        files = list(dataset.unreadable.items())
        lines += [f"    {name}: {why}" for name, why in files[:_MAX_SKIPPED]]
        if len(files) > _MAX_SKIPPED:
            lines.append(f"    and {len(files) - _MAX_SKIPPED} more; {REPORT} lists all")
    return lines


def _confusions(counts: np.ndarray, classes: Sequence[str]) -> List[str]:
    """The most frequent confusions, such as "star for disc (2)"."""
    wrong = counts - np.diag(np.diag(counts))
    order = np.argsort(wrong, axis=None, kind="stable")[::-1][:_MAX_CONFUSIONS]
    pairs = [divmod(int(index), len(classes)) for index in order]
    return [
        f"{classes[true]} for {classes[predicted]} ({counts[true, predicted]:.0f})"
        for true, predicted in pairs
        if wrong[true, predicted]
    ]
