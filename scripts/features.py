#!/usr/bin/env python3
"""Writes the manifests of features/common and features/chain.

These two crates hold no code. They name each third-party package that cargo would otherwise build with fewer features
when only a part of the workspace is built, with the features that it has in the whole workspace. Every crate of ours
depends on the first, those of the chain and those that use them on the second too: so each package is built once, and
the same, whatever is asked for. Needs cargo and the packages in Cargo.lock; builds nothing. It takes a few minutes.

    scripts/features.py
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CRATES = ("oda-features", "oda-chain-features")
MANIFESTS = dict(zip(CRATES, (ROOT / "features/common/Cargo.toml", ROOT / "features/chain/Cargo.toml")))
KINDS = ("target", "host")
# One for every machine, so that the result is the same everywhere.
TARGET = "x86_64-unknown-linux-gnu"
MARK = "# What follows is written by scripts/features.py.\n"


def resolve(selection, dev):
    """The third-party packages of a part of the workspace, {(name, version): features}: those that are built for the
    target, and those for build scripts and procedural macros."""
    # With a target named, cargo tells the two apart even where their features are the same.
    command = ["cargo", "tree", "--offline", *selection, "--target", TARGET, "--charset", "ascii"]
    command += ["--edges", "normal,build,dev" if dev else "normal,build", "--format", "{p}|{f}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr}")
    target, host = {}, {}
    # Of each depth: whether the last package there is for the host, and whether those that follow are build dependencies.
    hosts, build = {}, {}
    for line in done.stdout.splitlines():
        prefix, rest = re.match(r"((?:[|`]-- |\|   |    )*)(.*)", line).groups()
        depth = len(prefix) // 4
        if rest.startswith("["):
            build[depth + 1] = rest == "[build-dependencies]"
            continue
        found = re.match(r"(\S+) v(\S+)( \(proc-macro\))?(?: \((/.*?)\))?\|(.*?)(?: \(\*\))?$", rest)
        if not found:
            continue
        name, version, macro, path, features = found.groups()
        hosts[depth] = bool(macro) or build.get(depth, False) or (depth > 0 and hosts[depth - 1])
        build[depth + 1] = False
        if not path:
            packages = host if hosts[depth] else target
            if packages.setdefault((name, version), features) != features:
                sys.exit(f"{name} {version} has two sets of features in {' '.join(command)}")
    return target, host


def members():
    """{name: the CRATES that it depends on}"""
    found = {}
    for manifest in subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*Cargo.toml"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split():
        text = (ROOT / manifest).read_text()
        name = re.search(r'^\[package\]\nname = "(.*)"', text, re.M)
        if name and name[1] not in CRATES and not manifest.startswith("patches/"):
            found[name[1]] = [crate for crate in CRATES if re.search(rf"^{crate}\b", text, re.M)]
    return found


def compatible(version):
    """The shortest requirement that says which of several versions is meant."""
    parts = version.split("+")[0].split("-")[0].split(".")
    if "-" in version.split("+")[0]:
        return version
    return parts[0] if parts[0] != "0" else ".".join(parts[:2]) if parts[1] != "0" else ".".join(parts)


def table(name, packages, versions):
    lines = [f"\n[target.'cfg(not(target_family = \"wasm\"))'.{name}]\n"]
    for (package, version), features in sorted(packages.items()):
        wanted = compatible(version)
        rename = len({v for p, v in versions if p == package}) > 1
        key = f"{package}-{wanted}".replace(".", "_").replace("+", "_") if rename else package
        listed = sorted(features.split(",")) if features else []
        parts = [f'package = "{package}"'] if rename else []
        parts.append(f'version = "{wanted}"')
        if "default" in listed:
            listed.remove("default")
        else:
            parts.append("default-features = false")
        if listed:
            parts.append("features = [" + ", ".join(f'"{feature}"' for feature in listed) + "]")
        lines.append(f"{key} = {{ {', '.join(parts)} }}\n")
    return "".join(lines) if packages else ""


def write(listed, versions):
    for crate, manifest in MANIFESTS.items():
        head = manifest.read_text().split(MARK)[0]
        text = head + MARK
        for kind, name in zip(KINDS, ("dependencies", "build-dependencies")):
            text += table(name, listed[crate][kind], versions)
        manifest.write_text(text)


def main():
    listed = {crate: {kind: {} for kind in KINDS} for crate in CRATES}
    before = {manifest: manifest.read_text() for manifest in MANIFESTS.values()}
    selections = [(["--package", name], crates) for name, crates in members().items()]
    selections.append((["--workspace"], CRATES))
    try:
        # What was listed before would never go away.
        write(listed, set())
        union = dict(zip(KINDS, resolve(["--workspace"], True)))
        versions = set(union["target"]) | set(union["host"])
        while True:
            added = False
            for selection, crates in selections:
                for dev in (False, True):
                    for kind, packages in zip(KINDS, resolve(selection, dev)):
                        for package, features in packages.items():
                            # Absent from the whole workspace are only packages that a listed one drags in.
                            wanted = union[kind].get(package, features)
                            carriers = [listed[crate][kind] for crate in crates]
                            if features == wanted or any(package in carrier for carrier in carriers):
                                continue
                            if len(carriers) == 1:
                                # Who depends on the second depends on the first.
                                listed[CRATES[1]][kind].pop(package, None)
                            carriers[-1][package] = wanted
                            added = True
            if not added:
                break
            write(listed, versions)
    except BaseException:
        for manifest, text in before.items():
            manifest.write_text(text)
        raise


main()
