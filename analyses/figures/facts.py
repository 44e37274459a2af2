"""Facts about corpora that curves over several of them may owe their differences to."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusFacts:
    """How long a corpus's texts are and how well the tokenizer knows them."""

    corpus: str
    n_examples: int
    n_tokens: int
    n_unknown: int
    n_truncated: int

    def sentence(self, name: str | None = None) -> str:
        """One line; `name`: what the corpus is called."""
        length = self.n_tokens / max(1, self.n_examples)
        unknown, cut = self.n_unknown / max(1, self.n_tokens), self.n_truncated / max(1, self.n_examples)
        return (
            f"{name or self.corpus}: {length:.1f} tokens a text, {unknown:.2%} unknown pieces, "
            f"{cut:.1%} of texts cut"
        )


HEADERS = ("corpus", "texts", "tokens", "tokens a text", "unknown pieces", "texts cut")


def fact_rows(facts: Sequence[CorpusFacts]) -> tuple[tuple[str, ...], ...]:
    """The facts as cells under HEADERS."""
    return tuple(
        (
            item.corpus,
            f"{item.n_examples:,}",
            f"{item.n_tokens:,}",
            f"{item.n_tokens / max(1, item.n_examples):.1f}",
            f"{item.n_unknown / max(1, item.n_tokens):.2%}",
            f"{item.n_truncated / max(1, item.n_examples):.1%}",
        )
        for item in facts
    )
