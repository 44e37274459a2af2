"""Text files of a folder or of a tar archive, in order of their names. Knows no format."""

import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

from actstore.errors import CorpusError
from actstore.formats.lines import numbered_lines

TAR_ENDS = (".tar.gz", ".tgz", ".tar")
MAX_MEMBER_BYTES = 2**28
Lines = Iterator[tuple[int, str]]


def text_files(path: str, wanted: Callable[[str], bool]) -> Iterator[tuple[str, Lines]]:
    """(place for messages, numbered lines) of the wanted files of a folder or archive, or of a file itself.

    `wanted` is asked with the name below the folder, "/" between its parts. Raises CorpusError for an archive
    that can not be read, and where nothing is wanted.
    """
    if path.endswith(TAR_ENDS):
        found = _members(path, wanted)
    elif Path(path).is_dir():
        names = sorted(str(file.relative_to(path).as_posix()) for file in Path(path).rglob("*"))
        found = ((f"{path}/{name}", numbered_lines(f"{path}/{name}")) for name in names if wanted(name))
    else:
        found = iter([(path, numbered_lines(path))])
    n_files = 0
    for n_files, item in enumerate(found, start=1):  # noqa: B007
        yield item
    if not n_files:
        raise CorpusError(
            f"{path} holds no file of this format; name the folder or archive as it was released"
        )


def _members(path: str, wanted: Callable[[str], bool]) -> Iterator[tuple[str, Lines]]:
    try:
        with tarfile.open(path) as archive:
            members = [member for member in archive.getmembers() if member.isfile() and wanted(member.name)]
            for member in sorted(members, key=lambda member: member.name):
                yield f"{path}:{member.name}", _lines(archive, member, path)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise CorpusError(f"{path} can not be read as an archive ({error}); copy it again") from error


def _lines(archive: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> Lines:
    if member.size > MAX_MEMBER_BYTES:
        raise CorpusError(
            f"{path}:{member.name}: more than {MAX_MEMBER_BYTES // 2**20} MiB; unpack the archive"
        )
    file = archive.extractfile(member)
    data = b"" if file is None else file.read()
    try:
        lines = data.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{path}:{member.name}: not UTF-8 at byte {error.start}; convert the file"
        ) from error
    return iter([(number, line.removesuffix("\r")) for number, line in enumerate(lines, start=1)])
