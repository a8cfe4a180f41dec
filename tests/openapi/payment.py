"""What a user of the HTTP API signs, and how a receipt is checked."""

import base64
import json
from dataclasses import dataclass
from typing import Any

import sr25519

from world import World, get

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


@dataclass
class Voucher:
    """Of a channel's deposit, this amount in all is the provider's."""

    channel: int
    version: int
    amount: int
    nonce: int

    def header(self, world: World, key: tuple[bytes, bytes]) -> str:
        """The header `payment`."""
        fields = [(self.channel, 8), (self.version, 4), (self.amount, 16), (self.nonce, 8)]
        voucher = self.__dict__ | {"amount": str(self.amount)}
        signed = {"voucher": voucher, "signature": sign(world, key, "oda/voucher/1", fields)}
        return base64.b64encode(json.dumps(signed).encode()).decode()


def scale(fields: list[tuple[int, int]]) -> bytes:
    """Numbers as the chain encodes them, each with its number of bytes."""
    return b"".join(value.to_bytes(size, "little") for value, size in fields)


def sign(world: World, key: tuple[bytes, bytes], domain: str, fields: list[tuple[int, int]]) -> str:
    """An sr25519 signature as the API has it."""
    return "0x01" + sr25519.sign(key, domain.encode() + world.genesis + scale(fields)).hex()


def next_voucher(world: World, price: int) -> Voucher:
    """The voucher for one more request of this price, as the provider knows the channel."""
    known = get(f"{world.url}/v1/channels/{world.channel}")
    return Voucher(world.channel, world.version, int(known["spent"]) + price, known["nonce"] + 1)


def public_key(address: str) -> bytes:
    """The key of an account in SS58: a byte for the network, the key, two bytes of a checksum."""
    number = 0
    for character in address:
        number = number * 58 + ALPHABET.index(character)
    return number.to_bytes(35)[1:33]


def is_signed(world: World, receipt: dict[str, Any], signature: str, key: bytes) -> bool:
    """Whether a receipt of a channel is signed by this key."""
    hashes = (bytes.fromhex(receipt[name][2:]) for name in ("request", "weights", "input", "output"))
    numbers = [(receipt["count"], 4), (int(receipt["price"]), 16), (receipt["nonce"], 8), (receipt["expires"], 8)]
    paid = b"\0" + scale([(receipt["payment"]["channel"], 8)])
    message = b"oda/receipt/1" + world.genesis + paid + b"".join(hashes) + scale(numbers)
    kind, signature = signature[:4], bytes.fromhex(signature[4:])
    return kind == "0x01" and sr25519.verify(signature, message, key)
