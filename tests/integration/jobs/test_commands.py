"""Every verb on a small study: what it promises, says and returns, as text and as one JSON document."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file, save_file

from tests.support.commands import ALONE, Here
from tests.support.studies import SmallStudy, tree_hash
from tests.support.tiny_models import N_LAYERS, WIDTH

N_LINES, N_RUNS = 12, 6
QUERY = ("--checkpoint", "base", "--corpus", "trees", "--layer", "1", "3", "--where", "upos = 'VERB'")


@pytest.fixture
def stored(here: Here, study: SmallStudy) -> SmallStudy:
    """The study, run."""
    answer = here("run", study.write(), *ALONE)
    assert answer.code == 0, answer
    return study


def contents(here: Here, study: SmallStudy) -> dict[tuple[str, str], str]:
    """The hash of each run's content, as a second extraction tells it."""
    runs = here("extract", study.file, *ALONE, "--json").document["runs"]
    return {(run["checkpoint"], run["corpus"]): run["content_sha256"] for run in runs}


def test_plan_tells_what_would_run_and_writes_nothing(here: Here, study: SmallStudy) -> None:
    study.write()
    before = tree_hash(study.folder)
    answer = here("plan", study.file)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.count("1 of 1") == N_RUNS
    assert "similarity/alike" in answer.out
    planned = here("plan", study.file, "--json").document["runs"]
    assert tree_hash(study.folder) == before
    assert here("extract", study.file, *ALONE).code == 0
    store = here("ls", study.store, "--json").document["runs"]
    for run in planned:
        (found,) = [row for row in store if row["run_id"] == run["run_id"]]
        assert (found["bytes"], found["n_shards"]) == (pytest.approx(run["bytes"], rel=0.01), run["n_shards"])
    after = tree_hash(study.store)
    assert [run["n_missing"] for run in here("plan", study.file, "--json").document["runs"]] == [0] * N_RUNS
    assert tree_hash(study.store) == after


def test_extract_runs_each_checkpoint_once(here: Here, study: SmallStudy) -> None:
    study.write()
    first = here("extract", study.file, *ALONE)
    assert (first.code, first.out) == (0, "")
    assert "6 shards of 6 runs to compute on 1 worker," in first.err
    assert "tokens/s" in first.err
    before = tree_hash(study.store)
    second = here("extract", study.file, *ALONE)
    assert (second.code, second.out) == (0, "")
    assert second.err == f"6 runs asked for, all stored in {study.store} already; no model was run\n"
    runs = here("extract", study.file, *ALONE, "--json").document["runs"]
    assert [(run["n_new_shards"], run["complete"], run["failures"]) for run in runs] == [
        (0, True, [])
    ] * N_RUNS
    assert tree_hash(study.store) == before


def test_what_is_stored_needs_no_model_folder_to_be_analysed(here: Here, stored: SmallStudy) -> None:
    (stored.folder / "models").rename(stored.folder / "gone")
    for words in (("analyse",), ("analyse", "alike"), ("report",)):
        answer = here(words[0], stored.file, *words[1:])
        assert answer.code == 0, answer
        assert "similarity alike: rsa" in answer.out


def test_a_second_name_of_the_same_weights_is_bound_without_a_model(here: Here, stored: SmallStudy) -> None:
    file = stored.checkpoint("again", model="models/base", base="tuned").write()
    answer = here("run", file, *ALONE)
    assert answer.code == 0
    assert "no model was run" in answer.err
    named = here("sql", stored.store, "SELECT name FROM checkpoints ORDER BY 1", "--json").document
    assert [row["name"] for row in named] == ["again", "base", "tuned"]


def test_analyse_computes_once(here: Here, study: SmallStudy) -> None:
    study.write()
    assert here("extract", study.file, *ALONE).code == 0
    first = here("analyse", study.file, *ALONE, "--json").document["results"]
    second = here("analyse", study.file, *ALONE)
    assert "similarity alike: it was there already, nothing was computed" in second.err
    third = here("analyse", study.file, "--json").document["results"]  # no Ray is started for nothing
    assert first[0]["n_computed"] > 0
    assert third == [first[0] | {"n_computed": 0}]
    assert len(first[0]["rows"]) >= N_LAYERS + 1
    assert all(Path(figure).stat().st_size > 0 for figure in first[0]["figures"])
    assert {Path(figure).suffix for figure in first[0]["figures"]} >= {".svg", ".png"}


def test_analyses_by_name_and_results_elsewhere(here: Here, stored: SmallStudy) -> None:
    text = stored.file.read_text()
    more = '[[similarity]]\nname = "other"\nmeasures = ["cka"]\ncorpora = ["pairs"]\ntokens = 60\n'
    stored.file.write_text('results = "elsewhere"\n' + text + more)
    before = tree_hash(stored.store)
    missing = here("report", stored.file)
    assert missing.code == 1
    assert "other is not finished; run `actstore analyse" in missing.err
    assert not (stored.folder / "elsewhere").exists()
    results = here("analyse", stored.file, "other", *ALONE, "--json").document["results"]
    assert [result["name"] for result in results] == ["other"]
    assert tree_hash(stored.store) == before
    report = here("report", stored.file, "--json")
    assert (report.code, report.document["missing"]) == (1, ["alike"])
    assert [result["name"] for result in report.document["results"]] == ["other"]


def test_ls_tells_complete_and_missing(here: Here, study: SmallStudy) -> None:
    assert here("extract", replace(study, extract={"pairs": "needed"}).write(), *ALONE).code == 0
    assert here("extract", study.only(["base"], ["pairs"]).write(), *ALONE).code == 0
    rows = here("ls", study.store, "--json").document["runs"]
    assert {(row["checkpoint"], row["corpus"]): row["state"] for row in rows} == {
        ("base", "text"): "complete",
        ("tuned", "text"): "complete",
        ("base", "pairs"): "complete",
        ("tuned", "pairs"): "missing",
    }
    lines = here("ls", study.store).out.splitlines()
    assert lines[0].split() == ["checkpoint", "corpus", "sites", "dtype", "state", "size", "run"]
    assert "missing" in next(line for line in lines if line.split()[:2] == ["tuned", "pairs"])


@pytest.mark.parametrize("suffix", [".parquet", ".arrow", ".npz", ".safetensors"])
@pytest.mark.parametrize("unit", ["token", "word"])
def test_a_query_goes_to_files_of_each_kind(here: Here, stored: SmallStudy, suffix: str, unit: str) -> None:
    told = here("query", stored.store, *QUERY, "--unit", unit, "--json").document
    file = stored.folder / f"answer{suffix}"
    answer = here("query", stored.store, *QUERY, "--unit", unit, "-o", file)
    assert (answer.code, answer.out) == (0, "")
    assert answer.err == f"{len(told)} rows in {file}\n"
    assert len(told) > 0
    activation, columns = read_back(file)
    np.testing.assert_array_equal(activation, np.array([row["activation"] for row in told], dtype=np.float32))
    assert activation.shape == (len(told), WIDTH)
    for name in ("checkpoint", "corpus", "example", unit, "text", "layer", "site"):
        assert columns[name] == [row[name] for row in told], name


def read_back(file: Path) -> tuple[np.ndarray, dict[str, list[object]]]:
    """Activations [N, D] and the columns beside them."""
    if file.suffix == ".npz":
        with np.load(file) as arrays:
            return arrays["activation"], {name: arrays[name].tolist() for name in arrays}
    if file.suffix == ".safetensors":
        arrays = load_file(file)
        header_bytes = int.from_bytes(file.read_bytes()[:8], "little")
        texts = json.loads(file.read_bytes()[8 : 8 + header_bytes])["__metadata__"]
        columns = {name: array.tolist() for name, array in arrays.items()}
        return arrays["activation"], columns | {name: json.loads(text) for name, text in texts.items()}
    table = pq.read_table(file) if file.suffix == ".parquet" else pa.ipc.open_file(file).read_all()
    column = table.column("activation").combine_chunks()
    return column.flatten().to_numpy().reshape(len(table), -1), table.to_pydict()


def test_a_query_on_the_terminal(here: Here, stored: SmallStudy) -> None:
    answer = here("query", stored.store, "--checkpoint", "base", "tuned", "--corpus", "text", "--layer", "2")
    lines = answer.out.splitlines()
    assert lines[0].split() == [
        "checkpoint",
        "corpus",
        "example",
        "token",
        "text",
        "layer",
        "site",
        "activation",
    ]
    assert len(lines) == 51
    assert "the first 50 rows are shown; write all of them with -o FILE" in answer.err
    few = here(
        "query", stored.store, "--checkpoint", "base", "--corpus", "text", "--layer", "2", "--limit", "3"
    )
    assert (len(few.out.splitlines()), few.err) == (1 + 3, "")


def test_sql_in_three_formats_and_to_files(here: Here, stored: SmallStudy) -> None:
    statement = "SELECT corpus, count(*) AS n, min(text) AS first FROM words GROUP BY 1 ORDER BY 1"
    told = here("sql", stored.store, statement, "--json").document
    assert [row["corpus"] for row in told] == ["pairs", "text", "trees"]
    assert json.loads(here("sql", stored.store, statement, "--format", "json").out) == told
    rows = list(csv.DictReader(io.StringIO(here("sql", stored.store, statement, "--format", "csv").out)))
    assert rows == [{name: str(value) for name, value in row.items()} for row in told]
    table = here("sql", stored.store, statement).out.splitlines()
    assert [line.split() for line in table] == [
        ["corpus", "n", "first"],
        *(list(map(str, row.values())) for row in told),
    ]
    for suffix in (".parquet", ".arrow", ".csv"):
        file = stored.folder / f"words{suffix}"
        answer = here("sql", stored.store, statement, "-o", file, "--json")
        assert answer.document == {"rows": 3, "file": str(file)}
        assert file.stat().st_size > 0
    assert pq.read_table(stored.folder / "words.parquet").to_pylist() == told


def test_rm_and_gc_list_first_and_act_when_told(here: Here, stored: SmallStudy) -> None:
    contents_before = contents(here, stored)
    before = tree_hash(stored.store)
    (listed,) = here("rm", stored.store, "tuned", "text", "--json").document["removals"]
    answer = here("rm", stored.store, "tuned", "text")
    assert (answer.code, answer.err) == (0, "nothing was removed; --yes removes what is listed\n")
    assert listed["what"] in answer.out
    assert tree_hash(stored.store) == before
    assert here("rm", stored.store, "tuned", "text", "--yes").code == 0
    states = {
        (row["checkpoint"], row["corpus"]): row["state"]
        for row in here("ls", stored.store, "--json").document["runs"]
    }
    assert states["tuned", "text"] == "missing"
    assert sorted(states.values()) == ["complete"] * (N_RUNS - 1) + ["missing"]
    assert here("gc", stored.store).err == "nothing to remove\n"  # younger than a day
    kept = tree_hash(stored.store)
    assert here("gc", stored.store, "--grace", "0").code == 0
    assert tree_hash(stored.store) == kept
    freed = here("gc", stored.store, "--grace", "0", "--yes", "--json")
    assert sum(item["bytes"] for item in freed.document["removals"]) > 0
    assert "freed 2.1 MB" in freed.err
    assert here("verify", stored.store).code == 0
    assert here("extract", stored.file, *ALONE).code == 0
    assert contents(here, stored) == contents_before


def test_verify_recomputes(here: Here, stored: SmallStudy) -> None:
    answer = here("verify", stored.store, "--recompute", "0.2", "--json")
    assert answer.code == 0
    assert answer.document["ok"]
    assert len(answer.document["recomputed"]) == N_RUNS
    assert all(item["ok"] for item in answer.document["recomputed"])
    told = here("verify", stored.store, "--recompute", "0.2")
    assert "largest difference" in told.out
    assert told.out.endswith(f"{stored.store}: {N_RUNS} runs, every byte as its receipt says\n")


def test_values_that_do_not_fit_fail_their_run_alone(here: Here, study: SmallStudy) -> None:
    weights = study.folder / "models/tuned/model.safetensors"
    tensors = load_file(weights)
    save_file({name: value * (1e6 if "2.output.LayerNorm" in name else 1) for name, value in tensors.items()},
              weights, metadata={"format": "pt"})  # fmt: skip
    small = replace(study.only(["base", "tuned"], ["text"], study.more), extract={"dtype": "float16"})
    answer = here("run", small.write(), *ALONE, "--json")
    assert answer.code == 1
    said = next(line for line in answer.err.splitlines() if line.startswith("tuned over text: "))
    assert said.startswith("tuned over text: PrecisionError: example ")
    for part in ("site L03", "does not fit float16", 'set dtype = "bfloat16"'):
        assert part in said
    assert "the analyses wait until every run is complete" in answer.err
    runs = {run["checkpoint"]: run for run in answer.document["runs"]}
    assert (runs["base"]["complete"], runs["tuned"]["complete"]) == (True, False)
    assert [item["kind"] for item in runs["tuned"]["failures"]] == ["PrecisionError"]
    states = {row["checkpoint"]: row["state"] for row in here("ls", study.store, "--json").document["runs"]}
    assert states == {"base": "complete", "tuned": "partial (0 of 1 shards)"}
    refused = here("query", study.store, "--checkpoint", "tuned", "--corpus", "text")
    assert (refused.code, refused.out) == (1, "")
    assert here("run", replace(small, extract={"dtype": "float32"}).write(), *ALONE).code == 0


def test_a_tokenizer_of_another_model_is_refused(here: Here, study: SmallStudy) -> None:
    """Token ids that the embedding has no row for."""
    for folder in ("base", "tuned"):
        path = study.folder / f"models/{folder}/tokenizer.json"
        tokenizer = json.loads(path.read_text())
        tokenizer["model"]["vocab"]["xyzzy"] = 5000
        path.write_text(json.dumps(tokenizer))
    with (study.folder / "text.txt").open("a") as file:
        file.write("the xyzzy sat\n")
    answer = here("extract", study.only(["base"], ["text"]).write(), *ALONE)
    assert answer.code == 2
    assert "tokenizer and its weights do not belong together" in answer.err
