"""Each layer: close to the floats, exactly the second evaluator's integers, and the same weights again."""

import copy
import operator
import unittest
import warnings

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from support import graph, model, noise, oda, random_blob  # first: it says where the packages lie

import oda_torch
from oda_torch import integers
from oda_torch.trace import TABLES


class Does(nn.Module):
    """A convolution, then a function of what it made and of the input, then a linear layer."""

    def __init__(self, function, features: int = 4 * 6 * 6) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(4, 4, 3, padding=1), nn.Linear(features, 5)
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.function(self.first(x), x).flatten(1))


def unused(work) -> Does:
    """A module that goes on with what `work`, whose result it does not use, works on."""
    return Does(lambda y, x: (work(y, x), y)[1])


def conv(features: int, *args, **kwargs) -> nn.Module:
    """A convolution that makes so many features, and a linear layer."""
    return nn.Sequential(nn.Conv2d(*args, **kwargs), nn.ReLU(), nn.Flatten(), nn.Linear(features, 5))


def after(layer: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Linear(12, 16), layer, nn.Linear(16, 5))


class Loose(nn.Linear):
    """A linear layer whose class is not PyTorch's, which is therefore looked into."""


class Forgetful(nn.Module):
    """Does not use the result of a layer that works in place."""

    def __init__(self) -> None:
        super().__init__()
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.relu(x)
        return x


class Shared(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(nn.Linear(12, 12), nn.ReLU(), nn.Linear(12, 12))
        self[2].weight = self[0].weight


IMAGE, VECTOR = (4, 6, 6), (12,)
SUPPORTED = {
    "linear": (IMAGE, nn.Sequential(nn.Flatten(), nn.Linear(144, 5))),
    "linear without bias": (VECTOR, after(nn.Linear(16, 16, bias=False))),
    "one convolution": (IMAGE, nn.Sequential(nn.Conv2d(4, 5, (6, 6)), nn.Flatten())),
    "padding": (IMAGE, conv(288, 4, 8, (3, 5), padding=(1, 2))),
    "same, even kernel": (IMAGE, conv(288, 4, 8, (2, 4), padding="same")),
    "stride": (IMAGE, conv(64, 4, 8, 3, stride=(2, 1), bias=False)),
    "groups": (IMAGE, conv(128, 4, 8, 3, groups=2)),
    "depthwise": (IMAGE, conv(128, 4, 8, 3, groups=4)),
    "an image of logits": (IMAGE, nn.Sequential(nn.Conv2d(4, 8, 3), nn.ReLU(), nn.Conv2d(8, 3, 1))),
    "batch norm": (IMAGE, nn.Sequential(nn.Conv2d(4, 8, 3), nn.BatchNorm2d(8), *conv(32, 8, 8, 3))),
    "batch norm of features": (VECTOR, after(nn.Sequential(nn.Linear(16, 16), nn.BatchNorm1d(16)))),
    "relu": (VECTOR, after(nn.ReLU())),
    "relu6": (VECTOR, after(nn.ReLU6())),
    "hardtanh": (VECTOR, after(nn.Hardtanh(-0.5, 1))),
    "hardtanh at the end": (VECTOR, nn.Sequential(nn.Linear(12, 5), nn.Hardtanh(-2, 1))),
    "hardtanh by table": (VECTOR, after(nn.Sequential(nn.ReLU(), nn.Hardtanh(-0.5, 1)))),
    "hardtanh without an end": (VECTOR, after(nn.Hardtanh(-0.5, float("inf")))),
    "max pool": (IMAGE, Does(lambda y, x: F.max_pool2d(y, 3, 2, padding=1), 36)),
    "average pool": (IMAGE, Does(lambda y, x: F.avg_pool2d(y, 2), 36)),
    "average pool of all": (IMAGE, Does(lambda y, x: F.avg_pool2d(y.relu(), y.size()[3]), 4)),
    "adaptive pool": (IMAGE, Does(lambda y, x: F.adaptive_avg_pool2d(y.relu(), (3, 2)), 24)),
    "mean": (IMAGE, Does(lambda y, x: y.relu().mean((2, 3)), 4)),
    "sum": (IMAGE, Does(lambda y, x: torch.relu(x + y))),
    "sum in place": (IMAGE, Does(lambda y, x: y.relu().add_(x))),
    "sum in place by an operator": (IMAGE, Does(lambda y, x: operator.iadd(y.relu(), x))),
    "in place": (VECTOR, after(nn.Sequential(nn.Identity(), nn.ReLU(inplace=True)))),
    "sum with itself": (IMAGE, Does(lambda y, x: y + y)),
    "sum of flattened images": (IMAGE, Does(lambda y, x: torch.flatten(x, 1) + y.view(y.size(0), -1))),
    "dropout, identity": (VECTOR, after(nn.Sequential(nn.Dropout(), nn.Identity()))),
    "log softmax": (VECTOR, nn.Sequential(nn.Linear(12, 5), nn.LogSoftmax(dim=1))),
} | {
    layer.__name__.lower(): (VECTOR, after(layer()))
    for layer in TABLES
}
REFUSED = {
    "a layer": (IMAGE, nn.Sequential(nn.Conv2d(4, 4, 3), nn.PixelShuffle(2)), "layer '1' (PixelShuffle)"),
    "a function": (IMAGE, Does(lambda y, x: y.exp()), "'exp'"),
    "dilation": (IMAGE, conv(32, 4, 8, 3, dilation=2), "dilation"),
    "padding mode": (IMAGE, conv(288, 4, 8, 3, padding=1, padding_mode="reflect"), "padding_mode"),
    "padded average": (IMAGE, Does(lambda y, x: F.avg_pool2d(y, 2, padding=1), 64), "padding=0"),
    "uneven windows": (IMAGE, Does(lambda y, x: F.adaptive_avg_pool2d(y, 4), 64), "windows"),
    "batch norm first": (IMAGE, nn.Sequential(nn.BatchNorm2d(4), nn.Conv2d(4, 8, 6)), "'0' (BatchNorm2d)"),
    "adding a number": (IMAGE, Does(lambda y, x: y + 1), "two tensors"),
    "broadcasting": (IMAGE, Does(lambda y, x: y + y.mean((2, 3), keepdim=True)), "one shape"),
    "in place elsewhere": (IMAGE, Does(lambda y, x: F.relu(y, inplace=True) + y), "in place"),
    "in place on a view": (IMAGE, Does(lambda y, x: y.flatten(1).relu_() + y.flatten(1)), "'relu_': it"),
    "in place, unused": (IMAGE, unused(lambda y, x: y.relu_()), "'relu_': it works in place"),
    "in place by a function": (IMAGE, unused(lambda y, x: F.relu(y, True)), "'relu': it works in place"),
    "in place by a sum": (IMAGE, unused(operator.iadd), "'iadd': it works in place"),
    "in place by a layer": (VECTOR, Forgetful(), "layer 'relu' (ReLU): it works in place"),
    "in place at the end": (VECTOR, nn.Sequential(nn.Linear(12, 5), Forgetful()), "layer '1.relu' (ReLU)"),
    "concatenation": (IMAGE, Does(lambda y, x: torch.cat([y, x], 1), 288), "'cat'"),
    "a loose parameter": (VECTOR, Loose(12, 5), "'weight': parameters"),
    "a layer twice": (VECTOR, nn.Sequential(*[nn.Linear(12, 12)] * 2), "more than once"),
    "a shared weight": (VECTOR, Shared(), "more than once"),
    "sequences": ((3, 12), nn.Linear(12, 5), "shape (3, 12)"),
    "path by data": (IMAGE, Does(lambda y, x: y if y.sum() > 0 else x), "depends on data"),
    "flattened output": (IMAGE, nn.Sequential(nn.Conv2d(4, 4, 3), nn.Flatten()), "flattened image"),
    "softmax inside": (VECTOR, after(nn.Softmax(1)), "at the end"),
    "too many nodes": (VECTOR, after(nn.Sequential(*[nn.ReLU() for _ in range(300)])), "256 nodes"),
}


def initialised(module: nn.Module, shape: tuple[int, ...], seed: int) -> nn.Module:
    """A copy with parameters of this seed, batch norms' statistics included."""
    torch.manual_seed(seed)
    module = copy.deepcopy(module)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.normal_(part.weight, 1, 0.3)
            nn.init.normal_(part.bias)
            nn.init.normal_(part.running_mean)
            nn.init.uniform_(part.running_var, 0.5, 2)
        elif not list(part.children()) and hasattr(part, "reset_parameters"):
            part.reset_parameters()
    return module.eval()


def setUpModule() -> None:
    # "same" around even kernels makes PyTorch copy, which is none of our business.
    warnings.filterwarnings("ignore", "Using padding='same' with even kernel")


class Layers(unittest.TestCase):
    def each(self, check) -> None:
        for name, (shape, module) in SUPPORTED.items():
            with self.subTest(name):
                module = initialised(module, shape, 1)
                check(shape, module, oda_torch.export(module, noise(shape)))

    def test_integers_are_close_to_floats(self) -> None:
        def check(shape, module, exported) -> None:
            [(inputs, _)] = noise(shape)
            if isinstance(list(module.children())[-1], nn.LogSoftmax):
                module = module[:-1]
            with torch.no_grad():
                floats = module(inputs).double()
            error = (exported(inputs) - floats).square().mean().sqrt() / floats.std()
            self.assertLess(error, 0.03)

        self.each(check)

    def test_integers_are_those_of_the_second_evaluator(self) -> None:
        generator = np.random.default_rng(0)

        def check(shape, module, exported) -> None:
            [(inputs, _)] = noise(shape, records=4, seed=2)
            x = exported.quantise(inputs * 2)  # some saturate
            # Every parameter takes any value, such as shifts of 255.
            for weights in (exported.weights, random_blob(exported.graph, generator)):
                y = integers.run(exported.graph, weights, x)
                for record, got in zip(x, y):
                    [want] = oda.evaluate(graph(exported.graph), weights, record.numpy().tobytes())
                    self.assertEqual(got.tolist(), want.tolist())

        self.each(check)

    def test_loaded_weights_are_exported_as_they_were(self) -> None:
        def check(shape, module, exported) -> None:
            other = initialised(module, shape, 2)
            loaded = oda_torch.load_weights(other, exported)
            self.assertEqual(loaded, exported)
            again = oda_torch.export(other, noise(shape), scales=loaded.scales)
            self.assertEqual(again, exported)
            [(inputs, _)] = noise(shape)
            with torch.no_grad():
                torch.testing.assert_close(other(inputs), module(inputs), rtol=0.05, atol=0.05)

        self.each(check)

    def test_the_graph_follows_from_the_module_alone(self) -> None:
        def check(shape, module, exported) -> None:
            other = initialised(module, shape, 2)
            data = [(inputs * 3, targets) for inputs, targets in noise(shape, seed=3)]
            self.assertEqual(oda_torch.export(other, data, quantile=0.99).graph, exported.graph)

        self.each(check)

    def test_what_is_not_supported_is_named(self) -> None:
        for name, (shape, module, message) in REFUSED.items():
            with self.subTest(name):
                with self.assertRaises(oda_torch.Unsupported) as refused:
                    oda_torch.export(module, noise(shape))
                self.assertIn(message, str(refused.exception))


class Modules(unittest.TestCase):
    def test_exporting_leaves_the_module_alone(self) -> None:
        module = initialised(SUPPORTED["batch norm"][1], IMAGE, 1).train()
        before = copy.deepcopy(module.state_dict())
        oda_torch.export(module, noise(IMAGE))
        self.assertTrue(all(part.training for part in module.modules()))
        torch.testing.assert_close(module.state_dict(), before, rtol=0, atol=0)

    def test_a_quantile_gives_up_outliers(self) -> None:
        module = initialised(after(nn.ReLU()), VECTOR, 1)
        [(inputs, targets)] = noise(VECTOR)
        inputs[0] *= 100
        rest = [(inputs[1:], targets[1:])]
        errors = []
        for quantile in (1.0, 0.99):
            exported = oda_torch.export(module, [(inputs, targets)], quantile=quantile, input_scale=4 / 127)
            with torch.no_grad():
                errors.append((exported(rest[0][0]) - module(rest[0][0])).square().mean())
        self.assertLess(errors[1] * 10, errors[0])

    def test_an_image_of_logits_is_scored_pixel_by_pixel(self) -> None:
        module = initialised(SUPPORTED["an image of logits"][1], IMAGE, 1)
        [(inputs, _)] = noise(IMAGE, records=8)
        data = [(inputs, torch.randint(3, (8, 4, 4)))]
        exported = oda_torch.export(module, data)
        blob = exported.records(data)
        spec = {
            "graph": exported.graph,
            "objective": exported.objective(8),
            "data": {"fixed": {"blob": {"root": "00" * 32, "len": len(blob)}, "records": 8}},
        }
        size = len(blob) // 8
        records = [blob[i : i + size] for i in range(0, len(blob), size)]
        scores = [oda.score(model(spec), exported.weights, record) for record in records]
        self.assertEqual(sum(scores) / (8 * 4 * 4), oda_torch.accuracy(exported, data))

    def test_calibration_needs_data(self) -> None:
        with self.assertRaisesRegex(ValueError, "no batch"):
            oda_torch.export(after(nn.ReLU()), [])

    def test_working_in_place_leaves_the_data_alone(self) -> None:
        data = noise(VECTOR)
        before = copy.deepcopy(data)
        with torch.inference_mode():
            oda_torch.export(nn.Sequential(nn.ReLU(inplace=True), nn.Linear(12, 5)), data)
        torch.testing.assert_close(data, before, rtol=0, atol=0)

    def test_nothing_cannot_be_scored(self) -> None:
        module = after(nn.ReLU())
        exported = oda_torch.export(module, noise(VECTOR))
        score = oda_torch.accuracy
        for scored in (lambda: score(module, []), lambda: score(exported, []), lambda: exported.records([])):
            with self.assertRaisesRegex(ValueError, "no records"):
                scored()

    def test_scoring_leaves_the_mode_alone(self) -> None:
        module = after(nn.Dropout()).train()
        with self.assertRaises(RuntimeError):
            oda_torch.accuracy(module, noise((13,)))
        self.assertTrue(all(part.training for part in module.modules()))

    def test_a_module_without_parameters_is_scored(self) -> None:
        [(inputs, _)] = noise(VECTOR)
        self.assertEqual(oda_torch.accuracy(nn.Identity(), [(inputs, inputs.argmax(1))]), 1)

    def test_inputs_that_are_not_finite_are_refused(self) -> None:
        [(inputs, targets)] = noise(VECTOR)
        exported = oda_torch.export(after(nn.ReLU()), [(inputs, targets)])
        for wrong in (float("nan"), float("inf")):
            inputs[3, 4] = wrong
            with self.assertRaisesRegex(ValueError, "not finite"):
                exported.records([(inputs, targets)])

    def test_scales_are_above_0_and_finite(self) -> None:
        module, data = after(nn.ReLU()), noise(VECTOR)
        scales = oda_torch.export(module, data).scales
        for wrong in (0.0, -1.0, float("nan"), float("inf")):
            with self.assertRaisesRegex(ValueError, "above 0"):
                oda_torch.export(module, data, input_scale=wrong)
            with self.assertRaisesRegex(ValueError, "above 0"):
                oda_torch.export(module, data, scales=(wrong, *scales[1:]))

    def test_scales_are_those_of_such_an_export(self) -> None:
        module, data = after(nn.ReLU6()), noise(VECTOR)
        scales = oda_torch.export(module, data, input_scale=1 / 16).scales
        oda_torch.export(module, data, input_scale=1 / 16, scales=scales)
        wrong = [
            {"metric": "cross_entropy", "scales": scales},
            {"input_scale": 1 / 32, "scales": scales},
            {"scales": (scales[0], scales[1] * 2, scales[2] * 2, scales[3])},  # the clamp's limit
            {"scales": (*scales[:2], scales[2] * 2, scales[3])},  # a clamp keeps the scale
            {"scales": scales[1:]},
        ]
        for arguments in wrong:
            with self.assertRaisesRegex(ValueError, "scales of another"):
                oda_torch.export(module, data, **arguments)

    def test_a_sum_much_smaller_than_its_terms_is_refused(self) -> None:
        shape, module = SUPPORTED["sum"]
        scales = list(oda_torch.export(module, noise(shape)).scales)
        scales[0] *= 2.0**40
        with self.assertRaisesRegex(ValueError, "'add': its terms are too large"):
            oda_torch.export(module, noise(shape), scales=scales)

    def test_parameters_that_are_not_finite_are_named(self) -> None:
        module = initialised(after(nn.ReLU()), VECTOR, 1)
        nn.init.constant_(module[2].bias, float("nan"))
        with self.assertRaisesRegex(ValueError, "'2' .* not finite"):
            oda_torch.export(module, noise(VECTOR))


class ForeignWeights(unittest.TestCase):
    """What other trainers may make of a graph."""

    def refused(self, name: str, message: str, param: int, value: int) -> None:
        """Loading is refused, with the module as it was, if a parameter is this everywhere."""
        shape, module = SUPPORTED[name]
        module = initialised(module, shape, 1)
        before = copy.deepcopy(module.state_dict())
        exported = oda_torch.export(module, noise(shape))
        params = [p.copy() for p in integers.split(exported.graph, exported.weights)]
        params[param][:] = value
        with self.assertRaisesRegex(ValueError, message):
            oda_torch.load_weights(module, exported, b"".join(p.tobytes() for p in params))
        torch.testing.assert_close(module.state_dict(), before, rtol=0, atol=0)

    def test_scales_are_found_through_sums(self) -> None:
        shape, module = SUPPORTED["sum"]
        module = initialised(module, shape, 1)
        exported = oda_torch.export(module, noise(shape), input_scale=1 / 32)
        foreign = oda_torch.export(module, noise(shape), input_scale=1 / 32, quantile=0.999)
        other = initialised(module, shape, 2)
        loaded = oda_torch.load_weights(other, exported, foreign.weights)
        # The logits' own scale cannot be told.
        [(inputs, _)] = noise(shape)
        ratio = loaded.scales[-1] / foreign.scales[-1]
        with torch.no_grad():
            torch.testing.assert_close(other(inputs), module(inputs) * ratio, rtol=0.05, atol=0.05)

    def test_a_difference_is_no_sum(self) -> None:
        self.refused("sum", "'add': the weights subtract", param=4, value=-1)

    def test_a_sum_with_itself_has_one_proportion(self) -> None:
        self.refused("sum with itself", "other proportions", param=4, value=1)

    def test_another_table_is_refused(self) -> None:
        self.refused("gelu", "'1': .* another table", param=4, value=1)

    def test_a_bias_needs_a_place(self) -> None:
        self.refused("linear without bias", "'1' has no bias", param=5, value=1)

    def test_a_parametrised_layer_is_named(self) -> None:
        module = after(nn.utils.parametrizations.weight_norm(nn.Linear(16, 16)))
        before = copy.deepcopy(module.state_dict())
        exported = oda_torch.export(module, noise(VECTOR))
        with self.assertRaisesRegex(ValueError, "'1' is parametrised"):
            oda_torch.load_weights(module, exported)
        torch.testing.assert_close(module.state_dict(), before, rtol=0, atol=0)

    def test_another_length_is_refused(self) -> None:
        shape, module = SUPPORTED["relu"]
        exported = oda_torch.export(module, noise(shape))
        for blob in (b"", exported.weights[:-1], exported.weights + b"0"):
            with self.assertRaisesRegex(ValueError, "bytes"):
                oda_torch.load_weights(module, exported, blob)

    def test_another_module_is_refused(self) -> None:
        exported = oda_torch.export(SUPPORTED["relu"][1], noise(VECTOR))
        with self.assertRaisesRegex(ValueError, "another graph"):
            oda_torch.load_weights(SUPPORTED["gelu"][1], exported)


if __name__ == "__main__":
    unittest.main()
