"""The story of a channel, by a client that is generated from the description and nothing else."""

import base64
import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

from payment import is_signed, next_voucher, public_key, sign
from world import DIGITS, PRICE, Failed, World

# Its modules are formatted by a program, if nothing else is said.
OPTIONS = "post_hooks: []\npackage_name_override: provider_client\n"


def generate(folder: Path, url: str) -> None:
    """Makes the client's package in `folder`, and has it found."""
    options = folder / "client.yaml"
    options.write_text(OPTIONS)
    where = ["--url", f"{url}/openapi.json", "--output-path", folder / "provider_client"]
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none", "--config", options, *where]
    made = subprocess.run([*map(str, command), "--fail-on-warning"], capture_output=True, text=True)
    if made.returncode:
        raise Failed(f"no client can be generated:\n{made.stdout}{made.stderr}")
    sys.path.insert(0, str(folder))


def api(name: str) -> Any:
    return importlib.import_module(f"provider_client.api.default.{name}")


def equal(what: str, found: Any, expected: Any) -> None:
    if found != expected:
        raise Failed(f"{what} is {found!r}, not {expected!r}")


def tell(world: World) -> None:
    """Asks what is answered, at what price; asks and pays; gets the answer again; closes the channel."""
    client = importlib.import_module("provider_client")
    types = importlib.import_module("provider_client.models")
    anybody = client.Client(base_url=world.url)

    models = api("models").sync(client=anybody)
    served = models.models[0]
    equal("the model", served.model, world.model)
    quote = api("quote").sync(client=anybody, body=types.QuoteRequest(model=world.model, count=1))
    equal("the price", quote.price, str(PRICE))

    record = (DIGITS / "validation.bin").read_bytes()[: served.inputs[0].bytes_]
    tensor = types.InputTensor(tensor=base64.b64encode(record).decode())
    question = types.InferRequest(model=world.model, inputs=[tensor])
    unpaid = api("infer").sync_detailed(client=anybody, body=question)
    equal("what is not paid", unpaid.status_code, 402)
    equal("its problem", unpaid.parsed.type_, "urn:oda:problem:payment-required")

    voucher = next_voucher(world, PRICE)
    header = voucher.header(world, world.key)
    user = client.AuthenticatedClient(base_url=world.url, token=header, prefix="", auth_header_name="payment")
    answer = api("infer").sync(client=user, body=question, idempotency_key="one")
    equal("the number of answers", len(answer.answers), 1)
    equal("the input", base64.b64decode(answer.input_), record)
    equal("the nonce", answer.receipt.nonce, voucher.nonce)
    key = public_key(models.receipt_key)
    if not is_signed(world, answer.receipt.to_dict(), answer.signature, key):
        raise Failed(f"the receipt is signed by somebody else: {answer}")

    equal("the same question's answer", api("infer").sync(client=user, body=question, idempotency_key="one"), answer)
    again = api("receipt").sync(world.channel, voucher.nonce, client=anybody, idempotency_key="one")
    equal("the answer that was given", again, answer)
    hidden = api("receipt").sync_detailed(world.channel, voucher.nonce, client=anybody, idempotency_key="two")
    equal("somebody else's answer", hidden.status_code, 404)
    known = api("channel").sync(world.channel, client=anybody)
    equal("what was spent", known.spent, str(voucher.amount))

    # Some tick that is not over.
    expires = answer.receipt.expires
    fields = [(world.channel, 8), (world.version, 4), (voucher.amount, 16), (expires, 8)]
    closing = types.Closing(channel=world.channel, version=world.version, amount=str(voucher.amount), expires=expires)
    signed = types.SignedClosing(closing=closing, signature=sign(world, world.key, "oda/closing/1", fields))
    agreed = api("close").sync(world.channel, client=anybody, body=signed)
    equal("the agreement", agreed.signature[:4], "0x01")

    header = next_voucher(world, PRICE).header(world, world.key)
    user = client.AuthenticatedClient(base_url=world.url, token=header, prefix="", auth_header_name="payment")
    late = api("infer").sync(client=user, body=question)
    equal("the problem of a channel that is closed", late.type_, "urn:oda:problem:channel-unusable")
