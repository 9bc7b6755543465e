"""The Grafana dashboard in docs/ asks for metrics that there are."""

from __future__ import annotations

import json
import re
from pathlib import Path

from bot.metrics import Metrics

DASHBOARD = Path(__file__).resolve().parent.parent.parent / "docs" / "grafana-dashboard.json"


def test_every_metric_of_the_dashboard_is_exported():
    metrics = Metrics()
    metrics.fleet.heard("nano", busy=True, backend="trt", temperature=50.0)
    metrics.fleet.painted("nano", 38.0)
    metrics.fleet.failed("nano")
    page = metrics.render().decode()
    exported = set(re.findall(r"^# TYPE (jetbrush_\w+) ", page, re.MULTILINE))
    exported |= {f"{name}_bucket" for name in exported}
    queries = [
        target["expr"]
        for panel in json.loads(DASHBOARD.read_text())["panels"]
        for target in panel["targets"]
    ]
    asked = {name for query in queries for name in re.findall(r"jetbrush_\w+", query)}
    assert asked and asked <= exported
