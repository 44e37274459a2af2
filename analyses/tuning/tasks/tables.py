"""CorpusTables: what a task is given of a corpus. Drivers read it too, so that it knows no torch."""

from dataclasses import dataclass

import pyarrow as pa

from actstore.errors import RequestError


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusTables:
    """One corpus through one tokenizer; each task names those that it needs."""

    tokens: pa.Table
    """schema.tokens.TOKENS."""
    word_tokens: pa.Table | None = None
    """schema.tokens.WORD_TOKENS."""
    examples: pa.Table | None = None
    """schema.text.EXAMPLES."""
    words: pa.Table | None = None
    """schema.text.WORDS."""
    word_labels: pa.Table | None = None
    """schema.text.WORD_LABELS."""
    example_labels: pa.Table | None = None
    """schema.text.EXAMPLE_LABELS."""
    answers: pa.Table | None = None
    """schema.text.SPAN_LABELS: `label` is an answer's text, `info` {"char_start": its place in text_b}."""

    def need(self, name: str, task: str) -> pa.Table:
        """A table by its name. Raises RequestError where it was not given."""
        table: pa.Table | None = getattr(self, name)
        if table is None:
            raise RequestError(f"task {task!r} needs the table {name!r} of the corpus; none was given")
        return table
