"""What is counted, in Prometheus' words; `render` is the page at /metrics."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

#: Of the page that `Metrics.render` makes.
CONTENT_TYPE = CONTENT_TYPE_LATEST

#: Seconds: a generator on a desktop GPU takes less than one, a deep painting on a CPU minutes.
_JOB_SECONDS = (0.5, 1, 2, 5, 10, 20, 40, 80, 160, 320, 640)


class Metrics:
    """All that is measured of one bot, in a registry of its own.

    updates: by transport and outcome (`new`, `seen`, `failed`).
    jobs: by outcome, as the job store names it.
    queue_length: jobs waiting.
    job_seconds: from the start of a painting to its end, by kind of job.
    api_calls: by method of the Bot API and outcome (`ok`, or the class of the error).
    flood_waits: times that Telegram asked to wait; flood_wait_seconds: how long in all.
    webhook_pending: updates that wait at Telegram.
    """

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        self.updates = Counter(
            "jetbrush_updates",
            "Updates from Telegram.",
            ["transport", "outcome"],
            registry=registry,
        )
        self.jobs = Counter(
            "jetbrush_jobs", "Jobs that came to an end.", ["outcome"], registry=registry
        )
        self.queue_length = Gauge("jetbrush_queue_length", "Jobs that wait.", registry=registry)
        self.job_seconds = Histogram(
            "jetbrush_job_seconds",
            "Seconds that a painting took.",
            ["kind"],
            buckets=_JOB_SECONDS,
            registry=registry,
        )
        self.api_calls = Counter(
            "jetbrush_api_calls",
            "Calls of the Bot API.",
            ["method", "outcome"],
            registry=registry,
        )
        self.flood_waits = Counter(
            "jetbrush_flood_waits", "Times that Telegram asked to wait.", registry=registry
        )
        self.flood_wait_seconds = Counter(
            "jetbrush_flood_wait_seconds",
            "Seconds that Telegram asked to wait.",
            registry=registry,
        )
        self.webhook_pending = Gauge(
            "jetbrush_webhook_pending", "Updates that wait at Telegram.", registry=registry
        )

    def render(self) -> bytes:
        """Everything as text, of the type `CONTENT_TYPE`."""
        return generate_latest(self._registry)
