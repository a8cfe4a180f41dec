#!/usr/bin/env python3
"""Makes train.bin and validation.bin from scikit-learn's copy of the UCI digits.

A record is 65 bytes: 64 pixels (0 to 16, row by row) and the class (0 to 9). The split is stratified: 30 % of
each class, 540 of the 1,797 in all, go to validation. It and the order depend on SEED alone.

    python3 make.py            writes the two files beside this script
    python3 make.py --check    compares them with what it would write; exit status 1 if they differ
"""

import random
import sys
from pathlib import Path

from sklearn.datasets import load_digits

SEED = 20_261_121
VALIDATION = 540


def split():
    digits = load_digits()
    records = [
        bytes(int(pixel) for pixel in pixels) + bytes([int(label)])
        for pixels, label in zip(digits.data, digits.target)
    ]
    assert len(records) == 1797 and all(len(r) == 65 and max(r[:64]) <= 16 for r in records)
    classes = [[r for r in records if r[64] == label] for label in range(10)]

    # Each class's share of the validation set, by largest remainder.
    shares = [len(c) * VALIDATION / len(records) for c in classes]
    counts = [int(share) for share in shares]
    by_remainder = sorted(range(10), key=lambda label: counts[label] - shares[label])
    for label in by_remainder[: VALIDATION - sum(counts)]:
        counts[label] += 1

    # Of `random`, only the generator's bits are the same in every version of Python: shuffle with those.
    generator = random.Random(SEED)

    def shuffle(items):
        for i in range(len(items) - 1, 0, -1):
            j = generator.getrandbits(32) % (i + 1)
            items[i], items[j] = items[j], items[i]

    train, validation = [], []
    for count, members in zip(counts, classes):
        shuffle(members)
        validation += members[:count]
        train += members[count:]
    shuffle(train)
    shuffle(validation)
    return {"train.bin": b"".join(train), "validation.bin": b"".join(validation)}


def main():
    here = Path(__file__).resolve().parent
    differs = False
    for name, data in split().items():
        path = here / name
        if "--check" in sys.argv[1:]:
            same = path.exists() and path.read_bytes() == data
            differs |= not same
            print(f"{name}: {'same' if same else 'DIFFERS'}")
        else:
            path.write_bytes(data)
            print(f"{name}: {len(data) // 65} records, {len(data)} bytes")
    sys.exit(differs)


if __name__ == "__main__":
    main()
