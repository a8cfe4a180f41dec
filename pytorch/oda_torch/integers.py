"""Exact evaluation of a graph on batches: sections 3 and 4 of `docs/evaluator.md`."""

from math import prod
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from .trace import NUMPY


def split(graph: dict[str, Any], weights: bytes) -> list[np.ndarray]:
    """The parameters of a weights blob, in their types and shapes."""
    params, at = [], 0
    for param in graph["params"]:
        kind, count = np.dtype(NUMPY[param["dtype"]]), prod(param["shape"])
        if at + count * kind.itemsize <= len(weights):
            params.append(np.frombuffer(weights, kind, count, at).reshape(param["shape"]))
        at += count * kind.itemsize
    if at != len(weights):
        raise ValueError(f"the weights have {len(weights)} bytes, the graph's parameters {at}")
    return params


def _saturate(x: torch.Tensor, dtype: str) -> torch.Tensor:
    info = np.iinfo(NUMPY[dtype])
    return x.clamp(info.min, info.max)


def _rshift(x: torch.Tensor, s: torch.Tensor) -> torch.Tensor:
    s = s.clamp(max=62)
    half = torch.where(s > 0, torch.ones_like(s) << (s - 1).clamp(min=0), 0)
    return (x + half) >> s


def _conv2d(x: torch.Tensor, weight: torch.Tensor, op: dict[str, Any]) -> torch.Tensor:
    pad = op["padding"]
    # Doubles hold these sums exactly, and have a fast convolution.
    images = F.pad(x.permute(0, 3, 1, 2).double(), [pad[side] for side in ("left", "right", "top", "bottom")])
    y = F.conv2d(images, weight.permute(0, 3, 1, 2).double(), stride=op["stride"], groups=op["groups"])
    return y.long().permute(0, 2, 3, 1)


def _pool(x: torch.Tensor, name: str, op: dict[str, Any], dtype: str) -> torch.Tensor:
    images = x.permute(0, 3, 1, 2).double()
    if name == "max_pool2d":
        pad = op["padding"]
        around = [pad[side] for side in ("left", "right", "top", "bottom")]
        images = F.pad(images, around, value=np.iinfo(NUMPY[dtype]).min)
        y = F.max_pool2d(images, op["kernel"], op["stride"]).long()
    else:
        n = op["kernel"][0] * op["kernel"][1]
        total = F.avg_pool2d(images, op["kernel"], op["stride"], divisor_override=1).long()
        y = (2 * total + n).div(2 * n, rounding_mode="floor")
    return y.permute(0, 2, 3, 1)


@torch.no_grad()
def run(graph: dict[str, Any], weights: bytes, inputs: torch.Tensor) -> torch.Tensor:
    """The output of each record, `i64 [batch, shape..]`, of `inputs`, `integers [batch, shape..]`."""
    params = [torch.from_numpy(p.astype(np.int64)) for p in split(graph, weights)]
    values = [inputs.long()]
    for node in graph["nodes"]:
        x, dtype = values[node["inputs"][0]], node["output"]["dtype"]
        name, op = node["op"], {}
        if isinstance(name, dict):
            [(name, op)] = name.items()
        if name in ("dense", "conv2d"):
            weight = params[op["weight"]]
            y = (x.double() @ weight.T.double()).long() if name == "dense" else _conv2d(x, weight, op)
            requant = op["requant"]
            y = _saturate(y + params[requant["bias"]], "i32") * params[requant["mult"]]
            y = _saturate(_rshift(y, params[requant["shift"]]), dtype)
        elif name == "add":
            y = x * params[op["lhs_mult"]] + values[node["inputs"][1]] * params[op["rhs_mult"]]
            y = _saturate(_rshift(y, params[op["shift"]]), dtype)
        elif name == "reshape":
            y = x.reshape(-1, *node["output"]["shape"])
        elif name == "lookup":
            y = params[op["table"]][x + 128]
        elif name == "clamp":
            y = x.clamp(op["min"], op["max"])
        else:
            y = _pool(x, name, op, dtype)
        values.append(y)
    return values[graph["outputs"][0]]
