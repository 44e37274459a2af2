"""Tokenisations by hand, against the plain Hugging Face call, and their properties."""

import pytest
from transformers import AutoTokenizer

from actstore.capture.tokenize import tokenize, tokens_meta
from actstore.capture.tokenizer import load_tokenizer
from actstore.errors import CorpusError, RequestError
from actstore.schema.text import Example, Word
from actstore.schema.tokens import SEQUENCES, TOKENS, WORD_TOKENS, TokenSettings, TokensMeta
from tests.support.tiny_models import FAMILIES, SENTENCES, make_tiny_model
from tests.support.tokenised import ODD, example, run, words_of


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {family: make_tiny_model(tmp_path_factory.mktemp(family), family) for family in FAMILIES}


@pytest.fixture(scope="module")
def tokenizers(folders):
    return {family: load_tokenizer(folder) for family, folder in folders.items()}


def pieces_of_words(tokens, words, number=0):
    """Pieces of each word of an example, None where it has none."""
    mine = [row for row in tokens if row["example"] == number]
    return [
        None if row["first_token"] is None
        else [mine[i]["piece"] for i in range(row["first_token"], row["last_token"] + 1)]
        for row in words if row["example"] == number
    ]  # fmt: skip


def test_a_sentence_by_hand(tokenizers):
    tokens, words, sequences, counts = run([example("The cat doesn't know.")], tokenizers["bert"])
    rows = [(t["piece"], t["char_start"], t["char_end"], t["special"]) for t in tokens]
    assert rows == [
        ("[CLS]", None, None, True), ("the", 0, 3, False), ("cat", 4, 7, False), ("doesn", 8, 13, False),
        ("'", 13, 14, False), ("t", 14, 15, False), ("know", 16, 20, False), (".", 20, 21, False),
        ("[SEP]", None, None, True),
    ]  # fmt: skip
    assert [t["token"] for t in tokens] == [t["row"] for t in tokens] == list(range(9))
    assert all(t["best_context"] and t["window"] == 0 and t["segment"] == 0 for t in tokens)
    assert [(w["first_token"], w["last_token"]) for w in words] == [
        (1, 1),
        (2, 2),
        (3, 3),
        (4, 4),
        (5, 5),
        (6, 6),
        (7, 7),
    ]
    assert sequences == [{"example": 0, "window": 0, "first_row": 0, "n_tokens": 9, "truncated": False}]
    assert (counts.n_tokens, counts.n_rows, counts.n_words, counts.n_unknown) == (9, 4096, 7, 0)


def test_leading_spaces_belong_to_no_word(tokenizers):
    tokens, words, _, _ = run([example("The cat  sat")], tokenizers["gpt2"])
    assert [(t["piece"], t["char_start"], t["char_end"]) for t in tokens][:2] == [
        ("The", 0, 3),
        ("Ġcat", 4, 7),
    ]
    assert "".join(pieces_of_words(tokens, words)[2]).replace("Ġ", "") == "sat"
    blank = [t for t in tokens if t["piece"] == "Ġ"]
    assert [(t["char_start"], t["char_end"]) for t in blank] == [(7, 8)]
    assert all("Ġ" not in pieces for pieces in pieces_of_words(tokens, words))


@pytest.mark.parametrize("family", ["bert", "mpnet", "roberta", "gpt2", "llama"])
def test_odd_unicode_maps_words_to_the_tokens_of_their_characters(tokenizers, family):
    tokens, words, _, counts = run([example(ODD, pattern=r"\S+")], tokenizers[family])
    texts = [word.text for word in words_of(ODD, pattern=r"\S+")]
    byte_level = family in ("roberta", "gpt2", "llama")
    for text, found, row in zip(texts, pieces_of_words(tokens, words), words, strict=True):
        if found is None:
            assert text == "\u00ad", "only what a normaliser deletes whole may vanish"
            assert not byte_level
            continue
        span = [tokens[i] for i in range(row["first_token"], row["last_token"] + 1)]
        assert {ODD[t["char_start"] : t["char_end"]] in text or text in ODD for t in span} == {True}
        assert all(t["char_start"] < t["char_end"] for t in span)
    assert counts.n_vanished_words == (0 if byte_level else 1)
    assert counts.n_words == len(texts)


def test_words_may_share_a_token_and_a_token_two_words(tokenizers):
    text = "do cat"
    words = (
        Word(segment=0, char_start=0, char_end=2, text="do"),
        Word(segment=0, char_start=4, char_end=5, text="c"),
        Word(segment=0, char_start=4, char_end=6, text="at"),
        Word(segment=0, char_start=2, char_end=3, text=" "),
        Word(segment=0, char_start=3, char_end=3, text=""),
    )
    tokens, table, _, counts = run([Example(source_id="s", text=text, words=words)], tokenizers["bert"])
    found = pieces_of_words(tokens, table)
    assert found[1] == found[2] == ["cat"]
    assert found[3:] == [None, None]
    assert counts.n_vanished_words == 2


def test_a_pair_has_words_and_characters_of_either_text(tokenizers):
    for family in FAMILIES:
        tokens, words, _, _ = run([example("The cat", "the dog sat")], tokenizers[family])
        found = ["".join(pieces).strip("Ġ").lower() for pieces in pieces_of_words(tokens, words)]
        assert [piece.replace("Ġ", "").replace("##", "") for piece in found] == [
            "the",
            "cat",
            "the",
            "dog",
            "sat",
        ]
        content = [t for t in tokens if not t["special"]]
        sides = [t["segment"] for t in content]
        assert sides == sorted(sides)
        if family != "llama":
            assert set(sides) == {0, 1}
        first_of_b = (
            next(t for t, side in zip(content, sides, strict=True) if side == 1) if 1 in sides else None
        )
        assert first_of_b is None or first_of_b["char_start"] == 0


@pytest.mark.parametrize(("part", "expected"), [("a", ["the", "cat"]), ("b", ["a", "model"])])
def test_one_side_of_a_pair_is_a_text_of_its_own(tokenizers, part, expected):
    pair, alone = [example("The cat", "A model")], [example(" ".join(expected))]
    tokens, words, _, counts = run(pair, tokenizers["bert"], part=part)
    plain, _, _, _ = run(alone, tokenizers["bert"])
    columns = ("token_id", "segment", "char_start", "char_end", "special")
    assert [[t[c] for c in columns] for t in tokens] == [[t[c] for c in columns] for t in plain]
    found = [pieces for pieces in pieces_of_words(tokens, words) if pieces is not None]
    assert found == [[piece] for piece in expected]
    assert (len(words), counts.n_words, counts.n_vanished_words) == (4, 2, 0)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("max_length", [8, 13, 64])
def test_ids_and_types_are_those_of_a_plain_call(folders, tokenizers, family, max_length):
    plain = AutoTokenizer.from_pretrained(folders[family])
    texts = [*SENTENCES, ODD]
    pairs = list(zip(texts, texts[::-1], strict=True))
    singles, _, sequences, _ = run(
        [example(text) for text in texts], tokenizers[family], max_length=max_length
    )
    expected = plain(texts, truncation=True, max_length=max_length)["input_ids"]
    assert [t["token_id"] for t in singles] == [i for ids in expected for i in ids]
    assert [s["n_tokens"] for s in sequences] == [len(ids) for ids in expected]
    doubles, _, _, _ = run([example(*pair) for pair in pairs], tokenizers[family], max_length=max_length)
    expected = plain(
        [a for a, _ in pairs],
        [b for _, b in pairs],
        truncation="longest_first",
        max_length=max_length,
        return_token_type_ids=True,
    )
    assert [t["token_id"] for t in doubles] == [i for ids in expected["input_ids"] for i in ids]
    if family in ("bert", "electra"):
        types = [i for ids in expected["token_type_ids"] for i in ids]
        assert [t["segment"] for t in doubles] == types


def test_truncation_is_counted_flagged_and_takes_words_but_does_not_make_them_vanish(tokenizers):
    texts = ["the cat", "the cat sat on the mat and the dog did not care"]
    tokens, words, sequences, counts = run(
        [example(text) for text in texts], tokenizers["bert"], max_length=6
    )
    assert [s["truncated"] for s in sequences] == [False, True]
    assert (counts.n_truncated, counts.n_vanished_words) == (1, 0)
    assert pieces_of_words(tokens, words, 1)[:5] == [["the"], ["cat"], ["sat"], ["on"], None]
    assert [t["piece"] for t in tokens if t["example"] == 1][-1] == "[SEP]"


def test_a_word_that_is_cut_in_its_middle_has_no_tokens(tokenizers):
    word = "activationsactivations"
    tokens, words, _, _ = run([example(f"the {word}")], tokenizers["bert"], max_length=5)
    assert len(tokens) == 5
    assert pieces_of_words(tokens, words) == [["the"], None]


def test_refused_overflow_names_the_example(tokenizers):
    long = "the cat sat on the mat and the dog did not care"
    with pytest.raises(CorpusError, match="example 1 has 14 tokens, max_length is 6"):
        run([example("the cat"), example(long)], tokenizers["bert"], max_length=6, overflow="refuse")


def test_chunks_make_no_difference(tokenizers):
    examples = [example(text, text if i % 3 == 0 else None) for i, text in enumerate(SENTENCES * 4)]
    limits = {"max_length": 24, "overflow": "window", "stride": 3, "block_rows": 32}
    whole = run(examples, tokenizers["bert"], **limits)
    assert run(examples, tokenizers["bert"], chunk_examples=1, **limits) == whole
    assert run(examples, tokenizers["bert"], chunk_examples=5, **limits) == whole


def test_rows_follow_the_packing_and_no_sequence_straddles_a_block(tokenizers):
    examples = [example(text) for text in SENTENCES * 3]
    tokens, _, sequences, counts = run(examples, tokenizers["gpt2"], block_rows=64)
    rows = [t["row"] for t in tokens]
    assert rows == sorted(set(rows))
    expected = [s["first_row"] + i for s in sequences for i in range(s["n_tokens"])]
    assert rows == expected
    assert all(s["first_row"] // 64 == (s["first_row"] + s["n_tokens"] - 1) // 64 for s in sequences)
    assert counts.n_rows % 64 == 0
    assert counts.n_rows - 64 <= rows[-1] < counts.n_rows


def test_the_tables_have_the_settled_columns(tokenizers):
    (chunk,) = tokenize([example("The cat")], tokenizers["bert"], TokenSettings(max_length=8), 4096)
    assert (chunk.tokens.schema, chunk.word_tokens.schema, chunk.sequences.schema) == (
        TOKENS,
        WORD_TOKENS,
        SEQUENCES,
    )
    meta = tokens_meta("text", tokenizers["bert"], TokenSettings(max_length=8), 4096, chunk.counts)
    assert TokensMeta.from_dict(meta.to_dict()) == meta
    assert meta.n_tokens == 4


def test_an_empty_text_has_its_special_tokens_or_is_refused(tokenizers):
    tokens, words, _, _ = run([example("")], tokenizers["bert"])
    assert [t["piece"] for t in tokens] == ["[CLS]", "[SEP]"]
    assert words == []
    with pytest.raises(CorpusError, match="example 1 has no token"):
        run([example("The cat"), example("")], tokenizers["gpt2"])


def test_unknown_pieces_are_counted(tokenizers):
    _, _, _, counts = run([example("the \u4f60 cat \u597d")], tokenizers["bert"])
    assert counts.n_unknown == 2
    assert run([example("the \u4f60 cat")], tokenizers["gpt2"])[3].n_unknown == 0


def test_a_special_token_that_is_written_in_a_text_is_a_token_of_the_text(tokenizers):
    tokens, _, _, _ = run([example("the [SEP] cat")], tokenizers["bert"])
    assert [t["special"] for t in tokens] == [True, False, False, False, True]


def test_a_text_that_the_tokenizer_fails_on_is_named(tokenizers):
    with pytest.raises(CorpusError, match="the tokenizer fails on example 2"):
        run(
            [example("The cat"), example("sat"), Example(source_id="s", text="a\ud800b", words=())],
            tokenizers["bert"],
        )


def test_settings_out_of_range_are_refused(tokenizers):
    for limits, message in (
        ({"max_length": 4}, "allowed are 5"),
        ({"max_length": 64, "block_rows": 32}, "to 32"),
        ({"overflow": "cut"}, "allowed are truncate"),
        ({"part": "c"}, "allowed are pair"),
        ({"stride": 0, "overflow": "window"}, "stride = 0"),
    ):
        with pytest.raises(RequestError, match=message):
            run([example("The cat")], tokenizers["bert"], **limits)
    with pytest.raises(CorpusError, match="example 0 is no pair"):
        run([example("The cat")], tokenizers["bert"], part="b")
