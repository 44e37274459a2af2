"""A study that the disk can not hold is refused before its texts are tokenised and stored."""

from dataclasses import replace

from tests.support.commands import ALONE, Here
from tests.support.disks import small_disk
from tests.support.studies import SmallStudy, write_text


def test_refused_before_anything_is_written(here: Here, study: SmallStudy) -> None:
    small = replace(study.only(["base"], ["text"]), extract={"dtype": "float32"})
    write_text(small.folder / "text.txt", 3000)
    with small_disk("2m") as disk:
        answer = here("extract", small.write(), "--store", disk.place / "store", *ALONE)
        assert answer.code == 2
        assert "the missing shards take 0.0" in answer.err
        assert "0.00 GB free" in answer.err
        assert list(disk.place.iterdir()) == []
