"""Every code block of every page is run by a test, or named among those that are only shown, with why."""

import re
import shlex
import tomllib
from itertools import dropwhile
from pathlib import Path

import pytest

from jobs.cli import VERBS, make_parser
from tests.support.pages import APART, FENCE, PAGES, ROOT, SHOWN, Block, blocks

TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
MAKEFILE = (ROOT / "Makefile").read_text()
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
PARSER = make_parser()
PROGRAMS = ("actstore", "make", "python", "pip", "ray", "serve", "kubectl", "docker")
COMMAND = re.compile(rf"(?:export )?(?:[A-Z_]+=\S* )*(?:{'|'.join(PROGRAMS)}) ")
INLINE = re.compile(rf"`((?:{'|'.join(PROGRAMS)}) [^`]+)`")


def to_run(page: str) -> list[Block]:
    return [block for block in blocks(page) if not block.is_shown]


@pytest.mark.parametrize("page", PAGES)
def test_every_block_is_run_or_shown_for_a_reason(page: str) -> None:
    if not to_run(page):
        return
    walked = [path for path in TESTS if "walk(" in (text := path.read_text()) and f'"{page}"' in text]
    assert walked, f"no test walks {page}: line {to_run(page)[0].line}"


def test_what_is_run_apart_is_run_there() -> None:
    for (page, begin), test in APART.items():
        assert f'apart("{page}", "{begin}")' in (ROOT / test).read_text()


def test_what_is_only_shown_is_there() -> None:
    for (page, begin), reason in SHOWN.items():
        found = [block for block in blocks(page) if block.text.startswith(begin)]
        assert len(found) == 1, f"{page} has {len(found)} blocks that begin with {begin!r}"
        assert reason


@pytest.mark.parametrize("page", PAGES)
def test_commands_stand_in_blocks_of_a_language(page: str) -> None:
    """Else no test would see them: indented lines are drawings and formulas."""
    text = (ROOT / page).read_text()
    assert len(re.findall(r"^ *```", text, re.MULTILINE)) == 2 * len(blocks(page))
    for block in blocks(page):
        assert block.language, f"{page}:{block.line}"
    outside = FENCE.sub("", text)
    indented = [line.strip() for line in outside.splitlines() if line.startswith("    ")]
    assert not [line for line in indented if COMMAND.match(line)]


def commands_of(page: str) -> list[list[str]]:
    """What stands in the text as a command, whole or in part, and what blocks show."""
    inline = INLINE.findall(FENCE.sub("", (ROOT / page).read_text()).replace("\n", " "))
    shown = [block for block in blocks(page) if block.is_shown and block.language == "sh"]
    return [shlex.split(line) for line in inline] + [words for block in shown for words in block.commands]


@pytest.mark.parametrize("page", PAGES)
def test_commands_that_are_only_shown_could_be_given(page: str) -> None:
    for words in commands_of(page):
        given = list(dropwhile(re.compile(r"export$|[A-Z_]+=").match, words))
        if given:
            check(given[0], given[1:], page)


def check(program: str, words: list[str], page: str) -> None:
    """Whether our own programs, targets, scripts, extras and files know what is asked of them."""
    if program == "actstore":
        check_ours(words)
    elif program == "make":
        assert re.search(rf"^{words[0]}:", MAKEFILE, re.MULTILINE), words
    elif program == "python" and words[0].endswith(".py") and "NAME" not in words[0]:
        told = with_imports(ROOT / words[0])
        assert not [word for word in words if word.startswith("--") and f'"{word}"' not in told], words
    elif program == "kubectl":
        assert (ROOT / words[2]).exists(), words
    for extras in re.findall(r"actstore\S*\[([a-z0-9,]+)\]", " ".join(words)):
        assert set(extras.split(",")) <= set(EXTRAS), (page, words)


def with_imports(script: Path) -> str:
    """A script's text, and that of the modules beside it that it takes its options from."""
    text = script.read_text()
    beside = [
        script.with_name(f"{name}.py") for name in re.findall(r"^from (?:\w+\.)?(\w+) import", text, re.M)
    ]
    return text + "".join(path.read_text() for path in beside if path.exists())


def check_ours(words: list[str]) -> None:
    """The real parser takes it, brackets being what may be left out; a verb may stand alone."""
    verb, *given = (word.strip("[]").rstrip(".") for word in words)
    assert verb in (*VERBS, "VERB"), words
    if given and verb in VERBS:
        PARSER.parse_args([verb, *given])
