"""Scorers against published programs: that of Universal Dependencies, and a port of evaluate-v1.1."""

from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from torchmetrics.functional.text.squad import squad
from udtools.udeval import evaluate, load_conllu

from actstore.formats.options import ReadOptions
from actstore.formats.registry import read_examples
from analyses.tuning.heads.tree import best_tree
from analyses.tuning.scorers.dep import Parsed, score_trees
from analyses.tuning.scorers.squad import score_answers

LABELS = ["nsubj", "obj", "obl:tmod", "obl", "punct", "nmod:poss", "nmod"]
FORMS = ["word", ".", "\u2026", "New York", "x", "$", "d'", "\u4e2d\u6587"]
PIECES = [
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
    "\u2014",
]
Arcs = list[tuple[int, str]]


def tree(draws: np.random.Generator, n_words: int) -> list[int]:
    """A head for each word, one root."""
    score_WP = draws.normal(size=(n_words, n_words + 1))
    score_WP[np.arange(n_words), np.arange(n_words) + 1] = -np.inf
    return best_tree(score_WP).tolist()


def arcs(draws: np.random.Generator, n_words: int) -> Arcs:
    heads = tree(draws, n_words)
    return [(head, "root" if head == 0 else str(draws.choice(LABELS))) for head in heads]


def treebank(sentences: list[tuple[list[str], Arcs]]) -> str:
    """CoNLL-U; from four words on the second and third are one token, and an empty node stands after them."""
    lines: list[str] = []
    for forms, trees in sentences:
        for number, (form, (head, label)) in enumerate(zip(forms, trees, strict=True), start=1):
            if number == 2 and len(forms) > 3:
                lines.append("2-3\t" + "".join(forms[1:3]).replace(" ", "") + "\t_" * 8)
            lines.append(f"{number}\t{form}\t_\tX\t_\t_\t{head}\t{label}\t{head}:{label}\t_")
            if number == 3 and len(forms) > 3:
                lines.append("3.1\telided\t_\tX\t_\t_\t_\t_\t1:dep\t_")
        lines.append("")
    return "\n".join(lines) + "\n"


def words_of(path: Path) -> tuple[list[str], list[int], list[str]]:
    """Forms, heads (0: root) and relations as our reader has them."""
    words = [
        (word.text, 0 if word.head == number else (word.head or 0) + 1, word.deprel or "")
        for example in read_examples(ReadOptions(format="conllu", path=str(path))).examples
        for number, word in enumerate(example.words)
    ]
    forms, heads, labels = zip(*words, strict=True)
    return list(forms), list(heads), list(labels)


def official(gold: Path, system: Path) -> tuple[float, float]:
    """UAS and LAS, in per cent, of Universal Dependencies' scorer."""
    read = [load_conllu(StringIO(path.read_text("utf-8")), path.name, {}) for path in (gold, system)]
    scores = evaluate(*read)
    return 100 * scores["UAS"].f1, 100 * scores["LAS"].f1


def ours(gold: Path, system: Path) -> dict[str, float]:
    """Scores of the same files, read by our reader."""
    forms, gold_heads, gold_labels = words_of(gold)
    same_forms, found_heads, found_labels = words_of(system)
    assert same_forms == forms
    return score_trees(
        Parsed(
            form_W=forms,
            gold_head_W=np.array(gold_heads),
            found_head_W=np.array(found_heads),
            gold_label_W=gold_labels,
            found_label_W=found_labels,
        )
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Gold and predicted trees of the same words; a third of the sentences has the gold tree's labels."""
    draws = np.random.default_rng(5)
    gold, system = [], []
    for number in range(150):
        n_words = int(draws.integers(1, 14))
        forms = [str(form) for form in draws.choice(FORMS, n_words)]
        true = arcs(draws, n_words)
        found = arcs(draws, n_words) if number % 3 else true
        if number % 3 == 1:
            found = [(head, label) for (head, _), (_, label) in zip(true, found, strict=True)]
        gold.append((forms, true))
        system.append((forms, found))
    folder = tmp_path_factory.mktemp("trees")
    paths = folder / "gold.conllu", folder / "system.conllu"
    for path, sentences in zip(paths, (gold, system), strict=True):
        path.write_text(treebank(sentences), encoding="utf-8")
    return paths


def test_trees_as_the_official_scorer_has_them(files: tuple[Path, Path]) -> None:
    scores = ours(*files)
    assert (scores["uas"], scores["las"]) == pytest.approx(official(*files))
    assert 30 < scores["las_subtypes"] < scores["las"] < scores["uas"] < 90


def test_whole_labels_as_the_official_scorer_has_them_where_no_subtype_is_seen(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    whole = tmp_path / "gold.conllu", tmp_path / "system.conllu"
    for path, target in zip(files, whole, strict=True):
        text = path.read_text("utf-8")
        for label in LABELS:
            text = text.replace(f"\t{label}\t", "\t" + label.replace(":", "-") + "\t")
        target.write_text(text, encoding="utf-8")
    assert ours(*files)["las_subtypes"] == pytest.approx(official(*whole)[1])


def test_a_prediction_file_as_evaluate_v11_scores_it() -> None:
    """Without answers of articles alone: there the port says 1, evaluate-v1.1 (and we) 0."""
    draws = np.random.default_rng(7)

    def text() -> str:
        return " ".join(["cat", *draws.choice(PIECES, draws.integers(0, 6))])

    gold = {str(n): [text() for _ in range(draws.integers(1, 4))] for n in range(300)}
    found = {n: text() if draws.random() < 0.6 else answers[-1].upper() for n, answers in gold.items()}
    theirs = squad(
        [{"id": n, "prediction_text": answer} for n, answer in found.items()],
        [{"id": n, "answers": {"text": texts, "answer_start": [0]}} for n, texts in gold.items()],
    )
    scores = score_answers(found, gold)
    assert scores["exact_match"] == pytest.approx(float(theirs["exact_match"]), abs=1e-4)
    assert scores["f1"] == pytest.approx(float(theirs["f1"]), abs=1e-4)
    assert 30 < scores["exact_match"] < scores["f1"] < 95
