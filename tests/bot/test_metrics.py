from __future__ import annotations

import re

from bot.metrics import CONTENT_TYPE, Metrics


def test_page_is_prometheus_text():
    metrics = Metrics()
    metrics.updates.labels(transport="webhook", outcome="new").inc()
    metrics.jobs.labels(outcome="answered").inc()
    metrics.job_seconds.labels(kind="stylize").observe(12)
    metrics.flood_wait_seconds.inc(2.5)
    page = metrics.render().decode()
    for line in (
        'jetbrush_updates_total{outcome="new",transport="webhook"} 1.0',
        'jetbrush_jobs_total{outcome="answered"} 1.0',
        'jetbrush_job_seconds_bucket{kind="stylize",le="10.0"} 0.0',
        'jetbrush_job_seconds_bucket{kind="stylize",le="20.0"} 1.0',
        'jetbrush_job_seconds_sum{kind="stylize"} 12.0',
        "jetbrush_flood_wait_seconds_total 2.5",
    ):
        assert line in page.splitlines()
    assert CONTENT_TYPE.startswith("text/plain")


def test_every_family_is_described_and_ours():
    page = Metrics().render().decode()
    described = re.findall(r"^# HELP (\w+) (\S.*)$", page, re.MULTILINE)
    assert len(described) >= 9 and all(name.startswith("jetbrush_") for name, _ in described)


def test_two_bots_in_one_process_count_apart():
    one, other = Metrics(), Metrics()
    one.flood_waits.inc()
    assert "jetbrush_flood_waits_total 0.0" in other.render().decode()
