"""The same network in PyTorch's quantised int8 kernels, as a TorchScript module that libtorch can load.

    python quantised.py GRAPH.json MODULE.pt

GRAPH.json is an integer graph; MODULE.pt takes a float32 tensor [batch, channels, height, width] or [batch, features].
A clamp that follows a convolution, a dense layer or a sum becomes that kernel's own ReLU, as PyTorch's fusion does it.
What is multiplied is random: only the time matters.
"""

import json
import sys

import torch
import torch.ao.nn.intrinsic.quantized as fused_layers
import torch.ao.nn.quantized as layers
from torch import Tensor, nn

SCALE, ZERO = 0.1, 0


class Network(nn.Module):
    """An integer graph's nodes, one quantised kernel each."""

    def __init__(self, graph: dict) -> None:
        super().__init__()
        self.nodes = []
        self.layers = nn.ModuleList()
        readers = [[] for _ in range(len(graph["inputs"]) + len(graph["nodes"]))]
        for index, node in enumerate(graph["nodes"]):
            for value in node["inputs"]:
                readers[value].append(index)
        fused = set()
        for index, node in enumerate(graph["nodes"]):
            made = len(graph["inputs"]) + index
            op = node["op"]
            name = op if isinstance(op, str) else next(iter(op))
            after = [graph["nodes"][reader]["op"] for reader in readers[made]]
            relu = name in ("conv2d", "dense", "add") and len(after) == 1 and "clamp" in after[0]
            if relu:
                fused.add(readers[made][0])
            skip = index in fused
            attributes = {} if isinstance(op, str) else dict(op[name])
            if name in ("conv2d", "dense"):
                attributes["layer"] = len(self.layers)
                self.layers.append(self.layer(name, attributes, graph["params"], relu))
            self.nodes.append((name, attributes, node["inputs"], node["output"]["shape"], relu, skip))
        self.output = graph["outputs"][0]

    @staticmethod
    def layer(name: str, op: dict, params: list, relu: bool) -> nn.Module:
        """The kernel's module, with weights [outputs, ...] of one scale a channel."""
        shape = params[op["weight"]]["shape"]
        weight = torch.randn(shape) * 0.05
        if name == "dense":
            make = fused_layers.LinearReLU if relu else layers.Linear
            layer = make(shape[1], shape[0])
        else:
            weight = weight.permute(0, 3, 1, 2)
            pad = op["padding"]
            if pad["top"] != pad["bottom"] or pad["left"] != pad["right"]:
                raise SystemExit("PyTorch pads both sides alike")
            make = fused_layers.ConvReLU2d if relu else layers.Conv2d
            channels, kernel = shape[3] * op["groups"], shape[1:3]
            padding = (pad["top"], pad["left"])
            layer = make(channels, shape[0], kernel, tuple(op["stride"]), padding, groups=op["groups"])
        scales = torch.full((shape[0],), 0.001, dtype=torch.float64)
        zeros = torch.zeros(shape[0], dtype=torch.int64)
        weight = torch.quantize_per_channel(weight, scales, zeros, 0, torch.qint8)
        layer.set_weight_bias(weight, torch.randn(shape[0]))
        layer.scale, layer.zero_point = SCALE, ZERO
        return layer

    def forward(self, x: Tensor) -> Tensor:
        x = torch.quantize_per_tensor(x, SCALE, ZERO, torch.quint8)
        values = [x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x]
        for name, op, inputs, shape, relu, skip in self.nodes:
            x = values[inputs[0]]
            if skip:
                y = x
            elif "layer" in op:
                y = self.layers[op["layer"]](x)
            elif name == "add":
                kernel = torch.ops.quantized.add_relu if relu else torch.ops.quantized.add
                y = kernel(x, values[inputs[1]], SCALE, ZERO)
            elif name == "clamp":
                y = torch.relu(x)
            elif name == "max_pool2d":
                y = torch.max_pool2d(x, op["kernel"], op["stride"], [op["padding"]["top"], op["padding"]["left"]])
            elif name == "avg_pool2d":
                y = torch.nn.functional.avg_pool2d(x, op["kernel"], op["stride"])
            elif name == "reshape":
                y = x.reshape([x.shape[0], *shape])
            else:
                raise SystemExit(f"no quantised kernel for {name}")
            values.append(y)
        return values[self.output].dequantize()


def main() -> None:
    graph_file, module_file = sys.argv[1:]
    with open(graph_file) as file:
        graph = json.load(file)
    shape = graph["inputs"][0]["shape"]
    if len(shape) == 3:
        shape = [shape[2], shape[0], shape[1]]
    with torch.no_grad():
        network = Network(graph).eval()
        torch.jit.trace(network, torch.randn([2, *shape]), check_trace=False).save(module_file)


if __name__ == "__main__":
    main()
