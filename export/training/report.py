"""The report of a training: what it learnt from, how, and how well."""

from __future__ import annotations

import datetime
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence

import numpy as np

from export.errors import TrainingFailed
from export.training.data import Collection
from export.training.options import KEPT_LAYERS, TrainOptions
from export.training.plots import draw_confusion, draw_curves
from export.training.state import Best, Epoch

#: What is written into the run's folder.
REPORT, CURVES, CONFUSION = "report.json", "curves.png", "confusion.png"

#: So many of the most frequent confusions, and of the files left out, are told.
_MOST_CONFUSIONS, _MOST_NAMED = 10, 20


def compose(
    options: TrainOptions,
    collection: Collection,
    *,
    start: str,
    learnt: int,
    validated: int,
    best: Best,
    history: Sequence[Epoch],
    versions: Mapping[str, str],
) -> Dict[str, Any]:
    """All that is worth knowing of a training, as plain values."""
    counts = np.asarray(best.confusion, np.float64)
    per_class = np.diag(counts) / counts.sum(axis=1)
    return {
        "date": datetime.date.today().isoformat(),
        "kept": list(KEPT_LAYERS),
        "start": start,
        "data": {
            "folder": str(collection.folder),
            "sha256": collection.sha256,
            "classes": len(collection.classes),
            "pictures": len(collection.pictures),
            "unreadable": dict(collection.unreadable),
            "empty": list(collection.empty),
        },
        "split": {
            "learnt from": learnt,
            "validated with": validated,
            "by": "class",
            "seed": options.seed,
        },
        "settings": asdict(options),
        "versions": dict(versions),
        "accuracy": best.accuracy,
        "mean accuracy of the classes": float(per_class.mean()),
        "best epoch": best.epoch,
        "epochs": len(history),
        "accuracies": dict(zip(collection.classes, per_class.round(4).tolist())),
        "confusions": _confusions(counts, collection.classes),
        "history": [asdict(each) for each in history],
    }


def write_report(
    folder: Path,
    report: Mapping[str, Any],
    best: Best,
    history: Sequence[Epoch],
    classes: Sequence[str],
) -> None:
    """Write report, curves and confusion matrix into `folder`; raises `TrainingFailed` if it can't."""
    try:
        text = json.dumps(report, indent=1, ensure_ascii=False)
        (folder / REPORT).write_text(text + "\n", encoding="utf-8")
        draw_curves(history).save(folder / CURVES)
        draw_confusion(best.confusion, classes).save(folder / CONFUSION)
    except OSError as error:
        raise TrainingFailed(
            f"the report cannot be written into {folder}: {error.strerror or error}. The training "
            "is done; run the same command again once that is mended."
        ) from error


def told(report: Mapping[str, Any]) -> str:
    """The report in a few lines."""
    data, division = report["data"], report["split"]
    lines = [
        (
            f"Data: {data['pictures']} pictures in {data['classes']} classes; learnt from "
            f"{division['learnt from']}, validated with {division['validated with']} "
            f"(by class, seed {division['seed']})."
        ),
        (
            f"Start: {report['start']}. Epochs: {report['epochs']}, the best is "
            f"{report['best epoch']}."
        ),
        (
            f"Validation accuracy: {report['accuracy']:.1%}; mean of the classes: "
            f"{report['mean accuracy of the classes']:.1%}. These pictures chose the epoch: new ones "
            "will do a little worse."
        ),
    ]
    if report["confusions"]:
        lines.append("Most often taken for another: " + "; ".join(report["confusions"][:3]) + ".")
    return "\n".join(lines)


def left_out(collection: Collection) -> List[str]:
    """A line for each kind of what could not be used, and for each file by name."""
    lines = []
    if collection.empty:
        names = ", ".join(collection.empty)
        lines.append(f"class folders without pictures, {len(collection.empty)}: {names}")
    if collection.unreadable:
        lines.append(f"files that cannot be read and are skipped, {len(collection.unreadable)}:")
        named = list(collection.unreadable.items())
        lines += [f"    {name}: {why}" for name, why in named[:_MOST_NAMED]]
        if len(named) > _MOST_NAMED:
            lines.append(f"    and {len(named) - _MOST_NAMED} more, all of them in {REPORT}")
    return lines


def _confusions(counts: np.ndarray, classes: Sequence[str]) -> List[str]:
    wrong = counts - np.diag(np.diag(counts))
    order = np.argsort(wrong, axis=None, kind="stable")[::-1][:_MOST_CONFUSIONS]
    pairs = [divmod(int(place), len(classes)) for place in order]
    return [
        f"{classes[shown]} for {classes[taken]} ({counts[shown, taken]:.0f})"
        for shown, taken in pairs
        if wrong[shown, taken]
    ]
