"""From a module to the nodes of an integer graph.

Nothing here depends on weights or data, so a module has one graph, whoever trains it. The module's
images are `[batch, channels, height, width]`, the graph's `[height, width, channels]`.
"""

import copy
import operator
from dataclasses import dataclass, field
from math import inf, isfinite, prod
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import fx, nn

# The graph's types, as NumPy names them.
NUMPY = {"i8": "<i1", "u8": "<u1", "i16": "<i2", "u16": "<u2", "i32": "<i4"}
# What of a type is used by the greatest value that calibration sees; logits get room to grow.
FULL = {"i8": 127, "i16": 8_191}
# The graph's limits that depend on one layer; `ml-worker model init` checks the others.
MAX_NODES, MAX_TENSOR, MAX_DOT = 256, 4_194_304, 131_071
# Operators whose output is in the units of their input.
KEEPS_SCALE = ("max_pool2d", "avg_pool2d", "reshape", "clamp")


class Unsupported(ValueError):
    """A layer or a shape that the graph has no operator for."""


class Sum(nn.Module):
    """Stands for `x + y`."""


class Mean(nn.Module):
    """Stands for `x.mean((2, 3))`."""

    def __init__(self, dim: Any = None, keepdim: bool = False) -> None:
        super().__init__()
        self.dim, self.keepdim = dim, keepdim


def _sum(other: Any, alpha: float = 1) -> nn.Module:
    if not isinstance(other, fx.Node) or alpha != 1:
        raise Unsupported("only x + y of two tensors is supported")
    return Sum()


def _max_pool(kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    # The layer has its last two arguments the other way round.
    return nn.MaxPool2d(kernel_size, stride, padding, dilation, return_indices, ceil_mode)


# Functions and methods as the layers that do the same; the first argument is the layer's input.
FUNCTIONS = {
    **dict.fromkeys([operator.add, operator.iadd, torch.add, "add", "add_"], _sum),
    torch.mean: Mean,
    "mean": Mean,
    F.max_pool2d: _max_pool,
    F.avg_pool2d: nn.AvgPool2d,
    F.adaptive_avg_pool2d: nn.AdaptiveAvgPool2d,
    # Only what they make of their input counts, and that is looked at.
    **dict.fromkeys(
        [torch.flatten, torch.reshape, "flatten", "reshape", "view"], lambda *_, **__: nn.Flatten()
    ),
    **dict.fromkeys([F.dropout, F.dropout2d, "contiguous"], lambda *_, **__: nn.Identity()),
    **dict.fromkeys([F.relu, F.relu_, torch.relu, torch.relu_, "relu", "relu_"], nn.ReLU),
    F.relu6: nn.ReLU6,
    F.hardtanh: nn.Hardtanh,
    **dict.fromkeys([torch.sigmoid, F.sigmoid, "sigmoid"], nn.Sigmoid),
    **dict.fromkeys([torch.tanh, F.tanh, "tanh"], nn.Tanh),
    F.gelu: nn.GELU,
    F.silu: nn.SiLU,
    F.hardswish: nn.Hardswish,
    F.hardsigmoid: nn.Hardsigmoid,
    F.leaky_relu: nn.LeakyReLU,
    F.elu: nn.ELU,
    F.mish: nn.Mish,
    F.softplus: nn.Softplus,
    F.log_softmax: lambda dim=None, **_: nn.LogSoftmax(dim),
    F.softmax: lambda dim=None, **_: nn.Softmax(dim),
    torch.log_softmax: lambda dim, **_: nn.LogSoftmax(dim),
    torch.softmax: lambda dim, **_: nn.Softmax(dim),
    "log_softmax": lambda dim, **_: nn.LogSoftmax(dim),
    "softmax": lambda dim, **_: nn.Softmax(dim),
}
TABLES = (
    nn.Sigmoid, nn.Tanh, nn.GELU, nn.SiLU, nn.Hardswish, nn.Hardsigmoid, nn.LeakyReLU, nn.ELU, nn.Mish,
    nn.Softplus,
)  # fmt: skip
SUPPORTED = (
    "Linear, Conv2d, BatchNorm1d and 2d right behind them, ReLU, ReLU6, Hardtanh, MaxPool2d, AvgPool2d, "
    "AdaptiveAvgPool2d, mean over height and width, Flatten, x + y, Dropout, Identity, a last Softmax or "
    "LogSoftmax, and, by table, " + ", ".join(layer.__name__ for layer in TABLES)
)


def _pair(of: Any) -> tuple[int, int]:
    return (of, of) if isinstance(of, int) else (of[0], of[-1])


@dataclass
class Value:
    """A value of the graph: the input, or what a node makes."""

    name: str  # of the layer, as the module has it
    op: str  # the node's operator, "input" for the input
    inputs: tuple[int, ...]
    shape: tuple[int, ...]  # in the graph
    source: fx.Node  # the step of the module that computes it
    layer: nn.Module | None = None
    norm: str | None = None  # the name of the batch norm that is folded into it
    flat: tuple[int, int, int] | None = None  # height, width, channels of the image that it lists
    bounds: tuple[float, float] = (-inf, inf)  # of a clamp, in real units
    limit: float | None = None  # what `FULL` stands for, in real units, where a clamp behind it says so
    fields: dict[str, Any] = field(default_factory=dict)  # the operator's, apart from parameters
    dtype: str = "i8"
    params: tuple[int, ...] = ()  # the operator's parameters, in the order of its fields


class _Proxy(fx.Proxy):
    def __iadd__(self, other: Any) -> fx.Proxy:
        return self.tracer.create_proxy("call_function", operator.iadd, (self, other), {})


class _Tracer(fx.Tracer):
    """Tells `x += y`, which changes x, from `x = x + y`."""

    def proxy(self, node: fx.Node) -> fx.Proxy:
        return _Proxy(node, self)


class _Shapes(fx.Interpreter):
    """Runs the module and notes the shape of each step's result, or itself if it is no tensor: a size; and
    whether the step changes, in place, what a later one reads."""

    def run_node(self, node: fx.Node) -> Any:
        result = super().run_node(node)
        if isinstance(result, torch.Tensor):
            node.meta["shape"], node.meta["version"] = tuple(result.shape), result._version
        else:
            node.meta["value"] = result
        # PyTorch counts how often a tensor, or a view of it, was written to.
        node.meta["spoils"] = any(
            isinstance(value, torch.Tensor)
            and value._version != made.meta["version"]
            and any(user > node for user in made.users)
            for made, value in self.env.items()
        )
        return result


class Plan:
    """The graph of a module, and which layer each node stands for.

    `example` is a batch of inputs, `[batch, channels, height, width]` or `[batch, features]`.
    """

    def __init__(self, module: nn.Module, example: torch.Tensor) -> None:
        # A copy, so that the caller's module stays in its mode and on its device.
        module = copy.deepcopy(module).cpu().float().eval()
        try:
            self.program = fx.GraphModule(module, _Tracer().trace(module))
        except fx.proxy.TraceError as error:
            raise Unsupported(f"the module's path depends on data: {error}") from error
        # A copy here too, for the module may work in place; in inference mode, writes are not counted.
        with torch.inference_mode(False), torch.no_grad():
            _Shapes(self.program).run(example.cpu().float().clone())
        # Before dead code goes, for what works in place may only look like it.
        for node in self.program.graph.nodes:
            if node.meta["spoils"]:
                raise Unsupported(
                    f"{self._describe(node)}: it works in place on what is read later: set inplace=False, "
                    "and use its result"
                )
        self.program.graph.eliminate_dead_code()
        self.values: list[Value] = []
        self.params: list[tuple[str, tuple[int, ...]]] = []
        self._at: dict[fx.Node, int] = {}
        self._used: list[nn.Parameter] = []
        for node in self.program.graph.nodes:
            if node.op == "output":
                self.output = self._outcome(node)
            elif "shape" in node.meta:
                try:
                    self._at[node] = self._add(node)
                except Unsupported as error:
                    raise Unsupported(f"{self._describe(node)}: {error}") from error
        self._choose_types()
        self._make_params()

    def _describe(self, node: fx.Node) -> str:
        if node.op == "call_module":
            return f"layer '{node.target}' ({type(self.program.get_submodule(node.target)).__name__})"
        return f"'{node.name}'"

    def _outcome(self, node: fx.Node) -> int:
        """The value that the module returns."""
        result = node.args[0]
        if not isinstance(result, fx.Node) or result not in self._at:
            raise Unsupported("the module does not return one tensor")
        value = self._at[result]
        if self.values[value].op == "input":
            raise Unsupported("the module returns its input")
        if self.values[value].flat:
            raise Unsupported("the module returns a flattened image: add a Linear, or do not flatten")
        return value

    # -- One step of the module ------------------------------------------------------------

    def _layer(self, node: fx.Node) -> nn.Module:
        if node.op == "call_module":
            return self.program.get_submodule(node.target)
        make = FUNCTIONS.get(node.target)
        if make is None:
            raise Unsupported(f"not supported; supported are {SUPPORTED}")
        args, kwargs = fx.node.map_arg((node.args[1:], node.kwargs), lambda arg: arg.meta.get("value", arg))
        try:
            return make(*args, **kwargs)
        except TypeError as error:
            raise Unsupported(f"arguments that are not supported: {error}") from error

    def _alone(self, value: int) -> bool:
        """Whether nothing but the step that asks reads the value."""
        readers = [
            [user for user in node.users if user.op == "output" or "shape" in user.meta]
            for node, at in self._at.items()
            if at == value
        ]
        return all(len(each) == 1 for each in readers)

    def _put(self, node: fx.Node, op: str, inputs: tuple[int, ...], shape: tuple[int, ...], **more) -> int:
        if len(self.values) > MAX_NODES:
            raise Unsupported(f"a graph has at most {MAX_NODES} nodes")
        if prod(shape) > MAX_TENSOR:
            raise Unsupported(f"a tensor has at most {MAX_TENSOR} bytes")
        name = node.target if node.op == "call_module" else node.name
        self.values.append(Value(str(name), op, inputs, shape, node, **more))
        return len(self.values) - 1

    def _add(self, node: fx.Node) -> int:
        """The value that holds the step's result; the nodes that make it are added."""
        if node.op == "get_attr":
            raise Unsupported("parameters and buffers are only supported in layers")
        layer = None if node.op == "placeholder" else self._layer(node)
        made = node.meta["shape"][1:]  # without the batch
        if len(made) not in (1, 3):
            raise Unsupported(f"a result of shape {made}; supported are vectors and images")
        shape = made if len(made) == 1 else (*made[1:], made[0])
        if node.op == "placeholder":
            if self.values:
                raise Unsupported("only one input is supported")
            return self._put(node, "input", (), shape)
        if not node.args or not isinstance(node.args[0], fx.Node) or node.args[0] not in self._at:
            raise Unsupported("it reads what is not computed from the input")
        x = self._at[node.args[0]]
        before = self.values[x]

        def same(op: str, **more) -> int:
            return self._put(node, op, (x,), before.shape, flat=before.flat, **more)

        match layer:
            case nn.Identity() | nn.Dropout() | nn.Dropout2d():
                return x
            case nn.Softmax() | nn.LogSoftmax():
                # Neither the greatest logit nor the cross-entropy changes.
                if {user.op for user in node.users} == {"output"} and layer.dim in (1, -len(made)):
                    return x
                raise Unsupported("only supported over the classes and at the end, where it is left out")
            case nn.Linear() | nn.Conv2d():
                self._once(layer.weight)
                return self._linear(node, layer, x, shape)
            case nn.BatchNorm1d() | nn.BatchNorm2d():
                return self._fold(node, layer, x)
            case nn.ReLU():
                return same("clamp", bounds=(0.0, inf))
            case nn.Hardtanh():  # ReLU6 is one
                bounds = float(layer.min_val), float(layer.max_val)
                # A clamp needs bounds that no calibration moves: it may say what the integers mean if
                # what makes the value serves nobody else.
                free = before.op in ("dense", "conv2d", "add") and self._alone(x)
                if free and all(map(isfinite, bounds)):
                    before.limit = max(map(abs, bounds))
                    return same("clamp", bounds=bounds)
                return same("lookup", layer=layer)
            case _ if isinstance(layer, TABLES):
                return same("lookup", layer=layer)
            case nn.MaxPool2d() | nn.AvgPool2d() | nn.AdaptiveAvgPool2d():
                return self._pool(node, layer, x, shape)
            case Mean():
                dim = [layer.dim] if isinstance(layer.dim, int) else layer.dim or ()
                if len(before.shape) != 3 or sorted(d % 4 for d in dim) != [2, 3]:
                    raise Unsupported("only the mean over height and width, (2, 3), is supported")
                pooled = self._pool(node, nn.AdaptiveAvgPool2d(1), x, (1, 1, before.shape[2]))
                return pooled if layer.keepdim else self._put(node, "reshape", (pooled,), shape)
            case nn.Flatten():
                if made == (prod(before.shape),) and len(before.shape) == 3:
                    h, w, c = before.shape
                    flat = before.shape if h * w > 1 and c > 1 else None
                    return self._put(node, "reshape", (x,), made, flat=flat)
                if shape == before.shape:
                    return x
                raise Unsupported("only flattening all of a record is supported")
            case Sum():
                other = self._at.get(node.args[1] if len(node.args) > 1 else node.kwargs["other"])
                if other is None or any(
                    (v.shape, v.flat) != (shape, before.flat) for v in (before, self.values[other])
                ):
                    raise Unsupported("both must be computed from the input, and of one shape")
                return self._put(node, "add", (x, other), shape, flat=before.flat)
        raise Unsupported(f"not supported; supported are {SUPPORTED}")

    def _once(self, weight: nn.Parameter) -> None:
        # Each node has parameters of its own, which others may set to different values.
        if any(weight is other for other in self._used):
            raise Unsupported("its weight is used more than once")
        self._used.append(weight)

    def _linear(self, node: fx.Node, layer: nn.Linear | nn.Conv2d, x: int, shape: tuple[int, ...]) -> int:
        if prod(layer.weight.shape[1:]) > MAX_DOT:
            raise Unsupported(f"an output may depend on at most {MAX_DOT} inputs")
        if layer.weight.numel() > MAX_TENSOR:
            raise Unsupported(f"a weight has at most {MAX_TENSOR} elements")
        if isinstance(layer, nn.Linear):
            if len(shape) != 1:
                raise Unsupported("its input must be flattened")
            return self._put(node, "dense", (x,), shape, layer=layer)
        if layer.padding_mode != "zeros" or _pair(layer.dilation) != (1, 1):
            raise Unsupported("only padding_mode='zeros' and dilation=1 are supported")
        kernel = _pair(layer.kernel_size)
        if layer.padding == "same":  # an even kernel pads one more behind
            around = [((k - 1) // 2, k // 2) for k in kernel]
        else:
            around = [(p, p) for p in ((0, 0) if layer.padding == "valid" else _pair(layer.padding))]
        if any(max(pad) >= k for pad, k in zip(around, kernel)):
            raise Unsupported("the padding must be less than the kernel")
        (top, bottom), (left, right) = around
        fields = {
            "stride": list(_pair(layer.stride)),
            "padding": {"top": top, "bottom": bottom, "left": left, "right": right},
            "groups": layer.groups,
        }
        return self._put(node, "conv2d", (x,), shape, layer=layer, fields=fields)

    def _fold(self, node: fx.Node, layer: nn.BatchNorm1d | nn.BatchNorm2d, x: int) -> int:
        value = self.values[x]
        if value.op not in ("dense", "conv2d") or value.norm or not self._alone(x):
            raise Unsupported("only supported right behind a Linear or Conv2d that nothing else reads")
        if layer.running_mean is None or layer.weight is None:
            raise Unsupported("only affine=True and track_running_stats=True are supported")
        self._once(layer.weight)
        value.norm, value.source = node.target, node
        return x

    def _pool(self, node: fx.Node, layer: nn.Module, x: int, shape: tuple[int, ...]) -> int:
        if len(self.values[x].shape) != 3:
            raise Unsupported("its input must be an image")
        if isinstance(layer, nn.AdaptiveAvgPool2d):
            old, new = self.values[x].shape[:2], shape[:2]
            if old[0] % new[0] or old[1] % new[1]:
                raise Unsupported("only supported where the windows have one size")
            kernel = stride = (old[0] // new[0], old[1] // new[1])
        else:
            kernel, stride = _pair(layer.kernel_size), _pair(layer.stride or layer.kernel_size)
            if layer.ceil_mode:
                raise Unsupported("only ceil_mode=False is supported")
        fields = {"kernel": list(kernel), "stride": list(stride)}
        if isinstance(layer, nn.MaxPool2d):
            if _pair(layer.dilation) != (1, 1) or layer.return_indices:
                raise Unsupported("only dilation=1 and return_indices=False are supported")
            down, across = _pair(layer.padding)
            fields["padding"] = {"top": down, "bottom": down, "left": across, "right": across}
            return self._put(node, "max_pool2d", (x,), shape, fields=fields)
        if not isinstance(layer, nn.AdaptiveAvgPool2d):
            if _pair(layer.padding) != (0, 0) or layer.divisor_override:
                raise Unsupported("only padding=0 and no divisor_override are supported")
        return self._put(node, "avg_pool2d", (x,), shape, fields=fields)

    # -- All of it -------------------------------------------------------------------------

    def readers(self, value: int) -> list[Value]:
        """The values that are made of this one."""
        return [reader for reader in self.values if value in reader.inputs]

    def unit(self, value: int) -> int:
        """The value whose scale this one has: the first of those that share it."""
        while self.values[value].op in KEEPS_SCALE:
            [value] = self.values[value].inputs
        return value

    def _choose_types(self) -> None:
        """16 bits for what becomes the output without being multiplied again, else 8."""
        for i, value in enumerate(self.values):
            leads = {i}
            for j in range(i + 1, len(self.values)):
                if leads.intersection(self.values[j].inputs):
                    leads.add(j)
            if value.op in KEEPS_SCALE:
                value.dtype = self.values[value.inputs[0]].dtype
            elif i and self.output in leads and all(self.values[j].op in KEEPS_SCALE for j in leads - {i}):
                value.dtype = "i16"

    def _make_params(self) -> None:
        for value in self.values:
            first = len(self.params)
            match value.op:
                case "dense" | "conv2d":
                    weight = value.layer.weight.shape
                    # [out, in, height, width] there, [out, height, width, in] here.
                    weight = (weight[0], *weight[2:], weight[1])
                    n = (weight[0],)
                    self.params += [("i8", weight), ("i32", n), ("i32", n), ("u8", n)]
                case "add":
                    self.params += [("i32", (1,)), ("i32", (1,)), ("u8", (1,))]
                case "lookup":
                    self.params.append((value.dtype, (256,)))
            value.params = tuple(range(first, len(self.params)))

    def _op(self, value: Value) -> Any:
        match value.op, value.params:
            case "dense" | "conv2d", (weight, bias, mult, shift):
                requant = {"bias": bias, "mult": mult, "shift": shift}
                return {value.op: {"weight": weight, "requant": requant, **value.fields}}
            case "add", (lhs, rhs, shift):
                return {"add": {"lhs_mult": lhs, "rhs_mult": rhs, "shift": shift}}
            case "lookup", (table,):
                return {"lookup": {"table": table}}
            case "clamp", _:
                if value.bounds == (0.0, inf):
                    return {"clamp": {"min": 0, "max": int(np.iinfo(NUMPY[value.dtype]).max)}}
                unit = self.values[self.unit(value.inputs[0])].limit / FULL[value.dtype]
                low, high = (round(bound / unit) for bound in value.bounds)
                return {"clamp": {"min": low, "max": high}}
        return {value.op: value.fields} if value.fields else value.op

    def graph(self) -> dict[str, Any]:
        """The graph, in the worker's JSON."""

        def tensor(dtype: str, shape: tuple[int, ...]) -> dict[str, Any]:
            return {"dtype": dtype, "shape": list(shape)}

        return {
            "version": 1,
            "inputs": [tensor("i8", self.values[0].shape)],
            "params": [tensor(*param) for param in self.params],
            "nodes": [
                {"op": self._op(v), "inputs": list(v.inputs), "output": tensor(v.dtype, v.shape)}
                for v in self.values[1:]
            ],
            "outputs": [self.output],
        }
