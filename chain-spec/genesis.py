#!/usr/bin/env python3
"""Writes who is in a network into its plain specification: validators, verifiers, owners of money, boot nodes.

    chain-spec/genesis.py PLAIN GENESIS OUT [--name NAME] [--id ID] [--boot-node ADDRESS]... [--refuse LOCAL]

    PLAIN     what `oda-node export-chain-spec --chain testnet` writes, or `--chain local`
    GENESIS   a JSON file of who begins the network, as chain-spec/README.md shows it
    OUT       where the specification goes
    LOCAL     the local chain's plain specification: none of its keys, which everybody knows, may be in GENESIS

The validators and the verifiers of GENESIS take the place of those in PLAIN; its owners of money are added to them.
"""

import argparse
import json
import re
import sys
from decimal import Decimal, InvalidOperation
from pathlib import Path

UNIT = 10**12
# Picoseconds of the reference machine, and bytes.
HOUR = 3_600 * 10**12
GIB = 2**30
# An account or a public key, as text.
ADDRESS = re.compile(r"\b5[1-9A-HJ-NP-Za-km-z]{47}\b")
# A peer's address as nodes dial it: a boot node without the peer's id could be anybody.
BOOT_NODE = re.compile(r"/(ip4|ip6|dns|dns4|dns6)/[^/]+/(tcp|udp)/\d+(/ws|/wss|/quic-v1)?/p2p/[1-9A-HJ-NP-Za-km-z]{40,60}")


class Wrong(Exception):
    """The files do not make a network."""


def amount(value: object, whose: str) -> int:
    """An amount in ODA, in the smallest units."""
    try:
        units = Decimal(str(value)) * UNIT
    except InvalidOperation:
        raise Wrong(f"{whose}: {value!r} is no amount in ODA") from None
    if not units.is_finite() or units <= 0 or units != int(units):
        raise Wrong(f"{whose}: {value!r} ODA: an amount is positive, with at most 12 decimals")
    return int(units)


def section(genesis: dict, name: str, fields: set[str]) -> list[dict]:
    """The entries of a section, each with exactly these fields, and with an account that no other one has."""
    entries = genesis.get(name, [])
    if not isinstance(entries, list):
        raise Wrong(f"{name}: not a list")
    seen = set()
    for entry in entries:
        if not isinstance(entry, dict) or set(entry) != fields:
            raise Wrong(f"{name}: each has {', '.join(sorted(fields))}, and not: {json.dumps(entry)}")
        if entry["account"] in seen:
            raise Wrong(f"{name}: {entry['account']} is there twice")
        seen.add(entry["account"])
    return entries


def bonds(entries: list[dict]) -> list[list]:
    """What they have bonded, and their commissions, which they set later."""
    return [[one["account"], amount(one["bond"], one["account"]), 0] for one in entries]


def capacity(verifier: dict, field: str, unit: int) -> int:
    """What a verifier has room for, in the smallest units."""
    value = verifier[field]
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise Wrong(f"verifiers: {verifier['account']}: {field} is a positive integer, and not {json.dumps(value)}")
    return value * unit


def people(patch: dict, genesis: dict) -> None:
    """Puts them into the patch of a genesis."""
    if unknown := set(genesis) - {"validators", "verifiers", "balances"}:
        raise Wrong(f"there is no section {', '.join(sorted(unknown))}; there are validators, verifiers, balances")
    validators = section(genesis, "validators", {"account", "bond", "keys"})
    if not validators:
        raise Wrong("validators: a chain without any makes no block")
    signing = [key for validator in validators for key in validator["keys"].items()]
    if twice := next((key for key in signing if signing.count(key) > 1), None):
        raise Wrong(f"validators: two have the {twice[0]} key {twice[1]}")
    patch["session"]["keys"] = [[one["account"], one["account"], one["keys"]] for one in validators]

    owned = {account: units for account, units in patch["balances"]["balances"]}
    for one in section(genesis, "balances", {"account", "oda"}):
        if one["account"] in owned:
            raise Wrong(f"balances: {one['account']} has money already")
        owned[one["account"]] = amount(one["oda"], one["account"])
    patch["balances"]["balances"] = [list(item) for item in owned.items()]

    patch["staking"]["validators"] = bonds(validators)
    if "verifiers" in genesis:
        verifiers = section(genesis, "verifiers", {"account", "bond", "hours", "gib"})
        patch["staking"]["verifiers"] = bonds(verifiers)
        patch["verification"]["verifiers"] = [
            [one["account"], capacity(one, "hours", HOUR), capacity(one, "gib", GIB)] for one in verifiers
        ]
    for role in ("validators", "verifiers"):
        for account, bond, _ in patch["staking"][role]:
            if account in owned:
                owned[account] -= bond
    for role in ("validators", "verifiers"):
        for account, *_ in patch["staking"][role]:
            # Bonds are moved from it, and something has to remain.
            if owned.get(account, 0) <= 0:
                raise Wrong(f"{role}: {account} has not more than its bond")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, usage=argparse.SUPPRESS
    )
    parser.add_argument("plain", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("genesis", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("out", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--name")
    parser.add_argument("--id")
    parser.add_argument("--boot-node", action="append", default=[])
    parser.add_argument("--refuse", type=Path)
    options = parser.parse_args()
    try:
        spec = json.loads(options.plain.read_text())
        try:
            genesis = json.loads(options.genesis.read_text())
        except ValueError as error:
            raise Wrong(f"no JSON: {error}") from None
        if not isinstance(genesis, dict):
            raise Wrong("not an object")
        known = set(ADDRESS.findall(options.refuse.read_text())) if options.refuse else set()
        if found := sorted(known & set(ADDRESS.findall(json.dumps(genesis)))):
            raise Wrong(f"everybody knows the secret of {', '.join(found)}")
        people(spec["genesis"]["runtimeGenesis"]["patch"], genesis)
        for address in options.boot_node:
            if not BOOT_NODE.fullmatch(address):
                raise Wrong(f"{address} is no boot node's address, such as /dns/boot.example.org/tcp/30333/p2p/12D3KooW…")
        spec |= {"bootNodes": options.boot_node, "name": options.name or spec["name"], "id": options.id or spec["id"]}
        options.out.write_text(json.dumps(spec, indent=2) + "\n")
    except (OSError, Wrong) as error:
        sys.exit(f"genesis.py: {options.genesis}: {error}" if isinstance(error, Wrong) else f"genesis.py: {error}")


if __name__ == "__main__":
    main()
