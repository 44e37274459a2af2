"""Values that do not fit: named with site, example, value and the dtype that holds them; never receipted."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from actstore.schema.tokens import TokenBatch
from actstore.store import paths, runs
from actstore.store.reader import RunReader
from actstore.store.verify import verify_store
from jobs.console import Console
from jobs.extract import exit_code
from tests.support.drivers import extract_with
from tests.support.small_store import FormulaExtractor, SmallStore, prepare

BAD_SITE = "L01"


class SpikeExtractor(FormulaExtractor):
    """Gives one strange value, at the last token of one sequence and one site."""

    def forward(self, batch: TokenBatch) -> dict[str, npt.NDArray[np.float32]]:
        values = super().forward(batch)
        for first, end in zip(batch.offset_N1[:-1], batch.offset_N1[1:], strict=True):
            if batch.token_id_T[first:end].tolist() == self.bad:
                values[BAD_SITE][end - 1, 3] = self.spike
        return values


def open_spiky(arguments: Mapping[str, Any]) -> SpikeExtractor:
    extractor = SpikeExtractor(arguments)
    extractor.bad, extractor.spike = arguments["bad"], arguments["spike"]
    return extractor


def spiky(place: Path, example: int, spike: float, dtype: str) -> SmallStore:
    small = prepare(place, dtype=dtype)
    mask = small.tables.tokens.column("example").to_numpy() == example
    bad = small.tables.tokens.column("token_id").to_numpy()[mask].tolist()
    small.arguments["base"] |= {"bad": bad, "spike": spike}
    return small


CASES = [
    ("float16", 1e5, r"site L01: 100000 does not fit float16 \(largest 65504\); set dtype = \"bfloat16\""),
    ("float16", -7e4, r"site L01: -70000 does not fit float16"),
    ("bfloat16", 3.402e38, r"site L01: 3.402e\+38 does not fit bfloat16 .* set dtype = \"float32\""),
    ("float16", float("nan"), r"site L01: the model gave nan; such a value is never stored"),
    ("float32", float("inf"), r"site L01: the model gave inf"),
    ("int8", float("-inf"), r"site L01: the model gave -inf"),
    ("bfloat16", float("nan"), r"site L01: the model gave nan"),
]


@pytest.mark.parametrize(("dtype", "spike", "said"), CASES, ids=lambda v: str(v)[:8])
def test_named_and_not_stored(tmp_path: Path, dtype: str, spike: float, said: str) -> None:
    small = spiky(tmp_path, 11, spike, dtype)
    spec = small.specs["base"]
    (report,) = extract_with(small, open_extractor=open_spiky)
    (failure,) = report.failures
    assert failure.kind == "PrecisionError"
    assert exit_code([report], Console(as_json=False)) == 1
    with pytest.raises(AssertionError, match=f"example 11, {said}"):
        raise AssertionError(failure.message)
    bad = shard_of(small, 11)
    assert runs.done_shards(small.objects, spec.run_id) == set(range(spec.n_shards)) - {bad}
    assert not [
        site for site in spec.sites if small.objects.size(paths.run(spec.run_id, f"{site}/c/{bad}/0"))
    ]
    assert report.manifest is None
    assert verify_store(small.objects) == []


def shard_of(small: SmallStore, example: int) -> int:
    position = small.tables.sequences.column("example").to_pylist().index(example)
    return small.tables.sequences.column("first_row").to_pylist()[position] // small.specs["base"].shard_rows


@pytest.mark.parametrize(
    ("dtype", "spike", "holds"), [("float16", 1e5, "bfloat16"), ("bfloat16", 3.402e38, "float32")]
)
def test_the_dtype_that_was_named_holds_it(tmp_path: Path, dtype: str, spike: float, holds: str) -> None:
    small = spiky(tmp_path, 11, spike, dtype)
    extract_with(small, open_extractor=open_spiky)
    wider = replace(small, specs={"base": replace(small.specs["base"], dtype=holds)})
    (report,) = extract_with(wider, open_extractor=open_spiky)
    assert report.failures == ()
    assert report.manifest is not None
    values = RunReader(wider.objects, wider.specs["base"].run_id).examples(BAD_SITE, 11, 12).values
    np.testing.assert_allclose(values[-1, 3], spike, rtol=8e-3)


@pytest.mark.parametrize(
    ("dtype", "largest"), [("float32", float(np.finfo(np.float32).max)), ("int8", 3.4e38)]
)
def test_the_largest_values_are_stored(tmp_path: Path, dtype: str, largest: float) -> None:
    small = spiky(tmp_path, 11, largest, dtype)
    (report,) = extract_with(small, open_extractor=open_spiky)
    assert report.failures == ()
    values = RunReader(small.objects, small.specs["base"].run_id).examples(BAD_SITE, 11, 12).values
    np.testing.assert_allclose(values[-1, 3], largest, rtol=1e-6)
