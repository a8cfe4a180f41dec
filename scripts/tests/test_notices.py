"""Tests of the notices: that they name what is linked in, and nothing else, with a text for each."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import notices


class Notices(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.texts = {binary: notices.notices(binary) for binary in ("oda-node", "ml-worker")}

    def test_every_package_has_a_text(self) -> None:
        for binary, text in self.texts.items():
            head, *texts = text.split(notices.RULE)
            packages = {line.split(" | ")[0] for line in head.split("\n\n")[1].splitlines()}
            with_text = {
                name
                for block in texts
                for name in block.split(":\n")[0].strip().removeprefix("Of ").split(", ")
            }
            self.assertGreater(len(packages), 100)
            self.assertEqual(packages, with_text, binary)

    def test_the_node_comes_with_the_gpl_and_its_exception(self) -> None:
        self.assertIn("\nsc-service ", self.texts["oda-node"])
        self.assertIn("GNU GENERAL PUBLIC LICENSE", self.texts["oda-node"])
        self.assertIn("As a special exception, the copyright holders of this library", self.texts["oda-node"])

    def test_the_worker_has_nothing_of_the_node(self) -> None:
        self.assertNotIn("\nsc-", self.texts["ml-worker"])
        self.assertNotIn("GNU GENERAL PUBLIC LICENSE", self.texts["ml-worker"])

    def test_what_only_builds_or_tests_is_left_out(self) -> None:
        for text in self.texts.values():
            for package in ("cc", "proptest", "serde_derive", "substrate-wasm-builder"):
                self.assertNotIn(f"\n{package} ", text)

    def test_a_licence_without_a_text_stops_it(self) -> None:
        package = {"name": "x", "version": "1.0.0", "license": "Odd-1.0", "manifest_path": str(Path(__file__))}
        with self.assertRaisesRegex(SystemExit, "no text of the licence of x 1.0.0: Odd-1.0"):
            notices.texts(package)


if __name__ == "__main__":
    unittest.main()
