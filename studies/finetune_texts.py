"""Makes one training and one test file out of the subsets of SNLI, for the studies finetune-*.toml.

    python studies/finetune_texts.py --data FOLDER [--into FOLDER]

`snli-train.jsonl`: subsets 0, 1 and 3, one after the other. `snli-test.jsonl`: the pairs of subset 4 whose
premise is in none of them. Files that are there are left alone, as a store knows its text.
"""

import argparse
import gzip
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

TRAIN, TEST = (0, 1, 3), 4


def main(arguments: Sequence[str]) -> int:
    """Write the files that are not there yet."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    data = os.environ.get("ACTSTORE_DATA")
    parser.add_argument("--data", type=Path, default=data, required=data is None, help="default: %(default)s")
    parser.add_argument("--into", type=Path, default=default_folder(), help="default: %(default)s")
    given = parser.parse_args(arguments)
    given.into.mkdir(parents=True, exist_ok=True)
    train = [line for number in TRAIN for line in subset(given.data, number)]
    premises = {premise(line) for line in train}
    test = [line for line in subset(given.data, TEST) if premise(line) not in premises]
    for name, lines in (("snli-train.jsonl", train), ("snli-test.jsonl", test)):
        path = given.into / name
        if path.exists():
            print(f"{path}: there already")
            continue
        path.write_text("".join(lines), encoding="utf-8")
        print(f"{path}: {len(lines)} pairs")
    return 0


def default_folder() -> Path:
    """Where the studies look: the folder `texts` in that of the models."""
    models = os.environ.get("ACTSTORE_MODELS") or Path(__file__).parents[1] / "models"
    return Path(models) / "texts"


def subset(folder: Path, number: int) -> Iterator[str]:
    """The lines of one subset."""
    with gzip.open(
        folder / "snli_subsets" / f"snlisub{number}.train.jsonl.gz", "rt", encoding="utf-8"
    ) as file:
        yield from (line.rstrip("\n") + "\n" for line in file)  # some end without one


def premise(line: str) -> str:
    """What two pairs of one premise share."""
    return str(json.loads(line)["sentence1"]).strip().lower()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
