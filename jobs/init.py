"""`actstore init STUDY --checkpoint NAME=MODEL... --corpus NAME=FILE...`: a commented study file."""

import argparse
import json
import os
import sys
from pathlib import Path

from actstore.capture.config import read_config
from actstore.capture.source import CheckpointSource, resolve
from actstore.capture.tokenizer import load_tokenizer
from actstore.errors import AccessError, CorpusError, RequestError, StudyError
from actstore.formats.options import ReadOptions
from actstore.formats.registry import read_examples
from actstore.schema.refs import check_name
from jobs.console import Console
from jobs.options import add_json
from jobs.study.load import load_study
from jobs.study.places import is_path

FORMAT_OF = {".txt": "text", ".tsv": "pairs", ".conllu": "conllu"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("study", metavar="STUDY", type=Path, help="study file to write")
    parser.add_argument(
        "--checkpoint", metavar="NAME=MODEL", nargs="+", action="extend", required=True,
        help="a name, and a model folder or hub id; the first is the base of the others",
    )  # fmt: skip
    parser.add_argument(
        "--corpus", metavar="NAME=FILE", nargs="+", action="extend", required=True,
        help="a name and a text: .txt (an example a line), .tsv (pairs) or .conllu, also .gz",
    )  # fmt: skip
    parser.add_argument("--store", metavar="URL", help="store (default: a folder beside the study)")
    add_json(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Check models and texts, and write the study file; one that is there is never replaced."""
    study: Path = arguments.study
    if study.exists():
        raise StudyError(f"{study} is there already; name another file, or change that one by hand")
    if not study.absolute().parent.is_dir():
        raise StudyError(f"there is no folder {study.absolute().parent} for {study.name}; make it first")
    models = _named(arguments.checkpoint, "checkpoint", "MODEL")
    files = _named(arguments.corpus, "corpus", "FILE")
    tokenizers = {_check_model(name, model, console) for name, model in models.items()}
    formats = {name: _check_corpus(name, Path(file)) for name, file in files.items()}
    text = study_text(
        study, models, {name: (file, formats[name]) for name, file in files.items()}, arguments.store,
        by_word=len(tokenizers - {None}) > 1,
    )  # fmt: skip
    try:
        with study.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise AccessError(f"{study} can not be written ({error.strerror}); name another place") from error
    load_study(study)
    console.line(
        f"wrote {study}; `actstore plan {study}` tells what it takes, `actstore run {study}` does it"
    )
    console.answer({"study": str(study), "checkpoints": list(models), "corpora": formats})
    return 0


def study_text(
    study: Path,
    models: dict[str, str],
    corpora: dict[str, tuple[str, str]],
    store: str | None,
    *,
    by_word: bool,
) -> str:
    """The study as TOML with comments. `by_word`: the tokenizers differ, so only words can be compared."""
    folder = study.absolute().parent
    lines = [
        f"# {study.stem}: written by `actstore init`; docs/study.md shows every key.",
        "",
        f"store = {_toml(store or f'runs/{study.stem}')}  # where activations and results are kept",
        "",
    ]
    base = next(iter(models))
    for name, model in models.items():
        lines += ["[[checkpoint]]", f"name = {_toml(name)}", f"model = {_toml(_beside(model, folder))}"]
        lines += [] if name == base else [f"base = {_toml(base)}  # what it is compared with"]
        lines += [""]
    for name, (path, format) in corpora.items():
        lines += ["[[corpus]]", f"name = {_toml(name)}", f"path = {_toml(_beside(path, folder))}"]
        lines += [f"format = {_toml(format)}", "# limit = 1000  # only the first examples: a quick trial", ""]
    lines += [
        "[extract]",
        'dtype = "float16"  # or float32, bfloat16, int8',
        'sites = "all"  # or a list: "L00" (embeddings), "L01", ...',
        "",
    ]
    return "\n".join([*lines, *_analysis(len(models) > 1, list(corpora), by_word=by_word)]) + "\n"


def _analysis(has_pairs: bool, corpora: list[str], *, by_word: bool) -> list[str]:
    block = [
        "[[similarity]]",
        'name = "layers"',
        'measures = ["rsa", "cka"]',
        'pairs = "base"  # each checkpoint with its base',
        f"corpora = {_toml(corpora)}",
        "tokens = 5000  # a sample, the same for every layer and checkpoint",
        *(['unit = "word"  # the tokenizers differ: words are what the models share'] if by_word else []),
    ]
    return block if has_pairs else ["# with a second checkpoint:", *(f"# {line}" for line in block)]


def _named(given: list[str], what: str, kind: str) -> dict[str, str]:
    named: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not value:
            raise RequestError(f"--{what} {text!r}: it is written NAME={kind}")
        if check_name(name, what) in named:
            raise RequestError(f"--{what} {name!r} is given twice; a name is one {what}")
        named[name] = value
    return named


def _check_model(name: str, model: str, console: Console) -> str | None:
    """The hash of a local model's tokenizer; None for a hub id, which is not fetched here."""
    if not Path(model).expanduser().is_dir() and not is_path(model, Path.cwd()):
        console.remark(f"checkpoint {name}: {model!r} is no folder here, so it is taken for a hub id")
        return None
    folder = resolve(CheckpointSource(name=name, model=model))
    read_config(folder)
    return load_tokenizer(folder).sha256


def _check_corpus(name: str, path: Path) -> str:
    """The format of a text, by its suffix, once its first example could be read."""
    suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    if suffix not in FORMAT_OF:
        raise CorpusError(
            f"corpus {name!r}: {path} has not one of the suffixes {', '.join(FORMAT_OF)}; rename it, or "
            "write the study by hand: docs/study.md lists every format"
        )
    examples = iter(read_examples(ReadOptions(format=FORMAT_OF[suffix], path=str(path))).examples)
    if next(examples, None) is None:
        raise CorpusError(f"corpus {name!r}: {path} has no examples; give a text with at least one")
    return FORMAT_OF[suffix]


def _beside(value: str, folder: Path) -> str:
    """A path as seen from the study file; a hub id as it is."""
    path = Path(value).expanduser()
    if not path.exists():
        return value
    if path.is_absolute():
        return str(path)
    relative = os.path.relpath(path.absolute(), folder)
    return relative if relative.startswith("..") else f"./{relative}"


def _toml(value: str | list[str]) -> str:
    return json.dumps(value, ensure_ascii=False)  # strings and lists of them are alike in both


if __name__ == "__main__":
    from jobs.cli import verb_main

    sys.exit(verb_main("init"))
