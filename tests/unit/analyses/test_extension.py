"""Analyses of other packages: units, options, what is computed; the RTD package against our own measure."""

import pickle
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pytest

from actstore.errors import IncomparableRunsError, NotFoundError, RequestError, WorkError
from actstore.schema.analysis import AnalysisKind, LayerSample
from actstore.schema.spec import RunSpec
from actstore.schema.tables import RESULTS
from analyses.extension.installed import installed_kind, installed_kinds, read_options
from analyses.extension.plan import ExtensionBlock, ExtensionCorpus, plan_extension
from analyses.extension.work import ExtensionTask, ExtensionWork
from analyses.readers.sample import SampleSpec
from analyses.similarity.topology import cross_barcode
from tests.support.array_source import ArraySource
from tests.support.plugins import register, seen_here

SPEC = RunSpec(
    trunk_sha256="0" * 64, text_id="t", tokens_id="k", sites=("L00", "L01", "L01.attn"), widths=(4, 4, 4),
    n_rows=40, block_rows=16, blocks_per_shard=1, chunk_rows=8, tokens_per_batch=64, dtype="float16",
)  # fmt: skip
OTHER = replace(SPEC, trunk_sha256="1" * 64)
CORPUS = ExtensionCorpus(name="c", runs={"a": SPEC, "b": OTHER}, excluded={"b": (1,)})
BLOCK = ExtensionBlock(
    kind="cloud-shape", version=1, name="mine", sides=(("a", "b"),), sample=SampleSpec(n_tokens=30, seed=3)
)


def source() -> ArraySource:
    rng = np.random.default_rng(0)
    arrays = {
        spec.run_id: {site: rng.normal(size=(40, 4)) for site in ("L00", "L01")} for spec in (SPEC, OTHER)
    }
    return ArraySource.of(arrays, length=4)


@dataclass(frozen=True)
class Keys:
    share: float = 0.5
    names: tuple[str, ...] = ()


def kind(**changed) -> AnalysisKind:
    given = {
        "about": "x",
        "version": 1,
        "of": "checkpoints",
        "measure": lambda sample, _: {"n": len(sample.values)},
    }
    return AnalysisKind(**{**given, "metrics": ("n",), **changed})


def test_a_unit_for_each_side_and_layer_of_all():
    units = plan_extension(replace(BLOCK, sides=(("a", "b"), ("a",))), [CORPUS])
    assert [(unit.group, unit.args.checkpoints, unit.args.layer) for unit in units] == [
        ("k", ("a", "b"), 0), ("k", ("a", "b"), 1), ("k", ("a",), 0), ("k", ("a",), 1),
    ]  # fmt: skip
    assert [unit.args.sample.excluded for unit in units] == [(1,), (1,), (), ()]
    assert pickle.loads(pickle.dumps(units)) == units


@pytest.mark.parametrize(
    "changed",
    [{"version": 2}, {"options": Keys()}, {"sample": SampleSpec(n_tokens=30, seed=4)}, {"kind": "k"}],
)
def test_whatever_decides_numbers_is_in_the_key(changed):
    keys = [unit.key for unit in plan_extension(BLOCK, [CORPUS])]
    assert not set(keys) & {unit.key for unit in plan_extension(replace(BLOCK, **changed), [CORPUS])}
    assert keys == [unit.key for unit in plan_extension(replace(BLOCK, name="other"), [CORPUS])]


def test_rows_have_to_be_the_same_tokens_and_layers_common():
    with pytest.raises(IncomparableRunsError, match="a and b on c differ in tokens_id"):
        plan_extension(BLOCK, [replace(CORPUS, runs={"a": SPEC, "b": replace(OTHER, tokens_id="m")})])
    other = replace(OTHER, sites=("L02",), widths=(4,))
    with pytest.raises(NotFoundError, match="no layer is stored of all"):
        plan_extension(BLOCK, [replace(CORPUS, runs={"a": SPEC, "b": other})])


def test_the_rtd_package_is_our_measure(tmp_path, monkeypatch):
    seen_here("rtd", tmp_path, monkeypatch)
    assert installed_kinds() == ("cloud-shape",)
    found = installed_kind("cloud-shape")
    assert found.package == "actstore-rtd 0.1.0"
    options = read_options(found, {"rows": 30})
    block = replace(BLOCK, options=options, sample=SampleSpec())
    units = plan_extension(block, [CORPUS])
    read = source()
    work = pickle.loads(pickle.dumps(ExtensionWork(source=read, block=block)))
    task = work.open("k")
    ((done,),) = [task.do(unit) for unit in units[:1]]
    assert done.probe == units[0]
    assert done.rows.schema == RESULTS["analysis"]
    keep = np.arange(40) // 4 != 1  # example 1 has no values in b
    x, y = (read.values[spec.run_id]["L00"][keep].astype(np.float64) for spec in (SPEC, OTHER))
    assert done.rows.column("n_tokens").to_pylist() == [36] * 3
    # a batch is a random draw, so that whole clouds are compared
    seen = LayerSample(values=(x, y), tokens=pa.table({}), layer=0, seed=0)
    measured = found.kind.measure(seen, read_options(found, {}))
    assert measured["forth"] == pytest.approx(cross_barcode(x, y), rel=1e-6)
    assert measured["back"] == pytest.approx(cross_barcode(y, x), rel=1e-6)
    assert measured["rtd"] == pytest.approx((measured["forth"] + measured["back"]) / 2)


def test_the_rtd_package_has_the_reference_numbers(tmp_path, monkeypatch):
    """The fast fixture: 100 points each of two clouds of a seeded NumPy, by the released code."""
    seen_here("rtd", tmp_path, monkeypatch)
    rng = np.random.RandomState(7)
    clouds = rng.rand(1000, 2), rng.rand(1000, 2)
    order = list(range(1000))
    rng.shuffle(order)
    seen = LayerSample(
        values=tuple(cloud[order[:100]] for cloud in clouds), tokens=pa.table({}), layer=0, seed=0
    )
    found = installed_kind("cloud-shape")
    measured = found.kind.measure(seen, read_options(found, {}))
    assert measured["forth"] == pytest.approx(8.8308597580, rel=1e-6)
    assert measured["back"] == pytest.approx(8.9202416204, rel=1e-6)
    same = replace(seen, values=(clouds[0][:50], 3 * clouds[0][:50] + 1))
    assert found.kind.measure(same, read_options(found, {}))["rtd"] == pytest.approx(0, abs=1e-5)


def test_options_are_typed_and_named(tmp_path, monkeypatch):
    seen_here("rtd", tmp_path, monkeypatch)
    found = installed_kind("cloud-shape")
    assert (read_options(found, {}).batches, read_options(found, {"batches": 3}).batches) == (10, 3)
    with pytest.raises(RequestError, match="no key 'batch'; allowed are batches, rows"):
        read_options(found, {"batch": 3})
    with pytest.raises(RequestError, match=r"batches = 'three': .*integer"):
        read_options(found, {"batches": "three"})
    bare = replace(found, kind=kind())
    assert read_options(bare, {}) is None
    with pytest.raises(RequestError, match="allowed are none"):
        read_options(bare, {"x": 1})
    assert read_options(replace(found, kind=kind(options=Keys)), {"names": ["a"]}) == Keys(names=("a",))


def test_a_kind_says_what_it_is():
    for wrong in ({"about": ""}, {"metrics": ()}, {"version": 0}, {"of": "runs"}):
        with pytest.raises(RequestError, match="an analysis"):
            kind(**wrong)


@pytest.mark.parametrize(
    ("points", "told"),
    [
        ([], "brought by no installed package; installed are none"),
        (["odd = nowhere:KIND"], "can not be loaded"),
        (["odd = actstore:nothing"], "can not be loaded"),
        (["odd = json:dumps"], "is a function; an entry point of actstore.analyses names an"),
        (["odd = one:KIND", "odd = two:KIND"], "brought by 2 packages"),
    ],
)
def test_packages_that_are_broken_are_told(points, told, tmp_path, monkeypatch):
    for number, point in enumerate(points):
        register(tmp_path, f"broken{number}", {"actstore.analyses": point + "\n"}, monkeypatch)
    with pytest.raises(RequestError, match=told):
        installed_kind("odd")


def task_of(measured: AnalysisKind, read: ArraySource) -> ExtensionTask:
    return ExtensionTask(ExtensionWork(source=read, block=BLOCK), measured, "k")


def test_numbers_that_are_not_promised_or_values_that_are_not_finite_are_refused():
    (unit, *_) = plan_extension(replace(BLOCK, sides=(("a",),)), [CORPUS])
    with pytest.raises(WorkError, match="measured n and promises m; mend its package"):
        task_of(kind(metrics=("m",)), source()).do(unit)
    (done,) = task_of(kind(measure=lambda *_: {"n": float("nan")}), source()).do(unit)
    assert done.rows.column("value").to_pylist() == [None]
    assert done.rows.column("checkpoint_b").to_pylist() == [None]
    read = source()
    read.values[SPEC.run_id]["L00"][:, 0] = np.inf
    with pytest.raises(WorkError, match=r"a \(run .*\), L00: activations are not finite"):
        task_of(kind(), read).do(unit)


def test_a_measure_sees_the_tokens_of_its_values():
    seen = []
    measured = kind(measure=lambda sample, _: seen.append(sample) or {"n": 0.0}, columns=("special",))
    read = source()
    (unit, *_) = plan_extension(replace(BLOCK, sides=(("a",),)), [CORPUS])
    task_of(measured, read).do(unit)
    (sample,) = seen
    row_T = sample.tokens.column("row").to_numpy()
    assert len(row_T) == 30
    assert "special" in sample.tokens.column_names
    np.testing.assert_array_equal(sample.values[0], read.values[SPEC.run_id]["L00"][row_T])
    assert (sample.layer, sample.seed) == (0, 3)
