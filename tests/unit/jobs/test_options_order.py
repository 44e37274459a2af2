"""Names of analyses stand before or behind options; what is unknown is refused."""

from pathlib import Path

import pytest

from tests.support.commands import Here


@pytest.fixture
def study(tmp_path: Path) -> Path:
    (tmp_path / "text.txt").write_text("A line.\n")
    path = tmp_path / "study.toml"
    path.write_text(
        'store = "store"\n[[checkpoint]]\nname = "a"\nmodel = "nowhere"\n'
        '[[corpus]]\nname = "t"\npath = "text.txt"\nformat = "text"\n'
    )
    return path


@pytest.mark.parametrize(
    "words",
    [("nonesuch", "--ray-address", "none"), ("--ray-address", "none", "nonesuch")],
)
def test_names_stand_anywhere(
    capsys: pytest.CaptureFixture[str], study: Path, words: tuple[str, ...]
) -> None:
    answer = Here(capsys)("analyse", study, *words)
    assert (answer.code, "has no analysis 'nonesuch'" in answer.err) == (2, True)


@pytest.mark.parametrize("words", [("analyse", "--nonesuch", "name"), ("extract", "name")])
def test_what_is_unknown_is_refused(
    capsys: pytest.CaptureFixture[str], study: Path, words: tuple[str, ...]
) -> None:
    verb, *rest = words
    answer = Here(capsys)(verb, study, *rest)
    assert (answer.code, "unrecognized arguments" in answer.err) == (2, True)
