"""The generator's part of `make bench`, on pictures small enough for a test."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from runtime.imaging.reading import read_picture

pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
from tests.bench import __main__ as bench
from tests.bench import generator, recipe
from tests.bench.network import Network


def test_work_is_that_of_resnet_9blocks(tmp_path):
    """49.55 GMAC at 256 x 256, as counted by others for this network."""
    installed = Network().install(tmp_path)
    assert generator.gflop(installed, 256, 256) / 2 == pytest.approx(49.55, abs=0.01)
    assert generator.gflop(installed, 512, 512) == 4 * generator.gflop(installed, 256, 256)


def test_psnr_of_a_known_error():
    flat = np.zeros((1, 3, 8, 8), np.float32)
    assert generator.psnr(flat, flat) == generator.MOST_PSNR
    # A hundredth of the range of 2.
    assert generator.psnr(flat + np.float32(0.02), flat) == pytest.approx(40, abs=1e-4)


def test_backends_are_compared_with_torch():
    rows = generator.compare(
        read_picture(bench.PORTRAIT),
        ("onnxrt",),
        network=Network(8, 2),
        size=64,
        repeats=1,
    )
    assert rows["onnxrt"]["psnr"] > 90 and rows["onnxrt"]["precision"] == "float32"
    assert rows["torch"]["seconds"] > 0 and rows["onnxrt"]["speedup"] > 0


def test_one_run_writes_all_figures(tmp_path, engines, monkeypatch, capsys):
    pytest.importorskip("openvino")
    words = ["--size", "32", "--repeats", "1", "--generator-size", "32", "--generator-repeats", "1"]
    output = tmp_path / "bench.json"
    words += ["--engines", str(engines)]
    monkeypatch.setattr(bench, "PAIRS", bench.PAIRS[:1])
    monkeypatch.setattr(recipe, "CLOSURES", 30)
    monkeypatch.setattr(bench.machine, "PRODUCT_SIDE", 256)
    monkeypatch.setattr(sys, "argv", ["bench", *words, "-o", str(output)])
    bench.main()
    written = json.loads(output.read_text())
    assert [row["pair"] for row in written["gatys"]] == ["nagasaki-boats + night-swirls"]
    assert written["gatys"][0]["reference"]["evaluations"] >= 30
    part = written["generator"]
    assert (part["model"], part["size"]) == (generator.MODEL, 32)
    printed = capsys.readouterr().out
    for name in ("onnxrt", "openvino"):
        assert part[name]["psnr"] > 35
        assert f"PSNR {part[name]['psnr']:.1f} dB, {part[name]['precision']}" in printed
