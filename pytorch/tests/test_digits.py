"""Real data, real worker: networks are trained here and scored there, and the other way round."""

import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch
from torch import nn

from support import ROOT, model, oda, worker, worker_binary  # first: it says where the packages lie

import digits
import oda_torch
from oda_torch import integers
from oda_torch.trace import SUPPORTED

DATA = ROOT / "data" / "digits"
CALIBRATION, VALIDATION = list(digits.calibration()), list(digits.validation())
RECORDS = (DATA / "validation.bin").read_bytes()
# What quantisation may cost: 3 of the 540 records.
MOST_DROP = 3 / 540


def perceptron() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def template() -> nn.Module:
    """The module whose graph is the worker's template `digits`."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(128, 10),
    )


def predictions(of: nn.Module | oda_torch.Exported) -> torch.Tensor:
    if isinstance(of, nn.Module):
        of.eval()
    with torch.no_grad():
        return torch.cat([of(inputs).argmax(1) for inputs, _ in VALIDATION])


class Digits(unittest.TestCase):
    def setUp(self) -> None:
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.folder = Path(held.name)

    def specification(self, exported: oda_torch.Exported) -> dict:
        """Saves an export, and has the worker make a specification of it."""
        exported.save(self.folder / "exported", VALIDATION)
        files = [f"--{name}=exported/{name}.json" for name in ("graph", "objective")]
        worker(self.folder, "model", "init", *files, "--data=exported/data.bin", "--out=model.json")
        return json.loads((self.folder / "model.json").read_text())

    def scored(self, spec: dict, weights: bytes) -> int:
        """The score by the worker, every record of which is the second evaluator's."""
        (self.folder / "w.bin").write_bytes(weights)
        found = worker(self.folder, "evaluate", "--spec=model.json", "--weights=w.bin", "--scores=scores.bin")
        of, size = model(spec), len(RECORDS) // 540
        scores = [oda.score(of, weights, RECORDS[i : i + size]) for i in range(0, len(RECORDS), size)]
        self.assertEqual(found["score"], sum(scores))
        self.assertEqual((self.folder / "scores.bin").read_bytes(), oda.pack(of, scores))
        return sum(scores)

    def round_trip(self, make, epochs: int, **more) -> None:
        """Trains, exports, has it scored, trains on with the worker, loads what comes of it."""
        torch.manual_seed(0)
        net = make()
        digits.train(net, epochs)
        exported = oda_torch.export(net, CALIBRATION, input_scale=1 / 16, **more)
        before, after = (oda_torch.accuracy(each, VALIDATION) for each in (net, exported))
        spec = self.specification(exported)
        score = self.scored(spec, exported.weights)
        if exported.metric == "accuracy":
            self.assertEqual(score, round(after * 540))
        self.assertEqual(oda_torch.Exported.load(self.folder / "exported"), exported)

        back = make()
        loaded = oda_torch.load_weights(back, exported)
        self.assertEqual(oda_torch.export(back, CALIBRATION, scales=loaded.scales, **more), exported)
        again = oda_torch.accuracy(back, VALIDATION)
        agreement = (predictions(back) == predictions(exported)).float().mean()

        files = ["--spec=model.json", "--from=w.bin", "--epochs=2", "--out=trained.bin"]
        worker(self.folder, "train", f"--data={DATA / 'train.bin'}", *files)
        trained = oda_torch.load_weights(back, exported, (self.folder / "trained.bin").read_bytes())
        floats, ints = (oda_torch.accuracy(each, VALIDATION) for each in (back, trained))
        self.assertNotEqual(trained.weights, exported.weights)
        shares = (before, after, again, agreement, ints, floats)
        print(
            "{}, right of 540: float {}, integer {}; loaded: float {}, same as integer {}; "
            "trained on by the worker: integer {}, float {}".format(
                self.id().split(".")[-1], *(round(float(share) * 540) for share in shares)
            )
        )
        self.assertGreater(before, 0.95)
        self.assertLessEqual(before - after, MOST_DROP)
        self.assertLessEqual(abs(again - after), MOST_DROP)
        self.assertGreaterEqual(agreement, 1 - MOST_DROP)
        self.assertGreater(ints, 0.95)
        self.assertLessEqual(abs(floats - ints), MOST_DROP)

    def test_a_perceptron(self) -> None:
        self.round_trip(perceptron, epochs=30)

    def test_a_residual_network(self) -> None:
        self.round_trip(digits.model, epochs=10)

    def test_a_cross_entropy(self) -> None:
        self.round_trip(template, epochs=10, metric="cross_entropy")

    def test_the_head_of_a_model_that_others_registered(self) -> None:
        spec = json.loads((DATA / "model.json").read_text())
        net = template()
        exported = oda_torch.export(net, CALIBRATION, input_scale=1 / 16)
        self.assertEqual(exported.graph, spec["graph"])
        self.assertEqual(exported.records(VALIDATION), RECORDS)
        self.assertEqual(exported.objective(540), spec["objective"])
        for name, right in (("early.bin", 486), ("trained.bin", 532)):
            head = oda_torch.load_weights(net, exported, (DATA / name).read_bytes())
            self.assertEqual(round(oda_torch.accuracy(head, VALIDATION) * 540), right)
            self.assertLessEqual(abs(oda_torch.accuracy(net, VALIDATION) * 540 - right), 3)
            self.assertGreaterEqual((predictions(net) == predictions(head)).float().mean(), 1 - MOST_DROP)
            again = oda_torch.export(net, CALIBRATION, scales=head.scales)
            params = (integers.split(spec["graph"], each.weights) for each in (again, head))
            for i, (a, b) in enumerate(zip(*params)):
                # Scales are rounded to 16 bits; those of the worker are not.
                np.testing.assert_allclose(a, b, rtol=2**-16 if i % 4 == 2 else 0)

    def test_nothing_is_written_that_is_not_whole(self) -> None:
        exported = oda_torch.export(template(), CALIBRATION, input_scale=1 / 16)
        images, classes = VALIDATION[0]
        for targets in (classes + 10, classes.float(), classes[:, None], classes[:1]):
            with self.assertRaisesRegex(ValueError, "target"):
                exported.save(self.folder / "exported", [(images, classes), (images, targets)])
        self.assertEqual(list(self.folder.iterdir()), [])
        exported.save(self.folder / "exported", VALIDATION)
        with self.assertRaises(FileExistsError):
            exported.save(self.folder / "exported", VALIDATION)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["exported"])


class Guide(unittest.TestCase):
    """docs/pytorch.md: its commands and its code run, one block after the other."""

    PAGE = (ROOT / "docs" / "pytorch.md").read_text()

    def test_it_does_what_it_says(self) -> None:
        blocks = re.findall(r"^```(sh|python)\n(.*?)^```$", self.PAGE, re.MULTILINE | re.DOTALL)
        self.assertGreater(len(blocks), 3)
        folders = map(str, (worker_binary().parent, Path(sys.executable).parent, os.environ["PATH"]))
        env = os.environ | {
            "PATH": os.pathsep.join(folders),
            "PYTHONPATH": "pytorch:pytorch/examples",
            "ODA_BASE_PATH": "store",
            "OMP_NUM_THREADS": "1",  # more would wait for each other
        }
        names: dict = {}
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            for name in ("data", "pytorch"):
                Path(name).symlink_to(ROOT / name)
            for language, text in blocks:
                with self.subTest(text):
                    if language == "sh":
                        done = subprocess.run(["sh", "-ec", text], env=env, capture_output=True, text=True)
                        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                    else:
                        with contextlib.redirect_stdout(io.StringIO()):
                            exec(text, names)

    def test_it_names_the_versions_that_the_tests_run_with(self) -> None:
        versions = re.findall(r"^(\w+)==(.+)$", (ROOT / "pytorch" / "requirements.in").read_text(), re.MULTILINE)
        self.assertEqual(len(versions), 2)
        for name, version in versions:
            self.assertIn(f"{name} {version}", self.PAGE.lower())

    def test_it_names_every_layer_that_is_supported(self) -> None:
        for layer in re.findall(r"\b[A-Z]\w+", SUPPORTED):
            self.assertIn(f"`{layer}", self.PAGE)

    def test_it_has_no_line_of_over_120_characters(self) -> None:
        self.assertEqual([line for line in self.PAGE.splitlines() if len(line) > 120], [])


if __name__ == "__main__":
    unittest.main()
