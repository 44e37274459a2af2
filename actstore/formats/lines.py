"""Numbered lines of a UTF-8 file, plain or gzipped, one at a time. Knows no format."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from actstore.errors import AccessError, CorpusError

MAX_LINE_BYTES = 64 * 2**20
"""Longer than any line of text; a file without line ends must not fill the memory."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def numbered_lines(path: str) -> Iterator[tuple[int, str]]:
    """Yield (number from 1, line without its end) of a file; a byte order mark is dropped.

    Lines end with a line feed, with or without a carriage return before it, and with nothing else: the other
    separators of Unicode are part of the text. Raises CorpusError for what is no UTF-8 text file.
    """
    offset = 0
    with _open(path) as file:
        for number, line_bytes in enumerate(_raw_lines(file, path), start=1):
            skip = len(BYTE_ORDER_MARK) if number == 1 and line_bytes.startswith(BYTE_ORDER_MARK) else 0
            try:
                line = line_bytes[skip:].decode("utf-8")
            except UnicodeDecodeError as error:
                raise CorpusError(
                    f"{path}:{number}: not UTF-8 at byte {offset + skip + error.start} of the file "
                    f"(0x{error.object[error.start]:02x}); corpora are UTF-8 text: convert the file"
                ) from error
            yield number, line.removesuffix("\n").removesuffix("\r")
            offset += len(line_bytes)


def _open(path: str) -> IO[bytes]:
    if Path(path).is_dir():
        raise CorpusError(f"{path} is a folder; a corpus is one file: name the file")
    try:
        # closed by the `with` of the only caller
        return cast("IO[bytes]", gzip.open(path, "rb")) if path.endswith(".gz") else Path(path).open("rb")
    except FileNotFoundError as error:
        raise CorpusError(f"no corpus file at {path}; check `path` (relative to the study file)") from error
    except PermissionError as error:
        raise AccessError(
            f"no permission to read the corpus file {path}; allow it or copy the file"
        ) from error
    except OSError as error:
        raise CorpusError(f"{path} can not be read: {error.strerror or error}; name a text file") from error


def _raw_lines(file: IO[bytes], path: str) -> Iterator[bytes]:
    number = 1
    try:
        while line := file.readline(MAX_LINE_BYTES + 1):
            if len(line) > MAX_LINE_BYTES:
                raise CorpusError(
                    f"{path}:{number}: line of more than {MAX_LINE_BYTES // 2**20} MiB; is it a text file?"
                )
            yield line
            number += 1
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise CorpusError(
            f"{path}:{number}: damaged, or no gzip file ({error}); copy it again, or drop .gz from its name"
        ) from error
