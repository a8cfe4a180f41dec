"""What the tests share: the second evaluator, the worker, and data."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "pytorch"), str(ROOT / "pytorch" / "examples"), str(ROOT / "tests" / "numpy")]

import oda_evaluator as oda  # noqa: E402

# Threads cost more than they bring in networks this small.
torch.set_num_threads(1)

OPERATORS = {
    "dense": oda.Dense,
    "conv2d": oda.Conv2d,
    "max_pool2d": oda.MaxPool2d,
    "avg_pool2d": oda.AvgPool2d,
    "add": oda.Add,
    "reshape": oda.Reshape,
    "lookup": oda.Lookup,
    "clamp": oda.Clamp,
}
FIELDS = {"requant": oda.Requant, "padding": oda.Padding}


def tensor(of: dict[str, Any]) -> oda.TensorType:
    return oda.TensorType(oda.DType[of["dtype"].upper()], tuple(of["shape"]))


def node(of: dict[str, Any]) -> oda.Node:
    name, fields = (of["op"], {}) if isinstance(of["op"], str) else next(iter(of["op"].items()))
    fields = {
        key: FIELDS[key](**value) if key in FIELDS else tuple(value) if isinstance(value, list) else value
        for key, value in fields.items()
    }
    return oda.Node(OPERATORS[name](**fields), tuple(of["inputs"]), tensor(of["output"]))


def graph(of: dict[str, Any]) -> oda.Graph:
    """The worker's JSON as the second evaluator has it."""
    return oda.Graph(
        of["version"],
        tuple(map(tensor, of["inputs"])),
        tuple(map(tensor, of["params"])),
        tuple(map(node, of["nodes"])),
        tuple(of["outputs"]),
    )


def model(spec: dict[str, Any]) -> oda.ModelSpec:
    """A specification file of the worker as the second evaluator has it."""
    objective, data = spec["objective"], spec["data"]["fixed"]
    metric = objective["metric"]
    if metric == "accuracy":
        metric = oda.Accuracy()
    else:
        metric = oda.CrossEntropy(**metric["cross_entropy"])
    target = oda.TargetSpec(tensor(objective["target"]["tensor"]), objective["target"]["ignore"])
    confidence = objective["confidence"] and oda.Confidence(**objective["confidence"])
    aim = oda.Objective(metric, target, objective["min_improvement"], confidence)
    blob = oda.BlobRef(bytes.fromhex(data["blob"]["root"].removeprefix("0x")), data["blob"]["len"])
    source = oda.DataSource.FIXED
    return oda.ModelSpec(graph(spec["graph"]), aim, source, oda.DatasetRef(blob, data["records"]))


def worker_binary() -> Path:
    cache = Path(os.environ.get("ODA_CACHE", Path.home() / ".cache/oda"))
    target = Path(os.environ.get("CARGO_TARGET_DIR", cache / "target"))
    path = Path(os.environ.get("ODA_BIN", target / "debug")) / "ml-worker"
    if not path.exists():
        raise FileNotFoundError(
            f"{path} is missing: build it with `cargo build --workspace --all-targets`, or name the "
            "folder that it lies in by ODA_BIN"
        )
    return path


def worker(folder: Path, *args: Any) -> dict[str, Any]:
    """Runs a command of the worker to its end: the last object that it printed, its result."""
    command = [worker_binary(), "--json", "--device", "cpu", "--base-path", "store", *map(str, args)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"{command} failed:\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def noise(shape: tuple[int, ...], records: int = 128, seed: int = 0) -> list[tuple[torch.Tensor, ...]]:
    """One batch of normal inputs, and targets that say nothing."""
    generator = torch.Generator().manual_seed(seed)
    return [(torch.randn(records, *shape, generator=generator), torch.zeros(records, dtype=torch.long))]


def random_blob(of: dict[str, Any], generator: np.random.Generator) -> bytes:
    return generator.bytes(sum(tensor(param).bytes for param in of["params"]))
