"""The builder's calls, on stand-ins for TensorRT of every generation."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from export.engines import builder as engine_builder
from export.engines import job as engine_job
from export.engines import prepare as engine_prepare
from export.engines.job import FLOAT32, PINNED, TYPED, Job
from export.engines.reference import complaints
from export.engines.staleness import why_invalid
from export.engines.step import BUILD_FAILED, MEMORY_FULL, TEST_FAILED
from runtime.backends import trt_plan
from runtime.backends.trt_device import open_device
from runtime.files import atomic_write
from runtime.spec.engines import EngineHost, EngineRecord
from runtime.spec.graphs import features_graph, gatys_graph
from runtime.spec.vgg import CLASSIC
from tests.support.tensorrt.builder_double import Plan
from tests.support.tensorrt.cuda_double import make_cuda
from tests.support.tensorrt.tensorrt_double import VERSIONS, make_tensorrt

GATYS = gatys_graph(CLASSIC, "average")
SIZE = (48, 32)


@pytest.fixture
def prepared(vgg_graphs, tmp_path, monkeypatch):
    """Makes a prepared job in a folder of its own."""
    monkeypatch.setattr(trt_plan, "library_version", lambda bindings: "8201")
    for graph in (features_graph(CLASSIC, "average"), GATYS):
        shutil.copy(str(vgg_graphs.path(graph)), str(tmp_path))
    digest = hashlib.sha256((tmp_path / GATYS.onnx_file).read_bytes()).hexdigest()

    def make(precision=PINNED):
        job = Job(GATYS, SIZE, str(tmp_path), digest, precision, 256)
        assert engine_prepare.step(job) == 0
        return job

    return make


def precision_for(trt):
    return PINNED if hasattr(trt.BuilderFlag, "FP16") else TYPED


def built(trt, job, cuda=None):
    return engine_builder.build_and_install(trt, open_device(cuda or make_cuda()), job)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_generation_builds_tests_and_installs(prepared, version):
    trt = make_tensorrt(version)
    job = prepared(precision_for(trt))
    assert built(trt, job) == 0
    plan = Plan.parse(job.plan.read_bytes())
    assert plan.fp16 == (job.precision == PINNED)
    if job.precision == PINNED:
        names = json.loads(job.pins.read_text())
        nodes = {name for name in plan.pins if not name.startswith("(Unnamed")}
        assert nodes == set(names["pinned"])
        # The constants of pinned nodes are pinned with them.
        assert any(name.startswith("(Unnamed") for name in plan.pins)
    record = EngineRecord.from_json(job.sidecar.read_text())
    assert record.host.bindings == version and record.workspace_mib == 256
    assert json.loads(job.timing_cache.read_text()) == [version, 1]
    assert why_invalid(job, record.host) == ""
    assert not list(Path(job.folder).glob("*.plan.*part"))


def test_pins_without_fp16_of_older_versions_are_strict(prepared):
    """8.0 knows no OBEY_PRECISION_CONSTRAINTS: the older name must be used, or pins are hints."""
    trt = make_tensorrt("8.0.1.6")
    assert not hasattr(trt.BuilderFlag, "OBEY_PRECISION_CONSTRAINTS")
    job = prepared()
    assert built(trt, job) == 0 and Plan.parse(job.plan.read_bytes()).pins


def test_timing_cache_is_shared_and_begun_anew_for_another_version(prepared):
    job = prepared()
    for count in (1, 2):
        assert built(make_tensorrt("8.4.1.5"), job) == 0
        assert json.loads(job.timing_cache.read_text()) == ["8.4.1.5", count]
    assert built(make_tensorrt("8.6.1"), job) == 0
    assert json.loads(job.timing_cache.read_text()) == ["8.6.1", 1]


@pytest.mark.parametrize("factor, said", [(np.nan, "not numbers"), (1.2, "off by 20.0%")])
def test_plan_that_computes_wrongly_does_not_replace_the_old_one(prepared, capsys, factor, said):
    trt = make_tensorrt("8.4.1.5")
    job = prepared()
    assert built(trt, job) == 0
    old = job.plan.read_bytes(), job.sidecar.read_text()
    trt.half_factor = np.float32(factor)
    assert built(trt, job) == TEST_FAILED
    assert said in capsys.readouterr().err
    assert (job.plan.read_bytes(), job.sidecar.read_text()) == old
    assert built(trt, job.at(precision=FLOAT32)) == 0
    assert not Plan.parse(job.plan.read_bytes()).fp16
    host = EngineRecord.from_json(job.sidecar.read_text()).host
    assert why_invalid(job, host) == "", "float32 is the outcome of an FP16 build too"


def test_failures_are_told_with_tensorrt_s_words(prepared, capsys):
    trt = make_tensorrt("8.0.1.6")
    job = prepared()
    trt.fail_build = "Internal error 42"
    assert built(trt, job) == BUILD_FAILED
    assert "returned no plan: Internal error 42" in capsys.readouterr().err
    job.prepared.write_bytes((Path(job.folder) / GATYS.onnx_file).read_bytes())
    assert built(trt, job) == BUILD_FAILED
    assert "cannot read the ONNX file: dynamic sizes" in capsys.readouterr().err
    assert not job.plan.exists()


def test_full_gpu_memory_is_told_from_other_failures(prepared, capsys):
    job = prepared()
    assert built(make_tensorrt("8.4.1.5"), job, make_cuda(memory=100_000)) == MEMORY_FULL
    assert "not enough free memory" in capsys.readouterr().err


def test_full_disk_keeps_the_old_plan(prepared, monkeypatch):
    trt = make_tensorrt("8.4.1.5")
    job = prepared()
    assert built(trt, job) == 0
    old = job.plan.read_bytes(), job.sidecar.read_text()

    @contextlib.contextmanager
    def full(path, **options):
        with atomic_write(path, **options) as file, Path("/dev/full").open("wb") as device:
            yield device if path == job.plan else file

    monkeypatch.setattr(engine_builder, "atomic_write", full)
    with pytest.raises(OSError, match="No space left"):
        built(trt, job)
    monkeypatch.undo()
    assert (job.plan.read_bytes(), job.sidecar.read_text()) == old
    assert not list(Path(job.folder).glob("*.plan.*.part"))
    assert not list(Path(job.folder).glob("*.json.*.part"))


def test_plan_comes_after_its_sidecar(prepared, monkeypatch):
    """A painting takes a plan as soon as it is there, and refuses one without a sidecar."""
    job = prepared()
    came = []

    @contextlib.contextmanager
    def noted(path, **options):
        with atomic_write(path, **options) as file:
            yield file
        came.append(path)

    monkeypatch.setattr(engine_builder, "atomic_write", noted)
    assert built(make_tensorrt("8.4.1.5"), job) == 0
    assert came[-2:] == [job.sidecar, job.plan]


def test_what_makes_a_plan_invalid(prepared):
    job = prepared()
    assert why_invalid(job, EngineHost("", "", "", "", "")) == "not built yet"
    assert built(make_tensorrt("8.4.1.5"), job) == 0
    record = EngineRecord.from_json(job.sidecar.read_text())
    host = record.host
    assert why_invalid(job, host) == ""
    # Whatever rung of the ladder it was built on.
    assert why_invalid(job.at(workspace_mib=64), host) == ""
    other = dataclasses.replace(host, library="8400")
    assert why_invalid(job, other) == "library '8201', now '8400'"
    changed = dataclasses.replace(job, onnx_sha256="0" * 64)
    assert why_invalid(changed, host) == "the ONNX file has changed"
    assert why_invalid(job.at(precision=TYPED), host) == "built as fp16-pinned, now fp16-typed"
    job.sidecar.write_text(dataclasses.replace(record, key="").to_json())
    assert why_invalid(job, host) == "built by another version of the builder"
    job.sidecar.write_text(record.to_json())
    whole = job.plan.read_bytes()
    job.plan.write_bytes(whole[:100])
    assert why_invalid(job, host) == f"100 bytes, expected {len(whole)}: cut off"
    job.plan.write_bytes(whole[:-1] + b"?")
    assert why_invalid(job, host) == "damaged"
    job.sidecar.write_text("[]")
    assert "not an engine's sidecar" in why_invalid(job, host)
    job.sidecar.unlink()
    assert why_invalid(job, host) == f"no {job.sidecar.name} beside it"


def test_key_depends_on_everything(prepared, monkeypatch):
    job = prepared()
    assert built(make_tensorrt("8.4.1.5"), job) == 0
    host = EngineRecord.from_json(job.sidecar.read_text()).host
    keys = {job.key(host)}
    for changed in (
        job.at(workspace_mib=128),
        job.at(precision=TYPED),
        dataclasses.replace(job, size=(32, 48)),
        dataclasses.replace(job, onnx_sha256="1"),
    ):
        keys.add(changed.key(host))
    for field in dataclasses.fields(host):
        keys.add(job.key(dataclasses.replace(host, **{field.name: "other"})))
    monkeypatch.setattr(engine_job, "REVISION", 1000)
    keys.add(job.key(host))
    assert len(keys) == 1 + 4 + 5 + 1


def test_reference_is_kept_until_the_graph_changes(prepared):
    job = prepared()
    before = job.reference.stat().st_mtime_ns
    assert engine_prepare.step(job) == 0
    assert job.reference.stat().st_mtime_ns == before
    assert engine_prepare.step(dataclasses.replace(job, onnx_sha256="new")) == 0
    with np.load(job.reference) as arrays:
        assert str(arrays["onnx_sha256"]) == "new"
        assert {name for name in arrays if name.startswith("out/")} == {
            "out/style_losses",
            "out/content_loss",
            "out/gradient",
        }
        assert all(np.isfinite(arrays[n]).all() for n in arrays if n != "onnx_sha256")
        assert np.linalg.norm(arrays["out/gradient"]) > 0


def test_complaints_name_the_output_and_its_error():
    right = {"a": np.array([3.0, 4.0], np.float32), "b": np.zeros(2, np.float32)}
    assert complaints(right, right) == []
    turned = {"a": np.array([4.0, -3.0], np.float32), "b": right["b"]}
    assert "a has a cosine of 0.0000" in complaints(turned, right)[0]
    lost = {"a": np.array([3.0, np.inf], np.float32), "b": right["b"]}
    assert complaints(lost, right) == ["a has 1 values that are infinite or not numbers."]
