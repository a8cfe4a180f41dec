"""The bridge on the command line.

A recipe is a Python file with the functions `model()`, an untrained module; `calibration()` and
`validation()`, batches of (inputs, targets), to find ranges with and to be scored on; and, if it likes, a
dictionary `EXPORT` of further arguments of `oda_torch.export`.
"""

import argparse
import runpy
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

from . import Exported, accuracy, export, load_weights
from .bridge import naming


def _accuracies(recipe: dict[str, Any], module: torch.nn.Module, integers: Exported) -> str:
    floats, ints = (accuracy(each, recipe["validation"]()) for each in (module, integers))
    return f"accuracy: float {floats:.4f}, integer {ints:.4f}"


def _export(recipe: dict[str, Any], args: argparse.Namespace) -> None:
    module = recipe["model"]()
    with naming(args.state):
        module.load_state_dict(torch.load(args.state, map_location="cpu", weights_only=True))
    with naming(args.recipe, TypeError):
        exported = export(module, recipe["calibration"](), **recipe.get("EXPORT", {}))
    report = _accuracies(recipe, module, exported)
    exported.save(args.out, recipe["validation"]())
    print(report)
    print(f"{len(exported.weights)} bytes of weights; written to {args.out}")


def _load(recipe: dict[str, Any], args: argparse.Namespace) -> None:
    module = recipe["model"]()
    # Whatever else than a graph with scales lies there.
    with naming(args.exported, LookupError, TypeError):
        loaded = load_weights(module, Exported.load(args.exported), args.weights.read_bytes())
    report = _accuracies(recipe, module, loaded)
    # Half a file must not be taken for one.
    with tempfile.TemporaryDirectory(prefix=f".{args.out.name}.", dir=args.out.parent) as folder:
        half = Path(folder) / args.out.name
        torch.save(module.state_dict(), half)
        half.replace(args.out)
    print(report)
    print(f"written to {args.out}")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m oda_torch", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("export", help="write a module as the files that ml-worker reads")
    command.add_argument("recipe", type=Path)
    command.add_argument("--state", type=Path, required=True, help="the module's state_dict, by torch.save")
    command.add_argument("--out", type=Path, required=True, help="a folder, which must not be there yet")
    command.set_defaults(run=_export)
    command = commands.add_parser("load", help="write a weights blob as a module's state_dict")
    command.add_argument("recipe", type=Path)
    command.add_argument("exported", type=Path, help="the folder of an export of the same module")
    command.add_argument("weights", type=Path, help="the blob, as `ml-worker blobs get` writes it")
    command.add_argument("--out", type=Path, required=True)
    command.set_defaults(run=_load)
    args = parser.parse_args()
    try:
        with naming(args.recipe, SyntaxError, ImportError):
            recipe = runpy.run_path(str(args.recipe))
        for name in ("model", "calibration", "validation"):
            if name not in recipe:
                raise ValueError(f"{args.recipe} has no function {name}()")
        args.run(recipe, args)
    except (ValueError, OSError, RuntimeError) as error:
        sys.exit(f"oda_torch: {error}")


if __name__ == "__main__":
    main()
