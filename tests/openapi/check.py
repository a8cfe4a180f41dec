#!/usr/bin/env python3
"""Checks that a provider's HTTP API is what its description at `/openapi.json` says, against real processes.

    tests/openapi/check.py [--examples N] [--seed N]

First schemathesis asks what the description allows and what it does not; then a client that is generated from the
description pays for an answer. Another seed each time, if none is given; it is printed.
"""

import argparse
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import story
from world import Failed, World, world

# What needs more than a fuzzer has: the client does it.
LEFT = {"POST /v1/channels/{channel}/close", "GET /v1/channels/{channel}/receipts/{nonce}"}
HERE = Path(__file__).resolve().parent


def fuzz(folder: Path, at: World, examples: int, seed: int) -> None:
    (folder / "world.json").write_text(at.to_json())
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", HERE / "schemathesis.toml", "run"]
    options = ["--max-examples", examples, "--seed", seed, "--no-color", f"{at.url}/openapi.json"]
    path = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
    answers = folder / "answers.txt"
    known = {"ODA_WORLD": str(folder / "world.json"), "ODA_ANSWERS": str(answers), "PYTHONPATH": path}
    environment = os.environ | known
    if subprocess.run([*map(str, command + options)], cwd=folder, env=environment).returncode:
        raise Failed(f"the API is not as described; seed {seed}")
    count(answers.read_text())


def count(answers: str) -> None:
    """Prints how often each operation was answered how; each must have been done at least once, but for `LEFT`."""
    counts = Counter(tuple(line.split("\t")) for line in answers.splitlines())
    for (operation, answer), times in sorted(counts.items()):
        print(f"    {operation:48} {answer:28} {times:5}")
    done = {operation for operation, answer in counts if answer.startswith("2")}
    missing = {operation for operation, _ in counts} - done - LEFT
    if missing:
        raise Failed(f"nothing that was asked of these was done: {missing}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=60, help="about how many requests to each operation")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32), help="what requests are drawn by")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="oda-openapi-"))

    def step(what: str, do, *args) -> None:
        began = time.monotonic()
        print(f"==> {what}", flush=True)
        do(*args)
        print(f"    {time.monotonic() - began:.0f} s", flush=True)

    try:
        print("==> a provider is started", flush=True)
        with world(folder) as (at, provider):
            step(f"schemathesis, seed {arguments.seed}", fuzz, folder, at, arguments.examples, arguments.seed)
            step("a client is generated", story.generate, folder, at.url)
            step("it asks and pays", story.tell, at)
            if "panicked" in provider.output():
                raise Failed(f"the provider panicked:\n{provider.output()[-4000:]}")
    except Failed as failed:
        sys.exit(f"check.py: {failed}")
    finally:
        shutil.rmtree(folder)
    print("==> the API is as described")


if __name__ == "__main__":
    main()
