"""What schemathesis is told of this API: how a request is paid, and what else must hold of every answer."""

import base64
import os
import random
import re
import secrets
import struct
import zlib
from pathlib import Path
from typing import Any

import schemathesis
import sr25519
from schemathesis.core.failures import Failure

from payment import next_voucher
from world import PRICE, World


def picture() -> bytes:
    """A PNG of 8 x 8 grey pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)
    # Each row begins with the number of its filter.
    rows = zlib.compress(b"".join(bytes([0, *range(row, row + 8)]) for row in range(8)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def text(of: bytes) -> str:
    return base64.b64encode(of).decode()


WORLD = World.from_json(Path(os.environ["ODA_WORLD"]).read_text())
ANSWERS = Path(os.environ["ODA_ANSWERS"])
INPUTS = [{"tensor": text(bytes(64))}, {"png": text(picture())}, {"numbers": [7.0] * 64}]
STRANGER = sr25519.pair_from_seed(secrets.token_bytes(32))
HASH = re.compile("0x[0-9a-f]{64}")
# What may be wrong with a voucher: a field of it, and what it becomes.
FAULTS = [
    ("amount", lambda amount: amount - 1),
    ("amount", lambda _: 0),
    ("amount", lambda _: 2**128 - 1),
    ("nonce", lambda nonce: nonce - 1),
    ("version", lambda version: version + 1),
    ("version", lambda _: 2**32 - 1),
    ("channel", lambda channel: channel + 1),
    ("channel", lambda _: 2**64 - 1),
]
# Of what a schema cannot say: that a header holds JSON in base64, that two channels are one, that a tick is not over; and
# of integers that are written with a fraction of zero, which a schema takes for integers.
UNSAID = ("the payment header", "this closing ", "invalid type: floating point")


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """Makes something that could be answered of most that is as described: with the model, its inputs and a payment."""
    if case.operation.path not in ("/v1/quote", "/v1/infer"):
        return
    # The same each time for the same request, so that what was found can be found again.
    draw = random.Random(repr((case.headers, case.body)))
    if isinstance(case.body, dict) and HASH.fullmatch(str(case.body.get("model"))) and draw.random() < 0.8:
        case.body["model"] = WORLD.model
    if case.meta.generation.mode.is_positive and "inputs" in case.body and draw.random() < 0.6:
        case.body["inputs"] = [draw.choice(INPUTS) for _ in case.body["inputs"]]
    if "payment" in (case.headers or {}) and draw.random() < 0.9:
        case.headers["payment"] = payment(draw)
        if draw.random() < 0.8:
            case.headers["idempotency-key"] = f"{draw.getrandbits(64):x}"


def payment(draw: random.Random) -> str:
    """The header that pays for the next request, at times with a fault."""
    voucher = next_voucher(WORLD, PRICE)
    if draw.random() < 0.2:
        name, change = draw.choice(FAULTS)
        setattr(voucher, name, change(getattr(voucher, name)))
    return voucher.header(WORLD, STRANGER if draw.random() < 0.1 else WORLD.key)


@schemathesis.hook
def after_call(_context: Any, case: Any, response: Any) -> None:
    """Writes down what was asked and how it was answered."""
    refused = response.status_code >= 400 and response.headers.get("content-type") == ["application/problem+json"]
    kind = response.json()["type"].rpartition(":")[2] if refused else ""
    with ANSWERS.open("a") as answers:
        answers.write(f"{case.operation.label}\t{response.status_code} {kind}\n")


@schemathesis.hook
def filter_failure(_context: Any, failure: Failure, case: Any, response: Any) -> bool:
    """Whether a failure is one."""
    if type(failure).__name__ != "RejectedPositiveData" or response.status_code != 400:
        return True
    return not response.json()["detail"].startswith(UNSAID)


@schemathesis.check
def a_refusal_is_a_problem(_context: Any, response: Any, case: Any) -> None:
    """Whether a refusal is a problem of RFC 9457, of a kind that the description has for this status."""
    status = response.status_code
    if status < 400:
        return
    media = response.headers.get("content-type")
    assert media == ["application/problem+json"], f"a refusal of the media type {media}"
    problem = response.json()
    assert problem.keys() == {"type", "title", "status", "detail"}, f"a problem has other fields: {problem}"
    assert problem["status"] == status, f"a problem of another status: {problem}"
    assert problem["title"] and problem["detail"], f"a problem says nothing: {problem}"
    if status == 405:
        return
    described = case.operation.definition.raw["responses"].get(str(status), {}).get("description", "")
    assert f"`{problem['type']}`" in described, f"the description does not have {problem['type']} for {status}"
    for word in ("failed", "panicked"):
        assert word not in problem["detail"], f"the provider failed: {problem}"
