"""Upload: what a submitted job takes along, named and sized; large things stay where every node sees them."""

import shutil
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from actstore.errors import CapacityError, StudyError
from jobs.console import human_bytes
from jobs.study.places import PATH_STARTS
from jobs.study.study import Study

LIMIT_BYTES = 100_000_000
"""Largest upload: Ray sends it to every node that takes part."""
SKIPPED = ("__pycache__", "*.pyc", ".*")
STUDY_FOLDER = "study"
NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """Files by the place they get in the job's working folder."""

    files: dict[str, Path]

    @property
    def n_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.files.values())

    def told(self) -> str:
        """Number and size, and what it is."""
        tops = dict.fromkeys(place.split("/")[0] for place in self.files)
        return f"{len(self.files)} files, {human_bytes(self.n_bytes)}: {', '.join(tops)}"

    def copy_to(self, folder: Path) -> None:
        """Lay the files out as the job will find them."""
        for place, path in self.files.items():
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / place)


def gather(study: Study, packages: Iterable[Path], *, other_store: bool = False) -> Upload:
    """The study file, its corpora that lie below it, and our packages where the cluster has not got them.

    `other_store`: the command names a store, so that the file's does not count.
    Raises StudyError for what would point into the job's own folder, CapacityError above LIMIT_BYTES.
    """
    check_places(study.path, other_store=other_store)
    files = {f"{STUDY_FOLDER}/{study.path.name}": study.path}
    for corpus in study.corpora:
        path = Path(corpus.path)
        if path.is_file() and path.is_relative_to(study.path.parent):
            files[f"{STUDY_FOLDER}/{path.relative_to(study.path.parent)}"] = path
    for package in packages:
        for path in sorted(package.rglob("*")):
            place = path.relative_to(package.parent)
            if path.is_file() and not _is_skipped(place):
                files[str(place)] = path
    upload = Upload(files=files)
    if upload.n_bytes > LIMIT_BYTES:
        largest = sorted(files, key=lambda place: -files[place].stat().st_size)[:NAMED]
        named = ", ".join(f"{place} ({human_bytes(files[place].stat().st_size)})" for place in largest)
        raise CapacityError(
            f"the job would take {upload.told()} along, at most {human_bytes(LIMIT_BYTES)} are sent; the "
            f"largest: {named}; name large texts by an absolute path that every node sees"
        )
    return upload


def check_places(study: Path, *, other_store: bool = False) -> None:
    """Stores and models of a submitted study are named by absolute paths, variables, hub ids or URLs.

    Raises StudyError naming a relative one: it would lie in the folder that Ray makes and deletes.
    """
    document = tomllib.loads(study.read_text(encoding="utf-8"))
    named = [("store", None if other_store else document.get("store")), ("results", document.get("results"))]
    named += [(f'model of "{block.get("name")}"', block.get("model")) for block in document["checkpoint"]]
    named += [
        (f'path of "{block.get("name")}"', block.get("path"))
        for block in document["corpus"]
        if str(block.get("path", "")).startswith("..")
    ]
    for what, value in named:
        if isinstance(value, str) and _is_relative(value, study.parent, model=what.startswith("model")):
            raise StudyError(
                f"{study}: {what} = {value!r} is relative to the study file; a submitted job finds it in "
                "a folder that Ray deletes: name it by an absolute path that every node sees, ${VAR} with "
                "--env, a hub id or a URL"
            )


def _is_relative(value: str, folder: Path, *, model: bool) -> bool:
    if value.startswith(("/", "~", "${")) or "://" in value:
        return False
    return not model or value.startswith(PATH_STARTS) or value.count("/") > 1 or (folder / value).exists()


def _is_skipped(place: Path) -> bool:
    return any(fnmatch(part, pattern) for part in place.parts for pattern in SKIPPED)
