"""What every graph must be that engines are built from."""

from __future__ import annotations

import onnx

from export.engines.prepare import reference_feeds, run
from export.engines.reference import complaints
from export.graphs.builder import IR_VERSION, OPSET, SAFE_OPERATORS
from export.graphs.mixed_precision import to_mixed
from export.graphs.specialise import fixed


def check_for_tensorrt_8(model, graph):
    """It holds only what TensorRT 8.0 takes, with the inputs and outputs of `graph`."""
    assert {node.op_type for node in model.graph.node} <= SAFE_OPERATORS
    assert [(each.domain, each.version) for each in model.opset_import] == [("", OPSET)]
    assert model.ir_version == IR_VERSION
    assert [each.name for each in model.graph.input] == [each.name for each in graph.inputs]
    assert [each.name for each in model.graph.output] == [each.name for each in graph.outputs]
    assert len({node.name for node in model.graph.node}) == len(model.graph.node)


def check_in_fp16(folder, graph, size):
    """An engine in FP16 would pass its test."""
    model = fixed(onnx.load(str(folder / graph.onnx_file)), graph, size)
    feeds = reference_feeds(graph, size, folder)
    assert complaints(run(to_mixed(model), feeds), run(model, feeds)) == []
