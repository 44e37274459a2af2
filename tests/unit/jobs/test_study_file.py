"""A study file that is not there, not TOML, not text or not allowed to be read is told so."""

import os

import pytest

from actstore.errors import AccessError, StudyError
from jobs.study import load_study


def test_no_file(tmp_path):
    with pytest.raises(StudyError, match=r"no study file at .*none.toml"):
        load_study(tmp_path / "none.toml", env={})
    with pytest.raises(StudyError, match="no study file at"):
        load_study(tmp_path, env={})


def test_not_toml_and_not_utf8(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_bytes(b"store = \n")
    with pytest.raises(StudyError, match=r"mine.toml is not TOML: .*line 1"):
        load_study(file, env={})
    file.write_bytes(b'store = "\xe4"\n')
    with pytest.raises(StudyError, match=r"mine.toml is not UTF-8 at byte 9"):
        load_study(file, env={})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('store = "s"\n', encoding="utf-8")
    file.chmod(0)
    with pytest.raises(AccessError, match="no permission to read the study file"):
        load_study(file, env={})
