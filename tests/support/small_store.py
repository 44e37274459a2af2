"""Small real stores without a model: a whitespace tokenizer and an extractor that is a formula."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.extract.driver import RunPlan, RunReport, extract_runs
from actstore.plan.packing import Packer
from actstore.schema.ports import Executor, ExtractorInfo, Resources
from actstore.schema.refs import CheckpointRef, CorpusRef
from actstore.schema.spec import RunSpec
from actstore.schema.text import Example, Word
from actstore.schema.tokens import SEQUENCES, TOKENS, WORD_TOKENS, TokenBatch, TokenSettings, TokensMeta
from actstore.serial import SerialExecutor
from actstore.store import names, texts, tokens
from actstore.store.objects import Objects
from actstore.store.root import create_root

WORDS = "the a cat dog sat ran on under mat tree red green quickly slowly and".split()
UPOS = "DET DET NOUN NOUN VERB VERB ADP ADP NOUN NOUN ADJ ADJ ADV ADV CCONJ".split()
BLOCK_ROWS = 16


def make_examples(n_examples: int, seed: int = 0) -> list[Example]:
    """Seeded sentences of 2 to 9 words with tags."""
    rng = np.random.default_rng(seed)
    return [_example(number, rng) for number in range(n_examples)]


def _example(number: int, rng: np.random.Generator) -> Example:
    chosen = rng.integers(0, len(WORDS), size=int(rng.integers(2, 10)))
    words, position = [], 0
    for index, choice in enumerate(chosen.tolist()):
        end = position + len(WORDS[choice])
        words.append(
            Word(segment=0, char_start=position, char_end=end, text=WORDS[choice], upos=UPOS[choice],
                 xpos=None, head=max(0, index - 1), deprel="root" if index == 0 else "dep")
        )  # fmt: skip
        position = end + 1
    text = " ".join(word.text for word in words)
    return Example(source_id=f"s{number}", text=text, words=tuple(words), label="xy"[number % 2])


@dataclass(frozen=True)
class Tables:
    """A tokenisation as tables."""

    tokens: pa.Table
    word_tokens: pa.Table
    sequences: pa.Table


def _number(word: str) -> int:
    return WORDS.index(word) if word in WORDS else len(WORDS)


def tokenise(examples: Sequence[Example], block_rows: int = BLOCK_ROWS) -> tuple[Tables, int]:
    """[CLS], one token a word, [SEP]; returns tables and the length of the token axis."""
    first_rows, packer = Packer(block_rows).pack(len(example.words) + 2 for example in examples)
    token_rows, word_rows, sequence_rows = [], [], []
    for number, (example, first) in enumerate(zip(examples, first_rows.tolist(), strict=True)):
        pieces = ["[CLS]", *(word.text for word in example.words), "[SEP]"]
        for position, piece in enumerate(pieces):
            special = piece.startswith("[")
            word = None if special else example.words[position - 1]
            token_rows.append({
                "example": number, "token": position, "row": first + position,
                "token_id": _number(piece) + 2 if word else int(piece == "[SEP]"), "piece": piece,
                "segment": 0, "special": special, "char_start": word.char_start if word else None,
                "char_end": word.char_end if word else None, "window": 0, "best_context": True,
            })  # fmt: skip
        word_rows += [
            {"example": number, "word": i, "first_token": i + 1, "last_token": i + 1}
            for i in range(len(example.words))
        ]
        sequence_rows.append(
            {"example": number, "window": 0, "first_row": first, "n_tokens": len(pieces), "truncated": False}
        )
    tables = Tables(
        tokens=pa.Table.from_pylist(token_rows, schema=TOKENS),
        word_tokens=pa.Table.from_pylist(word_rows, schema=WORD_TOKENS),
        sequences=pa.Table.from_pylist(sequence_rows, schema=SEQUENCES),
    )
    return tables, packer.n_rows


class FormulaExtractor:
    """Activations as a formula of token id, position, layer and unit: the same in any batch."""

    def __init__(self, arguments: Mapping[str, float]) -> None:
        self.shift, self.width, self.n_layers = (
            arguments["shift"],
            int(arguments["width"]),
            int(arguments["n_layers"]),
        )
        self.poison = arguments.get("poison")
        self.info = ExtractorInfo(
            sites=tuple(f"L{layer:02d}" for layer in range(self.n_layers + 1)),
            widths=(self.width,) * (self.n_layers + 1),
            environment={"formula": 1},
        )

    def forward(self, batch: TokenBatch) -> dict[str, npt.NDArray[np.float32]]:
        if self.poison is not None and (batch.token_id_T == self.poison).any():
            raise RuntimeError(f"token {self.poison} is poison")
        lengths = np.diff(batch.offset_N1)
        position_T = np.concatenate([np.arange(n) for n in lengths])
        return {
            site: formula(batch.token_id_T, position_T, layer, self.width, self.shift)
            for layer, site in enumerate(self.info.sites)
        }

    def close(self) -> None:
        self.closed = True


def formula(
    token_id_T: npt.NDArray[np.int32], position_T: npt.NDArray[np.int64], layer: int, width: int, shift: float
) -> npt.NDArray[np.float32]:
    """What FormulaExtractor gives: [T, D] float32."""
    unit_D = np.arange(width)
    phase_TD = token_id_T[:, None] * 0.7 + position_T[:, None] * 0.13 + unit_D[None, :] * (layer + 1) * 0.31
    return (np.sin(phase_TD + shift) * (layer + 1) + 0.01 * layer).astype(np.float32)


def open_formula(arguments: Mapping[str, float]) -> FormulaExtractor:
    """What ExtractWork calls."""
    return FormulaExtractor(arguments)


@dataclass(frozen=True)
class SmallStore:
    """A store in the making: its place, corpus and a spec for each checkpoint."""

    objects: Objects
    examples: list[Example]
    tables: Tables
    specs: dict[str, RunSpec]
    arguments: dict[str, dict[str, float]]
    corpus: str = "small"

    def plans(self) -> list[RunPlan]:
        return [RunPlan(checkpoint=name, corpus=self.corpus, spec=spec) for name, spec in self.specs.items()]

    def extract(self, executor: Executor | None = None) -> list[RunReport]:
        return extract_runs(
            self.objects,
            self.plans(),
            executor or SerialExecutor(),
            Resources(overlap=2),
            open_extractor=open_formula,
            checkpoints=self.arguments,
        )

    def expected(self, name: str, layer: int) -> npt.NDArray[np.float32]:
        """Every used row's value in row order, float32 [T, D]."""
        token_id_T = self.tables.tokens.column("token_id").to_numpy()
        position_T = self.tables.tokens.column("token").to_numpy()
        arguments = self.arguments[name]
        return formula(token_id_T, position_T, layer, int(arguments["width"]), arguments["shift"])


def prepare(
    place: Path | str,
    *,
    n_examples: int = 40,
    width: int = 8,
    n_layers: int = 2,
    checkpoints: Sequence[str] = ("base",),
    poison: int | None = None,
    corpus: str = "small",
    first_word: str | None = None,
    **spec: object,
) -> SmallStore:
    """Everything but the activations: text, tokens, names and a spec for each checkpoint.

    `first_word`: the whole of the first example.
    """
    objects = create_root(str(place))
    examples = make_examples(n_examples)
    if first_word is not None:
        only = replace(examples[0].words[0], char_start=0, char_end=len(first_word), text=first_word, head=0)
        examples[0] = replace(examples[0], text=first_word, words=(only,))
    digest = texts.digest_text(examples)
    texts.store_text(objects, digest, lambda: examples)
    names.bind_corpus(objects, CorpusRef(name=corpus, text_id=digest.text_id, domain="toy",
                                         word_labels=digest.word_labels,
                                         example_labels=digest.example_labels))  # fmt: skip
    tables, n_rows = tokenise(examples)
    meta = TokensMeta(
        text_id=digest.text_id, tokenizer_sha256="0" * 64, settings=TokenSettings(max_length=16),
        block_rows=BLOCK_ROWS, n_examples=n_examples, n_sequences=n_examples,
        n_tokens=tables.tokens.num_rows, n_rows=n_rows, n_words=digest.n_words, n_truncated=0,
        n_vanished_words=0, n_unknown=0,
    )  # fmt: skip
    tokens.store_tables(objects, meta.text_id, meta.tokens_id, iter([tables]))
    tokens.store_meta(objects, meta)
    specs, arguments = {}, {}
    for number, name in enumerate(checkpoints):
        trunk = f"{number:064x}"
        names.bind_checkpoint(objects, CheckpointRef(
            name=name, trunk_sha256=trunk, tokenizer_sha256="0" * 64, family="formula", n_layers=n_layers,
            width=width, max_positions=None, source="formula"))  # fmt: skip
        arguments[name] = {"shift": float(number), "width": width, "n_layers": n_layers}
        if poison is not None:
            arguments[name]["poison"] = poison
        values: dict[str, object] = {
            "trunk_sha256": trunk, "text_id": meta.text_id, "tokens_id": meta.tokens_id,
            "sites": tuple(f"L{layer:02d}" for layer in range(n_layers + 1)),
            "widths": (width,) * (n_layers + 1), "n_rows": n_rows, "block_rows": BLOCK_ROWS,
            "blocks_per_shard": 2, "chunk_rows": 8, "tokens_per_batch": 64, "dtype": "float32",
        }  # fmt: skip
        specs[name] = RunSpec(**{**values, **spec})  # type: ignore[arg-type]
    return SmallStore(objects, examples, tables, specs, arguments, corpus)


def used_rows(store: SmallStore) -> npt.NDArray[np.int64]:
    """Rows that hold a token, in order."""
    return store.tables.tokens.column("row").to_numpy()


def every_file(place: Path) -> Iterator[Path]:
    """Files below a folder, by name."""
    return (path for path in sorted(place.rglob("*")) if path.is_file())
