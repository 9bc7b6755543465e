"""The metrics of the bot for Prometheus; `Metrics.render` makes the page /metrics."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

#: The content type of the page that `Metrics.render` makes.
CONTENT_TYPE = CONTENT_TYPE_LATEST

#: In seconds: a generator on a desktop GPU takes less than one, a deep painting on a CPU minutes.
_JOB_SECONDS = (0.5, 1, 2, 5, 10, 20, 40, 80, 160, 320, 640)


class Metrics:
    """The metrics of one bot, in a registry of its own.

    updates: by transport and outcome (`new`, `seen`, `failed`).
    jobs: finished jobs by outcome.
    queue_length: waiting jobs.
    job_seconds: the duration of a painting, by kind of job.
    api_calls: by method of the Bot API and outcome (`ok`, or the class of the error).
    flood_waits: how often Telegram asked to wait; flood_wait_seconds: for how long in total.
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
        self.jobs = Counter("jetbrush_jobs", "Finished jobs.", ["outcome"], registry=registry)
        self.queue_length = Gauge("jetbrush_queue_length", "Waiting jobs.", registry=registry)
        self.job_seconds = Histogram(
            "jetbrush_job_seconds",
            "Duration of paintings in seconds.",
            ["kind"],
            buckets=_JOB_SECONDS,
            registry=registry,
        )
        self.api_calls = Counter(
            "jetbrush_api_calls",
            "Calls to the Bot API.",
            ["method", "outcome"],
            registry=registry,
        )
        self.flood_waits = Counter(
            "jetbrush_flood_waits", "How often Telegram asked to wait.", registry=registry
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
        """All metrics as text of the type `CONTENT_TYPE`."""
        return generate_latest(self._registry)
