"""Format `datasets`: a data set of the Hugging Face library, by its name or as a folder that it saved.

Needs the extra `datasets`. Code that comes with a data set is never run.
"""

from collections.abc import Generator
from pathlib import Path
from typing import Any

from actstore.errors import CorpusError, RequestError
from actstore.formats.dataset_rows import row_examples, shape_of
from actstore.formats.options import ReadOptions
from actstore.formats.report import Tally
from actstore.schema.text import Example


def read_dataset(options: ReadOptions, tally: Tally) -> Generator[Example, None, None]:
    """Yield the rows of a data set; `source_id` is its id, else the row's number from 0.

    `path` is a name such as `stanfordnlp/snli`, with a configuration after a colon where it has several
    (`nyu-mll/glue:mnli`), or a saved folder. Raises RequestError without the library, CorpusError for what it
    can not open, for several splits of which none is named, and for columns that make no text.
    """
    rows = _split(options, _open(options.path))
    shape = shape_of(rows.column_names)
    classes = {
        name: names
        for name, feature in rows.features.items()
        if (names := getattr(getattr(feature, "feature", feature), "names", None))
    }
    for number, row in enumerate(rows):
        yield from row_examples(options, tally, shape, row, number, classes)


def _open(path: str) -> Any:
    try:
        import datasets
    except ImportError:
        raise RequestError(
            'format = "datasets" needs the library: pip install "actstore[datasets]"'
        ) from None
    name, _, configuration = path.partition(":")
    try:
        if Path(path).is_dir() and _is_saved(Path(path)):
            return datasets.load_from_disk(path)
        return datasets.load_dataset(name, configuration or None)
    except (OSError, ValueError, RuntimeError) as error:
        raise CorpusError(
            f"{path} is no data set that can be opened ({type(error).__name__}: {_first_line(error)}); "
            "name one of the hub, or a folder that `save_to_disk` wrote"
        ) from error


def _is_saved(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("dataset_info.json", "dataset_dict.json"))


def _split(options: ReadOptions, found: Any) -> Any:
    """The rows of the split that is named, or of the only one."""
    if not isinstance(found, dict):
        if options.split is not None:
            raise CorpusError(f'{options.path} is one split; leave split = "{options.split}" out')
        return found
    if options.split is None and len(found) == 1:
        return next(iter(found.values()))
    if options.split not in found:
        said = "no split is named" if options.split is None else f'there is no split "{options.split}"'
        raise CorpusError(f"{options.path}: {said}; add split = one of {', '.join(found)}")
    return found[options.split]


def _first_line(error: Exception) -> str:
    return (str(error).strip() or "no reason given").splitlines()[0]
