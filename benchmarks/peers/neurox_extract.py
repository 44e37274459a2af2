"""NeuroX' extractor over a text: run by the Python of its environment, tells a line of JSON.

    PYTHON benchmarks/peers/neurox_extract.py --model FOLDER --text FILE --into FOLDER --sites 0 1 2

The steps of `extract_representations` with the model loaded before: a sentence at a time, the last token of
each word, float32, a data set a sentence in one HDF5 file. Sites are places in `hidden_states`. What it tells
of each sentence goes nowhere.
"""

import json
import os
import time
from contextlib import redirect_stdout
from importlib.metadata import version
from pathlib import Path

os.environ.update(HF_HUB_OFFLINE="1")

import torch
from neurox.data.extraction.transformers_extractor import (
    extract_sentence_representations,
    get_model_and_tokenizer,
)
from neurox.data.writer import ActivationsWriter
from windows import options


def main() -> None:
    arguments = options(__doc__)
    torch.set_num_threads(1)
    lines = [" ".join(line.split()) for line in Path(arguments.text).read_text(encoding="utf-8").splitlines()]
    model, tokenizer = get_model_and_tokenizer(arguments.model)
    arguments.into.mkdir(parents=True, exist_ok=True)
    path = arguments.into / "states.hdf5"
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        extract_sentence_representations(lines[0], model, tokenizer)  # a process' first forward is slow
        started = time.perf_counter()
        writer = ActivationsWriter.get_writer(str(path), filter_layers=",".join(arguments.sites))
        pieces_of_word: dict[str, int] = {}
        for number, line in enumerate(lines):
            values, words = extract_sentence_representations(
                line, model, tokenizer, tokenization_counts=pieces_of_word
            )
            writer.write_activations(number, words, values)
        writer.close()
        seconds = time.perf_counter() - started
    n_tokens = sum(len(ids) for ids in tokenizer(lines)["input_ids"])
    told = {"seconds": seconds, "n_tokens": n_tokens, "n_bytes": path.stat().st_size}
    print(json.dumps({**told, "version": version("neurox")}))


if __name__ == "__main__":
    main()
