"""Names in a study file: each is given once, and each that is used is given. Works on untyped tables."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jobs.study.finetune import SEED, early_name
from jobs.study.tables import Table, blocks, hint, label

CHECKPOINT, CORPUS, EDGE_TASK = "checkpoint", "corpus", "edge task"
SPLITS = {"train": CORPUS, "dev": CORPUS, "test": CORPUS}
REFERENCES: Mapping[str, Mapping[str, str]] = {
    "checkpoint": {"base": CHECKPOINT},
    "finetune": {"base": CHECKPOINT, "train": CORPUS, "dev": CORPUS, "test": CORPUS},
    "similarity": {"pairs": CHECKPOINT, "corpora": CORPUS},
    "drift": {"pairs": CHECKPOINT, "corpora": CORPUS},
    "edge_probe": {"tasks": EDGE_TASK, "checkpoints": CHECKPOINT},
    "word_probe": {"checkpoints": CHECKPOINT, **SPLITS},
    "structural_probe": {"checkpoints": CHECKPOINT, **SPLITS},
    "mdl_probe": {"tasks": EDGE_TASK, "checkpoints": CHECKPOINT},
    "ablation": {"base": CHECKPOINT, "train": CORPUS, "dev": CORPUS},
    "analysis": {"pairs": CHECKPOINT, "checkpoints": CHECKPOINT, "corpora": CORPUS},
}
"""Block, key in it, what the names of that key are names of."""


def name_problems(document: Table) -> list[str]:
    """One sentence for each name that is given twice, used and not given, or leads in a circle."""
    trained = [one for block in blocks(document, "finetune") for one in _trained(block)]
    bases = [
        (_text(block, "name"), _text(block, "base")) for block in blocks(document, "checkpoint")
    ] + trained
    tasks = document.get("edge_tasks")
    given = {
        CHECKPOINT: [name for name, _ in bases if name],
        CORPUS: [name for block in blocks(document, "corpus") if (name := _text(block, "name"))],
        EDGE_TASK: list(tasks) if isinstance(tasks, dict) else [],
    }
    return [
        *_duplicates(document, given),
        *_dangling(document, given),
        *_circles({name: base for name, base in bases if name}),
        *_pair_problems(document, bases),
    ]


def _duplicates(document: Table, given: Mapping[str, list[str]]) -> Iterator[str]:
    for key in REFERENCES:
        if key not in {"checkpoint", "finetune"}:
            yield from _twice(
                key, [name for block in blocks(document, key) if (name := _text(block, "name"))]
            )
    yield from _twice("checkpoint", given[CHECKPOINT])
    yield from _twice("corpus", given[CORPUS])


def _twice(key: str, names: list[str]) -> Iterator[str]:
    for name, count in Counter(names).items():
        if count > 1:
            yield f'[[{key}]] "{name}": the name is given {count} times; rename all but one'


def _dangling(document: Table, given: Mapping[str, list[str]]) -> Iterator[str]:
    for key, kinds in REFERENCES.items():
        for index, block in enumerate(blocks(document, key)):
            for field, kind in kinds.items():
                for name in _used(key, block, field):
                    yield from _unknown(f"{label(key, block, index)}: {field}", kind, name, given[kind])
    tasks = document.get("edge_tasks")
    for task, block in tasks.items() if isinstance(tasks, dict) else ():
        for field in SPLITS if isinstance(block, dict) else ():
            for name in _names(block.get(field)):
                yield from _unknown(f"[edge_tasks.{task}]: {field}", CORPUS, name, given[CORPUS])


def _unknown(where: str, kind: str, name: str, given: list[str]) -> Iterator[str]:
    if name not in given:
        yield f'{where} names the {kind} "{name}", which is not there; {hint(name, given)}'


def _used(key: str, block: Table, field: str) -> Iterable[str]:
    value = block.get(field)
    if field == "pairs" and isinstance(value, str):
        return ()
    if key == "finetune" and field == "base":
        return [base for _, base in _trained(block) if base]
    return dict.fromkeys(_names(value))


def _circles(bases: Mapping[str, str | None]) -> Iterator[str]:
    for name in bases:
        seen, at = [name], bases[name]
        while at is not None and at not in seen:
            seen.append(at)
            at = bases.get(at)
        # told once, at the first name of the circle; its own base is told by the checkpoint itself
        if at == name and len(seen) > 1 and name == min(seen):
            yield f'[[checkpoint]] "{name}": base leads in a circle ({" -> ".join([*seen, name])}); cut it'


def _pair_problems(document: Table, bases: list[tuple[str | None, str | None]]) -> Iterator[str]:
    for key in ("similarity", "drift"):
        for block in blocks(document, key):
            pairs = block.get("pairs", "base")
            if pairs == "base" and not any(base for _, base in bases):
                yield f'{label(key, block)}: pairs = "base", but no checkpoint has a base; give one its base'
            if pairs == "all" and len(bases) < 2:
                yield f'{label(key, block)}: pairs = "all" with {len(bases)} checkpoint; two are needed'


def _trained(block: Table) -> list[tuple[str | None, str | None]]:
    """(name, base) of each checkpoint that a fine-tuning makes, the early ones too."""
    seeds, steps = block.get("seeds", [0]), block.get("save_steps")
    name, base = _text(block, "name"), _text(block, "base")
    return [
        (name and early_name(name.replace(SEED, str(seed)), step), base and base.replace(SEED, str(seed)))
        for seed in (seeds if isinstance(seeds, list) and name and SEED in name else [0])
        for step in (*(steps if isinstance(steps, list) else ()), None)
    ]


def _text(block: Table, key: str) -> str | None:
    value = block.get(key)
    return value if isinstance(value, str) else None


def _names(value: Any) -> Iterator[str]:
    """Every string of a value, through lists in lists."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _names(item)
