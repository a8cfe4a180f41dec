#!/usr/bin/env python3
"""Does what the pages tell a new user to do, as they say it: their commands, in order, and their configurations.

    scripts/walk.py          the programs are taken from $ODA_BIN, else from $CARGO_TARGET_DIR/debug

It runs on fresh folders, in a network of its own, and ends what it starts. A comment before a block of a page, which
readers do not see, says what the block is:

    <!-- walk: services          a line a terminal: each goes on until the end of the walk, and then ends on Ctrl-C
    <!-- walk: commands          one after the other; each must succeed
    <!-- walk: config [FILE]     a worker's configuration (or that file): it is run until it has printed what it should,
                                 without an error

and, a line each, what is expected of it:

    prints = REGEX               what must be printed
    NAME = REGEX                 what NAME stands for in the block: the group of the last match in what was printed so far
    before = COMMAND             what must have been done, on the same base path (for a config)
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

# A shell that was started in the background hands on that Ctrl-C is to be ignored; services here end by it.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parent.parent
# Pages, in the order in which they are walked: a later one finds what an earlier one made.
PAGES = ["README.md", "ml-worker/README.md", "docs/operations.md", "systemd/README.md", "docs/join.md"]
BLOCK = re.compile(
    r"(?:<!-- walk: (?P<kind>\w+)(?P<argument>[^\n]*?)(?:\n(?P<rules>.*?))?\s*-->\n+)?"
    r"(?:```(?P<language>\w*)[^\n]*\n(?P<text>.*?)```)?",
    re.DOTALL,
)
# A test that hangs ends; nothing is expected to take this long.
PATIENCE = 300
# What stands in a page's paths and addresses for the user's own.
OWN = {"/etc/oda/": "etc/", "12D3KooW...": "12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5"}
# The development chain's accounts, for the key files that the pages name.
ACCOUNTS = {"verifier": "//Bob", "watcher": "//Charlie", "keeper": "//Ferdie", "trainer": "//Eve"}


class Failed(Exception):
    """The page does not hold."""


@dataclass
class Block:
    page: str
    line: int
    kind: str
    argument: str
    text: str
    rules: list[tuple[str, str]] = field(default_factory=list)

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.rules if key == name]

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: str, text: str) -> list[Block]:
    """The marked blocks of a page. A configuration that is not marked is an error: nobody would try it."""
    found = []
    for match in BLOCK.finditer(text):
        kind, language, line = match["kind"], match["language"], text.count("\n", 0, match.start()) + 1
        if kind is None:
            if language == "toml":
                raise Failed(f"{page}:{line}: a configuration without a comment that says what it prints when it runs")
            continue
        if kind not in ("services", "commands", "config"):
            raise Failed(f"{page}:{line}: no such kind of block: {kind}")
        argument = match["argument"].strip()
        block = Block(page, line, kind, argument, match["text"] or "")
        for rule in (match["rules"] or "").splitlines():
            name, equals, value = rule.strip().partition(" = ")
            if not equals or not (name in ("prints", "before") or name.isupper()):
                raise Failed(f"{page}:{line}: not understood: {rule.strip()}")
            block.rules.append((name, value))
        if bool(block.text) == bool(argument):
            raise Failed(f"{page}:{line}: a comment goes before a block, or names a file")
        found.append(block)
    return found


def lines(text: str) -> list[str]:
    """The commands of a block; a line that ends in a backslash goes on in the next."""
    stripped = (line.strip() for line in text.replace("\\\n", " ").splitlines())
    return [line for line in stripped if line and not line.startswith("#")]


class Process:
    """A command in a session of its own, and what it has printed."""

    def __init__(self, command: str, folder: Path, environment: dict[str, str]):
        self.command = command
        self.printed = ""
        self.news = threading.Condition()
        self.process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self.ended = False
        threading.Thread(target=self.read, daemon=True).start()

    def read(self) -> None:
        with self.process.stdout as output:
            for line in output:
                with self.news:
                    self.printed += line
                    self.news.notify_all()
        self.process.wait()
        with self.news:
            self.ended = True
            self.news.notify_all()

    def wait_for(self, pattern: str) -> None:
        def there() -> bool:
            return self.ended or re.search(pattern, self.printed, re.MULTILINE) is not None

        with self.news:
            in_time = self.news.wait_for(there, PATIENCE)
        if not in_time or not re.search(pattern, self.printed, re.MULTILINE):
            raise Failed(f"it did not print {pattern!r}: {self.command}\n{self.printed}")

    def wait(self) -> int:
        with self.news:
            if not self.news.wait_for(lambda: self.ended, PATIENCE):
                raise Failed(f"it did not end: {self.command}\n{self.printed}")
        return self.process.returncode

    def stop(self) -> None:
        """As Ctrl-C does."""
        if self.ended:
            raise Failed(f"it ended by itself, with status {self.process.returncode}: {self.command}\n{self.printed}")
        os.killpg(self.process.pid, signal.SIGINT)
        status = self.wait()
        if status != 0:
            raise Failed(f"it ended on Ctrl-C with status {status}: {self.command}\n{self.printed}")

    def kill(self) -> None:
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


class Walk:
    def __init__(self, folder: Path, programs: Path):
        self.folder = folder
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("ODA_")}
        self.environment |= {"HOME": str(folder / "home"), "PATH": f"{programs}:{os.environ['PATH']}"}
        # What scripts of the pages run instead of building it.
        self.environment["ODA_BIN"] = str(programs)
        for name in ("XDG_DATA_HOME", "XDG_STATE_HOME"):
            self.environment.pop(name, None)
        (folder / "home").mkdir()
        for name in ("data", "scripts"):
            (folder / name).symlink_to(ROOT / name)
        (folder / "etc").mkdir(mode=0o700)
        self.started: list[Process] = []
        self.services: list[Process] = []
        self.printed = ""
        self.walked = {"services": 0, "commands": 0, "config": 0}

    def start(self, command: str, environment: dict[str, str] | None = None) -> Process:
        print(f"    $ {command}", flush=True)
        process = Process(command, self.folder, environment or self.environment)
        self.started.append(process)
        return process

    def run(self, command: str, environment: dict[str, str] | None = None) -> str:
        process = self.start(command, environment)
        status = process.wait()
        self.printed += process.printed
        if status != 0:
            raise Failed(f"status {status}: {command}\n{process.printed}")
        return process.printed

    def named(self, block: Block, text: str, brackets: str) -> str:
        """The text with what the block's names stand for."""
        for name, pattern in block.rules:
            written = brackets.replace("NAME", name)
            if name.isupper() and re.search(written, text):
                matches = re.findall(pattern, self.printed, re.MULTILINE)
                if not matches:
                    raise Failed(f"{block}: nothing printed says what {name} is")
                text = re.sub(written, matches[-1], text)
        return text

    def block(self, block: Block) -> None:
        print(f"==> {block} {block.kind} {block.argument}", flush=True)
        self.walked[block.kind] += 1
        began = time.monotonic()
        getattr(self, f"walk_{block.kind}")(block)
        print(f"    {time.monotonic() - began:.0f} s", flush=True)

    def walk_services(self, block: Block) -> None:
        started = [self.start(self.named(block, line, r"\bNAME\b")) for line in lines(block.text)]
        patterns = block.values("prints")
        if len(patterns) != len(started):
            raise Failed(f"{block}: what each service prints has to be said, in their order")
        for process, pattern in zip(started, patterns):
            process.wait_for(pattern)
        self.services += started

    def walk_commands(self, block: Block) -> None:
        printed = "".join(self.run(self.named(block, line, r"\bNAME\b")) for line in lines(block.text))
        for pattern in block.values("prints"):
            if not re.search(pattern, printed, re.MULTILINE):
                raise Failed(f"{block}: nothing printed is like {pattern!r}\n{printed}")

    def walk_config(self, block: Block) -> None:
        base = Path(tempfile.mkdtemp(prefix="base-", dir=self.folder))
        environment = self.environment | {"ODA_BASE_PATH": str(base)}
        for command in block.values("before"):
            self.run(command, environment)
        text = (ROOT / block.argument).read_text() if block.argument else block.text
        text = self.named(block, text, "<NAME>")
        text = re.sub(r'^base_path = "[^"]*"', f'base_path = "{base}"', text, flags=re.MULTILINE)
        for written, own in OWN.items():
            text = text.replace(written, str(self.folder / own) + "/" if own.endswith("/") else own)
        for path in re.findall(r'^key_file = "([^"]*)"', text, re.MULTILINE):
            Path(path).write_text(ACCOUNTS[Path(path).stem] + "\n")
            Path(path).chmod(0o600)
        if "[[role]]" not in text:
            text += '\n[[role]]\nkind = "watcher"\n'
        file = base / "config.toml"
        file.write_text(text)
        # As the page itself says it.
        command = re.search(r"`(ml-worker [^`]*--config )FILE`", (ROOT / "README.md").read_text())
        if not command or not block.values("prints"):
            raise Failed(f"{block}: the README has no command with `--config FILE`, or the block does not say what it prints")
        process = self.start(command[1] + shlex.quote(str(file)), environment)
        for pattern in block.values("prints"):
            process.wait_for(pattern)
        process.stop()
        # A role that fails is started again, and says why.
        if " ERROR " in process.printed:
            raise Failed(f"{block}: an error was printed\n{process.printed}")

    def end(self) -> None:
        for process in reversed(self.services):
            print(f"    ^C {process.command}", flush=True)
            process.stop()
        if not all(self.walked.values()):
            raise Failed(f"there was nothing to walk: {self.walked}")


def own_network() -> None:
    """A network without other machines, in which the ports that the pages name are free."""
    for command in (
        "ip link set lo up",
        "ip link add lan type veth peer name nobody",
        "ip link set nobody up",
        "ip address add 10.79.0.1/24 dev lan",
        "ip link set lan up multicast on",
        "ip route add 224.0.0.0/4 dev lan",
    ):
        subprocess.run(command.split(), check=True)


def main() -> None:
    unshare = ["unshare", "--net", *(["--map-root-user"] if os.geteuid() else [])]
    if sys.argv[1:] != ["inside"]:
        if subprocess.run([*unshare, "ip", "link"], capture_output=True).returncode != 0:
            reason = "no network of its own can be made here"
            print(f"SKIPPED the_pages_are_walked: {reason}")
            if skipped := os.environ.get("ODA_SKIPPED"):
                with open(skipped, "a") as file:
                    file.write(f"SKIPPED the_pages_are_walked: {reason}\n")
            return
        os.execvp("unshare", [*unshare, sys.executable, __file__, "inside"])
    own_network()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("walk.py: ended"))
    programs = Path(os.environ.get("ODA_BIN") or Path(os.environ["CARGO_TARGET_DIR"]) / "debug")
    folder = Path(tempfile.mkdtemp(prefix="oda-walk-"))
    walk = Walk(folder, programs)
    try:
        for page in PAGES:
            for block in blocks(page, (ROOT / page).read_text()):
                walk.block(block)
        walk.end()
    except Failed as failed:
        sys.exit(f"walk.py: {failed}")
    finally:
        for process in walk.started:
            process.kill()
        # A network outlives the command that makes it.
        subprocess.run([ROOT / "scripts/network.sh", "down", "--purge"], env=walk.environment, stdout=subprocess.DEVNULL)
        shutil.rmtree(folder)
    print("==> the pages hold: " + ", ".join(f"{count} {kind}" for kind, count in walk.walked.items()))


if __name__ == "__main__":
    main()
