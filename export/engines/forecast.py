"""How long engines will take to build and how much disk they will take, before they are built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Iterator, Mapping, Sequence

from export.engines.job import Job
from export.engines.work import Work
from runtime.spec.engine_progress import in_minutes
from runtime.spec.engine_sizes import DeviceClass

#: An assumption, until an engine has been built here: TensorRT times each of some hundred ways to
#: compute a layer, which takes as long as so many runs of the graph.
BUILD_RUNS = 700


@dataclass(frozen=True)
class Pace:
    """An assumption about a device: its GFLOP/s in FP16, and the seconds of a build beside TensorRT."""

    gflops: float
    seconds: float


#: On the Nano, 77 % of its peak of 472 GFLOP/s, which torch2trt's VGG-16 reaches.
PACES: Mapping[DeviceClass, Pace] = {
    DeviceClass.NANO: Pace(363, 60),
    DeviceClass.ORIN: Pace(3000, 20),
    DeviceClass.DESKTOP: Pace(20000, 10),
}

#: A plan holds the weights in FP16, and some MB for its kernels.
_WEIGHTS_SHARE, _KERNELS_BYTES = 1.1, 4_000_000


@dataclass(frozen=True)
class Estimate:
    """The seconds and the bytes of some engines."""

    seconds: float
    plan_bytes: float


class Forecast:
    """An estimate from the graphs' arithmetic, corrected by every engine that was built here."""

    def __init__(self, work: Mapping[str, Work], kind: DeviceClass) -> None:
        self._work = work
        self._pace = PACES[kind]
        self._assumed = self._measured = Estimate(0, 0)
        #: How many engines corrected it.
        self.learned = 0

    def learn(self, job: Job, seconds: float) -> None:
        """Correct the estimate by an engine that was built in `seconds` and is in its folder."""
        assumed = self._assume(job)
        bytes_there = job.plan.stat().st_size
        self._assumed = _sum((self._assumed, assumed))
        self._measured = _sum((self._measured, Estimate(seconds, bytes_there)))
        self.learned += 1

    @property
    def grounds(self) -> str:
        """What the estimate rests on, in words."""
        if self.learned:
            return f"by what the {self.learned} built here took"
        return (
            f"assuming that each takes as long as {BUILD_RUNS} runs of its graph at "
            f"{self._pace.gflops:.0f} GFLOP/s"
        )

    def of(self, jobs: Iterable[Job]) -> Estimate:
        """The estimate for engines that are not built yet."""
        assumed = _sum(self._assume(each) for each in jobs)
        if not self.learned:
            return assumed
        known, measured = self._assumed, self._measured
        return Estimate(
            assumed.seconds * measured.seconds / known.seconds,
            assumed.plan_bytes * measured.plan_bytes / known.plan_bytes,
        )

    def _assume(self, job: Job) -> Estimate:
        # A graph that could not be counted: its build will give the reason.
        work = self._work.get(job.graph.name, Work(0.0, 0))
        run = work.gflop_per_pixel * job.size[0] * job.size[1] / self._pace.gflops
        return Estimate(
            self._pace.seconds + BUILD_RUNS * run,
            work.weights * _WEIGHTS_SHARE + _KERNELS_BYTES,
        )


def announcement(todo: Sequence[Job], forecast: Forecast, free: int) -> Iterator[str]:
    """What the owner should know before `todo` is built; `free` are the free bytes of the disk."""
    whole = forecast.of(todo)
    yield (
        f"They need about {_size(whole.plan_bytes)} of the disk, which has {_size(free)} free, and "
        f"about {in_minutes(whole.seconds)}, {forecast.grounds}."
    )
    if whole.plan_bytes > free:
        yield "warning: the disk is too small for all of them."


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def _sum(estimates: Iterable[Estimate]) -> Estimate:
    found = tuple(estimates)
    return Estimate(sum(each.seconds for each in found), sum(each.plan_bytes for each in found))
