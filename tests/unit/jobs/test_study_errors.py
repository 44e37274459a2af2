"""What is wrong with a study file is told all at once, each in one sentence."""

import pytest

from actstore.errors import StudyError
from jobs.study import load_study

CHECKPOINT = '[[checkpoint]]\nname = "base"\nmodel = "x"\n'
CORPUS = '[[corpus]]\nname = "wiki"\npath = "wiki.txt"\nformat = "text"\n'
STUDY = f'store = "s"\n{CHECKPOINT}{CORPUS}'
TUNED = '[[checkpoint]]\nname = "tuned"\nmodel = "y"\nbase = "base"\n'
SIMILARITY = '[[similarity]]\nname = "f"\nmeasures = ["rsa"]\ncorpora = ["wiki"]\n'
SPLITS = 'train = "wiki"\ndev = "wiki"\n'
KEYS = "Allowed are name, model, revision, config, allow_pickle, base, task, replicate, step, init, seed"


def problems(tmp_path, text) -> list[str]:
    file = tmp_path / "mine.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        load_study(file, env={})
    head, *lines = str(caught.value).splitlines()
    assert head == f"{file} can not be used:"
    return [line.strip() for line in lines]


CASES = {
    "unknown key": (
        STUDY.replace("[[corpus]]", 'modle = "x"\n[[corpus]]'),
        f'[[checkpoint]] "base": unknown key "modle"; did you mean "model"? {KEYS}',
    ),
    "unknown key far from all": (
        f"{STUDY}[extract]\nzzz = 1\n",
        '[extract]: unknown key "zzz"; allowed are dtype, compute_dtype, sites, tokens_per_batch, codec, '
        "attention, gpus_per_worker, pairs",
    ),
    "unknown key at the top": (
        f"sed = 1\n{STUDY}",
        'unknown key "sed"; did you mean "seed"? Allowed are store, results, seed, checkpoint, corpus, '
        "extract, "
        "edge_tasks, finetune, similarity, drift, edge_probe, word_probe, structural_probe, mdl_probe, "
        "ablation, analysis",
    ),
    "field names are no keys": (
        f"{STUDY}[[checkpoints]]\nname = 'a'\n",
        'unknown key "checkpoints"; did you mean "checkpoint"? Allowed are store, results, seed, checkpoint, '
        "corpus, extract, edge_tasks, finetune, similarity, drift, edge_probe, word_probe, structural_probe, "
        "mdl_probe, ablation, analysis",
    ),
    "missing key": (
        STUDY.replace('path = "wiki.txt"\n', ""),
        '[[corpus]] "wiki": key "path" is missing; add path = ...',
    ),
    "missing store": (STUDY.replace('store = "s"\n', ""), 'key "store" is missing; add store = ...'),
    "missing table": (f'store = "s"\n{CORPUS}', 'key "checkpoint" is missing; add checkpoint = ...'),
    "no name": (
        f"{STUDY}[[drift]]\ncorpora = ['wiki']\npairs = 'all'\n{TUNED}",
        '[[drift]] number 1: key "name" is missing; add name = ...',
    ),
    "empty string": (STUDY.replace('"x"', '""'), '[[checkpoint]] "base": model = "": must not be empty'),
    "bad name": (
        STUDY.replace('"wiki"', '"wi ki"'),
        "[[corpus]] \"wi ki\": name = \"wi ki\": allowed are 1 to 100 letters, digits, '.', '_' and '-', "
        "the first a letter or digit",
    ),
    "type: string": (STUDY.replace('"x"', "3"), '[[checkpoint]] "base": model = 3: a string is needed'),
    "type: whole number": (
        f"{STUDY}limit = '5'\n",
        '[[corpus]] "wiki": limit = "5": a whole number is needed',
    ),
    "type: no number for true": (f"seed = true\n{STUDY}", "seed = true: a whole number is needed"),
    "type: truth": (
        STUDY.replace("[[corpus]]", "allow_pickle = 1\n[[corpus]]"),
        '[[checkpoint]] "base": allow_pickle = 1: true or false is needed',
    ),
    "type: table": (f"extract = 3\n{STUDY}", "extract is to be written as a table [extract], not otherwise"),
    "type: inner table": (f"{STUDY}labels = 3\n", '[[corpus]] "wiki": labels = 3: a table is needed'),
    "type: inner value": (
        f"{STUDY}labels.srl = 3\n",
        '[[corpus]] "wiki": labels.srl = 3: a string is needed, or a table '
        '{ path = "...", format = "...", set = "..." }',
    ),
    "type: list": (
        STUDY + TUNED + SIMILARITY.replace('["rsa"]', '"rsa"'),
        '[[similarity]] "f": measures = "rsa": a list is needed',
    ),
    "empty list": (
        STUDY + TUNED + SIMILARITY.replace('["rsa"]', "[]"),
        '[[similarity]] "f": measures = []: must not be empty',
    ),
    "too small": (f"{STUDY}limit = 0\n", '[[corpus]] "wiki": limit = 0: must be greater than or equal to 1'),
    "choice": (
        f"{STUDY}[extract]\ndtype = 'flot16'\n",
        '[extract]: dtype = "flot16": did you mean "float16"? Allowed are float32, float16, bfloat16, int8',
    ),
    "choice in a list": (
        STUDY + TUNED + SIMILARITY.replace('["rsa"]', '["rsa", "kka"]'),
        '[[similarity]] "f": measures[1] = "kka": did you mean "cka"? Allowed are rsa, cka, cka-debiased, '
        "cka-minibatch, cca, svcca, pwcca, procrustes, shape, neighbours, rtd",
    ),
    "format": (
        STUDY.replace('format = "text"', 'format = "txt"'),
        '[[corpus]] "wiki": format = "txt": did you mean "text"? Allowed are text, pairs, conllu, mnli, '
        "snli, squad, edges, semeval8, gum, iob2, datasets",
    ),
    "text_from": (
        f"{STUDY}text_from = 'raw'\n",
        '[[corpus]] "wiki": text_from = "raw": only for format = "conllu" or "gum" or "edges", not "text"; '
        "leave it out",
    ),
    "sites": (
        f"{STUDY}[extract]\nsites = 'L01'\n",
        '[extract]: sites = "L01": allowed are "all" or a list of sites, such as ["L00", "L06"]',
    ),
    "site": (
        f"{STUDY}[extract]\nsites = ['L00', 'L1']\n",
        '[extract]: sites = ["L00", "L1"]: allowed are L00 (embeddings), L01 ... Lnn, Lnn.attn, Lnn.mlp, '
        "final",
    ),
    "tokens": (
        f"{STUDY}{TUNED}{SIMILARITY}tokens = 1\n",
        '[[similarity]] "f": tokens = 1: allowed are "all" or a number of tokens from 2',
    ),
    "pairs": (
        f"{STUDY}{TUNED}{SIMILARITY}pairs = [['base']]\n",
        '[[similarity]] "f": pairs = [["base"]]: allowed are "base", "all" or a list of pairs of '
        "checkpoints, such "
        'as [["base", "tuned"]]',
    ),
    "layers": (
        f"{STUDY}[[structural_probe]]\nname = 's'\ncheckpoints = ['base']\n{SPLITS}test = 'wiki'\n"
        "layers = [-1]\n",
        '[[structural_probe]] "s": layers = [-1]: allowed are "all" or a list of layer numbers from 0, '
        "such as "
        "[0, 6, 12]",
    ),
    "rate": (
        f"{STUDY}[[finetune]]\nname = 'd'\ntask = 'dep'\nbase = 'base'\n{SPLITS}learning_rate = 0.0\n",
        '[[finetune]] "d": learning_rate = 0.0: must be greater than 0',
    ),
    "variable": (
        STUDY.replace('"x"', '"${NOPE}/x"'),
        '"${NOPE}/x": the environment has no NOPE; export NOPE=..., or write ${NOPE:-default}',
    ),
    "malformed variable": (
        STUDY.replace('"x"', '"${1x}"'),
        '"${1x}": a variable is written ${NAME} or ${NAME:-default}',
    ),
    "series without its place": (
        f"{STUDY}{TUNED}step = [1, 2]\n",
        '[[checkpoint]] "tuned": step is a list, so the name needs {step}, such as "tuned-{step}"',
    ),
    "empty series": (
        f"{STUDY}{TUNED.replace('tuned', 't{step}')}step = []\n",
        '[[checkpoint]] "t{step}": step = []; a series is a list of whole numbers, at least one',
    ),
    "unknown place": (
        f"{STUDY}{TUNED}revision = '{{stp}}'\n",
        '[[checkpoint]] "tuned": {stp} stands for nothing; allowed are {step}, {seed}, {replicate} with '
        "the key of "
        "that name beside it",
    ),
    "own base": (
        STUDY + TUNED.replace('base = "base"', 'base = "tuned"'),
        '[[checkpoint]] "tuned": base = "tuned" is the checkpoint itself; name another one, or leave it out',
    ),
    "dangling base": (
        STUDY.replace("[[corpus]]", 'base = "bse"\n[[corpus]]'),
        '[[checkpoint]] "base": base names the checkpoint "bse", which is not there; did you mean "base"? '
        "Allowed "
        "are base",
    ),
    "circle": (
        STUDY.replace("[[corpus]]", 'base = "tuned"\n[[corpus]]') + TUNED,
        '[[checkpoint]] "base": base leads in a circle (base -> tuned -> base); cut it',
    ),
    "dangling pair": (
        f"{STUDY}{TUNED}{SIMILARITY}pairs = [['base', 'tnd']]\n",
        '[[similarity]] "f": pairs names the checkpoint "tnd", which is not there; did you mean "tuned"? '
        "Allowed are "
        "base, tuned",
    ),
    "dangling corpus": (
        STUDY + TUNED + SIMILARITY.replace("wiki", "zzz"),
        '[[similarity]] "f": corpora names the corpus "zzz", which is not there; allowed are wiki',
    ),
    "dangling checkpoint": (
        f"{STUDY}[[word_probe]]\nname = 'w'\ncheckpoints = ['bas']\n{SPLITS}test = 'wiki'\n",
        '[[word_probe]] "w": checkpoints names the checkpoint "bas", which is not there; did you mean '
        '"base"? '
        "Allowed are base",
    ),
    "dangling train": (
        f"{STUDY}[[ablation]]\nname = 'a'\nkind = 'freeze'\ntask = 'dep'\nbase = 'base'\n{SPLITS}".replace(
            'train = "wiki"', 'train = "w"'
        ),
        '[[ablation]] "a": train names the corpus "w", which is not there; allowed are wiki',
    ),
    "dangling base of a fine-tuning": (
        f"{STUDY}[[finetune]]\nname = 'd{{seed}}'\ntask = 'dep'\nbase = 'zz-{{seed}}'\nseeds = [4]\n{SPLITS}",
        '[[finetune]] "d{seed}": base names the checkpoint "zz-4", which is not there; allowed are base, d4',
    ),
    "dangling task": (
        f"{STUDY}[[edge_probe]]\nname = 'e'\ntasks = ['pos']\ncheckpoints = ['base']\n",
        '[[edge_probe]] "e": tasks names the edge task "pos", which is not there; allowed are none, as the '
        "study has "
        "none",
    ),
    "dangling corpus of a task": (
        f"{STUDY}[edge_tasks.pos]\n{SPLITS}test = 'zzz'\nlabels = 'upos'\n",
        '[edge_tasks.pos]: test names the corpus "zzz", which is not there; allowed are wiki',
    ),
    "task without a key": (
        f"{STUDY}[edge_tasks.pos]\n{SPLITS}test = 'wiki'\n",
        '[edge_tasks.pos]: key "labels" is missing; add labels = ...',
    ),
    "duplicate checkpoint": (
        f"{STUDY}{CHECKPOINT}",
        '[[checkpoint]] "base": the name is given 2 times; rename all but one',
    ),
    "duplicate by fine-tuning": (
        f"{STUDY}[[finetune]]\nname = 'base'\ntask = 'dep'\nbase = 'base'\n{SPLITS}",
        '[[checkpoint]] "base": the name is given 2 times; rename all but one',
    ),
    "duplicate corpus": (
        f"{STUDY}{CORPUS}",
        '[[corpus]] "wiki": the name is given 2 times; rename all but one',
    ),
    "duplicate analysis": (
        f"{STUDY}{TUNED}{SIMILARITY}{SIMILARITY}",
        '[[similarity]] "f": the name is given 2 times; rename all but one',
    ),
    "seeds that share a name": (
        f"{STUDY}[[finetune]]\nname = 'd'\ntask = 'dep'\nbase = 'base'\nseeds = [0, 1]\n{SPLITS}",
        '[[finetune]] "d": 2 seeds share the name "d"; put {seed} into it',
    ),
    "no base to compare with": (
        f"{STUDY}{SIMILARITY}",
        '[[similarity]] "f": pairs = "base", but no checkpoint has a base; give one its base',
    ),
    "nothing to compare with": (
        f"{STUDY}{SIMILARITY}pairs = 'all'\n",
        '[[similarity]] "f": pairs = "all" with 1 checkpoint; two are needed',
    ),
    "no list of tables": (
        f'store = "s"\n{CORPUS}[checkpoint]\nname = "a"\n',
        "checkpoint is to be written as tables [[checkpoint]], not otherwise",
    ),
    "no tables in the list": (
        f'store = "s"\ncorpus = ["a", {{ name = "b" }}]\n{CHECKPOINT}',
        "corpus is to be written as tables [[corpus]], not otherwise",
    ),
}


@pytest.mark.parametrize(("text", "sentence"), CASES.values(), ids=CASES)
def test_one_problem_is_one_sentence(tmp_path, text, sentence):
    found = problems(tmp_path, text)
    assert sentence in found
    # one mistake may be seen from two sides, never from three
    assert len(found) <= 2


def test_all_problems_are_told_together(tmp_path):
    text = (
        f"sed = 1\n{STUDY}limit = 0\n{TUNED}{SIMILARITY}pairs = [['base', 'zzz']]\n[extract]\n"
        f"dtype = '${{NO}}'\n"
    )
    found = "\n".join(problems(tmp_path, text))
    for word in ('"sed"', "limit = 0", '"zzz"', "no NO;", "dtype ="):
        assert word in found
    assert len(found.splitlines()) == 5
