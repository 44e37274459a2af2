"""Ray's own folders are told from the user's."""

from pathlib import Path

import pytest

from actstore.cluster.folders import refuse_runtime_folder
from actstore.errors import ClusterError


@pytest.mark.parametrize("unpacked", ["working_dir_files", "py_modules_files"])
def test_a_store_in_an_unpacked_working_dir_is_refused_by_name(tmp_path: Path, unpacked: str) -> None:
    store = tmp_path / "session_1" / "runtime_resources" / unpacked / "_ray_pkg_1" / "runs"
    with pytest.raises(ClusterError, match=f"store .*{unpacked}.*every node sees"):
        refuse_runtime_folder(store, "store")


def test_other_folders_are_fine(tmp_path: Path) -> None:
    refuse_runtime_folder(tmp_path / "runtime_resources" / "runs")
    refuse_runtime_folder(tmp_path / "working_dir_files")
