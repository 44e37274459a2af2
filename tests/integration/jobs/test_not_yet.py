"""Parts of the contract that are not built yet are refused by name; this file shrinks by itself."""

import pytest

from actstore.formats.options import LATER_FORMATS
from jobs.study.later import LATER_BLOCKS
from tests.support.commands import Here
from tests.support.refused import check_refused
from tests.support.studies import SmallStudy

SPLITS = 'train = "text"\ndev = "text"\n'
PROBE = SPLITS + 'test = "text"\ncheckpoints = ["base"]\n'
TASKS = 'tasks = ["pos"]\ncheckpoints = ["base"]\n'
BLOCKS = {
    "ablation": 'kind = "freeze"\ntask = "mnli"\nbase = "base"\n' + SPLITS,
    "drift": 'corpora = ["text"]\n',
    "word_probe": PROBE,
    "structural_probe": PROBE,
    "edge_probe": TASKS,
    "mdl_probe": TASKS,
}
EDGE_TASK = '[edge_tasks.pos]\ntrain = "text"\ndev = "text"\ntest = "text"\nlabels = "pos"\n'


@pytest.mark.parametrize("kind", LATER_BLOCKS)
@pytest.mark.parametrize("verb", ["plan", "extract", "run", "analyse", "report"])
def test_blocks_that_are_not_there_yet(here: Here, study: SmallStudy, verb: str, kind: str) -> None:
    more = f'{EDGE_TASK}[[{kind}]]\nname = "later"\n{BLOCKS[kind]}'
    file = study.only(["base", "tuned"], ["text"], more).write()
    check_refused(
        here(verb, file), f'[[{kind}]] "later": {kind} is not there yet ... take', kind="NotYetError"
    )
    assert not study.store.exists()


@pytest.mark.parametrize("format", LATER_FORMATS)
def test_formats_that_are_not_there_yet(here: Here, study: SmallStudy, format: str) -> None:
    file = study.corpus("text", format=format).write()
    check_refused(
        here("extract", file), f'[[corpus]] "text": format = "{format}" ... yet', kind="NotYetError"
    )
    assert not study.store.exists()
