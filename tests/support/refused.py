"""What every refusal of a command has to be: one clear sentence, exit code 2, and nothing stored changed."""

import shutil
from pathlib import Path

from tests.support.commands import Answer, Here
from tests.support.studies import SmallStudy, tree_hash


def check_refused(answer: Answer, message: str, *, kind: str) -> None:
    """Exit code 2; what was said fits `message`, is no traceback and tells what to do."""
    said = answer.err.strip()
    assert answer.code == 2, answer
    assert "Traceback" not in said
    assert said.startswith("actstore ")
    for part in message.split(" ... "):
        assert part in said, said
    if answer.out:
        assert answer.document == {"error": kind, "message": said.partition(": ")[2]}


def check_both(
    here: Here, study: SmallStudy, extracted: Path, words: tuple[object, ...], message: str, kind: str
) -> None:
    """Without a store none is made; a store with a run in it stays as it is."""
    study.write()
    check_refused(here(*words), message, kind=kind)
    assert not study.store.exists()
    shutil.copytree(extracted, study.store)
    before = tree_hash(study.store)
    answer = here(*words, "--json")
    check_refused(answer, message, kind=kind)
    assert answer.document["error"] == kind
    assert tree_hash(study.store) == before
