"""Study files: what is read, with which defaults; series, variables, paths, names."""

from pathlib import Path

from actstore.formats.options import ReadOptions
from jobs.study import load_study

MINIMAL = """
store = "../runs/s"
[[checkpoint]]
name = "base"
model = "bert-base-uncased"
[[corpus]]
name = "wiki"
path = "wiki.txt"
format = "text"
"""
PAIR = """
[[checkpoint]]
name = "tuned"
model = "owner/model"
base = "base"
"""


def load(tmp_path, text, env=None, **given):
    folder = tmp_path / "studies"
    folder.mkdir(exist_ok=True)
    file = folder / "mine.toml"
    file.write_text(text, encoding="utf-8")
    return load_study(file, env=env or {}, **given)


def test_defaults(tmp_path):
    study = load(
        tmp_path, MINIMAL + PAIR + '[[similarity]]\nname = "f"\nmeasures = ["rsa"]\ncorpora = ["wiki"]'
    )
    extract, (similarity,), corpus = study.extract, study.similarity, study.corpus("wiki")
    assert (study.name, study.seed, study.results) == ("mine", 0, None)
    assert study.path == tmp_path / "studies" / "mine.toml"
    assert (extract.dtype, extract.compute_dtype, extract.sites) == ("float16", "float32", "all")
    assert (extract.codec, extract.attention, extract.pairs) == ("none", "sdpa", None)
    assert extract.tokens_per_batch is None
    assert (similarity.pairs, similarity.tokens, similarity.resamples) == ("base", 5000, 0)
    assert (similarity.include_special, similarity.skip_first) == (False, None)
    assert (similarity.layers, similarity.unit) == ("matched", "token")
    assert (similarity.kernel, similarity.device) == ("cosine", "auto")
    assert (corpus.domain, corpus.overflow, corpus.part, corpus.stride) == ("wiki", "truncate", "pair", 128)
    assert study.checkpoint("tuned").base == "base"
    assert not study.checkpoint("base").allow_pickle


def test_squad_takes_windows_by_default(tmp_path):
    squad = MINIMAL.replace('format = "text"', 'format = "squad"')
    assert load(tmp_path, squad).corpora[0].overflow == "window"
    assert load(tmp_path, squad + 'overflow = "refuse"').corpora[0].overflow == "refuse"


def test_paths_are_relative_to_the_study_file(tmp_path):
    (tmp_path / "studies" / "here").mkdir(parents=True)
    models = ["here", "nowhere", "owner/model", "../m", "./m", "/abs/m", "a/b/c", "s3://bucket/m"]
    blocks = "".join(
        f'\n[[checkpoint]]\nname = "c{index}"\nmodel = "{model}"' for index, model in enumerate(models)
    )
    study = load(tmp_path, MINIMAL + 'labels = { srl = "srl.jsonl" }\n' + blocks)
    folder = str(tmp_path)
    assert study.store == f"{folder}/runs/s"
    assert study.corpora[0].path == f"{folder}/studies/wiki.txt"
    assert study.corpora[0].labels["srl"].path == f"{folder}/studies/srl.jsonl"
    assert [item.model for item in study.checkpoints[1:]] == [
        f"{folder}/studies/here", "nowhere", "owner/model", f"{folder}/m", f"{folder}/studies/m", "/abs/m",
        f"{folder}/studies/a/b/c", "s3://bucket/m",
    ]  # fmt: skip
    assert study.checkpoints[1].local_path == Path(folder, "studies", "here")
    assert study.checkpoints[2].local_path is None


def test_urls_and_data_set_ids_stay(tmp_path):
    text = MINIMAL.replace('"../runs/s"', '"s3://bucket/s"\nresults = "../results"')
    study = load(tmp_path, text.replace('format = "text"', 'format = "datasets"'))
    assert (study.store, study.results) == ("s3://bucket/s", f"{tmp_path}/results")
    assert study.corpora[0].path == "wiki.txt"


def test_variables(tmp_path):
    text = MINIMAL.replace("../runs/s", "${ROOT}/s").replace("bert-base-uncased", "${MODELS:-../m}/x")
    assert load(tmp_path, text, {"ROOT": "/r"}).store == "/r/s"
    assert load(tmp_path, text, {"ROOT": "/r"}).checkpoints[0].model == f"{tmp_path}/m/x"
    assert load(tmp_path, text, {"ROOT": "/r", "MODELS": ""}).checkpoints[0].model == f"{tmp_path}/m/x"
    assert load(tmp_path, text, {"ROOT": "/r", "MODELS": "/o"}).checkpoints[0].model == "/o/x"
    # what a variable holds is not read again
    assert load(tmp_path, text, {"ROOT": "/${ROOT}{step}"}).store == "/${ROOT}{step}/s"


def test_variables_come_from_the_environment_by_default(tmp_path, monkeypatch):
    monkeypatch.setenv("ROOT", "/from/environment")
    file = tmp_path / "s.toml"
    file.write_text(MINIMAL.replace("../runs/s", "${ROOT}"), encoding="utf-8")
    assert load_study(file).store == "/from/environment"


def test_a_series_becomes_one_checkpoint_a_step(tmp_path):
    series = '[[checkpoint]]\nname = "p-{step}"\nmodel = "o/p"\nrevision = "step{step}"\nstep = [0, 512]\n'
    study = load(tmp_path, MINIMAL + series)
    found = [(item.name, item.revision, item.step) for item in study.checkpoints[1:]]
    assert found == [("p-0", "step0", 0), ("p-512", "step512", 512)]


def test_several_lists_multiply_and_fill_the_base(tmp_path):
    text = MINIMAL + (
        '[[checkpoint]]\nname = "b-{seed}"\nmodel = "o/b-{seed}"\nseed = [0, 1]\n'
        '[[checkpoint]]\nname = "f-{seed}-{step}-{replicate}"\nmodel = "o/f"\nbase = "b-{seed}"\n'
        "seed = [0, 1]\nstep = [10, 20]\nreplicate = 3\n"
    )
    study = load(tmp_path, text)
    assert [(item.name, item.base) for item in study.checkpoints[3:]] == [
        ("f-0-10-3", "b-0"), ("f-0-20-3", "b-0"), ("f-1-10-3", "b-1"), ("f-1-20-3", "b-1"),
    ]  # fmt: skip
    assert [item.replicate for item in study.checkpoints[1:]] == [0, 1, 3, 3, 3, 3]


def test_random_checkpoints_take_the_seed_of_the_study(tmp_path):
    text = (
        "seed = 7\n"
        + MINIMAL
        + (
            '[[checkpoint]]\nname = "r"\nmodel = "x"\ninit = "random"\n'
            '[[checkpoint]]\nname = "r1"\nmodel = "x"\ninit = "random"\nseed = 1\n'
        )
    )
    assert [item.seed for item in load(tmp_path, text).checkpoints] == [0, 7, 1]


def test_overrides(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = {"limit": 3, "seed": 5, "extract.dtype": "float32", "results": "r", "extract.sites": None}
    study = load(tmp_path, MINIMAL, store="elsewhere", overrides=given)
    assert (study.store, study.results) == (f"{tmp_path}/elsewhere", f"{tmp_path}/r")
    assert (study.corpora[0].limit, study.seed) == (3, 5)
    assert (study.extract.dtype, study.extract.sites) == ("float32", "all")


def test_read_options(tmp_path):
    text = MINIMAL.replace('"text"', '"conllu"') + 'limit = 9\ntext_from = "raw"\n'
    expected = ReadOptions(format="conllu", path=f"{tmp_path}/studies/wiki.txt", limit=9, text_from="raw")
    assert load(tmp_path, text).corpora[0].read_options == expected


WHOLE = (
    MINIMAL
    + PAIR
    + """
[[finetune]]
name = "dep-s{seed}"
task = "dep"
base = "base"
train = "wiki"
dev = "wiki"
seeds = [0, 1]
learning_rate = 1
[[similarity]]
name = "f"
measures = ["rsa", "cka"]
pairs = [["base", "dep-s0"], ["tuned", "tuned"]]
corpora = ["wiki"]
layers = "all"
tokens = "all"
skip_first = 1
unit = "word"
kernel = "rbf"
[[drift]]
name = "moved"
corpora = ["wiki"]
[edge_tasks.pos]
train = "wiki"
dev = "wiki"
test = "wiki"
labels = "upos"
[[edge_probe]]
name = "table1"
tasks = ["pos"]
checkpoints = ["base", "dep-s1"]
modes = ["mix", "each-layer"]
layers = [0, 6]
[[word_probe]]
name = "w"
train = "wiki"
dev = "wiki"
test = "wiki"
checkpoints = ["base"]
kinds = ["linear", "mlp"]
control = true
[[structural_probe]]
name = "s"
train = "wiki"
dev = "wiki"
test = "wiki"
checkpoints = ["base"]
[[mdl_probe]]
name = "m"
tasks = ["pos"]
checkpoints = ["base"]
codes = ["online", "variational"]
[[ablation]]
name = "a"
kind = "truncate"
task = "mnli"
base = "base"
train = "wiki"
dev = "wiki"
layers = [0, 3]
"""
)


def test_every_block_is_read(tmp_path):
    study = load(tmp_path, WHOLE)
    kinds = [kind for kind, _ in study.analyses]
    assert kinds == [
        "similarity", "drift", "edge_probe", "word_probe", "structural_probe", "mdl_probe", "ablation",
    ]  # fmt: skip
    assert study.bases == {"base": None, "tuned": "base", "dep-s0": "base", "dep-s1": "base"}
    assert study.finetune[0].learning_rate == 1.0
    assert study.edge_probe[0].layers == (0, 6)
    assert study.word_probe[0].label == "upos"
    assert study.structural_probe[0].kinds == ("distance", "depth")
    assert study.similarity[0].pairs == (("base", "dep-s0"), ("tuned", "tuned"))
    assert study.model_dump(mode="json", by_alias=True)["ablation"][0]["layers"] == [0, 3]
