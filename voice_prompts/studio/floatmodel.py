"""Rewrite the int8 model's quantised nodes to float arithmetic.

The published weights are int8 with dynamically quantised activations. On a CPU without int8 dot
products that is two to three times slower than plain float, and it adds the rounding noise of
every activation. The weights stay what they are; only the arithmetic changes.

    DynamicQuantizeLinear(x) -> q, s, z        gone: s becomes the constant STEP
    ConvInteger/MatMulInteger(q, W, z, w)      Conv/MatMul(x, (W - w) / STEP)
    Add(accumulator, bias as int32)            the bias is cast to float
    DynamicQuantizeLSTM(x, Wq, Rq, ...)        LSTM(x, W, R, ...)
"""

from pathlib import Path
from typing import Any

import numpy as np

from voice_prompts.studio.tools import tool

STEP = 1e-4
"""Takes the place of the activation scale; small, so that biases floored to steps stay exact."""

INTEGER_TO_FLOAT = {"ConvInteger": "Conv", "MatMulInteger": "MatMul"}


def rewrite(source: Path, target: Path) -> None:
    """Write the float rendering of the model at `source` to `target`."""
    onnx = tool("onnx")
    model = onnx.load(str(source))
    _Rewriting(onnx, model.graph).run()
    onnx.save(model, str(target))


class _Rewriting:
    def __init__(self, onnx: Any, graph: Any) -> None:  # noqa: ANN401
        self.onnx = onnx
        self.graph = graph
        self.weights = {each.name: each for each in graph.initializer}
        self.source_of_scale: dict[str, str] = {}
        self.source_of_codes: dict[str, str] = {}
        self.added: dict[str, Any] = {}
        self.accumulators: set[str] = set()

    def run(self) -> None:
        for node in self.graph.node:
            if node.op_type == "DynamicQuantizeLinear":
                self.source_of_codes[node.output[0]] = node.input[0]
                self.source_of_scale[node.output[1]] = node.input[0]
        nodes: list[Any] = []
        for node in self.graph.node:
            nodes.extend(self._rewritten(node))
        del self.graph.node[:]
        self.graph.node.extend(nodes)
        self.graph.initializer.extend(self.added.values())

    def _rewritten(self, node: Any) -> list[Any]:  # noqa: ANN401
        if node.op_type == "DynamicQuantizeLinear":
            self._constant(node.output[1], np.array(STEP, np.float32))
            return []
        if node.op_type in INTEGER_TO_FLOAT:
            return [self._product(node)]
        if node.op_type == "DynamicQuantizeLSTM":
            return [self._lstm(node)]
        if node.op_type == "Add" and any(name in self.accumulators for name in node.input):
            return self._bias(node)
        return [node]

    def _product(self, node: Any) -> Any:  # noqa: ANN401
        codes, weight, _, zero = node.input
        name = f"{weight}_float"
        values = self._array(weight).astype(np.float32)
        values = (values - self._array(zero).astype(np.float32)) / STEP
        self._constant(name, values.astype(np.float32))
        self.accumulators.add(node.output[0])
        made = self.onnx.helper.make_node(
            INTEGER_TO_FLOAT[node.op_type],
            [self.source_of_codes[codes], name],
            list(node.output),
            name=node.name,
        )
        made.attribute.extend(node.attribute)
        return made

    def _bias(self, node: Any) -> list[Any]:  # noqa: ANN401
        accumulator, bias = node.input
        if bias in self.accumulators:
            accumulator, bias = bias, accumulator
        cast = self.onnx.helper.make_node(
            "Cast", [bias], [f"{bias}_float_{node.name}"], to=self.onnx.TensorProto.FLOAT
        )
        made = self.onnx.helper.make_node(
            "Add", [accumulator, cast.output[0]], list(node.output), name=node.name
        )
        return [cast, made]

    def _lstm(self, node: Any) -> Any:  # noqa: ANN401
        given = list(node.input)
        inputs = [given[0]]
        for index, scale, zero in ((1, 8, 9), (2, 10, 11)):
            per_direction = (-1, 1, 1)
            values = self._array(given[index]).astype(np.float32)
            values -= self._array(given[zero]).astype(np.float32).reshape(per_direction)
            values *= self._array(given[scale]).reshape(per_direction)
            name = f"{given[index]}_float"
            self._constant(name, np.ascontiguousarray(values.transpose(0, 2, 1), np.float32))
            inputs.append(name)
        made = self.onnx.helper.make_node(
            "LSTM", inputs + given[3:8], list(node.output), name=node.name
        )
        made.attribute.extend(node.attribute)
        return made

    def _array(self, name: str) -> Any:  # noqa: ANN401
        return self.onnx.numpy_helper.to_array(self.weights[name])

    def _constant(self, name: str, values: Any) -> None:  # noqa: ANN401
        if name not in self.added:
            self.added[name] = self.onnx.numpy_helper.from_array(values, name)
