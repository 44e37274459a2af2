"""Formats of the contract that are not built yet are refused by name; this file shrinks by itself."""

import pytest

from actstore.formats.options import LATER_FORMATS
from tests.support.commands import Here
from tests.support.refused import check_refused
from tests.support.studies import SmallStudy


@pytest.mark.parametrize("format", LATER_FORMATS)
def test_formats_that_are_not_there_yet(here: Here, study: SmallStudy, format: str) -> None:
    file = study.corpus("text", format=format).write()
    check_refused(
        here("extract", file), f'[[corpus]] "text": format = "{format}" ... yet', kind="NotYetError"
    )
    assert not study.store.exists()
