"""A second implementation of the evaluator, written from docs/evaluator.md alone.

Section numbers are those of the page.
"""

import hashlib
from enum import Enum
from math import prod
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

TABLES = Path(__file__).resolve().parents[2] / "evaluator" / "tables"
MAX_DOT = 131_071  # the longest sum of i8 products that is exact in an i32
MAX_LOSS = 128 << 16
LEAST_SCORE = -(2**31 - 1)

# -- Structures (section 1): the fields' annotations are also what decodes them --------------

U8 = Annotated[int, 1, False]  # width in bytes, signed
U16 = Annotated[int, 2, False]
U32 = Annotated[int, 4, False]
U64 = Annotated[int, 8, False]
I32 = Annotated[int, 4, True]
Hash = Annotated[bytes, 32]
Pair = tuple[U16, U16]


class DType(Enum):
    I8, U8, I16, U16, I32 = range(5)

    @property
    def numpy(self) -> np.dtype:
        return np.dtype(("<i1", "<u1", "<i2", "<u2", "<i4")[self.value])

    @property
    def least(self) -> int:
        return int(np.iinfo(self.numpy).min)

    @property
    def greatest(self) -> int:
        return int(np.iinfo(self.numpy).max)


class TensorType(NamedTuple):
    dtype: DType
    shape: tuple[U32, ...]

    @property
    def elements(self) -> int:
        return prod(self.shape)

    @property
    def bytes(self) -> int:
        return self.elements * self.dtype.numpy.itemsize


class Requant(NamedTuple):
    bias: U16
    mult: U16
    shift: U16


class Padding(NamedTuple):
    top: U16 = 0
    bottom: U16 = 0
    left: U16 = 0
    right: U16 = 0


class Dense(NamedTuple):
    weight: U16
    requant: Requant


class Conv2d(NamedTuple):
    weight: U16
    requant: Requant
    stride: Pair
    padding: Padding
    groups: U32


class MaxPool2d(NamedTuple):
    kernel: Pair
    stride: Pair
    padding: Padding


class AvgPool2d(NamedTuple):
    kernel: Pair
    stride: Pair


class Add(NamedTuple):
    lhs_mult: U16
    rhs_mult: U16
    shift: U16


class Reshape(NamedTuple):
    pass


class Lookup(NamedTuple):
    table: U16


class Clamp(NamedTuple):
    min: I32
    max: I32


Op = Dense | Conv2d | MaxPool2d | AvgPool2d | Add | Reshape | Lookup | Clamp


class Node(NamedTuple):
    op: Op
    inputs: tuple[U16, ...]
    output: TensorType


class Graph(NamedTuple):
    version: U8
    inputs: tuple[TensorType, ...]
    params: tuple[TensorType, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[U16, ...]

    @property
    def values(self) -> tuple[TensorType, ...]:
        """The types of all values, in their order."""
        return self.inputs + tuple(node.output for node in self.nodes)


class Accuracy(NamedTuple):
    pass


class CrossEntropy(NamedTuple):
    logit_scale_log2: U8


class SquaredError(NamedTuple):
    pass


class TargetSpec(NamedTuple):
    tensor: TensorType
    ignore: I32 | None = None


class Confidence(NamedTuple):
    p: U32
    q: U32


class Objective(NamedTuple):
    metric: Accuracy | CrossEntropy | SquaredError
    target: TargetSpec
    min_improvement: U64
    confidence: Confidence | None = None


class BlobRef(NamedTuple):
    root: Hash
    len: U64


class DatasetRef(NamedTuple):
    blob: BlobRef
    records: U32


class DataSource(Enum):
    FIXED = 0


class ModelSpec(NamedTuple):
    graph: Graph
    objective: Objective
    source: DataSource  # with `dataset`, the page's one variant `Fixed(DatasetRef)`
    dataset: DatasetRef


# -- SCALE (section 1) ----------------------------------------------------------------------


class DecodeError(ValueError):
    """The bytes are not the SCALE encoding of the structure (section 1)."""


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, n: int) -> bytes:
        if n > len(self.data) - self.at:
            raise DecodeError("the bytes end early")
        self.at += n
        return self.data[self.at - n : self.at]

    def length(self) -> int:
        """A compact length; only its shortest form is accepted."""
        first = self.take(1)
        mode = first[0] & 3
        if mode == 3:
            # Lengths are u32, so no form with more than four further bytes is the shortest.
            if first[0] != 3:
                raise DecodeError("a length above u32")
            value = int.from_bytes(self.take(4), "little")
        else:
            value = int.from_bytes(first + self.take((1 << mode) - 1), "little") >> 2
        if value < (0, 1 << 6, 1 << 14, 1 << 30)[mode]:
            raise DecodeError("a length not in its shortest form")
        return value

    def index(self, variants: Any) -> Any:
        i = self.take(1)[0]
        if i >= len(variants):
            raise DecodeError(f"unknown index {i}")
        return variants[i]

    def read(self, kind: Any) -> Any:
        args = get_args(kind)
        if get_origin(kind) is Annotated:
            raw = self.take(args[1])
            return raw if args[0] is bytes else int.from_bytes(raw, "little", signed=args[2])
        if get_origin(kind) is tuple:
            if args[-1] is ...:
                return tuple(self.read(args[0]) for _ in range(self.length()))
            return tuple(map(self.read, args))
        if NoneType in args:
            return self.read(args[0]) if self.index((False, True)) else None
        if args:
            return self.read(self.index(args))
        if issubclass(kind, Enum):
            return self.index(tuple(kind))
        return kind(*map(self.read, get_type_hints(kind, include_extras=True).values()))


def _write(kind: Any, value: Any) -> bytes:
    args = get_args(kind)
    if get_origin(kind) is Annotated:
        return value if args[0] is bytes else value.to_bytes(args[1], "little", signed=args[2])
    if get_origin(kind) is tuple:
        if args[-1] is not ...:
            return b"".join(map(_write, args, value))
        mode = sum(len(value) >= 1 << bits for bits in (6, 14))
        length = (len(value) << 2 | mode).to_bytes(1 << mode, "little")
        return length + b"".join(_write(args[0], item) for item in value)
    if NoneType in args:
        return b"\0" if value is None else b"\1" + _write(args[0], value)
    if args:
        return bytes([args.index(type(value))]) + _write(type(value), value)
    if issubclass(kind, Enum):
        return bytes([value.value])
    return b"".join(map(_write, get_type_hints(kind, include_extras=True).values(), value))


def _decode(kind: Any, data: bytes) -> Any:
    reader = _Reader(data)
    value = reader.read(kind)
    if reader.at != len(data):
        raise DecodeError("trailing bytes")
    return value


def decode_graph(data: bytes) -> Graph:
    """Decode a SCALE `Graph`, strictly (section 1)."""
    return _decode(Graph, data)


def decode_model(data: bytes) -> ModelSpec:
    """Decode a SCALE `ModelSpec`, strictly (section 1)."""
    return _decode(ModelSpec, data)


def encode(value: Graph | ModelSpec) -> bytes:
    """The SCALE encoding of a structure (section 1)."""
    return _write(type(value), value)


def model_id(data: bytes) -> bytes:
    """The id of the model whose SCALE encoding is `data` (section 1)."""
    return hashlib.blake2b(b"oda/model/1" + data, digest_size=32).digest()


# -- Valid graphs (section 2) ---------------------------------------------------------------


class InvalidGraph(ValueError):
    """The graph breaks a rule of section 2; `rule` is its number."""

    def __init__(self, rule: int, why: str) -> None:
        super().__init__(f"rule {rule}: {why}")
        self.rule, self.why = rule, why


def _require(rule: int, holds: bool, why: str) -> None:
    if not holds:
        raise InvalidGraph(rule, why)


def validate(graph: Graph) -> None:
    """Raise `InvalidGraph` for the first rule, in numeric order, that is broken (section 2)."""
    g, values = graph, graph.values

    _require(1, g.version == 1, "version")
    _require(1, len(encode(g)) <= 16_384, "size of the encoding")
    _require(1, 1 <= len(g.inputs) <= 16, "number of inputs")
    _require(1, len(g.params) <= 1_024, "number of parameters")
    _require(1, 1 <= len(g.nodes) <= 256, "number of nodes")
    _require(1, 1 <= len(g.outputs) <= 16, "number of outputs")

    for tensor in values + g.params:
        _require(2, 1 <= len(tensor.shape) <= 4, "number of axes")
        _require(2, 0 not in tensor.shape, "an empty axis")
        _require(2, tensor.bytes <= 4_194_304, "bytes of a tensor")

    for n, node in enumerate(g.nodes):
        arity = 2 if isinstance(node.op, Add) else 1
        _require(3, len(node.inputs) == arity, f"arity of node {n}")
        _require(3, all(v < len(g.inputs) + n for v in node.inputs), f"node {n} reads ahead")
    _require(3, len(set(g.outputs)) == len(g.outputs), "an output twice")
    made = range(len(g.inputs), len(values))
    _require(3, all(v in made for v in g.outputs), "an output no node makes")

    named = set().union(*(_named(node.op) for node in g.nodes))
    _require(3, all(p < len(g.params) for p in named), "no such parameter")

    used = set(g.outputs).union(*(node.inputs for node in g.nodes))
    _require(4, used == set(range(len(values))), "an unused value")
    _require(4, len(named) == len(g.params), "an unused parameter")

    for n, node in enumerate(g.nodes):
        _require(5, node.output == _made(g, node), f"stated output of node {n}")

    _require(6, live_bytes(g) <= 16_777_216, "live activations")


def _named(op: Op) -> tuple[int, ...]:
    """The parameters that an operator names."""
    match op:
        case Dense(weight, rq) | Conv2d(weight, rq):
            return weight, rq.bias, rq.mult, rq.shift
        case Add(lhs, rhs, shift):
            return lhs, rhs, shift
        case Lookup(table):
            return (table,)
    return ()


def _made(g: Graph, node: Node) -> TensorType:
    """What the node's operator makes; its type where free is the stated one (section 4)."""
    op, stated = node.op, node.output.dtype
    x, *others = (g.values[v] for v in node.inputs)

    def param(index: int, dtype: DType) -> tuple[int, ...]:
        _require(5, g.params[index].dtype == dtype, "type of a parameter")
        return g.params[index].shape

    def rescale(bias: int | None, mult: int, shift: int, n: int) -> None:
        for index, dtype in ((bias, DType.I32), (mult, DType.I32), (shift, DType.U8)):
            _require(5, index is None or param(index, dtype) == (n,), "shape of a parameter")

    def slide(kernel: tuple[int, ...], stride: tuple[int, int], pad: Padding) -> tuple[int, int]:
        out = []
        for axis, around in enumerate(((pad.top, pad.bottom), (pad.left, pad.right))):
            _require(5, stride[axis] >= 1, "stride")
            _require(5, max(around) < kernel[axis], "padding")
            room = x.shape[axis] + sum(around) - kernel[axis]
            _require(5, room >= 0, "kernel larger than the image")
            out.append(room // stride[axis] + 1)
        return out[0], out[1]

    match op:
        case Dense(weight, rq):
            w = param(weight, DType.I8)
            _require(5, x.dtype == DType.I8 and len(w) == 2, "dense operands")
            _require(5, w[1] == x.shape[-1] and w[1] <= MAX_DOT, "dense extent")
            rescale(rq.bias, rq.mult, rq.shift, w[0])
            return TensorType(stated, x.shape[:-1] + (w[0],))
        case Conv2d(weight, rq, stride, pad, groups):
            w = param(weight, DType.I8)
            _require(5, x.dtype == DType.I8 and len(x.shape) == 3 and len(w) == 4, "conv operands")
            c = x.shape[2]
            _require(5, groups > 0 and c % groups == 0 and w[0] % groups == 0, "groups")
            _require(5, w[3] == c // groups and prod(w[1:]) <= MAX_DOT, "kernel")
            rescale(rq.bias, rq.mult, rq.shift, w[0])
            return TensorType(stated, slide(w[1:3], stride, pad) + (w[0],))
        case MaxPool2d(kernel, stride) | AvgPool2d(kernel, stride):
            _require(5, len(x.shape) == 3, "pool operand")
            pad = op.padding if isinstance(op, MaxPool2d) else Padding()
            return TensorType(x.dtype, slide(kernel, stride, pad) + x.shape[2:])
        case Add(lhs_mult, rhs_mult, shift):
            _require(5, x.shape == others[0].shape, "add shapes")
            _require(5, DType.I32 not in (x.dtype, others[0].dtype), "add types")
            rescale(None, lhs_mult, shift, 1)
            rescale(None, rhs_mult, shift, 1)
            return TensorType(stated, x.shape)
        case Reshape():
            _require(5, node.output.elements == x.elements, "reshape elements")
            return TensorType(x.dtype, node.output.shape)
        case Lookup(table):
            _require(5, x.dtype in (DType.I8, DType.U8), "lookup operand")
            _require(5, param(table, stated) == (256,), "shape of a table")
            return TensorType(stated, x.shape)
        case Clamp(low, high):
            _require(5, x.dtype.least <= low <= high <= x.dtype.greatest, "clamp bounds")
            return x
    raise AssertionError(op)


def live_bytes(graph: Graph) -> int:
    """The most bytes of values alive while a node runs (section 2, rule 6)."""
    # A value's life in numbers of nodes; the inputs are there when node 0 runs.
    born = [max(v - len(graph.inputs), 0) for v in range(len(graph.values))]
    dies = list(born)
    for n, node in enumerate(graph.nodes):
        for v in node.inputs:
            dies[v] = n
    for v in graph.outputs:
        dies[v] = len(graph.nodes)
    sizes = [t.bytes for t in graph.values]
    return max(
        sum(size for size, b, d in zip(sizes, born, dies) if b <= n <= d)
        for n in range(len(graph.nodes))
    )


# -- Arithmetic (section 3) -----------------------------------------------------------------


def saturate(x: np.ndarray, dtype: DType) -> np.ndarray:
    """`sat_T(x)` (introduction)."""
    return np.clip(x, dtype.least, dtype.greatest)


def rshift(x: np.ndarray, s: np.ndarray) -> np.ndarray:
    """The rounding shift of int64 elements (section 3)."""
    s = np.minimum(s, 62)
    half = np.where(s > 0, np.int64(1) << np.maximum(s - 1, 0), 0)
    return (x + half) >> s


def requantise(acc: np.ndarray, rq: Requant, params: list[np.ndarray], to: DType) -> np.ndarray:
    """Requantise accumulators whose last axis is the channel (section 3)."""
    a = saturate(acc + params[rq.bias], DType.I32)
    return saturate(rshift(a * params[rq.mult], params[rq.shift]), to)


# -- Operators (sections 1 and 4) -----------------------------------------------------------


def _tensors(types: tuple[TensorType, ...], data: bytes, what: str) -> list[np.ndarray]:
    """Cut a byte string into tensors, widened to int64."""
    if len(data) != sum(t.bytes for t in types):
        raise ValueError(f"{what}: wrong number of bytes")
    out, at = [], 0
    for t in types:
        flat = np.frombuffer(data, t.dtype.numpy, t.elements, at)
        out.append(flat.astype(np.int64).reshape(t.shape))
        at += t.bytes
    return out


def _windows(
    x: np.ndarray, kernel: tuple[int, int], stride: tuple[int, int], pad: Padding, fill: int
) -> np.ndarray:
    """A view `[h', w', c, kernel height, kernel width]` of the padded image."""
    around = ((pad.top, pad.bottom), (pad.left, pad.right), (0, 0))
    padded = np.pad(x, around, constant_values=fill)
    return sliding_window_view(padded, kernel, axis=(0, 1))[:: stride[0], :: stride[1]]


def _convolve(x: np.ndarray, weight: np.ndarray, op: Conv2d) -> np.ndarray:
    o, kh, kw, depth = weight.shape
    seen = _windows(x, (kh, kw), op.stride, op.padding, 0)
    h, w = seen.shape[:2]
    # One matrix product per group; both sides order a kernel's elements (i, u, v).
    patches = seen.reshape(h * w, op.groups, depth * kh * kw).transpose(1, 0, 2)
    kernels = weight.transpose(0, 3, 1, 2).reshape(op.groups, o // op.groups, depth * kh * kw)
    return (patches @ kernels.transpose(0, 2, 1)).transpose(1, 0, 2).reshape(h, w, o)


def _run(g: Graph, node: Node, values: list[np.ndarray], params: list[np.ndarray]) -> np.ndarray:
    """The value that a node makes from the values before it (section 4)."""
    x, *others = (values[v] for v in node.inputs)
    to, least = node.output.dtype, g.values[node.inputs[0]].dtype.least
    match node.op:
        case Dense(weight, rq):
            return requantise(x @ params[weight].T, rq, params, to)
        case Conv2d(weight, rq) as op:
            return requantise(_convolve(x, params[weight], op), rq, params, to)
        case MaxPool2d(kernel, stride, pad):
            return _windows(x, kernel, stride, pad, least).max(axis=(3, 4))
        case AvgPool2d(kernel, stride):
            n = prod(kernel)
            total = _windows(x, kernel, stride, Padding(), 0).sum(axis=(3, 4))
            return (2 * total + n) // (2 * n)
        case Add(lhs, rhs, shift):
            return saturate(rshift(x * params[lhs] + others[0] * params[rhs], params[shift]), to)
        case Reshape():
            return x.reshape(node.output.shape)
        case Lookup(table):
            return params[table][x - least]
        case Clamp(low, high):
            return np.clip(x, low, high)
    raise AssertionError(node.op)


def evaluate(graph: Graph, weights: bytes, inputs: bytes) -> list[np.ndarray]:
    """The graph's outputs, in its order and in their stated types (section 4)."""
    validate(graph)
    params = _tensors(graph.params, weights, "weights")
    values = _tensors(graph.inputs, inputs, "inputs")
    for node in graph.nodes:
        values.append(_run(graph, node, values, params))
    return [values[v].astype(graph.values[v].dtype.numpy) for v in graph.outputs]


# -- Scores (section 5) ---------------------------------------------------------------------


def _table(name: str) -> list[int]:
    return np.fromfile(TABLES / name, "<u4").tolist()


EXP2, LOG2 = _table("exp2.u32le"), _table("log2.u32le")


def interpolate(table: list[int], f: int) -> int:
    """A table's value between two of its entries (section 5)."""
    k, r = divmod(f, 256)
    step = abs(table[k + 1] - table[k]) * r // 256
    return table[k] + step if table[k + 1] > table[k] else table[k] - step


def cross_entropy(logits: list[int], target: int, e: int) -> int:
    """The loss of one position, in bits x 2^16 (section 5)."""
    if not 0 <= target < len(logits):
        return MAX_LOSS
    greatest, total = max(logits), 0
    for logit in logits:
        n, rest = divmod(greatest - logit, 1 << e)
        if n < 64:
            total += interpolate(EXP2, rest << (16 - e)) >> n
    p = total.bit_length() - 1
    fraction = ((total << (63 - p)) >> 47) % (1 << 16)
    whole = ((p - 30) << 16) + ((greatest - logits[target]) << (16 - e))
    return min(whole + interpolate(LOG2, fraction), MAX_LOSS)


def _scored(model: ModelSpec) -> TensorType:
    """The type of the model's one output."""
    if len(model.graph.outputs) != 1:
        raise ValueError("a model has exactly one output")
    return model.graph.values[model.graph.outputs[0]]


def score(model: ModelSpec, weights: bytes, record: bytes) -> int:
    """The score of one record, input and then target (section 5)."""
    metric, spec = model.objective.metric, model.objective.target
    out = _scored(model)
    squared = isinstance(metric, SquaredError)
    if spec.tensor.shape != (out.shape if squared else out.shape[:-1]):
        raise ValueError("the target's shape does not fit the output's")
    if isinstance(metric, CrossEntropy) and metric.logit_scale_log2 > 16:
        raise ValueError("logit_scale_log2 above 16")

    split = len(record) - spec.tensor.bytes
    [y] = evaluate(model.graph, weights, record[: max(split, 0)])
    [target] = _tensors((spec.tensor,), record[max(split, 0) :], "target")
    # Lists of Python integers: a squared difference of two i32 does not fit 64 bits.
    rows = y.reshape(-1, out.shape[-1]).tolist()
    wanted = target.reshape(len(rows), -1).tolist()

    total = 0
    for row, want in zip(rows, wanted, strict=True):
        counts = [t != spec.ignore for t in want]
        match metric:
            case Accuracy():
                total += counts[0] and row.index(max(row)) == want[0]
            case CrossEntropy(e):
                total -= cross_entropy(row, want[0], e) if counts[0] else 0
            case SquaredError():
                total -= sum((a - b) ** 2 for a, b, n in zip(row, want, counts, strict=True) if n)
    return max(total, LEAST_SCORE)


def pack(model: ModelSpec, scores: list[int]) -> bytes:
    """The packed list of all records' scores (section 5)."""
    if isinstance(model.objective.metric, Accuracy) and not model.objective.target.tensor.shape:
        if not set(scores) <= {0, 1}:
            raise ValueError("a score that is no bit")
        packed = np.packbits(np.array(scores, np.uint8), bitorder="little").tobytes()
    else:
        packed = np.array(scores, "<i4").tobytes()
    if len(packed) > 65_536:
        raise ValueError("more than 65,536 bytes of scores")
    return packed


# -- Better (section 6) ---------------------------------------------------------------------


def beats(model: ModelSpec, new: list[int], head: list[int]) -> bool:
    """Whether the new scores beat the head's (section 6)."""
    pairs = list(zip(new, head, strict=True))
    if sum(new) - sum(head) < model.objective.min_improvement:
        return False
    confidence = model.objective.confidence
    if confidence is None:
        return True
    b, c = sum(n > h for n, h in pairs), sum(n < h for n, h in pairs)
    return b > c and (b - c) ** 2 * confidence.q >= confidence.p * (b + c)


def beats_sum(model: ModelSpec, new: list[int], head: int) -> bool:
    """Whether the new scores beat a head of which only the sum is known (section 6)."""
    gain = sum(new) - head
    if gain < model.objective.min_improvement:
        return False
    confidence = model.objective.confidence
    if confidence is None:
        return True
    positions = model.objective.target.tensor.elements
    c = min(head, sum(n < positions for n in new))
    b = -(-(c + gain) // positions)
    return b > c and (b - c) ** 2 * confidence.q >= confidence.p * (b + c)


# -- Cost (section 7) -----------------------------------------------------------------------


def cost(of: Graph | ModelSpec) -> dict[str, int]:
    """What one record costs, by component (section 7); a model's output is scored as well."""
    graph = of.graph if isinstance(of, ModelSpec) else of
    macs = rows = lines = elements = requants = element_ops = 0
    for node in graph.nodes:
        made = node.output.elements
        match node.op:
            case Dense(weight):
                outputs, products = graph.params[weight].shape
                macs += made * products
                rows += made // outputs
                requants += made
            case Conv2d(weight, groups=groups):
                _, kh, kw, per_group = graph.params[weight].shape
                patches = prod(node.output.shape[:2]) * groups
                macs += made * kh * kw * per_group
                rows += patches
                lines += patches * kh
                elements += patches * kh * kw * per_group
                requants += made
            case Add():
                requants += made
            case MaxPool2d(kernel) | AvgPool2d(kernel):
                rows += node.output.shape[0]
                element_ops += made * prod(kernel)
            case _:
                element_ops += made
    if isinstance(of, ModelSpec):
        rows += prod(_scored(of).shape[:-1])
        element_ops += _scored(of).elements
    return {
        "macs": macs,
        "rows": rows,
        "patch_lines": lines,
        "patch_elements": elements,
        "requants": requants,
        "element_ops": element_ops,
        "param_bytes": sum(t.bytes for t in graph.params),
        "activation_bytes": sum(t.bytes for t in graph.values),
        "live_bytes": live_bytes(graph),
        "nodes": len(graph.nodes),
    }
