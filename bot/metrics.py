"""The metrics of the bot for Prometheus; `Metrics.render` makes the page /metrics."""

from __future__ import annotations

import time
from typing import Dict, Optional

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
    fleet: of each painter, where there are several.
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

        self.fleet = FleetMetrics(registry)

    def render(self) -> bytes:
        """All metrics as text of the type `CONTENT_TYPE`."""
        return generate_latest(self._registry)


class FleetMetrics:
    """The metrics of the painters of a fleet, each by the painter's name."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ["painter"]
        self._backends: Dict[str, str] = {}
        self._jobs = Counter(
            "jetbrush_painter_jobs",
            "Attempts by painter and outcome (painted, failed).",
            [*labels, "outcome"],
            registry=registry,
        )
        self._seconds = Counter(
            "jetbrush_painter_seconds",
            "Seconds that finished paintings took, transfer included.",
            labels,
            registry=registry,
        )
        self._heard = Gauge(
            "jetbrush_painter_last_heard_timestamp_seconds",
            "When the painter last gave a sign of life, in seconds since 1970.",
            labels,
            registry=registry,
        )
        self._temperature = Gauge(
            "jetbrush_painter_temperature_celsius",
            "The highest temperature that the painter's machine measures.",
            labels,
            registry=registry,
        )
        self._backend = Gauge(
            "jetbrush_painter_backend",
            "1 for what the painter's graphs run on.",
            [*labels, "backend"],
            registry=registry,
        )
        self._busy = Gauge(
            "jetbrush_painter_busy", "1 while the painter has a job.", labels, registry=registry
        )

    def heard(
        self, painter: str, *, busy: bool, backend: Optional[str], temperature: Optional[float]
    ) -> None:
        """Note a sign of life of a painter and what it says."""
        self._heard.labels(painter).set(time.time())
        self._busy.labels(painter).set(busy)
        if temperature is not None:
            self._temperature.labels(painter).set(temperature)
        before = self._backends.pop(painter, None)
        if before not in (None, backend):
            self._backend.remove(painter, before)
        if backend is not None:
            self._backends[painter] = backend
            self._backend.labels(painter, backend).set(1)

    def painted(self, painter: str, seconds: float) -> None:
        """Count a painting that took so many seconds."""
        self._jobs.labels(painter, "painted").inc()
        self._seconds.labels(painter).inc(seconds)

    def failed(self, painter: str) -> None:
        """Count an attempt that failed or got lost."""
        self._jobs.labels(painter, "failed").inc()
