"""A folder of objects: the order of what is made durable, what is left after errors, and what is removed."""

import errno
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from actstore.errors import AccessError, StorageError
from actstore.store.folder import BUFFERS_A_CALL, LINK_ATTEMPTS, STAGING, FolderObjects
from actstore.store.objects import Buffer


def test_each_name_is_given_after_its_bytes_and_is_durable_itself(tmp_path: Path) -> None:
    """Every sync in order: the file, the new folders from the top, the folder of the name."""
    seen: list[str] = []

    def note(handle: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{handle}"))
        inside = path.relative_to(tmp_path).as_posix()
        seen.append("file" if inside.startswith("s/.staging/") else inside)
        os.fsync(handle)

    objects = FolderObjects(tmp_path / "s", fsync=note)
    assert objects.create("a/b/one", [b"1"])
    assert seen == [".", "file", "s", "s/a", "s/a/b"]
    seen.clear()
    assert objects.create("a/b/two", [b"2"])
    assert seen == ["file", "s/a/b"]
    seen.clear()
    assert not objects.create("a/b/two", [b"3"])
    assert seen == ["s/a/b"]
    other = FolderObjects(tmp_path / "s", fsync=note)
    seen.clear()
    assert not other.create("a/b/two", [b"3"])
    assert seen == ["s", "s/a", "s/a/b"]
    assert objects.read("a/b/two") == b"2"


class Torn(Sequence[Buffer]):
    """Parts of which the second can not be had: the disk fails half way."""

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        if index == 0:
            return b"half"
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def __len__(self) -> int:
        return 2


def test_half_an_object_has_no_name_and_is_cleared_away(tmp_path: Path) -> None:
    objects = FolderObjects(tmp_path)
    with pytest.raises(StorageError, match="no space left"):
        objects.create("a", Torn())
    assert objects.size("a") is None
    assert list((tmp_path / STAGING).iterdir()) == []


def test_an_object_that_can_not_be_made_durable_has_no_name(tmp_path: Path) -> None:
    def broken(handle: int) -> None:
        if not os.path.isdir(f"/proc/self/fd/{handle}"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    objects = FolderObjects(tmp_path, fsync=broken)
    with pytest.raises(StorageError, match="look after the disk"):
        objects.create("a", [b"1"])
    assert objects.size("a") is None
    assert list((tmp_path / STAGING).iterdir()) == []


def test_a_file_that_is_gone_before_it_has_its_name_is_told(tmp_path: Path) -> None:
    objects = FolderObjects(tmp_path)
    with pytest.raises(StorageError, match=r"can not write .*/a: No such file"):
        objects.create_from_file("a", objects.staging())
    assert objects.size("a") is None


def test_no_handle_is_left_open(tmp_path: Path) -> None:
    objects = FolderObjects(tmp_path)
    objects.create("a", [b"1"])
    before = len(os.listdir("/proc/self/fd"))
    for number in range(5):
        objects.create(f"b/{number}", [b"1"])
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_folder_that_is_removed_again_and_again_is_told(tmp_path: Path) -> None:
    class Removing(FolderObjects):
        tries = 0

        def _make_folders(self, folder: Path) -> None:
            self.tries += folder != self.root
            super()._make_folders(folder)
            if folder != self.root and self.tries < self.stop:
                folder.rmdir()

        stop = LINK_ATTEMPTS

    assert LINK_ATTEMPTS == 5
    patient = Removing(tmp_path / "a")
    assert patient.create("runs/x", [b"1"])
    hopeless = Removing(tmp_path / "b")
    hopeless.stop = LINK_ATTEMPTS + 1
    with pytest.raises(StorageError, match="removed again and again"):
        hopeless.create("runs/x", [b"1"])
    assert list((tmp_path / "b" / STAGING).iterdir()) == []


def test_folders_go_with_their_last_object_and_others_stay(tmp_path: Path) -> None:
    synced: list[int] = []
    objects = FolderObjects(tmp_path / "s", fsync=synced.append)
    for key in ("a/b/one", "a/two"):
        objects.create(key, [b"1"])
    before = len(synced)
    objects.delete("a/b/one")
    assert len(synced) == before + 1, "the removal of an entry is made durable where a folder stays"
    assert not (tmp_path / "s/a/b").exists()
    objects.delete("a/b/one")
    assert objects.children("a") == ["two"]
    objects.delete("a/two")
    assert objects.children("") == [STAGING]
    staged = objects.staging()
    staged.write_bytes(b"left")
    objects.delete(f"{STAGING}/{staged.name}")
    assert objects.children("") == [STAGING], "the folder of files in the making stays"
    assert objects.create("a/b/one", [b"2"])


def test_what_is_not_there_is_nothing_and_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    objects = FolderObjects(tmp_path)
    objects.create("file", [b"1"])
    for key in ("none", "file/below"):
        assert objects.size(key) is None
        assert objects.children(key) == []
        assert list(objects.walk(key)) == []
    with pytest.raises(FileNotFoundError):
        objects.read("none")
    with pytest.raises(AccessError, match="a part of this path is a file"):
        objects.create("file/below", [b"2"])
    with pytest.raises(StorageError, match="can not list"):
        list(objects.walk("x" * 300))
    (info,) = [item for item in objects.walk("") if item.key == "file"]
    stat = (tmp_path / "file").stat()
    assert (info.bytes, info.modified_seconds, info.tag) == (1, stat.st_mtime, str(stat.st_mtime_ns))
    assert objects.local_path("file") == tmp_path / "file"


def test_ranges_are_read_into_many_buffers_and_end_with_the_object(tmp_path: Path) -> None:
    objects = FolderObjects(tmp_path)
    data = os.urandom(3 * BUFFERS_A_CALL)
    objects.create("a", [data])
    out = bytearray(2 * BUFFERS_A_CALL + 1)
    view = memoryview(out)
    buffers = [view[at : at + 1] for at in range(len(out))]
    assert objects.read_into("a", 7, buffers) == len(out)
    assert out == data[7 : 7 + len(out)]
    assert objects.read_into("a", len(data) - 3, buffers) == 3
    assert objects.read_range("a", 5, 4) == data[5:9]
    assert objects.read_range("a", len(data) - 2, 9) == data[-2:]
