"""Weights from floats to integers and back, and the files that the worker reads."""

import json
import math
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import fx, nn

from . import integers
from .trace import FULL, KEEPS_SCALE, NUMPY, Plan, Unsupported, Value

Batches = Iterable[tuple[torch.Tensor, torch.Tensor]]

# A bias stays below this in units of the accumulator: as an f32 it is close enough to be rounded back to
# the same integer, and it cannot saturate.
MOST_BIAS = 1 << 22
LEAST_SCALE = 1e-10  # a channel of zeros has a scale too
# Under `CrossEntropy`, a logit of 2^8 is worth a factor of two.
LOGIT_SCALE_LOG2 = 8


@contextmanager
def naming(path: Path, *errors: type[Exception]) -> Iterator[None]:
    """Makes such errors, by default all, a `ValueError` that names the file; those of the system do."""
    try:
        yield
    except OSError:
        raise
    except errors or Exception as error:
        raise ValueError(f"{path}: {type(error).__name__}: {error}") from error


@dataclass(frozen=True)
class Exported:
    """An integer graph with weights. Called with a batch of inputs, it gives their logits, as the module
    does: `f64 [batch, classes]` or `[batch, classes, height, width]`, but computed by integers."""

    graph: dict[str, Any]  # the worker's JSON
    weights: bytes  # the blob
    scales: tuple[float, ...]  # what 1 stands for in each of the graph's values
    metric: str = "accuracy"  # or "cross_entropy"

    def quantise(self, inputs: torch.Tensor) -> torch.Tensor:
        """`f32 [batch, channels, height, width]` or `[batch, features]` as the records have them:
        `i8 [batch, height, width, channels]` or `[batch, features]`."""
        if inputs.dim() == 4:
            inputs = inputs.permute(0, 2, 3, 1)
        if list(inputs.shape[1:]) != self.graph["inputs"][0]["shape"]:
            raise ValueError(f"inputs of shape {list(inputs.shape[1:])}, not those that were exported")
        if not inputs.isfinite().all():
            raise ValueError("there are inputs that are not finite")
        return (inputs.cpu().double() / self.scales[0] + 0.5).floor().clamp(-128, 127).to(torch.int8)

    def __call__(self, inputs: torch.Tensor) -> torch.Tensor:
        y = integers.run(self.graph, self.weights, self.quantise(inputs))
        y = y.double() * self.scales[self.graph["outputs"][0]]
        return y.permute(0, 3, 1, 2) if y.dim() == 4 else y

    def target(self) -> dict[str, Any]:
        """The type of a record's target: the index of a class, for each pixel if the output is an image."""
        *axes, classes = self.graph["nodes"][-1]["output"]["shape"]
        return {"dtype": "u8" if classes <= 256 else "u16", "shape": axes}

    def records(self, data: Batches) -> bytes:
        """The blob of records of `data`: each the input's bytes, then the target's."""
        target = self.target()
        classes = self.graph["nodes"][-1]["output"]["shape"][-1]
        blob = bytearray()
        for inputs, wanted in data:
            if wanted.shape != (len(inputs), *target["shape"]):
                raise ValueError(f"targets of shape {list(wanted.shape[1:])}, not {target['shape']}")
            if wanted.is_floating_point() or wanted.min() < 0 or wanted.max() >= classes:
                raise ValueError(f"a target is the index of a class, from 0 to {classes - 1}")
            x = self.quantise(inputs).reshape(len(inputs), -1).numpy().view(np.uint8)
            t = wanted.cpu().numpy().reshape(len(inputs), -1).astype(NUMPY[target["dtype"]]).view(np.uint8)
            blob += np.concatenate([x, t], axis=1).tobytes()
        if not blob:
            raise ValueError("there are no records")
        return bytes(blob)

    def objective(self, records: int) -> dict[str, Any]:
        """An objective as the worker's JSON: for accuracy two records better, and not by chance at the
        5 % level; for cross-entropy a hundredth of a bit a record. `model init` can change both."""
        target = {"tensor": self.target(), "ignore": None}
        if self.metric == "accuracy":
            confidence = {"p": 384, "q": 100}
            return {"metric": "accuracy", "target": target, "min_improvement": 2, "confidence": confidence}
        metric = {"cross_entropy": {"logit_scale_log2": LOGIT_SCALE_LOG2}}
        least = max(1, (records << 16) // 100)
        return {"metric": metric, "target": target, "min_improvement": least, "confidence": None}

    def save(self, folder: str | Path, data: Batches) -> None:
        """Writes a new folder: `graph.json`, `objective.json` and `data.bin`, the records that the model
        is scored on, for `ml-worker model init`; `weights.bin`; `scales.json` for `load`. It is there
        in full or not at all."""
        folder = Path(folder)
        if folder.exists():
            raise FileExistsError(f"{folder} is there already")
        records = self.records(data)
        count = len(records) // (_bytes(self.graph["inputs"][0]) + _bytes(self.target()))
        scales = {"metric": self.metric, "scales": self.scales}
        folder.parent.mkdir(parents=True, exist_ok=True)
        half = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            half.chmod(0o755)
            files = {"graph": self.graph, "objective": self.objective(count), "scales": scales}
            for name, value in files.items():
                (half / f"{name}.json").write_text(json.dumps(value, indent=1) + "\n")
            (half / "weights.bin").write_bytes(self.weights)
            (half / "data.bin").write_bytes(records)
            half.rename(folder)
        except BaseException:
            shutil.rmtree(half)
            raise

    @staticmethod
    def load(folder: str | Path) -> "Exported":
        """What `save` wrote."""
        folder = Path(folder)
        with naming(folder / "scales.json"):
            more = json.loads((folder / "scales.json").read_text())
            scales, metric = tuple(map(float, more["scales"])), more["metric"]
        with naming(folder / "graph.json"):
            graph = json.loads((folder / "graph.json").read_text())
        return Exported(graph, (folder / "weights.bin").read_bytes(), scales, metric)


def _bytes(tensor: dict[str, Any]) -> int:
    return math.prod(tensor["shape"]) * np.dtype(NUMPY[tensor["dtype"]]).itemsize


@torch.no_grad()
def accuracy(model: nn.Module | Exported, data: Batches) -> float:
    """The fraction of targets that a module, in evaluation mode, or its integers get right."""
    device, modes = "cpu", []
    if isinstance(model, nn.Module):
        device = next(chain(model.parameters(), model.buffers()), torch.empty(0)).device
        modes = [(part, part.training) for part in model.modules()]
        model.eval()
    right = total = 0
    try:
        for inputs, targets in data:
            right += int((model(inputs.to(device)).argmax(1).cpu() == targets.cpu()).sum())
            total += targets.numel()
    finally:
        for part, training in modes:
            part.training = training
    if not total:
        raise ValueError("there are no records")
    return right / total


# -- From floats to integers ----------------------------------------------------------------


class _Ranges(fx.Interpreter):
    """Runs the module and keeps how large the result of each step was."""

    def __init__(self, plan: Plan, quantile: float) -> None:
        super().__init__(plan.program)
        self.quantile, self.found = quantile, {}
        # Below 0, a value says nothing if all that read it cut that away.
        self.positive = {
            value.source
            for i, value in enumerate(plan.values)
            if plan.readers(i) and all(r.op == "clamp" and r.bounds[0] >= 0 for r in plan.readers(i))
        }

    def run_node(self, node: fx.Node) -> Any:
        result = super().run_node(node)
        if isinstance(result, torch.Tensor):
            sizes = (result.clamp(min=0) if node in self.positive else result.abs()).flatten()
            k = max(1, math.ceil(self.quantile * sizes.numel()))
            size = float(sizes.max() if k == sizes.numel() else sizes.kthvalue(k).values)
            if not math.isfinite(size):
                name = node.target if node.op == "call_module" else node.name
                raise ValueError(f"'{name}' makes values that are not finite")
            self.found[node] = max(size, self.found.get(node, 0.0))
        return result


def _fixed(plan: Plan, metric: str, input_scale: float | None) -> dict[int, float]:
    """The scales that do not follow from calibration, by value: of units (`Plan.unit`) only."""
    if input_scale is not None and not 0 < input_scale < math.inf:
        raise ValueError("the input scale is above 0 and finite")
    fixed = {} if input_scale is None else {0: input_scale}
    for i, value in enumerate(plan.values):
        if value.limit:
            fixed[i] = value.limit / FULL[value.dtype]
    if metric == "cross_entropy":
        output = plan.unit(plan.output)
        if output in fixed or plan.values[output].op == "input":
            raise Unsupported("a cross-entropy's logits must not be clamped: end with a Linear or Conv2d")
        fixed[output] = math.log(2) / (1 << LOGIT_SCALE_LOG2)
    elif metric != "accuracy":
        raise ValueError(f"no metric '{metric}'; there are: accuracy, cross_entropy")
    return fixed


def _check(plan: Plan, scales: tuple[float, ...], fixed: dict[int, float]) -> None:
    """Refuses scales that are not of this module, with these fixed."""
    if len(scales) != len(plan.values):
        raise ValueError("these are the scales of another module")
    for i, scale in enumerate(scales):
        if not 0 < scale < math.inf:
            raise ValueError("a scale is above 0 and finite")
        unit = plan.unit(i)
        # Those that foreign weights call for are off by their rounding.
        if not math.isclose(scale, fixed.get(unit, scales[unit]), rel_tol=1e-3):
            name = plan.values[i].name
            raise ValueError(f"'{name}': these are the scales of another module, metric or input_scale")


@torch.no_grad()
def _calibrate(plan: Plan, data: Batches, quantile: float, fixed: dict[int, float]) -> tuple[float, ...]:
    """The scale of each value: what its greatest magnitude calls for, if it is not fixed."""
    ranges = _Ranges(plan, quantile)
    for inputs, _ in data:
        ranges.run(inputs.cpu().float().clone())  # the module may work in place
    wanted = [0.0] * len(plan.values)
    for i, value in enumerate(plan.values):
        unit = plan.unit(i)
        wanted[unit] = max(wanted[unit], ranges.found[value.source] / FULL[value.dtype])
    # A range of 0 says nothing.
    scales = [fixed.get(i, scale or 1 / 16) for i, scale in enumerate(wanted)]
    return tuple(scales[plan.unit(i)] for i in range(len(scales)))


def multiplier(real: float) -> tuple[int, int]:
    """A factor as `mult / 2^shift` with 31 significant bits, or the nearest that there is."""
    if not real > 0:
        return 0, 0
    shift = min(max(31 - math.frexp(real)[1], 0), 62)
    mult = round(math.ldexp(real, shift))
    if mult >= 1 << 31 and shift > 0:
        mult, shift = mult >> 1, shift - 1
    return min(mult, (1 << 31) - 1), shift


def _short(x: np.ndarray) -> np.ndarray:
    """`x` with 16 significant bits: an f32 holds a weight, 7 bits times a scale, exactly, so that weights
    that were loaded are exported as they were."""
    mantissa, exponent = np.frexp(x)
    return np.ldexp(np.rint(np.ldexp(mantissa, 16)), exponent - 16)


def _folded(plan: Plan, value: Value) -> tuple[np.ndarray, np.ndarray]:
    """Weight `[out, ..]` and bias `[out]` of a layer and the batch norm behind it, in doubles and in the
    graph's order."""
    weight = value.layer.weight.double()
    bias = torch.zeros(len(weight), dtype=torch.float64)
    if value.layer.bias is not None:
        bias = value.layer.bias.double()
    if value.norm:
        norm = plan.program.get_submodule(value.norm)
        factor = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
        weight = weight * factor.reshape(-1, *[1] * (weight.dim() - 1))
        bias = (bias - norm.running_mean.double()) * factor + norm.bias.double()
    for tensor in (weight, bias):
        if not tensor.isfinite().all():
            raise ValueError(f"layer '{value.name}' has parameters that are not finite")
    flat = plan.values[value.inputs[0]].flat
    return _ordered(weight, flat).numpy(), bias.numpy()


def _ordered(weight: torch.Tensor, flat: tuple[int, int, int] | None) -> torch.Tensor:
    """A weight of the module in the graph's order; `flat` is the image that a dense layer's inputs list."""
    if weight.dim() == 4:
        return weight.permute(0, 2, 3, 1)
    if flat is None:
        return weight
    h, w, c = flat
    return weight.reshape(-1, c, h, w).permute(0, 2, 3, 1).flatten(1)


def _reordered(weight: torch.Tensor, flat: tuple[int, int, int] | None) -> torch.Tensor:
    """The inverse of `_ordered`."""
    if weight.dim() == 4:
        return weight.permute(0, 3, 1, 2)
    return weight if flat is None else weight.reshape(-1, *flat).permute(0, 3, 1, 2).flatten(1)


def _table(value: Value, input_scale: float, scale: float) -> np.ndarray:
    """What the layer makes of each `i8`, in units of `scale`."""
    x = torch.arange(-128, 128, dtype=torch.float64) * input_scale
    info = np.iinfo(NUMPY[value.dtype])
    # A copy: the layer may work in place.
    y = value.layer(x.clone()) / scale
    return (y + 0.5).floor().clamp(info.min, info.max).numpy()


@torch.no_grad()
def _quantise(plan: Plan, scales: tuple[float, ...]) -> bytes:
    """The weights blob of a module under these scales."""
    blob = []
    for value, s_y in zip(plan.values, scales):
        if value.op == "add":
            factors = [scales[x] / s_y for x in value.inputs]
            if max(factors) > (1 << 31) - 1:
                raise ValueError(f"'{value.name}': its terms are too large for its sum")
            # One shift for both, the greater of which gets 30 bits.
            shift = min(max(30 - math.frexp(max(factors))[1], 0), 62)
            params = [[round(math.ldexp(factor, shift))] for factor in factors] + [[shift]]
        elif value.op == "lookup":
            params = [_table(value, scales[value.inputs[0]], s_y)]
        elif value.op in ("dense", "conv2d"):
            s_x = scales[value.inputs[0]]
            weight, bias = _folded(plan, value)
            rows = weight.reshape(len(weight), -1)
            s_w = np.maximum(np.abs(rows).max(axis=1) / 127, np.abs(bias) / (s_x * MOST_BIAS))
            s_w = _short(np.maximum(s_w, LEAST_SCALE))
            q = np.clip(np.floor(rows / s_w[:, None] + 0.5), -127, 127)
            mults, shifts = zip(*(multiplier(s_x * s / s_y) for s in s_w))
            params = [q, np.floor(bias / (s_x * s_w) + 0.5), mults, shifts]
        else:
            continue
        for index, param in zip(value.params, params, strict=True):
            blob.append(np.asarray(param).astype(NUMPY[plan.params[index][0]]).tobytes())
    return b"".join(blob)


def export(
    module: nn.Module,
    calibration: Batches,
    *,
    metric: str = "accuracy",
    input_scale: float | None = None,
    quantile: float = 1.0,
    scales: tuple[float, ...] | None = None,
) -> Exported:
    """The integer graph of a module that classifies, with its weights.

    `calibration` are batches `(inputs, targets)` like those that the module is made for; a few hundred
    records do. A value's range is the greatest magnitude in them, or, with a `quantile` below 1, what that
    fraction of a batch's values does not exceed. `input_scale` is what an input of 1 stands for in the
    records (default: by range, so that 127 is the greatest). `scales` are those of an earlier export of
    this module, to keep: `calibration` then only tells the inputs' shape.

    Raises `Unsupported`, naming the layer, for what has no integer counterpart.
    """
    if not 0 < quantile <= 1:
        raise ValueError("the quantile is above 0 and at most 1")
    batches = iter(calibration)
    first = next(batches, None)
    if first is None:
        raise ValueError("there is no batch to calibrate with")
    plan = Plan(module, first[0][:1])
    fixed = _fixed(plan, metric, input_scale)
    if scales is None:
        scales = _calibrate(plan, chain([first], batches), quantile, fixed)
    else:
        scales = tuple(scales)
        _check(plan, scales, fixed)
    return Exported(plan.graph(), _quantise(plan, scales), scales, metric)


# -- From integers to floats ----------------------------------------------------------------


def _real(params: list[np.ndarray], mult: int, shift: int) -> np.ndarray:
    """Each channel's factor `mult / 2^shift`."""
    return np.ldexp(params[mult].astype(float), -np.minimum(params[shift], 62).astype(int))


def _settle(plan: Plan, exported: Exported, params: list[np.ndarray]) -> tuple[float, ...]:
    """What 1 stands for in each value, under foreign weights: sums bind the scales of what they add, and
    inputs, tables, inner clamp bounds and a cross-entropy's logits have theirs; the rest keep the
    exported ones, for any would do."""
    known = _fixed(plan, exported.metric, exported.scales[0])
    bonds: list[tuple[int, int, float]] = []  # the second's scale is the first's times the factor
    for i, value in enumerate(plan.values):
        if value.op in KEEPS_SCALE:
            bonds.append((value.inputs[0], i, 1.0))
        elif value.op == "lookup":
            for v in (value.inputs[0], i):
                known[plan.unit(v)] = exported.scales[v]
        elif value.op == "add":
            lhs, rhs, shift = value.params
            for x, mult in zip(value.inputs, (lhs, rhs)):
                [factor] = _real(params, mult, shift)
                if not factor > 0:
                    raise ValueError(f"'{value.name}': the weights subtract or drop a term, the module adds")
                bonds.append((x, i, 1 / factor))
    bonds += [(b, a, 1 / factor) for a, b, factor in bonds]
    scales: dict[int, float] = {}
    for seed in [*known, *range(len(plan.values))]:
        if seed in scales and seed not in known:
            continue
        reached = [(seed, known.get(seed, exported.scales[seed]))]
        while reached:
            value, scale = reached.pop()
            if value not in scales:
                # Multipliers are rounded; the bridge's own stand for the scales of then, exactly.
                old = exported.scales[value]
                scales[value] = old if math.isclose(scale, old, rel_tol=1e-6) else scale
                reached += [(b, scales[value] * factor) for a, b, factor in bonds if a == value]
            elif not math.isclose(scales[value], scale, rel_tol=1e-4):
                name = plan.values[value].name
                raise ValueError(f"'{name}': the weights sum in other proportions than the module")
    return tuple(scales[v] for v in range(len(plan.values)))


@torch.no_grad()
def load_weights(module: nn.Module, exported: Exported, blob: bytes | None = None) -> Exported:
    """Sets a module's parameters to what the integers of a weights blob (default: the exported one) stand
    for; returns the blob's `Exported`. `exported` is of the same module, with any weights.

    A batch norm becomes the identity with the bias as its own: the folded one cannot be told apart.
    Raises `ValueError`, with the module as it was, if it has no parameters that would do.
    """
    plan = Plan(module, torch.zeros(1, *_image(exported.graph["inputs"][0]["shape"])))
    if plan.graph() != exported.graph:
        raise ValueError("the module has another graph than what was exported")
    _check(plan, exported.scales, _fixed(plan, exported.metric, None))
    blob = exported.weights if blob is None else blob
    params, old = (integers.split(exported.graph, each) for each in (blob, exported.weights))
    scales = _settle(plan, exported, params)
    own = {id(tensor) for tensor in chain(module.parameters(), module.buffers())}
    found: list[tuple[torch.Tensor, torch.Tensor | float]] = []
    for value, s_y in zip(plan.values, scales):
        if value.op == "lookup" and (params[value.params[0]] != old[value.params[0]]).any():
            raise ValueError(f"'{value.name}': the weights have another table than what was exported")
        if value.op not in ("dense", "conv2d"):
            continue
        s_x, before = scales[value.inputs[0]], plan.values[value.inputs[0]]
        weight, bias, mult, shift = value.params
        s_w = _short(_real(params, mult, shift) * s_y / s_x)
        bias = torch.from_numpy(params[bias] * s_x * s_w)
        weight = torch.from_numpy((params[weight].T * s_w).T.copy())
        layer = module.get_submodule(value.name)
        if not {id(layer.weight), id(layer.bias)} <= own | {id(None)}:
            # Such as a weight norm's: what is set there would be computed anew.
            raise ValueError(f"layer '{value.name}' is parametrised: its weights follow from others")
        found.append((layer.weight, _reordered(weight, before.flat)))
        if value.norm:
            norm = module.get_submodule(value.norm)
            found += [(norm.weight, 1.0), (norm.bias, bias), (norm.running_mean, 0.0)]
            found.append((norm.running_var, 1 - norm.eps))
            bias = torch.zeros_like(bias)
        if layer.bias is not None:
            found.append((layer.bias, bias))
        elif bias.any():
            raise ValueError(f"layer '{value.name}' has no bias, but these weights have one")
    for parameter, real in found:
        parameter.copy_(torch.as_tensor(real))
    return replace(exported, weights=blob, scales=scales)


def _image(shape: list[int]) -> list[int]:
    """The module's shape for the graph's."""
    return [shape[-1], *shape[:-1]]
