"""Scorers: the fixtures of the methods, and independent implementations on whole prediction files."""

import itertools
import unicodedata

import numpy as np
import pytest

from actstore.errors import CorpusError
from analyses.tuning.scorers.accuracy import accuracy
from analyses.tuning.scorers.dep import Parsed, is_punctuation, score_trees
from analyses.tuning.scorers.squad import exact_match, f1, normalised, score_answers

GOLD = [(2, "nsubj"), (0, "root"), (4, "det"), (2, "obj:x"), (2, "punct")]
FOUND = [(2, "nsubj"), (0, "root"), (5, "det"), (2, "obj"), (2, "punct")]
FORMS = ["She", "read", "a", "book", "."]


def parsed(forms, gold, found) -> Parsed:
    return Parsed(
        form_W=forms,
        gold_head_W=np.array([head for head, _ in gold]),
        found_head_W=np.array([head for head, _ in found]),
        gold_label_W=[label for _, label in gold],
        found_label_W=[label for _, label in found],
    )


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("The U.S.A.", "usa"), ("a-b  c", "ab c"), ("the-end", "theend"), ("\u201cso\u201d", "\u201cso\u201d"),
     ("An apple, a day", "apple day"), ("the a an", ""), ("Athens", "athens")],
)  # fmt: skip
def test_normalised(answer, expected):
    assert normalised(answer) == expected


def test_f1_and_exact_match():
    assert f1("the cat sat", "cat sat down") == pytest.approx(0.8)
    assert f1("cat cat", "cat") == pytest.approx(2 / 3)
    assert f1("dog", "cat") == 0
    assert f1("the", "a") == 0  # nothing is left of either: evaluate-v1.1 finds no common word
    assert exact_match("the", "a") == 1


def test_a_question_takes_its_best_answer_and_counts_if_it_is_left_out():
    gold = {"q1": ["cat sat down", "the dog"], "q2": ["x"], "q3": []}
    scores = score_answers({"q1": "The cat sat.", "q3": "y"}, gold)
    assert scores == {"exact_match": 0.0, "f1": pytest.approx(40.0)}


def bag(text: str) -> list[str]:
    """Words of an answer by the published rules, written anew: no translate, no regular expression."""
    kept = "".join(c for c in text.lower() if not (c.isascii() and unicodedata.category(c)[0] in "PS"))
    words, word = [], ""
    for char in kept + " ":
        if char.isalnum() or char == "_":
            word += char
            continue
        # an article is one between characters that are of no word, so it may stand in the middle of a piece
        words.append(" " if word in ("a", "an", "the") else word)
        words.append(char)
        word = ""
    return "".join(words).split()


def overlap(found: str, gold: str) -> float:
    left, n_same = bag(gold), 0
    for word in bag(found):
        if word in left:
            left.remove(word)
            n_same += 1
    return 2 * n_same / (len(bag(found)) + len(bag(gold))) if n_same else 0.0


def test_answers_as_another_implementation_scores_them():
    draws = np.random.default_rng(0)
    pieces = [
        "the",
        "a",
        "cat",
        "Cat,",
        "U.S.",
        "1,000",
        "well-known",
        "\u2019s",
        "An",
        "sat",
        "\u00e9t\u00e9",
    ]

    def text():
        return " ".join(draws.choice(pieces, draws.integers(1, 6)))

    gold = {str(n): [text() for _ in range(draws.integers(1, 4))] for n in range(500)}
    found = {n: text() if draws.random() < 0.5 else answers[0] for n, answers in gold.items() if n != "7"}
    exact = [n in found and any(bag(found[n]) == bag(answer) for answer in gold[n]) for n in gold]
    best = [max(overlap(found[n], answer) for answer in gold[n]) if n in found else 0.0 for n in gold]
    scores = score_answers(found, gold)
    assert 20 < scores["exact_match"] < scores["f1"] < 95
    assert scores["exact_match"] == pytest.approx(100 * np.mean(exact))
    assert scores["f1"] == pytest.approx(100 * np.mean(best))


def test_the_trees_of_the_fixture():
    scores = score_trees(parsed(FORMS, GOLD, FOUND))
    assert scores == pytest.approx(
        {"uas": 80, "las": 80, "las_subtypes": 60,
         "uas_no_punct": 75, "las_no_punct": 75, "las_subtypes_no_punct": 50}
    )  # fmt: skip


def test_punctuation_is_unicodes():
    forms = [".", "\u2026", "--", "$", "a.", "\u00bf?", "+", ""]
    assert [form for form in forms if is_punctuation(form)] == [".", "\u2026", "--", "\u00bf?"]


def shared_task_f1(gold_file: str, system_file: str, *, subtypes: bool) -> dict[str, float]:
    """UAS and LAS as the CoNLL 2018 task defines them: F1 over words aligned by the characters they cover."""

    def read(text):
        words, place = [], 0
        for block in text.strip().split("\n\n"):
            first = len(words)
            for line in block.split("\n"):
                _, form, *_, head, label, _, _ = line.split("\t")
                form = "".join(c for c in form if unicodedata.category(c) != "Zs")
                head_at = None if head == "0" else first + int(head) - 1
                words.append((place, place + len(form), head_at, label if subtypes else label.split(":")[0]))
                place += len(form)
        return words

    gold, system = read(gold_file), read(system_file)
    at = {word[:2]: n for n, word in enumerate(gold)}
    pairs = {n: at[word[:2]] for n, word in enumerate(system) if word[:2] in at}

    def share(right):
        n_right = sum(right(system[s], gold[g]) for s, g in pairs.items())
        precision, recall = n_right / len(system), n_right / len(gold)
        return 100 * 2 * precision * recall / (precision + recall) if n_right else 0.0

    def head(s, g):
        if s[2] is None or g[2] is None:
            return s[2] is None and g[2] is None
        return pairs.get(s[2]) == g[2]

    return {"uas": share(head), "las": share(lambda s, g: head(s, g) and s[3] == g[3])}


def test_trees_as_the_shared_task_scores_whole_files():
    draws = np.random.default_rng(1)
    labels = ["nsubj", "obj", "obl:tmod", "obl", "punct", "nmod:poss"]
    forms, gold, found = [], [], []
    files = {"gold": "", "system": ""}
    for _ in range(120):
        n_words = int(draws.integers(1, 12))
        mine = [str(draws.choice(["word", ".", "New York", "x"])) for _ in range(n_words)]
        true = [(int(draws.integers(0, n_words + 1)), str(draws.choice(labels))) for _ in range(n_words)]
        made = [
            (int(draws.integers(0, n_words + 1)) if draws.random() < 0.3 else head,
             str(draws.choice(labels)) if draws.random() < 0.3 else label)
            for head, label in true
        ]  # fmt: skip
        for name, arcs in (("gold", true), ("system", made)):
            rows = [
                f"{n}\t{form}\t_\t_\t_\t_\t{head}\t{label}\t_\t_"
                for n, (form, (head, label)) in enumerate(zip(mine, arcs, strict=True), start=1)
            ]
            files[name] += "\n".join(rows) + "\n\n"
        forms, gold, found = [*forms, *mine], [*gold, *true], [*found, *made]
    scores = score_trees(parsed(forms, gold, found))
    universal = shared_task_f1(files["gold"], files["system"], subtypes=False)
    whole = shared_task_f1(files["gold"], files["system"], subtypes=True)
    assert (scores["uas"], scores["las"]) == pytest.approx((universal["uas"], universal["las"]))
    assert scores["las_subtypes"] == pytest.approx(whole["las"])
    assert whole["las"] < universal["las"] < universal["uas"] < 100
    kept = [n for n, form in enumerate(forms) if form != "."]
    right = [gold[n][0] == found[n][0] for n in kept]
    assert scores["uas_no_punct"] == pytest.approx(100 * sum(right) / len(right))


def test_accuracy_is_over_what_has_a_label():
    assert accuracy(np.array([0, 1, -100, 2]), np.array([0, 2, 1, 2])) == pytest.approx(2 / 3)
    with pytest.raises(CorpusError, match="no example"):
        accuracy(np.array([-100]), np.array([0]))


def test_every_combination_of_two_words():
    words = list(itertools.product([0, 1], ["a", "a:b"]))
    for gold, found in itertools.product(words, repeat=2):
        scores = score_trees(parsed(["x"], [gold], [found]))
        assert scores["uas"] == 100 * (gold[0] == found[0])
        assert scores["las"] == scores["uas"]
        assert scores["las_subtypes"] == 100 * (gold == found)
