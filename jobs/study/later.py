"""What a study may ask and this version can not do yet, told before any work. Shrinks as parts come."""

from collections.abc import Iterator

from actstore.formats.registry import later_options
from jobs.study.study import Study

LATER_BLOCKS: tuple[str, ...] = ()


def not_yet(study: Study) -> list[str]:
    """One sentence for each part of a study that this version can not run."""
    blocks = [
        f'[[{key}]] "{block.name}": {key} is not there yet'
        for key in LATER_BLOCKS
        for block in getattr(study, key)
    ]
    return [*_corpora(study), *blocks]


def _corpora(study: Study) -> Iterator[str]:
    for corpus in study.corpora:
        if later := later_options(corpus.read_options):
            yield f'[[corpus]] "{corpus.name}": {later} can not be read yet'
