"""What a study may ask and this version can not do yet, told before any work. Shrinks as parts come."""

from actstore.formats.registry import later_options
from jobs.study.study import Study


def not_yet(study: Study) -> list[str]:
    """One sentence for each part of a study that this version can not run."""
    return [
        f'[[corpus]] "{corpus.name}": {later} can not be read yet'
        for corpus in study.corpora
        if (later := later_options(corpus.read_options))
    ]
