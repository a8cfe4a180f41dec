"""Check files of test vectors against the evaluator in oda_evaluator.py.

A file is a JSON object {"about": ..., "cases": [...]}; "-" reads JSON Lines, one case a line,
from the standard input.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

import oda_evaluator as oda

Case = dict[str, Any]


def _differ(what: str, got: Any, want: Any) -> Iterator[str]:
    if got != want:
        yield f"{what}: got {got}, the case says {want}"


def _invalid(case: Case) -> Iterator[str]:
    """What differs in a case that must be refused."""
    got: int | str
    try:
        oda.validate(oda.decode_graph(bytes.fromhex(case["graph"])))
        got = "valid"
    except oda.DecodeError:
        got = "decode"
    except oda.InvalidGraph as error:
        got = error.rule
    yield from _differ("invalid", got, case["invalid"])


def _valid(case: Case) -> Iterator[str]:
    """What differs in a case that must be evaluated."""
    weights, record = bytes.fromhex(case["weights"]), bytes.fromhex(case["record"])
    if "model" in case:
        data = bytes.fromhex(case["model"])
        model = oda.decode_model(data)
        of, graph = model, model.graph
        yield from _differ("id", oda.model_id(data).hex(), case["id"])
        if "score" in case:
            yield from _differ("score", oda.score(model, weights, record), case["score"])
        # What follows the inputs' bytes must be exactly a target.
        inputs = record[: len(record) - model.objective.target.tensor.bytes]
    else:
        of = graph = oda.decode_graph(bytes.fromhex(case["graph"]))
        inputs = record

    outputs = [y.ravel().tolist() for y in oda.evaluate(graph, weights, inputs)]
    yield from _differ("number of outputs", len(outputs), len(case["outputs"]))
    for i, (got, want) in enumerate(zip(outputs, case["outputs"])):
        yield from _differ(f"elements of output {i}", len(got), len(want))
        for at, (a, b) in enumerate(zip(got, want)):
            if a != b:
                # The first wrong element tells enough.
                yield from _differ(f"output {i}, element {at}", a, b)
                break
    cost = oda.cost(of)
    for name in sorted(cost.keys() | case["cost"].keys()):
        yield from _differ(f"cost {name}", cost.get(name), case["cost"].get(name))


def differences(case: Case) -> list[str]:
    """Everything in which the evaluator disagrees with the case."""
    found: list[str] = []
    try:
        found.extend(_invalid(case) if "invalid" in case else _valid(case))
    except Exception as error:  # a case that fails must not hide the cases after it
        found.append(f"{type(error).__name__}: {error}")
    return found


def load(path: str) -> list[Case]:
    """The cases of one file; a file without any proves nothing and is refused."""
    if path == "-":
        cases = [json.loads(line) for line in sys.stdin if line.strip()]
    else:
        with open(path, encoding="utf-8") as file:
            cases = json.load(file)["cases"]
    if not cases:
        raise ValueError("no cases")
    return cases


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", metavar="FILE")
    agree = True
    for path in parser.parse_args().files:
        try:
            cases = load(path)
        except (OSError, ValueError, KeyError, TypeError) as error:
            print(f"{path}: refused: {error!r}")
            agree = False
            continue
        wrong = 0
        for i, case in enumerate(cases):
            name = case.get("name", i) if isinstance(case, dict) else i
            found = differences(case)
            wrong += bool(found)
            for difference in found:
                print(f"{path}: {name}: {difference}")
        if wrong:
            print(f"{path}: {wrong} of {len(cases)} cases disagree")
            agree = False
        else:
            print(f"{path}: {len(cases)} cases agree")
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
