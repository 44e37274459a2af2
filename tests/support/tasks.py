"""Small corpora with gold labels for each task, and [[finetune]] blocks over them."""

import json
from dataclasses import replace
from pathlib import Path

from tests.support.studies import MAX_LENGTH, SmallStudy, sentence

LABELS = ("entailment", "neutral", "contradiction")


def with_tasks(study: SmallStudy, *, n_examples: int = 24) -> SmallStudy:
    """The study with pairs of sentences (`nli`) and questions (`qa`) beside its treebank (`trees`)."""
    write_nli(study.folder / "nli.jsonl", n_examples)
    write_squad(study.folder / "qa.json", n_examples)
    corpora = {
        "trees": study.corpora["trees"],
        "text": study.corpora["text"],
        "nli": {"path": "nli.jsonl", "format": "snli", "max_length": MAX_LENGTH},
        "qa": {"path": "qa.json", "format": "squad", "max_length": MAX_LENGTH, "stride": 16},
    }
    return replace(study, corpora=corpora, extract={"dtype": "float32"}, more="")


def block(task: str, corpus: str, **keys: object) -> str:
    """A [[finetune]] block that trains and is scored on one corpus, fast."""
    given = {
        "name": f"{task}-s{{seed}}", "task": task, "base": "base", "train": corpus, "dev": corpus,
        "epochs": 2, "batch_size": 6, "learning_rate": 1e-3,
    }  # fmt: skip
    lines = [f"{key} = {json.dumps(value)}" for key, value in (given | keys).items()]
    return "\n[[finetune]]\n" + "\n".join(lines) + "\n"


def write_nli(path: Path, n_examples: int, labels: tuple[str, ...] = LABELS) -> None:
    """Pairs as SNLI has them, their labels in turn."""
    rows = [
        {"sentence1": sentence(i), "sentence2": sentence(i + 1), "gold_label": labels[i % len(labels)]}
        for i in range(n_examples)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def write_squad(path: Path, n_examples: int) -> None:
    """Questions as SQuAD has them: the answer is the second word of a paragraph of several sentences."""
    paragraphs = []
    for i in range(n_examples):
        context = " ".join(sentence(i + k) for k in range(4))
        first, answer = context.split()[:2]
        answers = [{"text": answer, "answer_start": len(first) + 1}]
        question = {"id": f"q{i}", "question": sentence(i + 2), "answers": answers}
        paragraphs.append({"context": context, "qas": [question]})
    path.write_text(json.dumps({"version": "1.1", "data": [{"title": "t", "paragraphs": paragraphs}]}))
