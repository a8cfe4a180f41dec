"""Cases worked by hand from docs/evaluator.md."""

import contextlib
import io
import json
import tempfile
import unittest
from decimal import Decimal, getcontext
from itertools import product
from pathlib import Path
from unittest import mock

import numpy as np

import check
import oda_evaluator as oda
from oda_evaluator import DType, Node, Padding, Requant, TensorType

I8, U8, I16, U16, I32 = DType
NONE = Padding()


def t(dtype: DType, *shape: int) -> TensorType:
    return TensorType(dtype, shape)


def raw(dtype: DType, values) -> bytes:
    return np.array(values, dtype.numpy).tobytes()


def chain(x: TensorType, *nodes: tuple, params=()) -> oda.Graph:
    """A graph in which each node (operator, output) reads the value before it."""
    made = tuple(Node(op, (i,), y) for i, (op, y) in enumerate(nodes))
    return oda.Graph(1, (x,), tuple(params), made, (len(made),))


def copy(x: TensorType) -> oda.Graph:
    """A graph whose output is its input."""
    return chain(x, (oda.Reshape(), x))


def run(graph: oda.Graph, inputs: bytes, weights: bytes = b"") -> list:
    [y] = oda.evaluate(oda.decode_graph(oda.encode(graph)), weights, inputs)
    return y.ravel().tolist()


def model(y: TensorType, metric, target: TensorType, ignore=None, least=1, conf=None):
    """A model that scores its own input."""
    aim = oda.Objective(metric, oda.TargetSpec(target, ignore), least, conf)
    data = oda.DatasetRef(oda.BlobRef(bytes(32), 0), 1)
    return oda.ModelSpec(copy(y), aim, oda.DataSource.FIXED, data)


def rescaled(n: int) -> list[TensorType]:
    return [t(I32, n), t(I32, n), t(U8, n)]


def dense(k: int, n: int, y: DType) -> oda.Graph:
    op = oda.Dense(0, Requant(1, 2, 3))
    return chain(t(I8, k), (op, t(y, n)), params=[t(I8, n, k), *rescaled(n)])


class Arithmetic(unittest.TestCase):
    def shift(self, x: int, s: int) -> int:
        return int(oda.rshift(np.array([x]), np.array([s]))[0])

    def test_halves_round_up(self):
        for x, s, y in [(1, 1, 1), (-1, 1, 0), (-3, 1, -1), (3, 1, 2), (-5, 2, -1), (-6, 2, -1)]:
            self.assertEqual(self.shift(x, s), y, (x, s))
        self.assertEqual(self.shift(-7, 0), -7)

    def test_shifts_beyond_62_are_62(self):
        for s in (62, 63, 64, 255):
            self.assertEqual(self.shift(1 << 62, s), 1)
            self.assertEqual(self.shift(1 << 61, s), 1)
            self.assertEqual(self.shift((1 << 61) - 1, s), 0)
            self.assertEqual(self.shift(-(1 << 61), s), 0)
            self.assertEqual(self.shift(-(1 << 61) - 1, s), -1)

    def test_accumulator_saturates_before_the_multiplier(self):
        # 127 * 127 above the greatest i32: (2^31 - 1 + 1) >> 1, not (2^31 - 1 + 16129 + 1) >> 1.
        weights = raw(I8, [127]) + raw(I32, [2**31 - 1]) + raw(I32, [1]) + raw(U8, [1])
        self.assertEqual(run(dense(1, 1, I32), raw(I8, [127]), weights), [1 << 30])

    def test_greatest_product_fits(self):
        # a = -2^31, mult = -2^31: 2^62 >> 62 rounds to 1.
        weights = raw(I8, [0]) + raw(I32, [-(2**31)]) * 2 + raw(U8, [200])
        self.assertEqual(run(dense(1, 1, I8), raw(I8, [0]), weights), [1])


class Operators(unittest.TestCase):
    def test_dense(self):
        # Sums 16384 + 16384, -128 + 127 and 16384 - 16256; then bias 0, -2, 0.
        weights = raw(I8, [[-128, -128], [1, -1], [-128, 127]])
        weights += raw(I32, [0, -2, 0]) + raw(I32, [1, 1, -1]) + raw(U8, [0, 1, 0])
        x = raw(I8, [-128, -128])
        self.assertEqual(run(dense(2, 3, I16), x, weights), [32767, -1, -128])
        self.assertEqual(run(dense(2, 3, I32), x, weights), [32768, -1, -128])
        self.assertEqual(run(dense(2, 3, U8), x, weights), [255, 0, 0])

    def test_dense_keeps_leading_axes(self):
        op = oda.Dense(0, Requant(1, 2, 3))
        graph = chain(t(I8, 2, 1, 2), (op, t(I8, 2, 1, 1)), params=[t(I8, 1, 2), *rescaled(1)])
        weights = raw(I8, [1, 10]) + raw(I32, [0, 1]) + raw(U8, [0])
        self.assertEqual(run(graph, raw(I8, [1, 2, 3, 4]), weights), [21, 43])

    def test_conv_padding_stride_groups(self):
        # Channel 0 is 1 .. 9 under [[1, 2], [3, 4]]; channel 1 is its negative under ones.
        op = oda.Conv2d(0, Requant(1, 2, 3), (2, 2), Padding(top=1, left=1), 2)
        params = [t(I8, 2, 2, 2, 1), *rescaled(2)]
        graph = chain(t(I8, 3, 3, 2), (op, t(I8, 2, 2, 2)), params=params)
        weights = raw(I8, [1, 2, 3, 4, 1, 1, 1, 1]) + raw(I32, [0, 1, 1, 2]) + raw(U8, [0, 2])
        image = raw(I8, [v for i in range(1, 10) for v in (i, -i)])
        # Sums 4, 18, 36, 77 and -1, -5, -11, -28; the latter + 1, * 2, / 4, halves up.
        want = [4, 0, 18, -2, 36, -5, 77, -13]
        self.assertEqual(run(graph, image, weights), want)
        want_cost = {
            "macs": 8 * 4,
            "rows": 2 * 2 * 2,
            "patch_lines": 2 * 2 * 2 * 2,
            "patch_elements": 2 * 2 * 2 * 4,
            "requants": 8,
            "element_ops": 0,
            "param_bytes": 8 + 8 + 8 + 2,
            "activation_bytes": 18 + 8,
            "live_bytes": 26,
            "nodes": 1,
        }
        self.assertEqual(oda.cost(graph), want_cost)

    def test_conv_is_the_written_sum(self):
        h, w, c, o, kh, kw, groups = 5, 6, 4, 6, 3, 2, 2
        (s0, s1), pad = (2, 3), Padding(2, 1, 0, 1)
        rng = np.random.default_rng(1)
        x = rng.integers(-128, 128, (h, w, c))
        k = rng.integers(-128, 128, (o, kh, kw, c // groups))
        rows, cols = (h + 3 - kh) // s0 + 1, (w + 1 - kw) // s1 + 1
        want = np.zeros((rows, cols, o), np.int64)
        for r, q, j, u, v, i in product(*map(range, (rows, cols, o, kh, kw, c // groups))):
            y, z = r * s0 + u - pad.top, q * s1 + v - pad.left
            if 0 <= y < h and 0 <= z < w:
                want[r, q, j] += x[y, z, j // (o // groups) * (c // groups) + i] * k[j, u, v, i]
        op = oda.Conv2d(0, Requant(1, 2, 3), (s0, s1), pad, groups)
        params = [t(I8, *k.shape), *rescaled(o)]
        graph = chain(t(I8, h, w, c), (op, t(I32, rows, cols, o)), params=params)
        weights = raw(I8, k) + raw(I32, [0] * o) + raw(I32, [1] * o) + raw(U8, [0] * o)
        self.assertEqual(run(graph, raw(I8, x), weights), want.ravel().tolist())

    def test_max_pool_pads_with_the_least(self):
        op = oda.MaxPool2d((2, 2), (1, 2), Padding(1, 0, 0, 1))
        graph = chain(t(I16, 2, 3, 1), (op, t(I16, 2, 2, 1)))
        self.assertEqual(run(graph, raw(I16, [-5, -3, -9, -4, -8, -7])), [-3, -9, -3, -7])

    def test_avg_pool_of_negatives(self):
        # Sums -6, -2, 2, -3 of four: -1.5, -0.5, 0.5 up, -0.75 to the nearest.
        op = oda.AvgPool2d((2, 2), (2, 2))
        graph = chain(t(I8, 4, 4, 1), (op, t(I8, 2, 2, 1)))
        image = [-1, -2, -1, 0, -1, -2, 0, -1, 1, 1, -3, 0, 0, 0, 0, 0]
        self.assertEqual(run(graph, raw(I8, image)), [-1, 0, 1, -1])
        self.assertEqual(oda.cost(graph)["element_ops"], 4 * 4)

    def test_add_rounds_once(self):
        types = (t(I16, 2), t(U8, 2))
        params = (t(I32, 1), t(I32, 1), t(U8, 1))
        node = Node(oda.Add(0, 1, 2), (0, 1), t(I8, 2))
        graph = oda.Graph(1, types, params, (node,), (2,))
        # (3 + 5) / 4 = 2; (-32768 + 255 * 5) / 4 saturates.
        x = raw(I16, [3, -32768]) + raw(U8, [1, 255])
        self.assertEqual(run(graph, x, raw(I32, [1, 5]) + raw(U8, [2])), [2, -128])
        # (1 - 3) / 4 = -0.5 rounds to 0; two roundings would make it 0 - 1.
        x = raw(I16, [1, 0]) + raw(U8, [1, 0])
        self.assertEqual(run(graph, x, raw(I32, [1, -3]) + raw(U8, [2])), [0, 0])

    def test_lookup(self):
        table = raw(I16, [i * 100 - 12800 for i in range(256)])
        for dtype in (I8, U8):
            x = t(dtype, 3)
            graph = chain(x, (oda.Lookup(0), t(I16, 3)), params=[t(I16, 256)])
            inputs = raw(dtype, [dtype.least, dtype.least + 1, dtype.greatest])
            self.assertEqual(run(graph, inputs, table), [-12800, -12700, 12700])

    def test_reshape_clamp(self):
        x, y = t(I32, 2, 3), t(I32, 3, 2)
        graph = chain(x, (oda.Reshape(), y), (oda.Clamp(-(2**31), 5), y))
        values = [-(2**31), 2**31 - 1, 5, 6, 4, -1]
        self.assertEqual(run(graph, raw(I32, values)), [-(2**31), 5, 5, 5, 4, -1])

    def test_wrong_lengths(self):
        graph = copy(t(I16, 2))
        for weights, inputs in ((b"", bytes(3)), (b"", bytes(5)), (b"\0", bytes(4))):
            with self.assertRaises(ValueError):
                oda.evaluate(graph, weights, inputs)


class Scores(unittest.TestCase):
    def score(self, spec, y, target) -> int:
        values = spec.graph.inputs[0].dtype, spec.objective.target.tensor.dtype
        return oda.score(spec, b"", raw(values[0], y) + raw(values[1], target))

    def test_accuracy_takes_the_first_of_equals(self):
        spec = model(t(I8, 4), oda.Accuracy(), t(U8))
        self.assertEqual(self.score(spec, [1, 7, 7, 0], [1]), 1)
        self.assertEqual(self.score(spec, [1, 7, 7, 0], [2]), 0)
        self.assertEqual(self.score(spec, [1, 7, 7, 0], [200]), 0)

    def test_accuracy_counts_positions_but_ignored(self):
        spec = model(t(I8, 2, 2, 2), oda.Accuracy(), t(I16, 2, 2), ignore=-1)
        y = [0, 1, 0, 1, 1, 0, 1, 0]
        self.assertEqual(self.score(spec, y, [1, 0, 0, 0]), 3)
        self.assertEqual(self.score(spec, y, [-1, 0, -1, 0]), 1)

    def test_tables_are_the_formulas(self):
        getcontext().prec = 50
        two = Decimal(2)
        exp2 = [round(2**30 * two ** (Decimal(-k) / 256)) for k in range(257)]
        log2 = [round(2**16 * (1 + Decimal(k) / 256).ln() / two.ln()) for k in range(257)]
        self.assertEqual((oda.EXP2, oda.LOG2), (exp2, log2))

    def test_cross_entropy(self):
        # Two equal logits: one bit. One logit: none.
        self.assertEqual(oda.cross_entropy([5, 5], 0, 0), 1 << 16)
        self.assertEqual(oda.cross_entropy([5], 0, 16), 0)
        # Logits 1 and 1/2: terms 2^30 and EXP2[128] = 759250125, S = 1832991949, p = 30,
        # F = floor(S / 2^14) - 2^16 = 46340 = 181 * 256 + 4; LOG2[181] = 50560, LOG2[182] = 50776.
        self.assertEqual(oda.cross_entropy([2, 1], 0, 1), 50560 + 216 * 4 // 256)
        self.assertEqual(oda.cross_entropy([2, 1], 1, 1), 50560 + 3 + 32768)

    def test_cross_entropy_far_logits(self):
        # 2^30 + 1: F is 0. From n = 31 on the term itself is 0.
        self.assertEqual(oda.cross_entropy([0, -30], 0, 0), 0)
        self.assertEqual(oda.cross_entropy([0, -64], 1, 0), 64 << 16)
        self.assertEqual(oda.cross_entropy([0, -127], 1, 0), 127 << 16)
        self.assertEqual(oda.cross_entropy([0, -129], 1, 0), 128 << 16)
        self.assertEqual(oda.cross_entropy([2**31 - 1, -(2**31)], 1, 0), 128 << 16)

    def test_cross_entropy_target_out_of_range(self):
        spec = model(t(I8, 2, 2), oda.CrossEntropy(4), t(I8, 2), ignore=9)
        self.assertEqual(self.score(spec, [3, 3, 3, 3], [2, 0]), -(129 << 16))
        self.assertEqual(self.score(spec, [3, 3, 3, 3], [-1, 9]), -(128 << 16))
        spec = model(t(I8, 256, 2), oda.CrossEntropy(4), t(U8, 256))
        self.assertEqual(self.score(spec, [0] * 512, [2] * 256), -(2**31 - 1))

    def test_squared_error(self):
        spec = model(t(I8, 2, 2), oda.SquaredError(), t(I16, 2, 2), ignore=100)
        self.assertEqual(self.score(spec, [1, 2, 3, -128], [0, 0, 3, 127]), -(1 + 4 + 255**2))
        # An ignored element leaves its position's other elements.
        self.assertEqual(self.score(spec, [1, 2, 3, 4], [0, 0, 100, 0]), -21)
        spec = model(t(I32, 1), oda.SquaredError(), t(I32, 1))
        self.assertEqual(self.score(spec, [2**31 - 1], [-(2**31)]), -(2**31 - 1))

    def test_record_of_a_wrong_length(self):
        spec = model(t(I8, 4), oda.Accuracy(), t(U8))
        for n in (0, 4, 6):
            with self.assertRaises(ValueError):
                oda.score(spec, b"", bytes(n))

    def test_packing(self):
        spec = model(t(I8, 4), oda.Accuracy(), t(U8))
        self.assertEqual(oda.pack(spec, [1, 0, 0, 0, 0, 0, 0, 1, 1]), b"\x81\x01")
        self.assertEqual(len(oda.pack(spec, [1] * 524_288)), 65_536)
        with self.assertRaises(ValueError):
            oda.pack(spec, [1] * 524_289)
        spec = model(t(I8, 2, 4), oda.Accuracy(), t(U8, 2))
        self.assertEqual(oda.pack(spec, [2, 0]), bytes.fromhex("02000000 00000000"))
        spec = model(t(I8, 4), oda.SquaredError(), t(I8, 4))
        self.assertEqual(oda.pack(spec, [-1, 0]), bytes.fromhex("ffffffff 00000000"))


class Better(unittest.TestCase):
    def beats(self, b: int, c: int, conf, least=1) -> bool:
        spec = model(t(I8, 4), oda.Accuracy(), t(U8), least=least, conf=conf)
        return oda.beats(spec, [1] * b + [0] * c + [1], [0] * b + [1] * c + [1])

    def test_ladder(self):
        self.assertTrue(self.beats(5, 2, None, least=3))
        self.assertFalse(self.beats(5, 2, None, least=4))
        self.assertFalse(self.beats(0, 0, None))

    def test_mcnemar_boundary(self):
        self.assertTrue(self.beats(4, 0, oda.Confidence(4, 1)))  # 16 >= 16
        self.assertFalse(self.beats(4, 0, oda.Confidence(401, 100)))  # 1600 < 1604
        self.assertTrue(self.beats(4, 0, oda.Confidence(384, 100)))  # 1600 >= 1536
        self.assertFalse(self.beats(3, 0, oda.Confidence(384, 100)))  # 900 < 1152
        self.assertFalse(self.beats(5, 1, oda.Confidence(384, 100)))  # 1600 < 2304

    def test_a_sum_alone_passes_nothing_that_the_list_would_not(self):
        conf = oda.Confidence(384, 100)
        spec = model(t(I8, 4), oda.Accuracy(), t(U8), conf=conf)
        passed = 0
        for b, c, both, neither in product(range(10), range(10), range(3), (0, 1, 9)):
            new = [1] * (b + both) + [0] * (c + neither)
            if oda.beats_sum(spec, new, c + both):
                passed += 1
                self.assertTrue(self.beats(b, c, conf), (b, c, both, neither))
        self.assertGreater(passed, 0)
        # 10 more could be 20 won and 10 lost; 16 more are enough.
        self.assertFalse(oda.beats_sum(spec, [1] * 20 + [0] * 20, 10))
        self.assertTrue(oda.beats_sum(spec, [1] * 26 + [0] * 14, 10))

    def test_a_sum_alone_of_several_positions_passes_nothing_that_a_list_would_not(self):
        passed = 0
        for most, records in ((1, 6), (2, 4), (3, 3)):
            spec = model(t(I8, most, 4), oda.Accuracy(), t(U8, most), conf=oda.Confidence(1, 1))
            lists = [list(each) for each in product(range(most + 1), repeat=records)]
            for new, head in product(lists, range(most * records + 1)):
                if oda.beats_sum(spec, new, head):
                    passed += 1
                    for each in lists:
                        self.assertTrue(sum(each) != head or oda.beats(spec, new, each), (new, each))
        self.assertGreater(passed, 0)

    def test_higher_sum_by_fewer_records(self):
        conf = oda.Confidence(1, 1_000_000)
        spec = model(t(I8, 9, 4), oda.Accuracy(), t(U8, 9), conf=conf)
        self.assertFalse(oda.beats(spec, [9, 0, 0], [0, 1, 1]))
        self.assertFalse(oda.beats(spec, [9, 0], [0, 1]))
        self.assertTrue(oda.beats(spec, [9, 1, 0], [0, 0, 1]))


class Validation(unittest.TestCase):
    IMAGE = t(I8, 4, 4, 2)

    def broken(self, rule: int, graph: oda.Graph) -> None:
        with self.assertRaises(oda.InvalidGraph) as caught:
            oda.validate(oda.decode_graph(oda.encode(graph)))
        self.assertEqual(caught.exception.rule, rule, caught.exception.why)

    def fits(self, op, y: TensorType, x: TensorType = IMAGE, params=()) -> bool:
        try:
            oda.validate(chain(x, (op, y), params=params))
        except oda.InvalidGraph as error:
            self.assertEqual(error.rule, 5)
            return False
        return True

    def test_rule_1(self):
        good = copy(t(I8, 2))
        oda.validate(good)
        self.broken(1, good._replace(version=2))
        self.broken(1, good._replace(inputs=()))
        self.broken(1, good._replace(inputs=good.inputs * 17))
        self.broken(1, good._replace(params=good.inputs * 1025))
        self.broken(1, good._replace(nodes=()))
        self.broken(1, good._replace(nodes=good.nodes * 257))
        self.broken(1, good._replace(outputs=()))
        self.broken(1, good._replace(outputs=(1,) * 17))
        self.broken(1, good._replace(params=(t(I8, 1, 1, 1, 1),) * 1000))  # 18 bytes each

    def test_rule_1_size_boundary(self):
        # An operator, a value and a type of one axis are 1 + 3 + 6 bytes, a type of four 18.
        good = copy(t(I8, 1))
        self.assertEqual(len(oda.encode(good)), 1 + 7 + 1 + 11 + 3)
        params = (t(I8, 1, 1, 1, 1),) * 908 + (t(I8, 1),) * 2
        graph = good._replace(params=params)
        self.assertEqual(len(oda.encode(graph)), 16_380)
        self.broken(4, graph)
        self.broken(4, graph._replace(params=params[:-1] + (t(I8, 1, 1),)))  # 16,384
        self.broken(1, graph._replace(params=params + (t(I8, 1),)))

    def test_rule_2(self):
        for bad in (t(I8), t(I8, 1, 1, 1, 1, 1), t(I8, 2, 0), t(I8, 4_194_305), t(I32, 1_048_577)):
            self.broken(2, copy(bad))
        self.broken(2, copy(t(I8, 1))._replace(params=(t(I8, 0),)))
        oda.validate(copy(t(I32, 1_048_576)))

    def test_rule_3(self):
        x = t(I8, 2)
        good = copy(x)
        for inputs in ((), (0, 0), (1,), (2,)):
            self.broken(3, good._replace(nodes=(Node(oda.Reshape(), inputs, x),)))
        self.broken(3, good._replace(nodes=(Node(oda.Add(0, 0, 0), (0,), x),)))
        self.broken(3, good._replace(nodes=(Node(oda.Lookup(0), (0,), x),)))
        for outputs in ((0,), (2,), (1, 1)):
            self.broken(3, good._replace(outputs=outputs))

    def test_rule_4(self):
        good = copy(t(I8, 2))
        self.broken(4, good._replace(inputs=good.inputs * 2, outputs=(2,)))
        self.broken(4, good._replace(nodes=good.nodes * 2, outputs=(2,)))
        self.broken(4, good._replace(params=good.inputs))

    def test_rule_5_windows(self):
        def pool(kernel, stride, pad=NONE):
            return oda.MaxPool2d(kernel, stride, pad)

        self.assertTrue(self.fits(pool((2, 3), (2, 1)), t(I8, 2, 2, 2)))
        self.assertTrue(self.fits(pool((5, 2), (1, 1), Padding(top=1)), t(I8, 1, 3, 2)))
        self.assertFalse(self.fits(pool((2, 3), (2, 1)), t(I8, 2, 3, 2)))
        self.assertFalse(self.fits(pool((2, 3), (2, 1)), t(U8, 2, 2, 2)))
        self.assertFalse(self.fits(pool((2, 2), (0, 1)), t(I8, 2, 3, 2)))
        self.assertFalse(self.fits(pool((0, 1), (1, 1)), t(I8, 5, 4, 2)))
        self.assertFalse(self.fits(pool((5, 2), (1, 1)), t(I8, 1, 3, 2)))
        self.assertFalse(self.fits(pool((1, 2), (1, 1), Padding(bottom=1)), t(I8, 5, 3, 2)))
        self.assertFalse(self.fits(oda.AvgPool2d((5, 2), (1, 1)), t(I8, 1, 3, 2)))
        self.assertFalse(self.fits(pool((2, 2), (2, 2)), t(I8, 2, 1), t(I8, 4, 2)))

    def test_rule_5_conv(self):
        def conv(o, depth, groups, kernel=(1, 1), x=I8, n=None):
            op = oda.Conv2d(0, Requant(1, 2, 3), (1, 1), NONE, groups)
            params = [t(I8, o, *kernel, depth), *rescaled(n or o)]
            y = t(I16, 5 - kernel[0], 5 - kernel[1], o)
            return self.fits(op, y, t(x, 4, 4, 2), params)

        self.assertTrue(conv(4, 2, 1))
        self.assertTrue(conv(4, 1, 2, (3, 2)))
        self.assertFalse(conv(4, 2, 2))
        self.assertFalse(conv(4, 2, 0))
        self.assertFalse(conv(3, 1, 2))
        self.assertFalse(conv(4, 2, 1, n=1))
        self.assertFalse(conv(4, 2, 1, x=U8))

    def test_rule_5_dense(self):
        def fits(k, x=I8, row=None):
            op, weight = oda.Dense(0, Requant(1, 2, 3)), t(I8, 1, row or k)
            return self.fits(op, t(U16, 1), t(x, k), [weight, *rescaled(1)])

        self.assertTrue(fits(131_071))
        self.assertFalse(fits(131_072))
        self.assertFalse(fits(2, row=3))
        self.assertFalse(fits(2, x=U8))

    def test_rule_5_others(self):
        x = t(I8, 2, 3)
        self.assertFalse(self.fits(oda.Reshape(), t(I8, 5), x))
        self.assertFalse(self.fits(oda.Reshape(), t(U8, 6), x))
        self.assertFalse(self.fits(oda.Clamp(1, 0), x, x))
        self.assertFalse(self.fits(oda.Clamp(-129, 0), x, x))
        self.assertFalse(self.fits(oda.Clamp(0, 128), x, x))
        self.assertTrue(self.fits(oda.Clamp(127, 127), x, x))
        self.assertFalse(self.fits(oda.Lookup(0), x, x, [t(I8, 255)]))
        self.assertFalse(self.fits(oda.Lookup(0), x, x, [t(U8, 256)]))
        self.assertFalse(self.fits(oda.Lookup(0), x, t(I16, 2, 3), [t(I8, 256)]))
        for dtype in (I16, U16, I32):
            y = t(dtype, 3)
            self.assertFalse(self.fits(oda.Lookup(0), y, y, [t(dtype, 256)]))
        params = (t(I32, 1), t(I32, 1), t(U8, 1))
        for a, b in ((t(I8, 2), t(I8, 2, 1)), (t(I32, 2), t(I8, 2)), (t(I8, 2), t(I32, 2))):
            node = Node(oda.Add(0, 1, 2), (0, 1), t(I8, *a.shape))
            self.broken(5, oda.Graph(1, (a, b), params, (node,), (2,)))

    def test_rule_6(self):
        def sums(n: int) -> oda.Graph:
            big = t(I8, 4_194_304)
            add, params = oda.Add(0, 1, 2), (t(I32, 1), t(I32, 1), t(U8, 1))
            nodes = [Node(add, (0, 1), big)]
            nodes += [Node(add, (n + i, i + 2), big) for i in range(n - 2)]
            return oda.Graph(1, (big,) * n, params, tuple(nodes), (2 * n - 2,))

        # While the first node runs, all inputs and its output are alive.
        oda.validate(sums(3))
        self.assertEqual(oda.cost(sums(3))["live_bytes"], 16_777_216)
        self.broken(6, sums(4))


class Encoding(unittest.TestCase):
    # Version, one input I8 [2], no parameters, one node Reshape of value 0, output value 1.
    GRAPH = "01 04 00 04 02000000 00 04 05 04 0000 00 04 02000000 04 0100"

    def refused(self, text: str) -> None:
        with self.assertRaises(oda.DecodeError):
            oda.decode_graph(bytes.fromhex(text))

    def test_graph(self):
        data = bytes.fromhex(self.GRAPH)
        self.assertEqual(oda.decode_graph(data), copy(t(I8, 2)))
        self.assertEqual(oda.encode(copy(t(I8, 2))), data)

    def test_operators(self):
        ops = {
            "00 0100 0200 0300 0400": oda.Dense(1, Requant(2, 3, 4)),
            "01 0100 0200 0300 0400 0500 0600 0700 0800 0900 0a00 0b000000": oda.Conv2d(
                1, Requant(2, 3, 4), (5, 6), Padding(7, 8, 9, 10), 11
            ),
            "02 0100 0200 0300 0400 0500 0600 0700 0800": oda.MaxPool2d(
                (1, 2), (3, 4), Padding(5, 6, 7, 8)
            ),
            "03 0100 0200 0300 0400": oda.AvgPool2d((1, 2), (3, 4)),
            "04 0100 0200 0300": oda.Add(1, 2, 3),
            "06 0100": oda.Lookup(1),
            "07 feffffff 01000000": oda.Clamp(-2, 1),
        }
        for text, op in ops.items():
            data = bytes.fromhex(self.GRAPH.replace("04 05 04", f"04 {text} 04"))
            graph = oda.decode_graph(data)
            self.assertEqual((type(graph.nodes[0].op), graph.nodes[0].op), (type(op), op))
            self.assertEqual(oda.encode(graph), data)

    def test_strict(self):
        self.refused("")
        self.refused(self.GRAPH + "00")
        self.refused(self.GRAPH[:-2])
        self.refused(self.GRAPH.replace("04 05 04", "04 08 04"))  # no such operator
        self.refused(self.GRAPH.replace("04 00 04", "04 05 04", 1))  # no such type
        for length in ("0500", "06000000", "0304000000", "0701000000 00", "03ffffffff"):
            self.refused(self.GRAPH.replace("04 00 04", f"{length} 00 04", 1))

    def test_long_lengths(self):
        for n, head in ((63, "fc"), (64, "0101"), (16_383, "fdff"), (16_384, "02000100")):
            graph = copy(t(I8, 2))._replace(outputs=(1,) * n)
            data = bytes.fromhex(self.GRAPH[: -len("04 0100")] + head + "0100" * n)
            self.assertEqual(oda.encode(graph), data)
            self.assertEqual(oda.decode_graph(data), graph)

    def test_model(self):
        tail = "01 04 01 04 02000000 01 ffffffff 0500000000000000 01 80010000 64000000"
        source = "00" + "ab" * 32 + "0600000000000000 02000000"
        data = bytes.fromhex(self.GRAPH + tail + source)
        target = oda.TargetSpec(t(U8, 2), -1)
        aim = oda.Objective(oda.CrossEntropy(4), target, 5, oda.Confidence(384, 100))
        dataset = oda.DatasetRef(oda.BlobRef(b"\xab" * 32, 6), 2)
        want = oda.ModelSpec(copy(t(I8, 2)), aim, oda.DataSource.FIXED, dataset)
        self.assertEqual(oda.decode_model(data), want)
        self.assertEqual(oda.encode(want), data)
        for bad in (source.replace("00ab", "01ab", 1), source + "00"):
            with self.assertRaises(oda.DecodeError):
                oda.decode_model(bytes.fromhex(self.GRAPH + tail + bad))
        for option in ("01 ffffffff", "01 80010000"):
            text = (self.GRAPH + tail + source).replace(option, "02" + option[2:])
            with self.assertRaises(oda.DecodeError):
                oda.decode_model(bytes.fromhex(text))

    def test_id(self):
        # What `printf 'oda/model/1\x01' | b2sum -l 256` prints.
        want = "efca375eadd741e347c2d55f4a7dcc54be310b0274cfa312247840ed001964eb"
        self.assertEqual(oda.model_id(b"\1").hex(), want)


class Vectors(unittest.TestCase):
    def check(self, text: str) -> tuple[int, str]:
        out = io.StringIO()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "file.json")
            path.write_text(text, encoding="utf-8")
            with mock.patch("sys.argv", ["check.py", str(path)]), contextlib.redirect_stdout(out):
                return check.main(), out.getvalue().replace(str(path), "file")

    def cases(self) -> list[dict]:
        spec = model(t(I8, 4), oda.Accuracy(), t(U8))
        data, cost = oda.encode(spec), oda.cost(spec)
        common = {"weights": "", "outputs": [[0, 1, 2, -1]]}
        scored = {"model": data.hex(), "id": oda.model_id(data).hex(), "score": 1, "cost": cost}
        graph, plain = oda.encode(spec.graph).hex(), {"cost": oda.cost(spec.graph)}
        return [
            {"name": "model", "record": "000102ff02", **scored, **common},
            {"name": "graph", "record": "000102ff", "graph": graph, **plain, **common},
            {"name": "rule", "graph": "02" + graph[2:], "invalid": 1},
            {"name": "bytes", "graph": graph + "00", "invalid": "decode"},
        ]

    def test_agreement(self):
        text = json.dumps({"about": "", "cases": self.cases()})
        self.assertEqual(self.check(text), (0, "file: 4 cases agree\n"))

    def test_lines(self):
        lines = io.StringIO("\n".join(map(json.dumps, self.cases())))
        out = io.StringIO()
        with mock.patch("sys.argv", ["check.py", "-"]), mock.patch("sys.stdin", lines):
            with contextlib.redirect_stdout(out):
                self.assertEqual(check.main(), 0)
        self.assertEqual(out.getvalue(), "-: 4 cases agree\n")

    def test_disagreement(self):
        changes = (
            (0, "score", 0), (0, "id", "00"), (0, "outputs", [[0, 1, 3, -1]]), (0, "outputs", []),
            (0, "record", "000102ff"), (1, "cost", {}), (2, "invalid", 2), (3, "invalid", 1),
        )  # fmt: skip
        for i, key, value in changes:
            cases = self.cases()
            cases[i][key] = value
            status, out = self.check(json.dumps({"about": "", "cases": cases}))
            self.assertEqual(status, 1)
            self.assertIn(f"file: {cases[i]['name']}: ", out)
            self.assertIn("1 of 4 cases disagree", out)

    def test_no_cases(self):
        for text in ('{"about": "", "cases": []}', '{"about": ""}', "[]", ""):
            status, out = self.check(text)
            self.assertEqual(status, 1)
            self.assertIn("refused", out)


if __name__ == "__main__":
    unittest.main()
