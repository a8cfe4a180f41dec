"""Tests of the walk: that it notices where a page does not hold."""

import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import walk


class Blocks(unittest.TestCase):
    def test_only_what_is_marked_is_walked(self) -> None:
        page = "```sh\nrm -rf /\n```\n<!-- walk: commands\n     X = ^(.)\n     prints = b\n-->\n```sh\necho X\n```\n"
        [block] = walk.blocks("p.md", page)
        self.assertEqual((block.kind, block.text, block.line), ("commands", "echo X\n", 4))
        self.assertEqual(block.rules, [("X", "^(.)"), ("prints", "b")])

    def test_a_configuration_that_is_not_marked_is_refused(self) -> None:
        with self.assertRaisesRegex(walk.Failed, "p.md:2: a configuration without a comment"):
            walk.blocks("p.md", "\n```toml\nnode = 1\n```\n")

    def test_a_comment_that_is_not_understood_is_refused(self) -> None:
        for page in (
            "<!-- walk: nonsense -->\n```sh\ntrue\n```\n",
            "<!-- walk: commands\n print = x -->\n```sh\ntrue\n```\n",
            "<!-- walk: commands -->\n",
            "<!-- walk: config x.toml -->\n```toml\na = 1\n```\n",
        ):
            with self.subTest(page), self.assertRaises(walk.Failed):
                walk.blocks("p.md", page)

    def test_lines_go_on_and_comments_are_no_commands(self) -> None:
        self.assertEqual(walk.lines("# no\na \\\n  b # c\n\nd\n"), ["a    b # c", "d"])

    def test_every_page_that_is_walked_has_something_to_walk(self) -> None:
        for page in walk.PAGES:
            text = (walk.ROOT / page).read_text()
            self.assertTrue(page == "docs/operations.md" or walk.blocks(page, text), page)

    def test_every_page_with_a_configuration_is_walked(self) -> None:
        for page in walk.ROOT.rglob("*.md"):
            name = str(page.relative_to(walk.ROOT))
            if not name.startswith(("target", "node_modules")) and "```toml" in page.read_text():
                self.assertIn(name, walk.PAGES)


class Walks(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.programs = self.folder / "bin"
        self.programs.mkdir()
        self.walk = walk.Walk(self.folder, self.programs)
        self.addCleanup(lambda: [process.kill() for process in self.walk.started])

    def go(self, page: str) -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            for block in walk.blocks("p.md", page):
                self.walk.block(block)

    def program(self, name: str, text: str) -> None:
        (self.programs / name).write_text("#!/bin/sh\n" + text)
        (self.programs / name).chmod(0o755)

    def test_a_name_stands_for_the_last_that_was_printed(self) -> None:
        self.go(
            "<!-- walk: commands\n ROOT = ^root (\\w+)\n prints = ^got two -->\n"
            "```sh\necho root one\necho root two   # a ROOT of two\necho got ROOT\n```\n"
        )

    def test_a_name_that_nothing_printed_explains_fails(self) -> None:
        with self.assertRaisesRegex(walk.Failed, "nothing printed says what ROOT is"):
            self.go("<!-- walk: commands\n ROOT = ^root (\\w+) -->\n```sh\necho ROOT\n```\n")

    def test_a_command_that_fails_fails_the_walk(self) -> None:
        with self.assertRaisesRegex(walk.Failed, "status 3"):
            self.go("<!-- walk: commands -->\n```sh\nsh -c 'exit 3'\n```\n")

    def test_a_promise_that_is_not_kept_fails_the_walk(self) -> None:
        with self.assertRaisesRegex(walk.Failed, "nothing printed is like 'accepted'"):
            self.go("<!-- walk: commands\n prints = accepted -->\n```sh\necho refused\n```\n")

    def test_a_service_that_ends_by_itself_fails_the_walk(self) -> None:
        self.program("service", "echo running; exit 0")
        self.go("<!-- walk: services\n prints = ^running -->\n```sh\nservice\n```\n")
        self.walk.started[0].wait()
        with self.assertRaisesRegex(walk.Failed, "it ended by itself"), contextlib.redirect_stdout(io.StringIO()):
            self.walk.end()

    def test_a_service_that_does_not_end_well_fails_the_walk(self) -> None:
        self.program("service", "trap 'exit 130' INT; echo running; while :; do sleep 1; done")
        self.go("<!-- walk: services\n prints = ^running -->\n```sh\nservice\n```\n")
        with self.assertRaisesRegex(walk.Failed, "with status 130"), contextlib.redirect_stdout(io.StringIO()):
            self.walk.end()

    def config(self, worker: str) -> None:
        self.program("ml-worker", worker)
        self.go(
            "<!-- walk: config\n before = echo root 12\n ROOT = ^root (\\w+)\n prints = ^running -->\n"
            '```toml\nbase_path = "/var/x"\ndata = "<ROOT>"\nkey_file = "/etc/oda/keeper.key"\n```\n'
        )

    def test_a_configuration_is_run_on_a_fresh_base_path_with_a_key_of_its_own(self) -> None:
        copy = self.folder / "copy"
        self.config(f'for file; do :; done; cp "$file" {copy}; trap "exit 0" INT; echo running; while :; do sleep 1; done')
        text = copy.read_text()
        key = self.folder / "etc" / "keeper.key"
        self.assertIn(f'key_file = "{key}"', text)
        self.assertEqual((key.read_text(), key.stat().st_mode & 0o777), ("//Ferdie\n", 0o600))
        self.assertRegex(text, f'base_path = "{self.folder}/base-\\w+"')
        self.assertIn('data = "12"', text)

    def test_a_configuration_that_is_refused_fails_the_walk(self) -> None:
        with self.assertRaisesRegex(walk.Failed, "(?s)did not print '.running'.*unknown field"):
            self.config("echo unknown field; exit 1")

    def test_an_error_beside_what_was_promised_fails_the_walk(self) -> None:
        with self.assertRaisesRegex(walk.Failed, "an error was printed"):
            self.config('trap "exit 0" INT; echo "now ERROR starting again"; echo running; while :; do sleep 1; done')


if __name__ == "__main__":
    unittest.main()
