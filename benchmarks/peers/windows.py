"""Windows: the text as peers want it, its tokens one after the other, cut to one length; and its examples.

Imported by the scripts beside it, in environments that have transformers and nothing of ours.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import AutoTokenizer


def options(text: str | None, forms: Sequence[str] = ("own",)) -> argparse.Namespace:
    """What every peer is given; `forms`: of files, where it can write several."""
    parser = argparse.ArgumentParser(description=(text or "").partition("\n")[0])
    parser.add_argument("--model", required=True, help="folder of a model and its tokenizer")
    parser.add_argument("--text", required=True, help="file, an example a line")
    parser.add_argument("--into", type=Path, required=True, help="folder that is written")
    parser.add_argument("--sites", nargs="+", required=True, metavar="HOOK")
    parser.add_argument("--batch", type=int, default=32, help="windows of a batch")
    parser.add_argument("--context", type=int, default=128, help="tokens of a window")
    parser.add_argument("--form", choices=forms, default=forms[0], help="of the files")
    parser.add_argument("--buffers", type=int, default=1, help="files that the text is divided into")
    parser.add_argument("--examples", action="store_true", help="no windows: the examples, padded")
    return parser.parse_args()


def windows(arguments: argparse.Namespace) -> list[list[int]]:
    """Whole batches and buffers of windows; what is left of the text is left out."""
    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    lines = Path(arguments.text).read_text(encoding="utf-8").splitlines()
    ids = [token for line in tokenizer(lines)["input_ids"] for token in line]
    at_once = arguments.batch * arguments.buffers
    n_windows = len(ids) // arguments.context // at_once * at_once
    if n_windows == 0:
        raise SystemExit(f"{len(ids)} tokens fill no batch or buffer; give a longer text")
    starts = range(0, n_windows * arguments.context, arguments.context)
    return [ids[start : start + arguments.context] for start in starts]


def batches(arguments: argparse.Namespace) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Token ids and mask of each batch: [sequence, token]."""
    if not arguments.examples:
        ids = torch.tensor(windows(arguments))
        return [(batch, torch.ones_like(batch)) for batch in ids.split(arguments.batch)]
    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    lines = Path(arguments.text).read_text(encoding="utf-8").splitlines()
    firsts = range(0, len(lines), arguments.batch)
    made = [tokenizer(lines[i : i + arguments.batch], padding=True, return_tensors="pt") for i in firsts]
    return [(batch["input_ids"], batch["attention_mask"]) for batch in made]
