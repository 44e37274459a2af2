"""Studies: the folder of studies that a service may run, and what those studies may name."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from actstore.errors import NotFoundError, RequestError
from actstore.serve.jobs import JobRequest
from jobs.study.load import load_study
from jobs.study.study import Study


@dataclass(frozen=True, slots=True)
class StudyFolder:
    """Studies below a folder, for one store; the files they name lie there or in further folders."""

    folder: Path
    store: str
    allowed: tuple[Path, ...] = ()

    def find(self, request: JobRequest) -> Study:
        """The study asked for, checked.

        Raises NotFoundError where it is not below the folder, RequestError where it names other places.
        """
        path = self._path(request.study)
        if path is None:
            names = ", ".join(self.names()) or "none"
            raise NotFoundError(f"no study {request.study!r}; the studies of this service: {names}")
        replaced = {"limit": request.limit, "seed": request.seed}
        study = load_study(path, store=self.store, overrides=replaced)
        if problems := list(self._problems(study)):
            raise RequestError(f"{request.study} is not run by this service: {'; '.join(problems)}")
        return study

    def _path(self, name: str) -> Path | None:
        if "\x00" in name:
            return None
        path = (self.folder / name).resolve()
        below = path.is_relative_to(self.folder.resolve())
        return path if below and path.suffix == ".toml" and path.is_file() else None

    def names(self) -> list[str]:
        """Every study of the folder."""
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*.toml"))

    def _problems(self, study: Study) -> Iterator[str]:
        for what, path in _files(study):
            if not self._is_allowed(path):
                yield f"{what} is outside of the folders that its files may lie in"
        if study.results is not None:
            yield "it names a place for results of its own"
        for checkpoint in study.checkpoints:
            if checkpoint.allow_pickle:
                yield f'checkpoint "{checkpoint.name}" has allow_pickle = true'

    def _is_allowed(self, path: str) -> bool:
        real = Path(os.path.realpath(path))
        return any(real.is_relative_to(Path(os.path.realpath(f))) for f in (self.folder, *self.allowed))


def _files(study: Study) -> Iterator[tuple[str, str]]:
    """(what it is, path) of every local file that a study names."""
    for corpus in study.corpora:
        if corpus.format != "datasets":
            yield f'the text of corpus "{corpus.name}"', corpus.path
        for name, file in corpus.labels.items():
            yield f'the labels "{name}" of corpus "{corpus.name}"', file.path
    for checkpoint in study.checkpoints:
        if checkpoint.local_path is not None:
            yield f'the model of checkpoint "{checkpoint.name}"', str(checkpoint.local_path)
