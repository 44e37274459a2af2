"""Lines of corpus files: what is a line, and what is refused."""

import gzip
import os

import pytest

from actstore.errors import AccessError, CorpusError
from actstore.formats import lines
from actstore.formats.lines import numbered_lines


def write(path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


def test_lines_end_with_line_feeds_and_nothing_else(tmp_path):
    path = write(tmp_path / "a.txt", "one\r\ntwo\u2028still two\x85\n\nfour".encode())
    assert list(numbered_lines(path)) == [(1, "one"), (2, "two\u2028still two\x85"), (3, ""), (4, "four")]


def test_byte_order_mark_is_dropped(tmp_path):
    assert list(numbered_lines(write(tmp_path / "a.txt", b"\xef\xbb\xbfone\n"))) == [(1, "one")]


def test_gzipped_files_read_the_same(tmp_path):
    path = write(tmp_path / "a.txt.gz", gzip.compress("eins\nzwölf\n".encode()))
    assert list(numbered_lines(path)) == [(1, "eins"), (2, "zwölf")]


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
def test_not_utf8_names_file_line_and_byte(tmp_path, name):
    data = b"fine\nk\xf6ln\n"
    path = write(tmp_path / name, gzip.compress(data) if name.endswith("gz") else data)
    with pytest.raises(CorpusError, match=rf"{name}:2: not UTF-8 at byte 6 of the file \(0xf6\); .*convert"):
        list(numbered_lines(path))


def test_byte_offset_counts_the_byte_order_mark(tmp_path):
    path = write(tmp_path / "a.txt", b"\xef\xbb\xbf\xff")
    with pytest.raises(CorpusError, match="byte 3 of"):
        list(numbered_lines(path))


def test_missing_file(tmp_path):
    with pytest.raises(CorpusError, match=r"no corpus file at .*nowhere.txt; check `path`"):
        list(numbered_lines(str(tmp_path / "nowhere.txt")))


def test_folder(tmp_path):
    with pytest.raises(CorpusError, match="is a folder; a corpus is one file"):
        list(numbered_lines(str(tmp_path)))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path):
    path = write(tmp_path / "a.txt", b"x\n")
    os.chmod(path, 0)
    with pytest.raises(AccessError, match="no permission to read"):
        list(numbered_lines(path))


def test_a_path_through_a_file_is_refused(tmp_path):
    path = write(tmp_path / "a.txt", b"x\n") + "/b.txt"
    with pytest.raises(CorpusError, match="can not be read"):
        list(numbered_lines(path))


@pytest.mark.parametrize("data", [b"plain text\n", gzip.compress(b"some text\n" * 1000, mtime=0)[:-20]])
def test_damaged_gzip(tmp_path, data):
    path = write(tmp_path / "a.txt.gz", data)
    with pytest.raises(CorpusError, match=r"a.txt.gz:\d+: damaged, or no gzip file"):
        list(numbered_lines(path))


def test_a_file_without_line_ends_does_not_fill_the_memory(tmp_path):
    path = tmp_path / "a.bin"
    with path.open("wb") as file:
        file.truncate(lines.MAX_LINE_BYTES + 2)
    with pytest.raises(CorpusError, match=r"a.bin:1: line of more than 64 MiB; is it a text file\?"):
        list(numbered_lines(str(path)))
