"""The command line: what is wrong is named, and nothing is left behind."""

import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import torch

import support  # noqa: F401  # first: it says where the packages lie

from oda_torch.__main__ import main

RECIPE = """
import torch

def model():
    return torch.nn.Sequential(torch.nn.Linear(4, 3))

def calibration():
    return [(torch.ones(2, 4), torch.zeros(2, dtype=torch.long))]

validation = calibration
"""


class Command(unittest.TestCase):
    def setUp(self) -> None:
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.folder = Path(held.name)
        self.recipe("")
        self.state(4)

    def recipe(self, more: str) -> None:
        (self.folder / "recipe.py").write_text(RECIPE + more)

    def state(self, inputs: int) -> None:
        torch.save(torch.nn.Sequential(torch.nn.Linear(inputs, 3)).state_dict(), self.folder / "net.pt")

    def run_main(self, *args: str) -> None:
        with (
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(io.StringIO()),
            mock.patch.object(sys, "argv", ["oda_torch", *args]),
        ):
            main()

    def export(self) -> None:
        self.run_main("export", "recipe.py", "--state=net.pt", "--out=exported")

    def load(self) -> None:
        self.run_main("load", "recipe.py", "exported", "exported/weights.bin", "--out=loaded.pt")

    def refused(self, command, message: str) -> None:
        """The command ends with this message, and leaves nothing behind."""
        before = sorted(self.folder.iterdir())
        with self.assertRaises(SystemExit) as refused:
            command()
        self.assertRegex(str(refused.exception), message)
        self.assertEqual(sorted(self.folder.iterdir()), before)

    def test_there_and_back(self) -> None:
        kept = self.folder / "loaded.pt.tmp"
        kept.write_text("somebody's")
        self.export()
        self.load()
        names = {"recipe.py", "net.pt", "exported", "loaded.pt", kept.name}
        self.assertEqual({path.name for path in self.folder.iterdir()}, names)
        self.assertEqual(kept.read_text(), "somebody's")

    def test_a_recipe_that_does_not_do_is_named(self) -> None:
        for more, message in (
            ("\n)", "recipe.py: SyntaxError"),
            ("\nimport nothing_like_it", "recipe.py: ModuleNotFoundError: .*nothing_like_it"),
            ("\nEXPORT = {'metrics': 1}", "recipe.py: TypeError: .*'metrics'"),
            ("\ndel calibration", r"recipe.py has no function calibration\(\)"),
            ("\nvalidation = list", "no records"),
        ):
            with self.subTest(message):
                self.recipe(more)
                self.refused(self.export, message)

    def test_a_state_that_does_not_do_is_named(self) -> None:
        for make in (
            lambda path: path.write_bytes(b"no state"),
            lambda path: path.write_bytes(b""),
            lambda path: torch.save([1], path),
            lambda path: self.state(5),
        ):
            make(self.folder / "net.pt")
            self.refused(self.export, "net.pt: ")
        (self.folder / "net.pt").unlink()
        self.refused(self.export, "No such file or directory: 'net.pt'")

    def test_an_export_that_does_not_do_is_named(self) -> None:
        self.export()
        for name, text in (
            ("scales", "{}"),
            ("scales", "[]"),
            ("scales", "no JSON"),
            ("scales", '{"metric": "accuracy", "scales": 1}'),
            ("graph", "no JSON"),
            ("graph", "{}"),
        ):
            with self.subTest(f"{name}: {text}"):
                path = self.folder / "exported" / f"{name}.json"
                before = path.read_text()
                path.write_text(text)
                self.refused(self.load, "exported(/scales.json|/graph.json)?: ")
                path.write_text(before)

    def test_a_failure_to_write_leaves_nothing_behind(self) -> None:
        self.export()
        (self.folder / "loaded.pt").mkdir()
        self.refused(self.load, "loaded.pt")
        with mock.patch("torch.save", side_effect=RuntimeError("no space left")):
            self.refused(self.load, "no space left")


if __name__ == "__main__":
    unittest.main()
