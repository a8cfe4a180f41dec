"""A provider to be asked: a development chain, a model on it that a provider answers, and a channel that pays."""

import contextlib
import ctypes
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sr25519

ROOT = Path(__file__).resolve().parents[2]
DIGITS = ROOT / "data" / "digits"
# What hangs ends; nothing is expected to take this long.
PATIENCE = 300
ODA = 10**12
PRICE = ODA // 1000
# More than any run spends.
DEPOSIT = 100 * ODA
EVE = "5HGjWAeFDfFCWPsjFQdVV2Msvz2XtMktvgocEZcCj68kUMaw"

libc = ctypes.CDLL(None)


class Failed(Exception):
    """Something is not as it should be."""


def binary(name: str) -> Path:
    cache = Path(os.environ.get("ODA_CACHE", Path.home() / ".cache/oda"))
    target = Path(os.environ.get("CARGO_TARGET_DIR", cache / "target"))
    path = Path(os.environ.get("ODA_BIN", target / "debug")) / name
    if not path.exists():
        raise Failed(f"{path} is missing: build it with `cargo build --workspace --bins`, or name its folder in ODA_BIN")
    return path


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def end_with_parent() -> None:
    """Has the kernel kill this process with its parent, however that ends (PR_SET_PDEATHSIG)."""
    libc.prctl(1, signal.SIGKILL)


class Process:
    """A program that runs on, and the file that it prints to."""

    def __init__(self, log: Path, *command: Any, **environment: str):
        self.log = log
        with log.open("wb") as output:
            self.child = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | environment,
                preexec_fn=end_with_parent,
            )

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def check(self) -> None:
        if self.child.poll() is not None:
            raise Failed(f"{self.log.stem} ended with {self.child.returncode}:\n{self.output()[-4000:]}")

    def wait_for(self, pattern: str) -> None:
        end = time.monotonic() + PATIENCE
        while not re.search(pattern, self.output(), re.MULTILINE):
            self.check()
            if time.monotonic() > end:
                raise Failed(f"{self.log.stem} did not print {pattern!r}:\n{self.output()[-4000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        self.child.terminate()
        try:
            self.child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.child.kill()
            raise Failed(f"{self.log.stem} does not end") from None


def get(url: str) -> Any:
    """What is answered, once it is: what is to be asked again later is."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if "Retry-After" not in error.headers or time.monotonic() > end:
                raise Failed(f"{url} says {error.code}: {error.read().decode()}") from None
            time.sleep(1)


def served(url: str) -> dict[str, Any]:
    """What the provider answers, once it answers something."""
    end = time.monotonic() + PATIENCE
    while not (models := get(f"{url}/v1/models"))["models"]:
        if time.monotonic() > end:
            raise Failed("the provider answers no model")
        time.sleep(1)
    return models


@dataclass
class World:
    """What is asked, and what it is paid with."""

    url: str
    genesis: bytes
    model: str
    version: int
    channel: int
    # The public and the private key that sign the channel's vouchers.
    key: tuple[bytes, bytes]

    def to_json(self) -> str:
        return json.dumps(self.__dict__ | {"genesis": self.genesis.hex(), "key": [part.hex() for part in self.key]})

    @classmethod
    def from_json(cls, text: str) -> "World":
        of = json.loads(text)
        public, private = map(bytes.fromhex, of.pop("key"))
        return cls(**of | {"genesis": bytes.fromhex(of["genesis"]), "key": (public, private)})


@contextlib.contextmanager
def world(folder: Path) -> Iterator[tuple[World, Process]]:
    """The world, and the provider's process, for as long as they are used."""
    with contextlib.ExitStack() as started:

        def start(name: str, ready: str, *command: Any, **environment: str) -> Process:
            process = Process(folder / f"{name}.log", *command, **environment)
            started.callback(process.stop)
            process.wait_for(ready)
            return process

        rpc = free_port()
        start(
            "node",
            r"Imported #1",
            *(binary("oda-node"), "--dev", "--tmp", "--no-prometheus", "--no-telemetry", "--no-mdns"),
            *("--rpc-port", rpc, "--listen-addr", "/ip4/127.0.0.1/tcp/0"),
            TMPDIR=str(folder),
        )
        # All of them use one store, so that nothing has to be sent.
        options = ["--json", "--device", "cpu", "--no-network", "--base-path", folder / "worker"]
        command = [binary("ml-worker"), *options, "--node", f"ws://127.0.0.1:{rpc}", "--suri"]

        def worker(suri: str, *rest: Any) -> dict[str, Any]:
            parts = [str(part) for part in (*command, suri, *rest)]
            done = subprocess.run(parts, capture_output=True, text=True, timeout=PATIENCE)
            if done.returncode:
                raise Failed(f"ml-worker {rest} failed:\n{done.stdout}{done.stderr}")
            return json.loads(done.stdout.splitlines()[-1])

        start("verifier", r'"verifying"', *command, "//Bob", "verify")
        train = worker("//Dave", "blobs", "add", DIGITS / "train.bin")["root"]
        spec = folder / "digits.json"
        init = ["--template", "digits", "--data", DIGITS / "validation.bin", "--out", spec]
        model = worker("//Dave", "model", "init", *init)["model"]
        weights = worker("//Dave", "model", "random", spec, "--data", train, "--seed", 1)["weights"]["root"]
        worker("//Dave", "model", "register", "--yes", spec, "--weights", weights)
        worker("//Dave", "card", "set", model, DIGITS / "card.json")

        worker("//Charlie", "stake", "bond", "--yes", "provider", 10_000)
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        serve = ["serve", "--bind", f"127.0.0.1:{port}", "--endpoint", url, "--model", model, "--per-request", "0.001"]
        provider = start("provider", r'"answers"', *command, "//Charlie", *serve)
        # The wallet takes the key that lies there, so that it is known here.
        seed = secrets.token_bytes(32)
        wallet = folder / "worker" / "wallets" / EVE
        wallet.mkdir(parents=True)
        (wallet / "voucher.key").touch(0o600)
        (wallet / "voucher.key").write_text(f"0x{seed.hex()}\n")
        channel = worker("//Eve", "channel", "open", model, "--deposit", DEPOSIT // ODA)["channel"]
        if channel != 0:
            raise Failed(f"the first channel is {channel}")
        models = served(url)
        genesis, version = bytes.fromhex(models["genesis"][2:]), models["models"][0]["version"]
        yield World(url, genesis, model, version, channel, sr25519.pair_from_seed(seed)), provider
        provider.check()
