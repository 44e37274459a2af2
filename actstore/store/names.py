"""Names: what a checkpoint or corpus name is bound to. A binding never changes; what is said about it may."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from actstore.errors import NameTakenError, NotFoundError
from actstore.schema.refs import CheckpointRef, CorpusRef, check_name
from actstore.store import paths
from actstore.store.ahead import in_order
from actstore.store.fold import FOLD_AFTER, make_fold, read_records, threads
from actstore.store.objects import ObjectInfo, Objects
from actstore.store.records import create_record, find_record, read_record

CHECKPOINT_IDENTITY = {"trunk_sha256": "other weights", "tokenizer_sha256": "another tokenizer"}
CORPUS_IDENTITY = {
    "text_id": "another text",
    "word_labels": "other annotations of its words",
    "example_labels": "other labels of its examples",
}
SHOWN_CHARACTERS = 12
"""Of a hash, in messages."""


def check_checkpoint(objects: Objects, ref: CheckpointRef) -> None:
    """Raise NameTakenError when the name is bound to other weights or another tokenizer."""
    _check(objects, paths.CHECKPOINTS, "checkpoint", ref.to_dict(), CHECKPOINT_IDENTITY, _free(objects, ref))


def check_checkpoints(objects: Objects, refs: Sequence[CheckpointRef]) -> None:
    """As `check_checkpoint`, of many: thousands of names are one list and a fold."""
    _checked(objects, refs)


def check_corpus(objects: Objects, ref: CorpusRef) -> None:
    """Raise NameTakenError when the name is bound to another text or annotation."""
    _check(objects, paths.CORPORA, "corpus", ref.to_dict(), CORPUS_IDENTITY, "use another store")


def bind_checkpoint(objects: Objects, ref: CheckpointRef) -> None:
    """Bind a name, or say anew what is said about it (base, task, source, ...)."""
    check_checkpoint(objects, ref)
    _bind(objects, paths.CHECKPOINTS, ref.to_dict())


def bind_checkpoints(objects: Objects, refs: Sequence[CheckpointRef]) -> None:
    """As `bind_checkpoint`, of many, of which those that are bound as given cost no request."""
    bound = _checked(objects, refs)
    new = [ref.to_dict() for ref in refs if bound.get(ref.name) != ref.to_dict()]
    jobs = (partial(_bind, objects, paths.CHECKPOINTS, record) for record in new)
    for _ in in_order(jobs, threads(objects)):
        pass


def bind_corpus(objects: Objects, ref: CorpusRef) -> None:
    """Bind a name, or say anew what is said about it: its domain and, beside those it has, label sets."""
    check_corpus(objects, ref)
    if objects.size(f"{paths.CORPORA}/{ref.name}/ref.json") is not None:
        ref = replace(ref, labels={**corpus(objects, ref.name).labels, **ref.labels})
    _bind(objects, paths.CORPORA, ref.to_dict())


def checkpoint(objects: Objects, name: str) -> CheckpointRef:
    """A checkpoint by name. Raises NotFoundError that lists the names there are."""
    return CheckpointRef.from_dict(_named(objects, paths.CHECKPOINTS, "checkpoint", name))


def corpus(objects: Objects, name: str) -> CorpusRef:
    """A corpus by name. Raises NotFoundError that lists the names there are."""
    return CorpusRef.from_dict(_named(objects, paths.CORPORA, "corpus", name))


def checkpoints(objects: Objects) -> list[CheckpointRef]:
    """Every named checkpoint, by name."""
    return [CheckpointRef.from_dict(record) for record in _all(objects, paths.CHECKPOINTS)]


def corpora(objects: Objects) -> list[CorpusRef]:
    """Every named corpus, by name."""
    return [CorpusRef.from_dict(record) for record in _all(objects, paths.CORPORA)]


def unbind(objects: Objects, kind: str, name: str) -> None:
    """Forget a name (kind: paths.CHECKPOINTS or paths.CORPORA); what it was bound to stays."""
    for info in list(objects.walk(f"{kind}/{name}/about")):
        objects.delete(info.key)
    objects.delete(f"{kind}/{name}/ref.json")


def fold_names(objects: Objects) -> None:
    """Fold the records of checkpoints and corpora where many are in no fold yet."""
    for kind in (paths.CHECKPOINTS, paths.CORPORA):
        make_fold(objects, kind, _list(objects, kind))


def _check(  # noqa: PLR0917  the parts of one message
    objects: Objects, kind: str, what: str, record: dict[str, Any], identity: Mapping[str, str], free: str
) -> None:
    name = check_name(record["name"], what)
    _compare(objects, what, record, find_record(objects, f"{kind}/{name}/ref.json"), identity, free)


def _compare(  # noqa: PLR0917  the parts of one message
    objects: Objects,
    what: str,
    record: dict[str, Any],
    existing: dict[str, Any] | None,
    identity: Mapping[str, str],
    free: str,
) -> None:
    """Raise NameTakenError where a name is bound to another identity."""
    name = record["name"]
    if existing is None:
        return
    for field, other in identity.items():
        if existing.get(field) != record[field]:
            bound, given = (str(value)[:SHOWN_CHARACTERS] for value in (existing.get(field), record[field]))
            raise NameTakenError(
                f"{what} {name!r} is bound to {other} in {objects.url} ({bound}, given is {given}); rename "
                f"it in the study, or {free}"
            )


def _free(objects: Objects, ref: CheckpointRef) -> str:
    return f"`actstore rm {objects.url} {ref.name}` first"


def _bound(objects: Objects, refs: Sequence[CheckpointRef]) -> dict[str, dict[str, Any]]:
    """What names are bound to, as last said; those of `refs` that are bound at least."""
    if len(refs) < FOLD_AFTER:
        wanted = [check_name(ref.name, "checkpoint") for ref in refs]
        jobs = (partial(_find, objects, f"{paths.CHECKPOINTS}/{name}") for name in wanted)
        found = dict(zip(wanted, in_order(jobs, threads(objects)), strict=True))
        return {name: record for name, record in found.items() if record is not None}
    return {record["name"]: record for record in _all(objects, paths.CHECKPOINTS)}


def _find(objects: Objects, folder: str) -> dict[str, Any] | None:
    return None if objects.size(f"{folder}/ref.json") is None else _current(objects, folder)


def _bind(objects: Objects, kind: str, record: dict[str, Any]) -> None:
    folder = f"{kind}/{record['name']}"
    if create_record(objects, f"{folder}/ref.json", record):
        return
    if _current(objects, folder) != record:
        number = len(objects.children(f"{folder}/about")) + 1
        create_record(objects, f"{folder}/about/{number:06d}.json", record)


def _current(objects: Objects, folder: str) -> dict[str, Any]:
    notes = objects.children(f"{folder}/about")
    return read_record(objects, f"{folder}/about/{notes[-1]}" if notes else f"{folder}/ref.json")


def _checked(objects: Objects, refs: Sequence[CheckpointRef]) -> Mapping[str, dict[str, Any]]:
    """What names are bound to. Raises NameTakenError where one is bound to something else."""
    bound = _bound(objects, refs)
    for ref in refs:
        known, free = bound.get(ref.name), _free(objects, ref)
        _compare(objects, "checkpoint", ref.to_dict(), known, CHECKPOINT_IDENTITY, free)
    return bound


def _named(objects: Objects, kind: str, what: str, name: str) -> dict[str, Any]:
    record = _find(objects, f"{kind}/{check_name(name, what)}")
    if record is None:
        there = ", ".join(objects.children(kind)) or "none yet"
        raise NotFoundError(f"no {what} {name!r} in {objects.url}; there are: {there}")
    return record


def _all(objects: Objects, kind: str) -> list[dict[str, Any]]:
    """What every name is bound to, as last said, by name."""
    return list(read_records(objects, kind, _list(objects, kind)).by_key.values())


def _list(objects: Objects, kind: str) -> list[ObjectInfo]:
    """The record that speaks last for each name, by name: one list, which passes weights by."""
    current: dict[str, ObjectInfo] = {}
    bound = set()
    for info in sorted(objects.walk(kind), key=lambda info: info.key):
        _, name, *rest = info.key.split("/")
        if rest == ["ref.json"]:
            bound.add(name)
            current.setdefault(name, info)
        elif rest[:1] == ["about"]:
            current[name] = info
    return [current[name] for name in sorted(bound)]
