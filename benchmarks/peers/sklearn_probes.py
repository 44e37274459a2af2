"""A linear probe for each layer by scikit-learn, from arrays of word vectors: tells a line of JSON.

    python benchmarks/peers/sklearn_probes.py FOLDER LAYER...

FOLDER holds train-LAYER.npy and test-LAYER.npy, float32 [word, unit]; train.npy and test.npy, the classes.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression


def main() -> None:
    folder, layers = Path(sys.argv[1]), sys.argv[2:]
    warnings.simplefilter("ignore", ConvergenceWarning)
    classes = {split: np.load(folder / f"{split}.npy") for split in ("train", "test")}
    told = {}
    for layer in layers:
        vectors = {split: np.load(folder / f"{split}-{layer}.npy") for split in ("train", "test")}
        probe = LogisticRegression(max_iter=300).fit(vectors["train"], classes["train"])
        told[layer] = float(probe.score(vectors["test"], classes["test"]))
    print(json.dumps(told))


if __name__ == "__main__":
    main()
