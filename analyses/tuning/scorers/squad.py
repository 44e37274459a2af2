"""Exact match and F1 of answers, exactly as SQuAD's evaluate-v1.1 computes them."""

import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")


def normalised(answer: str) -> str:
    """Lower case, without ASCII punctuation, without the words a, an, the, single spaces; in this order."""
    bare = answer.lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())


def exact_match(found: str, gold: str) -> float:
    """1 where the normalised answers are equal, else 0."""
    return float(normalised(found) == normalised(gold))


def f1(found: str, gold: str) -> float:
    """Overlap of the answers' words, counted with multiplicity; 0 where there is none, two empty ones too."""
    found_words, gold_words = normalised(found).split(), normalised(gold).split()
    n_same = sum((Counter(found_words) & Counter(gold_words)).values())
    if n_same == 0:
        return 0.0
    precision, recall = n_same / len(found_words), n_same / len(gold_words)
    return 2 * precision * recall / (precision + recall)


def score_answers(found: Mapping[str, str], gold: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """{exact_match, f1} in per cent over all questions of `gold` that have an answer.

    Each metric takes the gold answer that suits it best; a question that is not in `found` counts as 0.
    """
    questions = [question for question, answers in gold.items() if answers]
    sums = {"exact_match": 0.0, "f1": 0.0}
    for question in questions:
        if question in found:
            for name, metric in (("exact_match", exact_match), ("f1", f1)):
                sums[name] += max(metric(found[question], answer) for answer in gold[question])
    return {name: 100.0 * total / max(1, len(questions)) for name, total in sums.items()}
