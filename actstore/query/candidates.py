"""Candidates: the SQL of the tokens or words that a predicate chooses; joins only what it names."""

import re

from actstore.schema.query import Query
from actstore.schema.spec import RunSpec

WORD_COLUMNS = ["word", "text", "word_text", "upos", "xpos", "head", "deprel"]
EXAMPLE_COLUMNS = ["source_id", "domain", "example_text", "text_b", "label"]
CORPUS_COLUMNS = ["text_id", "n_examples", "n_words", "n_tokens", "n_truncated"]
EVERY_COLUMN = "columns"
"""`COLUMNS(...)` in a predicate names columns by a pattern."""

WORDS = """
JOIN word_tokens ON word_tokens.tokens_id = token.tokens_id AND word_tokens.corpus = token.corpus
     AND word_tokens.example = token.example AND word_tokens.first_token = token.token
JOIN words word ON word.corpus = token.corpus AND word.example = token.example
     AND word.word = word_tokens.word
"""
WORDS_OF_TOKENS = """
LEFT JOIN (
    SELECT inside.example, inside.token AS token, w.word, w.text, w.upos, w.xpos, w.head, w.deprel
    FROM (SELECT example, word, unnest(range(first_token, last_token + 1)) AS token FROM word_tokens
          WHERE tokens_id = '{tokens_id}' AND corpus = '{corpus}' AND {stretch}) inside
    JOIN (SELECT * FROM words WHERE corpus = '{corpus}' AND {stretch}) w
      ON w.example = inside.example AND w.word = inside.word
) word ON word.example = token.example AND word.token = token.token
"""
"""One row a token of a word: joining by ranges would compare every token of an example with every word."""
EXAMPLES = """
LEFT JOIN examples example ON example.corpus = token.corpus AND example.example = token.example
"""
CORPORA = "LEFT JOIN corpora ON corpora.name = token.corpus AND corpora.tokens_id = token.tokens_id"

WORD_PARTS = "word.word, word.text, word.text AS word_text, word.upos, word.xpos, word.head, word.deprel"
EXAMPLE_PARTS = (
    "example.source_id, example.domain, example.text AS example_text, example.text_b, example.label"
)
CORPUS_PARTS = "corpora.text_id, corpora.n_examples, corpora.n_words, corpora.n_tokens, corpora.n_truncated"

Stretch = tuple[int, int]
"""Examples from the first up to, without it, the second."""


def candidates(query: Query, spec: RunSpec, stretch: Stretch | None = None) -> str:
    """SQL of what the predicate chooses: columns example, unit, text, first_row, last_row.

    In a predicate `text` is the word's; every other column of the token, word, example and corpus tables has
    its own name. A token that belongs to several words is given once.
    """
    named = _names(query.where)
    words = query.unit == "word" or not named.isdisjoint(WORD_COLUMNS)
    columns, joins = ["token.*"], []
    if words:
        columns.append(WORD_PARTS)
        joins.append(WORDS if query.unit == "word" else WORDS_OF_TOKENS)
    if not named.isdisjoint(EXAMPLE_COLUMNS):
        columns.append(EXAMPLE_PARTS)
        joins.append(EXAMPLES)
    if not named.isdisjoint(CORPUS_COLUMNS):
        columns.append(CORPUS_PARTS)
        joins.append(CORPORA)
    extra = "word_tokens.last_token - word_tokens.first_token" if query.unit == "word" else "0"
    columns.append(f"token.row AS first_row, token.row + {extra} AS last_row")
    corpus = query.corpus.replace("'", "''")
    stretch_sql = "true" if stretch is None else f"example >= {stretch[0]} AND example < {stretch[1]}"
    here = f"tokens_id = '{spec.tokens_id}' AND corpus = '{corpus}' AND {stretch_sql}"
    joined = "".join(joins).format(tokens_id=spec.tokens_id, corpus=corpus, stretch=stretch_sql)
    token = f"(SELECT * FROM tokens WHERE {here} AND best_context) token"
    found = f"SELECT {', '.join(columns)} FROM {token} {joined}"
    where = f"WHERE ({query.where}\n)" if query.where else ""  # the line's end closes a comment
    if query.unit == "word":
        return f"SELECT example, word AS unit, text, first_row, last_row FROM ({found}) {where}"
    once = "DISTINCT ON (row) " if words else ""
    return f"SELECT {once}example, token AS unit, piece AS text, first_row, last_row FROM ({found}) {where}"


def asks_other_tables(where: str | None) -> bool:
    """Whether a predicate may look into tables beyond the rows it is asked of."""
    return not _names(where).isdisjoint({"select", "from", "table", "with"})


def _names(where: str | None) -> set[str]:
    """Every word of a predicate: more than the columns it names, never fewer."""
    found = set(re.findall(r"\w+", (where or "").lower()))
    if EVERY_COLUMN in found or "*" in (where or ""):
        found.update(WORD_COLUMNS, EXAMPLE_COLUMNS, CORPUS_COLUMNS)
    return found
