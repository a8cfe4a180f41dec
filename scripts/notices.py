#!/usr/bin/env python3
"""Prints the notices of a binary: the third-party packages that are linked into it, each with its licence, and the
licences' texts. Whoever is given the binary must be given them (docs/licences.md).

    scripts/notices.py oda-node | ml-worker

It fails where it has no text for a package's licence.
"""

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSION = subprocess.run(["rustc", "-vV"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
TARGET = re.search(r"^host: (.*)$", VERSION, re.MULTILINE)[1]
# The files of a package that hold its licence, or what the licence wants to be passed on.
FILES = re.compile(r"(licen[cs]e|copying|copyright|notice|unlicense)", re.IGNORECASE)
# Where a package brings none: the text of the first licence among these that its expression offers.
TEXTS = {
    "Apache-2.0": ["LICENSE"],
    "MIT": ["licences/MIT.txt"],
    "BSD-3-Clause": ["licences/BSD-3-Clause.txt"],
    "CC0-1.0": ["licences/CC0-1.0.txt"],
    "Apache-2.0 WITH LLVM-exception": ["LICENSE", "licences/LLVM-exception.txt"],
    "GPL-3.0-or-later WITH Classpath-exception-2.0": [
        "licences/GPL-3.0.txt",
        "licences/Classpath-exception-2.0.txt",
    ],
    "GPL-3.0-only": ["licences/GPL-3.0.txt"],
}
RULE = "-" * 100


def cargo(*arguments: str) -> str:
    command = ["cargo", *arguments, "--locked"]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout


def linked(binary: str) -> set[tuple[str, str]]:
    """Names and versions of what is linked into a binary: not what only builds it, nor its tests."""
    tree = cargo("tree", "-p", binary, "-e", "normal,no-proc-macro", "--target", TARGET, "--prefix", "none", "-f", "{p}")
    return {tuple(line.split()[:2]) for line in tree.splitlines() if line}


def texts(package: dict) -> list[str]:
    """The texts that go with a package."""
    folder = Path(package["manifest_path"]).parent
    files = [file for file in sorted(folder.iterdir()) if file.is_file() and FILES.match(file.name)]
    if files:
        return [file.read_text(errors="replace") for file in files]
    licence = (package["license"] or "").replace("/", " OR ")
    offered = [part.strip(" ()") for part in licence.split(" OR ")]
    for name, paths in TEXTS.items():
        if name in offered:
            return ["\n".join((ROOT / path).read_text() for path in paths)]
    sys.exit(f"notices.py: no text of the licence of {package['name']} {package['version']}: {package['license']}")


def notices(binary: str) -> str:
    names = linked(binary)
    metadata = json.loads(cargo("metadata", "--format-version", "1", "--filter-platform", TARGET))
    packages = [
        package
        for package in metadata["packages"]
        if package["source"] and (package["name"], f"v{package['version']}") in names
    ]
    packages.sort(key=lambda package: (package["name"], package["version"]))
    wanted: dict[str, list[str]] = defaultdict(list)
    out = [
        f"{binary} is under Apache-2.0. Linked into it, besides the standard library of Rust (MIT OR Apache-2.0), are the",
        "packages below, as they are at https://crates.io; each keeps its own licence.",
        "",
    ]
    for package in packages:
        name = f"{package['name']} {package['version']}"
        authors = ", ".join(re.sub(r"\s*<[^>]*>", "", author) for author in package["authors"])
        out.append(" | ".join(filter(None, [name, package["license"] or "see its text", authors, package["repository"]])))
        for text in texts(package):
            wanted["\n".join(line.rstrip() for line in text.strip().splitlines())].append(name)
    for text, users in wanted.items():
        out += ["", RULE, "Of " + ", ".join(sorted(set(users))) + ":", "", text]
    return "\n".join(out)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in ("oda-node", "ml-worker"):
        sys.exit(__doc__)
    print(notices(sys.argv[1]))
