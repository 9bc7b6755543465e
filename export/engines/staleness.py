"""The records of plans, and whether an existing plan is the one that would be built now."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from export.engines.job import FLOAT32, REVISION, Job
from runtime.files import atomic_write
from runtime.spec.engines import EngineHost, EngineRecord


def why_invalid(job: Job, host: EngineHost) -> str:
    """Why the plan of `job` must be built on `host`; empty if it is valid.

    Any workspace is accepted, and float32 where the FP16 plan failed its test: both are results of
    a build, and another build would have the same results.
    """
    if not job.plan.exists():
        return "not built yet"
    try:
        record = EngineRecord.from_json(job.sidecar.read_text())
    except FileNotFoundError:
        return f"no {job.sidecar.name} beside it"
    except ValueError as error:
        return str(error)
    if record.precision not in (job.precision, FLOAT32):
        return f"built as {record.precision}, now {job.precision}"
    if record.onnx_sha256 != job.onnx_sha256:
        return "the ONNX file has changed"
    differences = record.host.differences(host)
    if differences:
        return "; ".join(differences)
    built = job.at(precision=record.precision, workspace_mib=record.workspace_mib)
    if record.key != built.key(record.host):
        return "built by another version of the builder"
    return _why_damaged(job, record)


def record_of(job: Job, host: EngineHost, plan: bytes, seconds: float) -> EngineRecord:
    """The record of a plan just built, for its sidecar."""
    return EngineRecord(
        key=job.key(host),
        onnx_sha256=job.onnx_sha256,
        host=host,
        precision=job.precision,
        workspace_mib=job.workspace_mib,
        revision=REVISION,
        plan_bytes=len(plan),
        plan_sha256=hashlib.sha256(plan).hexdigest(),
        seconds=round(seconds, 1),
    )


def correct_seconds(job: Job, seconds: float) -> None:
    """Replace the seconds in a sidecar: a step cannot know for how long it was paused."""
    record = EngineRecord.from_json(job.sidecar.read_text())
    with atomic_write(job.sidecar) as file:
        file.write(replace(record, seconds=round(seconds, 1)).to_json().encode())


def _why_damaged(job: Job, record: EngineRecord) -> str:
    size = job.plan.stat().st_size
    if size != record.plan_bytes:
        return f"{size} bytes, expected {record.plan_bytes}: cut off"
    if hashlib.sha256(job.plan.read_bytes()).hexdigest() != record.plan_sha256:
        return "damaged"
    return ""
