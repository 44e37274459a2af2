"""Makes the quickstart's two corpora out of English that every installation has, a paragraph a line.

    python studies/quickstart_texts.py [--into FOLDER]

`python-docs.txt`: prose of Python's own documentation topics (PSF licence). `ray-docstrings.txt`: prose of
the docstrings of the installed ray package (Apache-2.0), whose files are parsed and never imported. The same
versions of Python and ray give the same bytes; a file that is there is left alone, as a store knows its text.
"""

import argparse
import ast
import hashlib
import importlib.util
import inspect
import os
import re
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from pydoc_data.topics import topics

WORDS_PER_CORPUS = 12_000
"""About 16,000 tokens: enough to draw 5,000 from, and a run of a minute."""
WORDS_PER_PARAGRAPH = range(12, 151)
MIN_LETTERS = 0.92
"""Share of a paragraph's characters that are letters, spaces, commas and full stops."""
RAY_FOLDERS = ("_private", "autoscaler", "dashboard", "data", "job_submission", "serve", "util")
LEFT_OUT = ("thirdparty", "vendored", "test", "example")
MARKUP = (
    (re.compile(r":[\w:]+:`~?([^`<]+?)(?:\s*<[^`>]*>)?`"), r"\1"),  # :class:`Actor`
    (re.compile(r"`([^`<]+?)\s*<[^`>]*>`_*"), r"\1"),  # `text <address>`_
    (re.compile(r"`{1,2}([^`]+)`{1,2}"), r"\1"),
    (re.compile(r"\*{1,2}(\w[^*]*?)\*{1,2}"), r"\1"),
    (re.compile(r'"([\w.()]+)"'), r"\1"),  # how pydoc writes code
    (re.compile(r"\s+"), " "),
)
BULLET = re.compile(r"(?:[*-]|\d+\.|\[\d+\])\s+|(?:Note|Tip|Warning|CPython implementation detail):\s+")
CODE = re.compile(r">>>|::|->|==|[{}\\|<>=@#`*_]|://|\(\)|\.\.|\bversion \d|[Dd]eprecated|TODO|XXX")


def main(arguments: Sequence[str]) -> int:
    """Write the corpora that are not there yet."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--into", type=Path, default=default_folder(), help="default: %(default)s")
    folder = parser.parse_args(arguments).into
    folder.mkdir(parents=True, exist_ok=True)
    for name, documents in (("python-docs.txt", python_topics()), ("ray-docstrings.txt", ray_docstrings())):
        if (folder / name).exists():
            print(f"{folder / name}: there already")
            continue
        chosen = choose(prose(documents))
        write(folder / name, "".join(f"{line}\n" for line in chosen))
        n_words = sum(len(line.split()) for line in chosen)
        print(f"{folder / name}: {len(chosen)} paragraphs, {n_words} words")
    return 0


def default_folder() -> Path:
    """Where the study looks: the folder `texts` in that of the models."""
    given = os.environ.get("ACTSTORE_MODELS")
    return (Path(given) if given else Path(__file__).resolve().parent.parent / "models") / "texts"


def python_topics() -> Iterator[str]:
    """Python's documentation topics, in the order of their names."""
    for name in sorted(topics):
        yield topics[name]


def ray_docstrings() -> Iterator[str]:
    """Docstrings of the ray package's modules, classes and functions, in the order of the files."""
    found = importlib.util.find_spec("ray")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("the package ray is not installed here; pip install -e . brings it")
    root = Path(found.submodule_search_locations[0])
    files = [file for folder in RAY_FOLDERS for file in (root / folder).rglob("*.py")]
    for file in sorted(files):
        if not any(word in part for part in file.relative_to(root).parts for word in LEFT_OUT):
            yield from _docstrings(file.read_text(encoding="utf-8"))


def _docstrings(source: str) -> Iterator[str]:
    with warnings.catch_warnings():
        # an odd escape in someone else's string is not this script's matter
        warnings.simplefilter("ignore")
        tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node, clean=False)
            if text:
                yield inspect.cleandoc(text)


def prose(documents: Iterable[str]) -> Iterator[str]:
    """Paragraphs that are whole sentences: no code, no signatures, no markup; each once."""
    seen = set()
    for document in documents:
        for block in re.split(r"\n\s*\n", document):
            paragraph = _clean(block)
            if _is_prose(paragraph) and paragraph.casefold() not in seen:
                seen.add(paragraph.casefold())
                yield paragraph


def _clean(block: str) -> str:
    """One line without markup; empty where the lines are not of one paragraph."""
    lines = block.expandtabs().splitlines()
    while lines and not lines[0].strip():
        lines = lines[1:]
    bullet = BULLET.match(lines[0].lstrip()) if lines else None
    depths = {len(line) - len(line.lstrip()) for line in lines[1:]}
    if not lines or len(depths) > 1:
        return ""
    first = lines[0].lstrip()[bullet.end() if bullet else 0 :]
    if depths and not bullet and depths != {len(lines[0]) - len(lines[0].lstrip())}:
        return ""
    text = "\n".join([first, *(line.strip() for line in lines[1:])])
    text = re.sub(r"(?<=\w)-\n(?=\w)", "-", text)
    for pattern, plain in MARKUP:
        text = pattern.sub(plain, text)
    return text.strip()


def _is_prose(text: str) -> bool:
    plain = sum(char.isalpha() or char in " ,." for char in text)
    return (
        len(text.split()) in WORDS_PER_PARAGRAPH
        and text[0].isupper()
        and text[-1] in ".!?"
        and not CODE.search(text)
        and plain >= MIN_LETTERS * len(text)
    )


def choose(paragraphs: Iterable[str]) -> list[str]:
    """As many paragraphs as are wanted, drawn from the whole by their hashes, in the order of the source."""
    numbered = list(enumerate(paragraphs))
    drawn, n_words = [], 0
    for number, text in sorted(numbered, key=lambda item: hashlib.sha256(item[1].encode()).digest()):
        if n_words >= WORDS_PER_CORPUS:
            break
        drawn.append((number, text))
        n_words += len(text.split())
    return [text for _, text in sorted(drawn)]


def write(file: Path, text: str) -> None:
    """Write a file whole or not at all."""
    scratch = file.with_name(f".{file.name}.{os.getpid()}")
    scratch.write_text(text, encoding="utf-8")
    scratch.replace(file)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
