"""One text through one model by each program, and the files that each left opened again."""

import argparse
import sys
from functools import cached_property
from pathlib import Path

import numpy as np
from made_up_model import make_decoder
from peer import Answer, ask, saelens_hooks, transformerlens_hooks
from peer_files import (
    Files,
    stored_in_actstore,
    stored_in_hdf5,
    stored_in_neurox,
    stored_in_numpy,
    stored_in_parquet,
    stored_in_saelens,
)
from ways_to_extract import Bench, read_corpus

FORMS = {"numpy": stored_in_numpy, "hdf5": stored_in_hdf5, "parquet": stored_in_parquet}
"""Of the files of the loop most people write."""


class Runs:
    """The model, the text, and a folder for what is made of them."""

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self.folder, self.options = folder, options
        examples = read_corpus(options.corpus, options.limit).read()
        lines = [" ".join(example.text.split()) for example in examples]
        self.text = folder / "text.txt"
        self.text.write_text("\n".join(lines), encoding="utf-8")
        self.corpus = read_corpus(str(self.text), None)
        self.model = make_decoder(folder / "decoder", lines)

    @cached_property
    def bench(self) -> Bench:
        """Ours, and what it needs."""
        return Bench(str(self.model), self.corpus, self.place("ours"), self.options.tokens_per_batch)

    @property
    def n_sites(self) -> int:
        return len(self.bench.sites)

    @property
    def layer(self) -> int:
        """The last but one: behind the last, Hugging Face gives its norm's values, the hooks do not."""
        return self.n_sites - 2

    def place(self, name: str) -> Path:
        """A new folder."""
        place = self.folder / name.replace(" ", "-").replace(",", "")
        place.mkdir(parents=True)
        return place

    def store(self, place: Path, tokens_per_batch: int) -> Path:
        """A store of all sites as float32."""
        bench = Bench(str(self.model), self.corpus, place, tokens_per_batch)
        bench.extract(bench.sites, "float32")
        return place / str(bench.number)

    def loop(self, form: str, place: Path | None = None, batch: int = 32) -> Answer:
        """The loop most people write."""
        place = place or self.bench.place()
        more = ("--form", form, "--batch", str(batch))
        return ask(sys.executable, "plain_loop.py", self.model, self.text, place, self._all(), *more)

    def neurox(self, place: Path | None = None) -> Answer:
        place = place or self.bench.place()
        return ask(self.options.neurox, "neurox_extract.py", self.model, self.text, place, self._all())

    def our_layer(self, place: Path, tokens_per_batch: int) -> Files:
        return stored_in_actstore(self.store(place, tokens_per_batch), self.bench.sites[self.layer])

    def loop_layer(self, form: str, place: Path, batch: int = 32) -> Files:
        self.loop(form, place, batch)
        return FORMS[form](place, self.layer)

    def saelens_layer(self, place: Path, batch: int = 32) -> Files:
        hook = self.saelens_hook
        more = ("--batch", str(batch))
        ask(self.options.saelens, "saelens_runner.py", self.model, self.text, place, [hook], *more)
        return stored_in_saelens(place, hook)

    def transformerlens_layer(self, place: Path, batch: int = 32) -> Files:
        """TransformerLens has no files of its own: a NumPy file a batch of windows."""
        hook, more = transformerlens_hooks(self.bench.ref.n_layers)[self.layer], ("--batch", str(batch))
        python = self.options.transformerlens
        ask(python, "transformerlens_cache.py", self.model, self.text, place, [hook], *more)
        numbers = range(len(list(place.iterdir())))
        values = np.concatenate([np.load(place / f"{number}.npy")[0] for number in numbers])
        flat = values.reshape(-1, values.shape[-1])
        return Files(len(flat), lambda: flat, lambda at: flat[at])

    def neurox_layer(self, place: Path) -> Files:
        self.neurox(place)
        return stored_in_neurox(place, self.layer)

    @property
    def saelens_hook(self) -> str:
        return saelens_hooks(self.bench.ref.n_layers)[self.layer]

    def _all(self) -> list[str]:
        return [str(site) for site in range(self.n_sites)]
